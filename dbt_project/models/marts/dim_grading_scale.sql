/* Grain: a grade of a scale for an analyte, as in the seed. */
select
    scale,
    cast(version as varchar) as version,
    analyte,
    cast(grade as varchar) as grade,
    label,
    cast(severity_rank as integer) as severity_rank,
    cast(lower as decimal(18, 6)) as lower,
    cast(lower_inclusive as boolean) as lower_inclusive,
    cast(upper as decimal(18, 6)) as upper,
    cast(upper_inclusive as boolean) as upper_inclusive,
    coalesce(lln_rule, '') as lln_rule,
    unit,
    source
from {{ ref('grading_scales') }}
