/*
Grain: a case definition in use, with a hash of its meaning: its parameters, the ANC rows of its severity scale, the fixed
windows (macros/windows.sql), and for anti-CD20 drugs and G-CSF the class, interval and whether they are injected at home.
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
),

drug_texts as (
    select
        {{ dbt.listagg(
            "concat_ws('|', drug, drug_class, coalesce(cast(interval_days as varchar), '-'), home_injected)",
            "';'", "order by drug") }} as drug_text
    from {{ ref('drugs') }}
    where drug_class in ('anti_cd20', 'gcsf')
)

select
    definitions.definition_id,
    definitions.label,
    definitions.severity_scale,
    {{ dbt.hash("concat_ws('|', definitions.onset_below, definitions.onset_inclusive, definitions.recovery_at,"
        ~ " definitions.max_gap_days, definitions.gcsf_days, definitions.attribution_days, definitions.late_days,"
        ~ " definitions.severity_scale, scale_texts.scale_text, drug_texts.drug_text, '" ~ fixed_windows_text() ~ "')") }}
        as content_hash
from {{ ref('int_case_definition') }} as definitions
cross join drug_texts
left join scale_texts on definitions.severity_scale = scale_texts.scale
