{%- set columns = 'definition_id, label, severity_scale, onset_below, onset_inclusive, recovery_at, max_gap_days, '
    ~ 'gcsf_days, attribution_days, late_days, source' %}
/*
Grain: a case definition in use: a shipped one or one from the study settings, which can replace and add definitions.
*/
with study_definitions as (
    select * from {{ source('config', 'case_definition') }}
),

shipped as (
    select seed.*
    from {{ ref('case_definitions') }} as seed
    left join study_definitions on seed.definition_id = study_definitions.definition_id
    where study_definitions.definition_id is null
),

in_force as (
    select {{ columns }} from shipped
    union all
    select {{ columns }} from study_definitions
)

select
    definition_id,
    label,
    severity_scale,
    cast(onset_below as decimal(18, 6)) as onset_below,
    cast(onset_inclusive as boolean) as onset_inclusive,
    cast(recovery_at as decimal(18, 6)) as recovery_at,
    cast(max_gap_days as integer) as max_gap_days,
    cast(gcsf_days as integer) as gcsf_days,
    cast(attribution_days as integer) as attribution_days,
    cast(late_days as integer) as late_days,
    source
from in_force
