/*
Grain: a delivered row that is not in use, with its one disposition and, of a quarantined one, the reasons. A row that is not
here is current: it came once and is sound, or it is the last word on its key. int_current_patient and so on have these.
Rules: the first disposition that holds, in the order below; the row of a key that decides is known from int_row_order. A row's dates are
held against birth and death of the patients that are now current.
is_contested: the row that decides, where an earlier row of the key was usable and now none is.
*/
with delivered as (
    select * from {{ ref('int_delivered_row') }}
),

-- Equal rows are quarantined alike, so which row of a patient decides does not depend on what is known of patients.
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
            -- a defect holds it back, whatever the other rows hold
            when judged.reasons is not null then 'quarantined'
            -- equals the row before it of the same key: changes nothing
            when judged.is_repeated then 'duplicate'
            -- a later row of the key decides, or the last snapshot or a later file of the day does not hold it
            when judged.key_order < judged.deciding_order or judged.is_withdrawn or judged.lost_by is not null
                then 'superseded'
            -- the last word on the key takes the record back
            when judged.is_cancelled then 'cancelled'
            -- sound, but of a test that the registry does not follow
            when not judged.is_mapped then 'not_mapped'
            else 'current'
        end as disposition,
        -- of equal rows that are quarantined alike, the last one
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
