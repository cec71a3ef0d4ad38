/*
Grain: a dose: patient, drug and day, with how it is known (dose_source) and its number among the drug's doses.
  recorded    an administration
  line_start  a line of an anti-CD20 drug with no recorded dose of it within 30 days after its start
  course      a day of a G-CSF course
  assumed     drugs injected at home: at the drug's interval after the line's last dose known as above, up to the
              earliest of the line's end, the day before the patient's next line of another anti-CD20 drug, and the
              last documented contact; none in a line whose end is unknown. They are used for attribution and time
              at risk, but do not prove that treatment continued.
*/
with anti_cd20_lines as (
    select * from {{ ref('int_treatment_line') }}
    where drug_class = 'anti_cd20'
),

home_lines as (
    select
        line.record_key,
        line.patient_no,
        line.drug,
        line.interval_days,
        line.start_date,
        line.end_date,
        follow_up.follow_up_end,
        min(other.start_date) as next_class_line_date
    from anti_cd20_lines as line
    inner join {{ ref('int_follow_up') }} as follow_up on line.patient_no = follow_up.patient_no
    left join anti_cd20_lines as other
        on line.patient_no = other.patient_no and line.drug <> other.drug and line.start_date < other.start_date
    where line.home_injected and not line.end_unknown
    group by
        line.record_key, line.patient_no, line.drug, line.interval_days, line.start_date, line.end_date,
        follow_up.follow_up_end
),

bounded_home_lines as (
    select
        *,
        least(
            follow_up_end,
            coalesce(end_date, follow_up_end),
            coalesce({{ add_days('next_class_line_date', -1) }}, follow_up_end)
        ) as assumed_to
    from home_lines
),

last_known_in_line as (
    select line.record_key, line.patient_no, line.drug, line.interval_days, line.assumed_to,
        max(known.administered_date) as last_known_date
    from bounded_home_lines as line
    inner join {{ ref('int_known_dose') }} as known
        on
            line.patient_no = known.patient_no
            and line.drug = known.drug
            and known.administered_date >= line.start_date
            and known.administered_date <= line.assumed_to
            -- the start of another line of the drug (a renewal) is not a dose of this line
            and (known.dose_source = 'recorded' or known.administered_date = line.start_date)
    group by line.record_key, line.patient_no, line.drug, line.interval_days, line.assumed_to
),

assumed as (
    select distinct
        line.patient_no,
        line.drug,
        {{ add_days('line.last_known_date', 'cast(numbers.number * line.interval_days as integer)') }} as administered_date
    from last_known_in_line as line
    inner join {{ ref('int_number') }} as numbers
        on numbers.number * line.interval_days <= {{ days_between('line.last_known_date', 'line.assumed_to') }}
),

every_dose as (
    select * from {{ ref('int_known_dose') }}
    union all
    select patient_no, drug, 'anti_cd20' as drug_class, administered_date, 'assumed' as dose_source, 3 as source_order
    from assumed
),

best_known as (
    select
        *,
        row_number() over (partition by patient_no, drug, administered_date order by source_order asc) as preference
    from every_dose
)

select
    patient_no,
    drug,
    drug_class,
    administered_date,
    dose_source,
    row_number() over (partition by patient_no, drug order by administered_date asc) as dose_number
from best_known
where preference = 1
