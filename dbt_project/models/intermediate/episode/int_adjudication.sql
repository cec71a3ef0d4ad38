{{ config(materialized='view') }}
{%- set is_numbered = matches('verdicts.reviewer_role', '.+ [1-9]') %}
/*
Grain: a current verdict of a chart review, with its reviewer.
A view, never stored: ordering two verdicts may need the text of the source key, and a role is free text.
Rule: a delivery does not name reviewers, only roles; two reviewers with the same role have different numbers after it
(neurologist 2). Only roles in the seed may be published as text; any other may be a name and is only compared.
*/
select
    verdicts.file_no,
    verdicts.record_number,
    verdicts.record_key,
    verdicts.patient_no,
    verdicts.adjudication_id,
    verdicts.onset_from,
    verdicts.onset_to,
    verdicts.verdict,
    verdicts.reviewed_date,
    case
        when {{ is_numbered }} then roles.role || substr(verdicts.reviewer_role, length(verdicts.reviewer_role) - 1)
        else roles.role
    end as reviewer_role,
    verdicts.reviewer_role as role_as_sent
from {{ ref('int_current_adjudication') }} as verdicts
left join {{ ref('reviewer_roles') }} as roles
    on roles.name = case
        when {{ is_numbered }} then substr(verdicts.reviewer_role, 1, length(verdicts.reviewer_role) - 2)
        else verdicts.reviewer_role
    end
