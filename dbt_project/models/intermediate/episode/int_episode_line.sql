/*
Grain: definition x patient x attributed episode, with the latest line of the attributed drug that started by the onset. On
ties an open line comes first, then the one that ends last, then one whose end is unknown.
*/
with ranked as (
    select
        episode.episode_id,
        line.record_key as line_key,
        line.start_date as line_start_date,
        line.end_date as line_end_date,
        line.end_unknown as line_end_unknown,
        row_number() over (
            partition by episode.episode_id
            order by
                line.start_date desc,
                case when line.end_unknown then 1 else 0 end asc,
                line.end_date desc nulls first,
                line.record_key asc
        ) as rank_of_line
    from {{ ref('int_episode_attributed') }} as episode
    inner join {{ ref('int_treatment_line') }} as line
        on
            episode.patient_no = line.patient_no
            and episode.attributed_drug = line.drug
            and line.start_date <= episode.onset_date
)

select episode_id, line_key, line_start_date, line_end_date, line_end_unknown
from ranked
where rank_of_line = 1
