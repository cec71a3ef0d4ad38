/* Grain: a case definition in use. */
select
    definitions.definition_id,
    definitions.label,
    definitions.definition_id = study.primary_definition as is_primary,
    definitions.severity_scale,
    definitions.onset_below,
    definitions.onset_inclusive,
    definitions.recovery_at,
    definitions.max_gap_days,
    definitions.gcsf_days,
    definitions.attribution_days,
    definitions.late_days,
    definitions.source
from {{ ref('int_case_definition') }} as definitions
cross join {{ source('config', 'study') }} as study
