/*
Grain: a case definition in force, with a hash of its meaning: its parameters and its severity scale's rows for the ANC.
*/
with scale_texts as (
    select
        scale,
        {{ dbt.listagg(
            "concat_ws('|', analyte, grade, severity_rank, coalesce(cast(lower as varchar), '-'), lower_inclusive,"
            ~ " coalesce(cast(upper as varchar), '-'), upper_inclusive, coalesce(lln_rule, '-'), unit)",
            "';'", "order by severity_rank") }} as scale_text
    from {{ ref('dim_grading_scale') }}
    where analyte = 'anc'
    group by scale
)

select
    definitions.definition_id,
    definitions.label,
    definitions.severity_scale,
    {{ dbt.hash("concat_ws('|', definitions.onset_below, definitions.onset_inclusive, definitions.recovery_at,"
        ~ " definitions.max_gap_days, definitions.gcsf_days, definitions.attribution_days, definitions.late_days,"
        ~ " definitions.severity_scale, scale_texts.scale_text)") }} as content_hash
from {{ ref('int_case_definition') }} as definitions
left join scale_texts on definitions.severity_scale = scale_texts.scale
