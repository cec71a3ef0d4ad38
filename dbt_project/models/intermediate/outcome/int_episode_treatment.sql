/*
Grain: definition x patient x attributed episode x treatment from the day of onset on: an anti-CD20 dose known in any way, or the
start of a line of any drug but G-CSF. A line of the attributed drug itself is left out: its doses count.
relation: what the treatment is to the drug that the episode is attributed to.
is_documented: assumed doses, and doses taken from a line, prove nothing.
treatment_number: the order of time. Of several treatments on one day anti-CD20 comes last, of these the alphabetically last.
What was done after an episode (int_treatment_action), what came before its recurrence (int_recurrence) and whether the drug
was given again (int_rechallenge) is read from these rows.
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
        -- the drug that the episode is attributed to, given again
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
