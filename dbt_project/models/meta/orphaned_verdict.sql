/*
Grain: a current verdict of a chart review that matches no episode: no onset of any definition is in its span of dates.
Late or corrected counts can move an onset out of the span, or remove the episode; the span may also be mistyped.
Rule: a span that reaches beyond the site's cut-off is not judged, because its episode may be in data that are not used.
*/
select
    patient.site,
    patient.patient_key,
    verdicts.onset_from,
    verdicts.onset_to,
    verdicts.verdict,
    verdicts.reviewed_date as reviewed_on,
    verdicts.reviewer_role,
    files.file_id as source_file,
    {{ record_in_file('verdicts.record_number', 'files.cells_per_record') }} as record_number
from {{ ref('int_adjudication') }} as verdicts
inner join {{ ref('int_patient') }} as patient on verdicts.patient_no = patient.patient_no
inner join {{ ref('int_site_cutoff') }} as cutoff on patient.site = cutoff.site
inner join {{ ref('stg_input_file') }} as files on verdicts.file_no = files.file_no
left join {{ ref('int_episode') }} as episode
    on
        verdicts.patient_no = episode.patient_no
        and episode.onset_date >= verdicts.onset_from
        and episode.onset_date <= verdicts.onset_to
where episode.patient_no is null and verdicts.onset_to <= cutoff.cutoff_date
