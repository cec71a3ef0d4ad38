/*
Grain: an ANC derived from its parts by the site's rule (int_derivation), where the differential has no measured one.
Rule: segs + bands come before WBC and percentages. If the first value is impossible, the other derivation is tried. If segs
and bands are from different draws it is not tried: WBC and percentage may be too, and whatever they give contradicts one
end of what segs + bands give.
*/
with usable as (
    select
        *,
        row_number() over (
            partition by patient_no, specimen_hash, exact_time, collected_date
            order by case derivation when 'segs_plus_bands' then 1 else 2 end asc
        ) as preference
    from {{ ref('int_derivation') }}
    where
        not has_measured_anc
        and is_site_rule
        and (no_anc_because = 'ambiguous_parts' or (no_anc_because is null and is_possible))
)

select
    patient_no,
    specimen_hash,
    exact_time,
    collected_date,
    derivation,
    cast(anc as decimal(18, 6)) as anc,
    collected_at,
    first_part_key,
    second_part_key,
    third_part_key
from usable
where preference = 1 and no_anc_because is null
