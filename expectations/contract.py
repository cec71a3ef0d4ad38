"""The tables that every release holds: their key and the columns that readers were promised.

The gate refuses a candidate that lacks one of them. A table may have more columns than stand here; a key is
what makes a row unique. Keep this in step with the output contract and the models' YAML, in the same commit.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedTable:
    """A published table, `schema.name`, with its key and its promised columns (the key's included)."""

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]


def _table(name: str, key: str, others: str = "") -> PublishedTable:
    keys = tuple(key.split())
    return PublishedTable(name, keys, keys + tuple(c for c in others.split() if c not in keys))


PUBLISHED: tuple[PublishedTable, ...] = (
    _table(
        "main.dim_patient",
        "patient_key",
        "site sex birth_year age_at_index ms_phenotype duffy_null first_drug index_date observation_end "
        "follow_up_end person_years in_cohort exclusion_reason no_baseline_anc",
    ),
    _table("main.dim_drug", "drug", "drug_class interval_days neutropenia_risk"),
    _table(
        "main.dim_grading_scale",
        "scale analyte grade",
        "version label severity_rank lower lower_inclusive upper upper_inclusive lln_rule unit source",
    ),
    _table(
        "main.dim_case_definition",
        "definition_id",
        "label is_primary severity_scale onset_below onset_inclusive recovery_at max_gap_days gcsf_days "
        "attribution_days late_days",
    ),
    _table(
        "main.fct_treatment",
        "treatment_key",
        "patient_key line_number drug drug_class start_date end_date end_unknown end_reason n_doses",
    ),
    _table("main.fct_dose", "patient_key drug administered_on", "drug_class dose_number dose_source"),
    _table(
        "main.fct_anc",
        "anc_key",
        "patient_key site collected_on collected_at anc_10e9_l operator derivation source_value source_flag "
        "source_unit lln_10e9_l severity ctcae_v5_grade ctcae_v6_grade daids_2_1_grade last_drug days_since_last_dose "
        "within_gcsf_window below_cutoff_but_within_reference_range",
    ),
    _table(
        "main.fct_lab_grade",
        "lab_key",
        "patient_key site analyte collected_on collected_at value_10e9_l operator lln_10e9_l unit_in_doubt "
        "ctcae_v5_grade ctcae_v6_grade daids_2_1_grade below_cutoff_but_within_reference_range",
    ),
    _table(
        "main.fct_neutropenia_episode",
        "episode_id",
        "definition_id patient_key site episode_number onset_date last_normal_date nadir_anc_10e9_l nadir_operator "
        "nadir_date severity ctcae_v5_grade end_date end_status duration_days n_measurements attributed_drug "
        "previous_drug last_dose_date days_since_last_dose dose_number dose_source onset_type gcsf_treated "
        "gcsf_first_date gcsf_doses n_gcsf_rebounds infection febrile hospitalised relapse_within_90d "
        "other_suspect_drugs treatment_action next_drug "
        "recurrence_number continuation_possible recurrence_context adjudication is_case_episode",
    ),
    _table(
        "main.mart_case_listing",
        "definition_id patient_key",
        "n_episodes worst_severity possibly_severe onset_type gcsf_treated recurred final_treatment_action next_drug",
    ),
    _table(
        "main.mart_incidence",
        "definition_id stratum_type stratum",
        "n_patients n_never_tested n_cases risk_pct risk_low risk_high risk_low_wilson risk_high_wilson person_years "
        "rate_per_100py rate_low rate_high rate_low_logwald rate_high_logwald n_episodes person_years_total "
        "episode_rate_per_100py anc_tests_per_py",
    ),
    _table(
        "main.mart_incidence_by_period",
        "definition_id stratum_type stratum period",
        "n_patients n_never_tested n_cases person_years rate_per_100py rate_low rate_high rate_low_logwald "
        "rate_high_logwald rate_ratio rate_ratio_low rate_ratio_high",
    ),
    _table("main.mart_cohort_summary", "measure stratum", "n denominator value"),
    _table(
        "main.mart_time_to_onset",
        "definition_id stratum_type stratum time_days",
        "n_patients n_never_tested at_risk events deaths survival ci_low ci_high cumulative_incidence cif_low cif_high",
    ),
    _table(
        "main.mart_duration",
        "definition_id measure stratum_type stratum",
        "n n_events median_days median_low median_high q1_days q3_days min_days max_days",
    ),
    _table(
        "main.mart_rechallenge",
        "episode_id",
        "definition_id patient_key site is_first_case_episode attributed_drug onset_date recovery_date "
        "treatment_action next_treatment next_drug next_treatment_date days_from_onset days_from_recovery "
        "last_treatment same_drug_date same_drug_recorded_date another_in_class_date out_of_class_date "
        "given_on_onset_day is_counted_in_recurrence recurred recurrence_date recurrence_drug "
        "recurrence_context follow_up_days follow_up_days_after_treatment last_count_at_risk_date",
    ),
    _table(
        "main.mart_recurrence",
        "definition_id stratum_type stratum treatment_after",
        "n_patients n_never_tested n_recurrent recurrence_pct recurrence_low recurrence_high median_follow_up_days",
    ),
    _table(
        "main.mart_reportable",
        "basis patient_key onset_date",
        "episode_id definition_id site nadir_date nadir_anc_10e9_l nadir_operator severity lab_key leukocytes_10e9_l "
        "leukocytes_operator possibly_severe is_case_episode outside_cohort_reason attributed_drug "
        "days_since_last_dose dose_number onset_type end_date",
    ),
    _table(
        "main.mart_new_cases",
        "basis patient_key onset_date",
        "episode_id definition_id site severity leukocytes_10e9_l leukocytes_operator possibly_severe is_case_episode "
        "outside_cohort_reason attributed_drug known_as is_first_release previous_release_id",
    ),
    _table("main.mart_attrition", "step", "n_in n_excluded reason n_out"),
    _table(
        "main.mart_sensitivity",
        "definition_id",
        "n_patients n_never_tested n_cases n_episodes n_recurrent risk_pct rate_per_100py",
    ),
    _table(
        "main.mart_sensitivity_analysis",
        "definition_id analysis stratum_type stratum",
        "n_patients n_never_tested n_cases n_episodes n_recurrent risk_pct person_years rate_per_100py",
    ),
    _table(
        "main.mart_monitoring",
        "patient_key",
        "last_dose_date last_drug last_anc_date days_since_anc last_anc_10e9_l last_severity anc_overdue open_episode "
        "days_since_last_dose in_late_window deceased unresolved_episode switched_to last_contact_date is_followed",
    ),
    _table(
        "main.mart_chart_review",
        "episode_id",
        "definition_id patient_key site onset_date review_status verdict n_reviews n_readers n_reviewer_roles "
        "reviewer_roles verdicts_agree reviewed_on",
    ),
    _table(
        "main.mart_review_agreement",
        "definition_id comparison first_reading second_reading",
        "n_episodes n_agreeing agreement_pct kappa kappa_low kappa_high",
    ),
    _table("meta.input_file", "file_id", "site delivery entity sha256 n_rows is_current is_retracted"),
    _table(
        "meta.reconciliation",
        "source_file",
        "site delivery entity rows_delivered rows_current rows_superseded rows_duplicate rows_quarantined "
        "rows_not_mapped rows_retracted rows_erased rows_cancelled rows_not_given",
    ),
    _table(
        "meta.lineage",
        "",
        "record_of anc_key record_key patient_key drug administered_on source_file record_number part part_value",
    ),
    _table(
        "meta.episode_trace",
        "episode_id step",
        "on_date rule is_nadir record_of anc_key record_key anc_10e9_l operator drug earlier_episode_id",
    ),
    _table("meta.quarantine_summary", "source_file reason", "site delivery entity n_rows"),
    _table("meta.column_defect", "source_file column_name reason", "site delivery entity n_cells"),
    _table("meta.unmapped_code", "site", "n_codes n_rows n_neutrophil_like_codes n_neutrophil_like_rows"),
    _table("meta.contested", "site entity record_key", "source_file record_number reasons"),
    _table(
        "meta.orphaned_verdict",
        "source_file record_number",
        "site patient_key onset_from onset_to verdict reviewed_on reviewer_role",
    ),
    _table(
        "meta.derivation_agreement",
        "site derivation with_bands",
        "is_site_rule n_draws n_impossible n_pairs median_difference_10e9_l median_ratio share_within_5_pct "
        "n_draws_with_bands n_closer ambiguous_parts unpaired_parts not_percentages zero_differential",
    ),
    _table(
        "meta.completeness",
        "site delivery entity",
        "files_received rows_received rows_expected rows_at_least share_pct status",
    ),
    _table("meta.staged_check", "entity rule", "n_rows n_broken"),
    _table("meta.definition", "definition_id", "label severity_scale content_hash"),
)
"""`meta.release` and `meta.check_result` are missing on purpose: they are written after the audit."""
