/*
Grain: definition x patient x attributed episode x treatment from the day of onset on: an anti-CD20 dose with any dose_source,
or the start of a line of any drug except G-CSF. Lines of the attributed drug are left out, because its doses count.
relation: how the treatment relates to the drug to which the episode is attributed.
is_documented: false for assumed doses and doses taken from a line, which prove nothing.
treatment_number: order in time. On one day, anti-CD20 drugs come last, in alphabetical order.
From these rows come what was done after an episode (int_treatment_action), what was given before its recurrence
(int_recurrence), and whether the drug was given again (int_rechallenge).
*/
with treatments as (
    select
        patient_no,
        drug,
        drug_class,
        administered_date as given_date,
        true as is_dose,
        dose_source = 'recorded' as is_documented
    from {{ ref('int_dose') }}
    where drug_class = 'anti_cd20'
    union all
    select distinct patient_no, drug, drug_class, start_date as given_date, false as is_dose, true as is_documented
    from {{ ref('int_treatment_line') }}
    where drug_class <> 'gcsf'
)

select
    episode.episode_id,
    treatments.given_date,
    treatments.drug,
    treatments.is_dose,
    treatments.is_documented,
    case
        -- the attributed drug again
        when treatments.drug = episode.attributed_drug then 'same_drug'
        -- another anti-CD20 antibody
        when treatments.drug_class = 'anti_cd20' then 'switch_in_class'
        -- any other disease-modifying drug
        else 'switch_out_of_class'
    end as relation,
    row_number() over (
        partition by episode.episode_id
        order by
            treatments.given_date asc,
            case when treatments.drug_class = 'anti_cd20' then 2 else 1 end asc,
            treatments.drug asc,
            treatments.is_dose asc
    ) as treatment_number
from {{ ref('int_episode_attributed') }} as episode
inner join treatments on episode.patient_no = treatments.patient_no and episode.onset_date <= treatments.given_date
where episode.attributed_drug is not null and (treatments.is_dose or treatments.drug <> episode.attributed_drug)
