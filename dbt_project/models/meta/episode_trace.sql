/*
Grain: an episode and one step of how it came about, in order: the counts that decided, the doses, and the rule that each
fired. What a count or dose rests on is in lineage. Values between a provisional recovery and the next low one count for
nothing and are no steps.
*/
with counts as (
    select
        episode.definition_id,
        episode.patient_no,
        episode.episode_number,
        measured.collected_on as on_date,
        2 as order_in_day,
        case
            when measured.collected_on = episode.onset_on then 'onset'
            when measured.is_recovered and measured.collected_on = episode.end_on then 'recovered'
            when measured.is_recovered then 'provisional_recovery'
            when measured.collected_on = measured.first_low_on then 'gcsf_rebound'
            when measured.is_low then 'low'
            else 'not_yet_recovered'
        end as rule,
        measured.collected_on = episode.nadir_on as is_nadir,
        measured.anc_record_key,
        measured.anc,
        measured.operator,
        cast(null as varchar) as drug
    from {{ ref('int_episode') }} as episode
    inner join {{ ref('int_stretch') }} as measured
        on
            episode.definition_id = measured.definition_id
            and episode.patient_no = measured.patient_no
            and measured.collected_on >= episode.onset_on
            and measured.collected_on <= episode.window_end_on
),

normal_before as (
    select
        episode.definition_id,
        episode.patient_no,
        episode.episode_number,
        anc_day.collected_on as on_date,
        2 as order_in_day,
        'last_normal' as rule,
        false as is_nadir,
        anc_day.anc_record_key,
        anc_day.anc,
        anc_day.operator,
        cast(null as varchar) as drug
    from {{ ref('int_episode') }} as episode
    inner join {{ ref('int_anc_day') }} as anc_day
        on
            episode.definition_id = anc_day.definition_id
            and episode.patient_no = anc_day.patient_no
            and episode.last_normal_on = anc_day.collected_on
),

doses as (
    select
        definition_id,
        patient_no,
        episode_number,
        last_dose_on as on_date,
        1 as order_in_day,
        'attributed_dose' as rule,
        attributed_drug as drug
    from {{ ref('int_episode_attributed') }}
    where attributed_drug is not null
    union all
    select
        definition_id,
        patient_no,
        episode_number,
        administered_on as on_date,
        3 as order_in_day,
        'gcsf' as rule,
        drug
    from {{ ref('int_episode_gcsf_dose') }}
),

open_ends as (
    select
        definition_id,
        patient_no,
        episode_number,
        window_end_on as on_date,
        4 as order_in_day,
        case when end_status = 'lost' then 'lost_after_this' else 'open_at_end_of_observation' end as rule,
        cast(null as varchar) as drug
    from {{ ref('int_episode') }}
    where end_status <> 'recovered'
),

steps as (
    select * from counts
    union all
    select * from normal_before
    union all
    select
        definition_id,
        patient_no,
        episode_number,
        on_date,
        order_in_day,
        rule,
        false as is_nadir,
        null as anc_record_key,
        null as anc,
        null as operator,
        drug
    from (
        select * from doses
        union all
        select * from open_ends
    ) as without_count
)

select
    episode.episode_id,
    cast(row_number() over (
        partition by episode.episode_id
        order by steps.on_date asc, steps.order_in_day asc, steps.rule asc, steps.drug asc nulls first
    ) as integer) as step,
    steps.on_date,
    steps.rule,
    steps.is_nadir,
    {{ key_text('steps.anc_record_key') }} as anc_key,
    steps.anc as anc_10e9_l,
    steps.operator,
    steps.drug
from steps
inner join {{ ref('int_observed_patient') }} as patient on steps.patient_no = patient.patient_no
inner join {{ ref('fct_neutropenia_episode') }} as episode
    on
        steps.definition_id = episode.definition_id
        and patient.patient_key = episode.patient_key
        and steps.episode_number = episode.episode_number
