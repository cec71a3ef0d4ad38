{# The measures of mart_cohort_summary, in display order: a name and the condition under which a patient or case counts. #}
{% macro patient_measures() -%}
    {%- set measures = [['patients', 'true'], ['female', "sex = 'F'"], ['male', "sex = 'M'"]] %}
    {%- for phenotype in ['RRMS', 'PPMS', 'SPMS', 'CIS'] %}
    {%- do measures.append(['phenotype_' ~ phenotype | lower, "ms_phenotype = '" ~ phenotype ~ "'"]) %}
    {%- endfor %}
    {{ return(measures + [
        ['phenotype_missing', 'ms_phenotype is null'],
        ['duffy_null', 'duffy_null'],
        ['duffy_missing', 'duffy_null is null'],
        ['no_baseline_anc', 'no_baseline_anc'],
        ['died', 'death_date is not null'],
        ['with_time_at_risk', 'days_at_risk > 0'],
        ['with_anc_at_risk', 'not is_never_tested'],
        ['never_tested', 'is_never_tested'],
    ]) }}
{%- endmacro %}

{% macro case_measures() -%}
    {%- set measures = [
        ['cases', 'true'],
        ['cases_severe', "worst_ctcae_v5_grade = '4'"],
        ['cases_moderate', "worst_severity = 'moderate' or worst_ctcae_v5_grade = '3'"],
        ['cases_late_onset', "onset_type = 'late'"],
        ['cases_early_onset', "onset_type = 'early'"],
        ['cases_gcsf_treated', 'gcsf_treated'],
        ['cases_with_infection', 'infection'],
        ['cases_hospitalised', 'hospitalised'],
        ['cases_recurrent', 'recurred'],
    ] %}
    {%- for action in ['continued', 'resumed', 'switched_in_class', 'switched_out_of_class', 'discontinued', 'pending'] %}
    {%- do measures.append(['cases_' ~ action, "final_treatment_action = '" ~ action ~ "'"]) %}
    {%- endfor %}
    {{ return(measures) }}
{%- endmacro %}

{# As above, each with its own denominator. #}
{% macro recurrence_measures() -%}
    {%- set stopped = "final_treatment_action = 'discontinued'" %}
    {{ return([
        ['recurrent_switched_to_ofatumumab', "recurred and next_drug = 'ofatumumab'", 'cases_recurrent'],
        ['recurrent_discontinued', 'recurred and ' ~ stopped, 'cases_recurrent'],
        ['not_recurrent_discontinued', 'not recurred and ' ~ stopped, 'cases - cases_recurrent'],
    ]) }}
{%- endmacro %}

{# For each median: the relation, its position in the display order, its name, and the column. #}
{% macro median_measures() -%}
    {{ return([
        ['patients', 21, 'median_age_at_index', 'age_at_index'],
        ['patients', 22, 'median_person_years', 'person_years'],
        ['cases', 63, 'median_days_from_dose_to_onset', 'days_since_last_dose'],
        ['cases', 64, 'median_nadir_10e9_l', 'nadir_anc_10e9_l'],
    ]) }}
{%- endmacro %}
