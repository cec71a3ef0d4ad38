"""One planted defect per clinical check: what has to be wrong in a release candidate for that check to fail.

`{case}` is the key of a patient with an episode, `{other}` of one without. The test that uses this also
holds it to be complete: a check that nobody has seen fail is not a check. Of the generic checks: generic_defects.py.
"""

from __future__ import annotations

from integration.defects_since_the_previous import SINCE_THE_PREVIOUS

from expectations.suites import staged

EPISODE = "UPDATE main.fct_neutropenia_episode SET"
ANC = "UPDATE main.fct_anc SET"
AGREEMENT = "UPDATE meta.derivation_agreement SET"
MONTHS = "UPDATE meta.completeness SET"
LAB = "UPDATE main.fct_lab_grade SET"
OF_OTHER = "WHERE patient_key = '{other}'"
OF_CASE = "WHERE patient_key = '{case}'"
NEW_CASE = (
    "INSERT INTO main.mart_new_cases BY NAME SELECT basis, episode_id, definition_id, patient_key, site, onset_date, "
    "is_case_episode, 'unknown' AS known_as, false AS is_first_release, 'before' AS previous_release_id FROM"
)
REPORTABLE = "INSERT INTO main.mart_reportable BY NAME SELECT"
LEUKOCYTES = (
    "'leukocytes' AS basis, 'udine_2025' AS definition_id, patient_key, site, collected_on AS onset_date, lab_key, "
    "value_10e9_l AS leukocytes_10e9_l, true AS possibly_severe, false AS is_case_episode FROM main.fct_lab_grade "
    "WHERE patient_key = '{other}' AND analyte = 'wbc' AND collected_on = DATE '2023-07-06'"
)

PLANTED: dict[str, str] = {
    # shape
    "no_identifying_column": "ALTER TABLE main.fct_anc ADD COLUMN Specimen_ID VARCHAR",
    "patient_key_is_a_pseudonym": f"UPDATE main.dim_patient SET patient_key = 'MRN-1' {OF_OTHER}",
    # patients
    "patient_cohort_or_reason": f"UPDATE main.dim_patient SET in_cohort = false {OF_OTHER}",
    "patient_cohort_is_described": f"UPDATE main.dim_patient SET sex = NULL {OF_OTHER}",
    "patient_index_is_first_dose": f"UPDATE main.dim_patient SET index_date = index_date + 1 {OF_OTHER}",
    "patient_born_before_index": f"UPDATE main.dim_patient SET birth_year = 2024 {OF_OTHER}",
    "patient_age_plausible": f"UPDATE main.dim_patient SET age_at_index = 123 {OF_OTHER}",
    "patient_observed_within_deliveries": f"UPDATE main.dim_patient SET observation_end = DATE '2024-04-01' {OF_OTHER}",
    # treatment
    "treatment_within_observation": f"UPDATE main.fct_treatment SET end_date = DATE '2024-04-01' {OF_OTHER}",
    "treatment_end_unknown": f"UPDATE main.fct_treatment SET end_unknown = true {OF_OTHER}",
    "treatment_end_unknown_has_no_date": "UPDATE main.fct_treatment SET end_unknown = true, "
    f"end_date = DATE '2024-01-01' {OF_OTHER}",
    "treatment_class_agrees": f"UPDATE main.fct_treatment SET drug_class = 'other' {OF_OTHER}",
    "dose_within_observation": f"UPDATE main.fct_dose SET administered_on = DATE '1950-01-01' {OF_OTHER}",
    "dose_assumed_only_of_anti_cd20": "INSERT INTO main.fct_dose VALUES "
    "('{other}', 'filgrastim', 'gcsf', DATE '2023-06-01', 1, 'assumed')",
    "dose_numbers_count_up": f"UPDATE main.fct_dose SET dose_number = 4 {OF_OTHER} AND dose_number = 3",
    "dose_class_agrees": f"UPDATE main.fct_dose SET drug_class = 'gcsf' {OF_OTHER}",
    # ANC
    "anc_possible": f"{ANC} anc_10e9_l = 3200 {OF_OTHER}",
    "anc_of_whole_cells": f"{ANC} anc_10e9_l = 0.0345, severity = 'severe', ctcae_v5_grade = '4', "
    f"ctcae_v6_grade = '4', daids_2_1_grade = '4' {OF_OTHER}",
    "anc_plausible": f"{ANC} anc_10e9_l = 32 {OF_OTHER}",
    "anc_lower_limit_plausible": f"{ANC} lln_10e9_l = 2000 {OF_OTHER}",
    "anc_within_observation": f"{ANC} collected_on = DATE '2024-04-01' {OF_OTHER}",
    "anc_derived_is_exact": f"{ANC} derivation = 'derived_wbc_pct', operator = '>' {OF_OTHER}",
    "anc_last_dose_before_sample": f"{ANC} days_since_last_dose = -1 {OF_OTHER}",
    "anc_severity_agrees_with_scale": f"{ANC} severity = 'moderate' {OF_CASE} AND severity = 'severe'",
    "anc_ctcae_v5_agrees_with_scale": f"{ANC} ctcae_v5_grade = NULL {OF_CASE} AND ctcae_v5_grade = '4'",
    "anc_ctcae_v6_agrees_with_scale": f"{ANC} ctcae_v6_grade = '4' {OF_CASE} AND ctcae_v6_grade = '3'",
    "anc_daids_2_1_agrees_with_scale": f"{ANC} daids_2_1_grade = '0' {OF_CASE} AND daids_2_1_grade = '4'",
    "anc_reference_range_flag_agrees": f"{ANC} below_cutoff_but_within_reference_range = true {OF_OTHER}",
    # other counts
    "lab_value_possible": f"{LAB} value_10e9_l = 1000.000001 {OF_OTHER}",
    "lab_value_of_whole_cells": f"{LAB} value_10e9_l = 0.0345 WHERE value_10e9_l = 0.15",
    "lab_value_plausible": f"{LAB} value_10e9_l = 4 {OF_OTHER} AND analyte = 'platelets'",
    "lab_lower_limit_plausible": f"{LAB} lln_10e9_l = 150 {OF_OTHER} AND analyte = 'lymphocytes'",
    "lab_unit_in_doubt": f"{LAB} unit_in_doubt = true {OF_OTHER}",
    "lab_unit_in_doubt_has_no_grade": f"{LAB} value_10e9_l = 0.25 {OF_OTHER} AND analyte = 'platelets'",
    "lab_within_observation": f"{LAB} collected_on = DATE '2024-04-01' {OF_OTHER}",
    "lab_ctcae_v5_agrees_with_scale": f"{LAB} ctcae_v5_grade = '0' {OF_CASE} AND ctcae_v5_grade = '4'",
    "lab_ctcae_v6_agrees_with_scale": f"{LAB} ctcae_v6_grade = '0' {OF_CASE} AND analyte = 'lymphocytes'",
    "lab_daids_2_1_agrees_with_scale": f"{LAB} daids_2_1_grade = NULL {OF_OTHER}",
    "lab_reference_range_flag_agrees": f"{LAB} below_cutoff_but_within_reference_range = NULL {OF_OTHER}",
    # episodes
    "episode_within_observation": f"{EPISODE} end_date = DATE '2024-04-01' {OF_CASE}",
    "episode_end_fits_its_status": f"{EPISODE} duration_days = -1 {OF_CASE}",
    "episode_onset_after_normal": f"{EPISODE} last_normal_date = onset_date {OF_CASE}",
    "episodes_do_not_overlap": "INSERT INTO main.fct_neutropenia_episode SELECT * REPLACE "
    "(md5(episode_id) AS episode_id, onset_date + 7 AS onset_date) FROM main.fct_neutropenia_episode",
    "episode_nadir_is_low": f"{EPISODE} nadir_anc_10e9_l = 1.5 {OF_CASE}",
    "episode_nadir_is_a_result": f"{EPISODE} nadir_anc_10e9_l = 0.29 {OF_CASE}",
    "episode_severity_agrees_with_scale": f"{EPISODE} severity = 'moderate' {OF_CASE}",
    # attribution
    "episode_last_dose_before_onset": f"{EPISODE} last_dose_date = onset_date, days_since_last_dose = 0 {OF_CASE}",
    "episode_last_dose_known": f"{EPISODE} dose_number = 7 {OF_CASE}",
    "episode_unattributed_is_empty": f"{EPISODE} attributed_drug = NULL {OF_CASE}",
    "episode_onset_type_fits_days": f"{EPISODE} onset_type = 'early' {OF_CASE}",
    "episode_next_drug_fits_action": f"{EPISODE} treatment_action = 'switched_in_class' {OF_CASE}",
    "episode_gcsf_is_consistent": f"{EPISODE} gcsf_treated = true {OF_CASE}",
    "episode_suspects_were_given": f"{EPISODE} other_suspect_drugs = 'cladribine' {OF_CASE}",
    "episode_case_is_attributed": f"{EPISODE} adjudication = 'lab_error' {OF_CASE}",
    # marts
    "cases_agree_everywhere": f"DELETE FROM main.mart_case_listing {OF_CASE}",
    "case_listing_is_the_cases": f"UPDATE main.mart_case_listing SET patient_key = '{{other}}' {OF_CASE}",
    "sensitivity_agrees_with_incidence": "UPDATE main.mart_sensitivity SET rate_per_100py = rate_per_100py * 1.001",
    "incidence_strata_add_up": "UPDATE main.mart_incidence SET person_years = person_years - 0.001 "
    "WHERE stratum = 'rituximab'",
    "incidence_arithmetic_holds": "UPDATE main.mart_incidence SET risk_pct = risk_pct / 100",
    "incidence_intervals_hold_estimates": "UPDATE main.mart_incidence SET risk_low = risk_pct + 1",
    "incidence_periods_add_up": "UPDATE main.mart_incidence_by_period SET n_cases = n_cases + 1 "
    "WHERE stratum = 'udine'",
    "incidence_period_rates_hold": "UPDATE main.mart_incidence_by_period SET rate_high = 0.9 * rate_per_100py "
    "WHERE stratum = 'udine'",
    "cohort_agrees_with_incidence": f"UPDATE main.dim_patient SET person_years = 0 {OF_OTHER}",
    "definition_one_is_primary": "UPDATE main.dim_case_definition SET is_primary = true",
    "never_tested_have_no_estimate": "UPDATE main.mart_incidence_by_period SET n_never_tested = n_patients "
    "WHERE stratum = 'trieste'",
    "never_tested_are_counted": "UPDATE main.mart_incidence SET n_never_tested = 1 WHERE stratum = 'trieste'",
    "stratum_never_tested": "UPDATE main.mart_incidence SET n_never_tested = n_patients WHERE stratum = 'trieste'",
    "site_without_counts": "DELETE FROM main.fct_anc WHERE site = 'trieste'",
    "incidence_drug_known": "UPDATE main.mart_incidence SET stratum = 'filgrastim' WHERE stratum = 'rituximab'",
    "attrition_adds_up": "UPDATE main.mart_attrition SET n_excluded = 1 WHERE step = 2",
    "attrition_ends_in_the_cohort": "UPDATE main.mart_attrition SET n_in = n_in + 1, n_out = n_out + 1",
    "attrition_reasons_agree": f"UPDATE main.dim_patient SET exclusion_reason = 'never_treated' {OF_OTHER}",
    "time_to_onset_is_a_survival_curve": "UPDATE main.mart_time_to_onset SET survival = 1.2",
    "time_to_onset_counts_the_cases": "UPDATE main.mart_time_to_onset SET events = events - 1",
    # the course of the cases
    "rechallenge_is_of_case_episodes": f"DELETE FROM main.mart_rechallenge {OF_CASE}",
    "rechallenge_follows_the_treatment_action": "UPDATE main.mart_rechallenge SET next_treatment = 'another_in_class' "
    f"{OF_CASE}",
    "rechallenge_recurrence_is_an_episode": "UPDATE main.mart_rechallenge SET recurred = true, "
    f"recurrence_date = DATE '2024-01-01' {OF_CASE}",
    "rechallenge_last_treatment_fits": f"UPDATE main.mart_rechallenge SET same_drug_date = onset_date - 1 {OF_CASE}",
    "rechallenge_recurrence_counts_where_it_happened": "UPDATE main.mart_rechallenge "
    f"SET is_counted_in_recurrence = false {OF_CASE}",
    "recurrence_counts_agree": "UPDATE main.mart_recurrence SET n_patients = n_patients + 1",
    "recurrence_intervals_hold_estimates": "UPDATE main.mart_recurrence SET recurrence_low = 1",
    "duration_counts_agree": "UPDATE main.mart_duration SET n_events = n - 1 WHERE measure = 'onset_to_recovery'",
    "duration_quartiles_in_order": "UPDATE main.mart_duration SET q1_days = median_days + 1",
    "duration_agrees_with_summary": "UPDATE main.mart_duration SET median_days = median_days + 1, "
    "q3_days = q3_days + 1, max_days = max_days + 1",
    # new cases
    "reportable_episodes_are_the_severe_ones": f"DELETE FROM main.mart_reportable {OF_CASE}",
    "reportable_outside_the_cohort_have_a_reason": "UPDATE main.mart_reportable SET outside_cohort_reason = "
    f"'missing_demographics' {OF_CASE}",
    "reportable_leukocytes_are_below_severe": f"{REPORTABLE} {LEUKOCYTES}",
    "new_cases_are_reportable": f"{NEW_CASE} (SELECT * REPLACE (onset_date + 1 AS "
    f"onset_date, 'another' AS episode_id) FROM main.mart_reportable {OF_CASE})",
    "monitoring_flags_fit": f"UPDATE main.mart_monitoring SET deceased = true {OF_OTHER}",
    # chart review
    "review_agrees_with_episodes": f"{EPISODE} is_case_episode = false {OF_CASE}",
    "review_status_fits_verdicts": f"UPDATE main.mart_chart_review SET n_reviews = 1 {OF_CASE}",
    "adjudication_matches_an_episode": "INSERT INTO meta.orphaned_verdict SELECT 'udine', '{case}', DATE '2024-01-01', "
    "DATE '2024-01-02', 'confirmed', NULL, NULL, '0123456789abcdef', 1",
    "agreement_is_possible": "UPDATE main.mart_review_agreement SET n_agreeing = 1",
    "agreement_agrees_with_reviews": "UPDATE main.mart_review_agreement SET n_episodes = 1, agreement_pct = 0",
    "sensitivity_main_is_the_incidence": "UPDATE main.mart_sensitivity_analysis SET n_patients = n_patients + 1",
    "sensitivity_drugs_add_up": "UPDATE main.mart_sensitivity_analysis SET n_cases = n_cases + 1 "
    "WHERE analysis = 'without_duffy_null' AND stratum_type = 'drug'",
    "sensitivity_drug_before_moves_nothing_overall": "UPDATE main.mart_sensitivity_analysis "
    "SET n_patients = n_patients - 1 WHERE analysis = 'late_effects_to_drug_before'",
    # accounts
    "reconciliation_adds_up": "UPDATE meta.reconciliation SET rows_current = rows_current - 1 "
    "WHERE delivery = '2023-05'",
    "reconciliation_covers_every_file": "DELETE FROM meta.reconciliation WHERE delivery = '2023-05'",
    "reconciliation_file_known": "UPDATE meta.input_file SET is_current = false WHERE delivery = '2023-05'",
    "retracted_files_count_nowhere": "UPDATE meta.reconciliation SET rows_retracted = 1, "
    "rows_current = rows_current - 1 WHERE delivery = '2023-05'",
    "input_file_is_identified": "UPDATE meta.input_file SET file_id = 'labs.csv' WHERE delivery = '2023-05'",
    "anc_has_lineage": f"DELETE FROM meta.lineage {OF_OTHER} AND record_of = 'anc'",
    "dose_has_lineage": f"DELETE FROM meta.lineage {OF_OTHER} AND record_of = 'dose'",
    "line_has_lineage": f"DELETE FROM meta.lineage {OF_OTHER} AND record_of = 'line'",
    "trace_rule_values": "UPDATE meta.episode_trace SET rule = 'felt_low' WHERE rule = 'attributed_dose'",
    "trace_step_has_lineage": "UPDATE meta.episode_trace SET record_of = 'event' WHERE rule = 'onset'",
    "trace_agrees_with_the_episode": "UPDATE meta.episode_trace SET on_date = on_date + 1 WHERE rule = 'onset'",
    "lineage_record_exists": f"UPDATE meta.lineage SET record_number = 100000 {OF_OTHER}",
    # derived against measured
    "derivation_agreement_adds_up": f"{AGREEMENT} n_impossible = 51 WHERE site = 'trieste'",
    "derived_anc_is_counted": f"{ANC} derivation = 'derived_wbc_pct' WHERE site = 'trieste'",
    "derived_anc_agrees_with_measured": f"{AGREEMENT} median_ratio = 100 WHERE site = 'trieste'",
    "bands_are_read_right": f"{AGREEMENT} n_closer = 32 WHERE site = 'trieste' AND NOT is_site_rule",
    "derived_anc_is_possible": f"{AGREEMENT} n_impossible = 2 WHERE site = 'trieste'",
    "parts_are_of_one_draw": f"{AGREEMENT} ambiguous_parts = 1 WHERE site = 'trieste'",
    "parts_are_paired": f"{AGREEMENT} unpaired_parts = 1 WHERE site = 'trieste'",
    "percentages_are_percentages": f"{AGREEMENT} not_percentages = 1 WHERE site = 'trieste'",
    "differentials_were_counted": f"{AGREEMENT} zero_differential = 1 WHERE site = 'trieste'",
    # the rows behind the published tables
    "staged_rules_all_counted": "DELETE FROM meta.staged_check WHERE rule = 'value_in_bounds'",
    **{
        f"staged_{rule}": f"UPDATE meta.staged_check SET n_broken = 1 WHERE rule = '{rule}'"
        for rule in sorted({rule for _, rule in staged.EXPECTED})
    },
    # what was delivered and can't be used
    "demographics_emptied": "INSERT INTO meta.column_defect SELECT site, delivery, 'patients', file_id, 'sex', "
    "'invalid_code', 3 FROM meta.input_file WHERE site = 'trieste' AND delivery = '2023-01'",
    "dose_amounts_read": "INSERT INTO meta.column_defect SELECT site, delivery, 'administrations', file_id, 'dose', "
    "'non_numeric_value', 1 FROM meta.input_file WHERE site = 'trieste' AND delivery = '2023-01'",
    "neutrophil_codes_mapped": "UPDATE meta.unmapped_code SET n_neutrophil_like_codes = 1, n_neutrophil_like_rows = 20 "
    "WHERE site = 'trieste'",
    "delivery_month_in_the_future": "UPDATE meta.input_file SET delivery = '2099-01' WHERE delivery = '2024-03'",
    "delivery_in_its_place": "INSERT INTO meta.quarantine_summary SELECT site, delivery, entity, file_id, "
    "'date_after_delivery', n_rows, n_rows FROM meta.input_file WHERE site = 'trieste' AND delivery = '2023-01'",
    # completeness
    "completeness_covers_every_file": f"{MONTHS} rows_received = rows_received - 1 WHERE delivery = '2023-05'",
    "completeness_reaches_latest_month": "DELETE FROM meta.completeness WHERE site = 'trieste' "
    "AND delivery = '2024-03'",
    "site_silent_in_latest_month": f"{MONTHS} status = 'no_delivery' WHERE site = 'trieste' AND delivery = '2024-03'",
    "entity_missing_or_low": f"{MONTHS} status = 'low' WHERE site = 'trieste' AND delivery = '2024-03'",
    # against the previous release
    "new_cases_are_those_not_published_before": f"{NEW_CASE} main.mart_reportable {OF_CASE}",
    "new_cases_outside_are_those_not_listed_before": f"{NEW_CASE} (SELECT * REPLACE "
    f"(false AS is_case_episode) FROM main.mart_reportable {OF_CASE})",
    **SINCE_THE_PREVIOUS,
}
