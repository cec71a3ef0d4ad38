/*
Grain: definition x patient x episode x G-CSF dose given for it.
Rule: doses from onset to recovery, or to 30 days after onset if there is no recovery.
*/
select
    episode.episode_id,
    dose.drug,
    dose.administered_date
from {{ ref('int_episode') }} as episode
inner join {{ ref('int_dose') }} as dose
    on
        episode.patient_no = dose.patient_no
        and dose.drug_class = 'gcsf'
        and dose.administered_date >= episode.onset_date
        and (
            (episode.end_status = 'recovered' and dose.administered_date <= episode.end_date)
            or (
                episode.end_status <> 'recovered'
                and {{ days_between('episode.onset_date', 'dose.administered_date') }}
                <= {{ fixed_windows().gcsf_days_unrecovered }}
            )
        )
