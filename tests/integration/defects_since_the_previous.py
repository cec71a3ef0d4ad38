"""Planted defects that only a comparison with the previous release shows: what is gone, or has changed."""

from __future__ import annotations

TRIESTE_JULY = "site = 'trieste' AND collected_on = DATE '2023-07-06'"

SINCE_THE_PREVIOUS: dict[str, str] = {
    # whole tables
    "delivery_month_lost": "DELETE FROM meta.input_file WHERE site = 'trieste' AND delivery = '2023-02'",
    "patients_halved": "DELETE FROM main.dim_patient WHERE patient_key < '9'",
    "doses_halved": "DELETE FROM main.fct_dose WHERE dose_number > 1",
    "treatments_halved": "DELETE FROM main.fct_treatment WHERE patient_key < '9'",
    "anc_halved": "DELETE FROM main.fct_anc WHERE collected_on < DATE '2023-10-01'",
    "lab_grades_halved": "DELETE FROM main.fct_lab_grade WHERE collected_on < DATE '2023-10-01'",
    "site_median_anc_moved": "UPDATE main.fct_anc SET anc_10e9_l = anc_10e9_l * 0.1 WHERE site = 'trieste' "
    "AND collected_on >= DATE '2024-02-01'",
    # the cohort of a site
    "patients_left_cohort_for_a_cell": "UPDATE main.dim_patient SET in_cohort = false, sex = NULL, "
    "exclusion_reason = 'missing_demographics' WHERE patient_key = '{other}'",
    "site_cohort_shrunk": "UPDATE main.dim_patient SET in_cohort = false WHERE site = 'trieste'",
    # a month of one site, a delivery, a case
    "site_anc_month_emptied": f"DELETE FROM main.fct_anc WHERE {TRIESTE_JULY}",
    "site_anc_month_shrunk": f"DELETE FROM main.fct_anc WHERE {TRIESTE_JULY} AND anc_key IN "
    f"(SELECT anc_key FROM main.fct_anc WHERE {TRIESTE_JULY} ORDER BY anc_key LIMIT 7)",
    "site_lab_month_shrunk": f"DELETE FROM main.fct_lab_grade WHERE {TRIESTE_JULY}",
    "site_dose_month_shrunk": "DELETE FROM main.fct_dose WHERE dose_number = 3 AND patient_key IN "
    "(SELECT patient_key FROM main.dim_patient WHERE site = 'trieste')",
    "delivery_shrunk": "UPDATE meta.reconciliation SET rows_quarantined = rows_current, rows_current = 0 "
    "WHERE site = 'trieste' AND delivery = '2023-05'",
    "case_episodes_lost": "UPDATE main.fct_neutropenia_episode SET attributed_drug = NULL, is_case_episode = false "
    "WHERE patient_key = '{case}' AND definition_id = 'udine_2025'",
}
