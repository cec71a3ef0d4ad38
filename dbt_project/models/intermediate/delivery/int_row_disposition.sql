/*
Grain: a delivered row that is not in use, with its one disposition and, if it is quarantined, the reasons. All other rows are
current: they came once and are valid, or are the last row of their key that counts (int_current_patient and so on).
Rules: the first disposition below that applies. int_row_order says which row of a key decides. A row's dates are compared
with birth and death in the patients rows that are now current.
is_contested: this row decides, and an earlier row of the key was usable but now none is.
*/
with delivered as (
    select * from {{ ref('int_delivered_row') }}
),

-- Equal rows are quarantined alike, so which row of a patient decides does not depend on what is known about patients.
known_patients as (
    select r.patient_no, r.first_date as birth_date, r.last_date as death_date
    from delivered as r
    inner join {{ ref('stg_input_file') }} as files on r.file_no = files.file_no
    left join {{ ref('int_row_order') }} as o on r.file_no = o.file_no and r.record_number = o.record_number
    where
        files.entity = 'patients' and r.reasons is null and not r.is_cancelled
        and (o.key_order is null or (o.key_order = o.deciding_order and not o.is_withdrawn and not o.is_disputed))
),

judged as (
    select
        r.file_no,
        r.record_number,
        r.record_key,
        r.is_cancelled,
        r.is_mapped,
        o.key_order,
        o.last_order,
        o.deciding_order,
        o.is_repeated,
        o.is_withdrawn,
        o.lost_by,
        r.names_patient and (
            p.patient_no is null or coalesce(r.last_date < p.birth_date, false) or coalesce(r.first_date > p.death_date, false)
        ) as is_at_odds_with_patient,
        nullif(concat_ws(
            ',',
            r.reasons,
            case when r.names_patient and p.patient_no is null then 'unknown_patient' end,
            case when r.names_patient and r.last_date < p.birth_date then 'date_before_birth' end,
            case when r.names_patient and r.first_date > p.death_date then 'date_after_death' end,
            case when o.is_disputed then 'conflicting_duplicate' end
        ), '') as reasons
    from delivered as r
    left join known_patients as p on r.patient_no = p.patient_no
    left join {{ ref('int_row_order') }} as o on r.file_no = o.file_no and r.record_number = o.record_number
),

first_usable as (
    select record_key, min(key_order) as key_order
    from judged
    where key_order is not null and reasons is null and is_mapped and not is_cancelled
    group by record_key
),

disposed as (
    select
        judged.*,
        case
            -- it has a defect, whatever the other rows contain
            when judged.reasons is not null then 'quarantined'
            -- it equals the previous row of the key and changes nothing
            when judged.is_repeated then 'duplicate'
            -- a later row of the key decides, or the last snapshot or a later file of the day does not contain it
            when judged.key_order < judged.deciding_order or judged.is_withdrawn or judged.lost_by is not null
                then 'superseded'
            -- the last row of the key cancels the record
            when judged.is_cancelled then 'cancelled'
            -- valid, but from a test that the registry does not follow
            when not judged.is_mapped then 'not_mapped'
            else 'current'
        end as disposition,
        -- among equal rows that are quarantined alike, the last one
        judged.key_order = case when judged.is_at_odds_with_patient then judged.last_order else judged.deciding_order end
        and not judged.is_withdrawn as is_deciding,
        coalesce(first_usable.key_order < judged.key_order, false) as had_usable_form
    from judged
    left join first_usable on judged.record_key = first_usable.record_key
)

select
    files.entity,
    disposed.file_no,
    disposed.record_number,
    disposed.record_key,
    disposed.disposition,
    disposed.reasons,
    disposed.lost_by,
    coalesce(disposed.is_deciding and (
        (disposed.had_usable_form and (disposed.reasons is not null or (not disposed.is_mapped and not disposed.is_cancelled)))
        or (disposed.lost_by is not null and disposed.reasons is null and disposed.is_mapped and not disposed.is_cancelled)
    ), false) as is_contested
from disposed
inner join {{ ref('stg_input_file') }} as files on disposed.file_no = files.file_no
where disposed.disposition <> 'current'
