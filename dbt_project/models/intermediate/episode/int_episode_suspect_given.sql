/*
Grain: definition x patient x episode x dose or line of another drug that lowers neutrophils, given before its onset.
Rules: drugs with a neutropenia risk (a flag in the drug seed), except anti-CD20 antibodies and G-CSF, given within 90 days
before onset: a recorded dose 0 to 90 days before it (the day of onset included), or a line that began by the onset and was
not over 90 days before it (start <= onset, and open or end >= onset - 90). A line with an unknown end counts only on its
start day: it has ended, and no later day is documented.
*/
with suspects as (
    select drug
    from {{ ref('drugs') }}
    where neutropenia_risk and drug_class not in ('anti_cd20', 'gcsf')
),

given as (
    select
        patient_no,
        drug,
        'dose' as record_of,
        null as record_key,
        administered_date as first_date,
        administered_date as last_date
    from {{ ref('int_recorded_dose') }}
    union all
    select patient_no, drug, 'line' as record_of, record_key, start_date as first_date,
        case when end_unknown then start_date else end_date end as last_date
    from {{ ref('int_treatment_line') }}
)

select
    episode.episode_id,
    given.drug,
    given.record_of,
    given.record_key,
    given.first_date
from {{ ref('int_episode') }} as episode
inner join given
    on
        episode.patient_no = given.patient_no
        and given.first_date <= episode.onset_date
        and (
            given.last_date is null
            or {{ days_between('given.last_date', 'episode.onset_date') }} <= {{ fixed_windows().suspect_days }}
        )
inner join suspects on given.drug = suspects.drug
