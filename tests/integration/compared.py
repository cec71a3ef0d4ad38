"""What the warehouse and the reference are compared in: tables, columns and rows.

The comparison (test_against_reference.py) and the check that it would notice a change in the SQL (tests/mutation) read
the same list, so that no rule counts as tested whose result nobody compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

EPISODE = (
    "definition_id onset_date episode_number last_normal_date nadir_anc_10e9_l nadir_operator nadir_date severity "
    "ctcae_v5_grade end_date end_status duration_days n_measurements attributed_drug previous_drug last_dose_date "
    "days_since_last_dose dose_number dose_source onset_type gcsf_treated gcsf_first_date gcsf_doses n_gcsf_rebounds "
    "infection febrile hospitalised relapse_within_90d other_suspect_drugs treatment_action next_drug "
    "recurrence_number continuation_possible recurrence_context adjudication is_case_episode"
).split()
TREATMENT = "drug drug_class start_date end_date end_unknown end_reason n_doses".split()
DOSE = "drug drug_class administered_on dose_number dose_source".split()
ANC = (
    "collected_on collected_at anc_10e9_l operator derivation lln_10e9_l severity ctcae_v5_grade ctcae_v6_grade "
    "daids_2_1_grade last_drug days_since_last_dose within_gcsf_window below_cutoff_but_within_reference_range"
).split()
LAB = (
    "analyte collected_on collected_at value_10e9_l operator lln_10e9_l unit_in_doubt ctcae_v5_grade ctcae_v6_grade "
    "daids_2_1_grade below_cutoff_but_within_reference_range"
).split()
PATIENT = (
    "sex birth_year age_at_index ms_phenotype duffy_null first_drug index_date observation_end death_date "
    "follow_up_end days_at_risk in_cohort exclusion_reason no_baseline_anc"
).split()
RISK = (
    "definition_id drug days_at_risk days_at_risk_first_year days_at_risk_total n_anc_tests n_anc_tests_first_year "
    "n_anc_tests_total"
).split()
MEMBER = (
    "definition_id first_drug index_date follow_up_end has_died first_case_onset is_case_of_first_year first_case_drug"
).split()
CASE = (
    "definition_id drug first_onset_date n_episodes worst_severity worst_ctcae_v5_grade possibly_severe "
    "nadir_anc_10e9_l nadir_operator onset_type days_since_last_dose gcsf_treated infection hospitalised recurred "
    "final_treatment_action next_drug"
).split()
RECHALLENGE = (
    "definition_id episode_number onset_date recovery_date attributed_drug treatment_action continuation_possible "
    "is_first_case_episode is_counted_in_recurrence next_treatment next_drug next_treatment_date days_from_onset "
    "days_from_recovery last_treatment same_drug_date same_drug_recorded_date another_in_class_date out_of_class_date "
    "given_on_onset_day recurred recurrence_date days_to_recurrence recurrence_drug recurrence_context follow_up_days "
    "follow_up_days_after_treatment last_count_at_risk_date"
).split()
REPORTABLE = (
    "definition_id basis onset_date possibly_severe is_case_episode outside_cohort_reason attributed_drug "
    "leukocytes_10e9_l leukocytes_operator"
).split()
REVIEW = (
    "definition_id onset_date review_status verdict n_reviews n_readers n_reviewer_roles reviewer_roles "
    "verdicts_agree reviewed_on"
).split()
ORPHANED_VERDICT = "onset_from onset_to verdict reviewed_on reviewer_role".split()
VERDICT_PAIR = "definition_id comparison first_reading second_reading first_verdict second_verdict".split()
MONITORING = (
    "last_dose_date last_drug last_anc_date days_since_anc last_anc_10e9_l last_anc_operator last_severity anc_overdue "
    "open_episode days_since_last_dose in_late_window deceased unresolved_episode switched_to last_contact_date "
    "is_followed"
).split()
SENSITIVITY = "n_patients n_never_tested n_cases n_episodes n_recurrent risk_pct rate_per_100py".split()
INCIDENCE = "definition_id stratum_type stratum n_patients n_never_tested n_cases n_episodes".split()
PERIOD = "definition_id stratum_type stratum period n_patients n_never_tested n_cases".split()
RECURRENCE = "definition_id treatment_after n_patients n_never_tested n_recurrent median_follow_up_days".split()
TIME_TO_ONSET = "stratum_type stratum time_days n_patients n_events n_deaths n_never_tested".split()
DURATION = "measure stratum_type stratum time_days n_episodes n_events".split()
VERDICT_COUNT = "comparison first_reading second_reading first_verdict second_verdict n_episodes".split()

PATIENTS = "(SELECT patient_key, site AS at_site, patient_id FROM vault.main.patient_map)"
"""The patients' own ids: the reference knows no pseudonym."""
_DAYS = "CAST(round(person_years * 365.25) AS BIGINT)"
_RATES = {"risk_pct": "round(risk_pct, 6)", "rate_per_100py": "round(rate_per_100py, 6)"}


@dataclass(frozen=True)
class Compared:
    """Rows that warehouse and reference must share: those of `relation`, by patient unless said otherwise."""

    table: str
    """The reference's name for it."""
    relation: str
    columns: list[str]
    made_as: Mapping[str, str] = field(default_factory=dict)
    """SQL of the columns that the relation has not by this name."""
    where: str = "true"
    of_patients: bool = True

    def query(self) -> str:
        """The warehouse's rows; the vault is attached as `vault`."""
        made = ", ".join(self.made_as.get(column, column) for column in self.columns)
        if not self.of_patients:
            return f"SELECT {made} FROM {self.relation} WHERE {self.where}"
        return (
            f"SELECT at_site, patient_id, {made} FROM {self.relation} JOIN {PATIENTS} USING (patient_key) "
            f"WHERE {self.where}"
        )

    def rows(self, table: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
        """The reference's rows of it."""
        who = ["site", "patient_id"] if self.of_patients else []
        return [tuple(row[column] for column in (*who, *self.columns)) for row in table]


def _with_key(relation: str) -> str:
    """An intermediate relation that knows patients by number."""
    return (
        f"(SELECT * FROM intermediate.{relation} "
        "JOIN (SELECT patient_no, patient_key FROM intermediate.int_observed_patient) USING (patient_no))"
    )


# Made by SQL alone: the statistics that Python writes from the counts are compared in the test itself.
COMPARED = (
    Compared("fct_treatment", "main.fct_treatment", TREATMENT),
    Compared("fct_dose", "main.fct_dose", DOSE),
    Compared("fct_anc", "main.fct_anc", ANC),
    Compared("fct_lab_grade", "main.fct_lab_grade", LAB),
    Compared("dim_patient", "main.dim_patient", PATIENT),
    Compared("fct_neutropenia_episode", "main.fct_neutropenia_episode", EPISODE),
    Compared("risk_time", "intermediate.int_risk_time", RISK, where="days_at_risk_total > 0 OR n_anc_tests > 0"),
    Compared("cohort_member", "intermediate.int_cohort_member", MEMBER),
    Compared("drug_exposed", "intermediate.int_drug_exposed", "definition_id drug is_never_tested".split()),
    Compared("case_listing", "main.mart_case_listing", CASE),
    Compared("rechallenge", "main.mart_rechallenge", RECHALLENGE),
    Compared("reportable", "main.mart_reportable", REPORTABLE),
    # days from onset to the recovery or the last measurement
    Compared(
        "rechallenge",
        "intermediate.int_episode_final",
        ["definition_id", "onset_date", "observed_days"],
        {"observed_days": "last_measured_date - onset_date"},
        where="is_case_episode",
    ),
    Compared("chart_review", "main.mart_chart_review", REVIEW),
    Compared("verdict_pair", _with_key("int_adjudication_pair"), VERDICT_PAIR),
    Compared("orphaned_verdict", "meta.orphaned_verdict", ORPHANED_VERDICT),
    Compared("monitoring", "main.mart_monitoring", MONITORING),
    Compared(
        "sensitivity_drug",
        _with_key("int_sensitivity_drug"),
        "attribution definition_id drug exposed days_at_risk n_anc_tests n_episodes n_cases n_recurrent".split(),
        where="exposed + days_at_risk + n_episodes > 0",
    ),
    Compared(
        "sensitivity_analysis",
        "main.mart_sensitivity_analysis",
        ["definition_id", "analysis", "stratum", *SENSITIVITY, "days_at_risk"],
        {"days_at_risk": _DAYS, **_RATES},
        where="stratum = 'all' OR n_patients + n_episodes > 0 OR person_years > 0",
        of_patients=False,
    ),
    Compared("sensitivity", "main.mart_sensitivity", ["definition_id", *SENSITIVITY], _RATES, of_patients=False),
    Compared(
        "cohort_summary",
        "main.mart_cohort_summary",
        "stratum measure n denominator value".split(),
        {"value": "round(value, 6)"},
        of_patients=False,
    ),
    Compared(
        "derivation_loss",
        "(UNPIVOT meta.derivation_agreement ON ambiguous_parts, unpaired_parts, not_percentages, zero_differential "
        "INTO NAME reason VALUE n)",
        "site derivation with_bands reason n".split(),
        where="is_site_rule AND n > 0",
        of_patients=False,
    ),
    Compared(
        "incidence",
        "counts.count_incidence",
        [*INCIDENCE, *"days_at_risk days_at_risk_total n_anc_tests n_anc_tests_total".split()],
        {"stratum": "CASE stratum_type WHEN 'overall' THEN stratum_type ELSE stratum END"},
        of_patients=False,
    ),
    Compared(
        "incidence_by_period",
        "counts.count_incidence_by_period",
        [*PERIOD, "days_at_risk"],
        {"stratum": "CASE stratum_type WHEN 'overall' THEN stratum_type ELSE stratum END"},
        of_patients=False,
    ),
    Compared("time_to_onset", "counts.count_time_to_onset", ["definition_id", *TIME_TO_ONSET], of_patients=False),
    Compared(
        "duration",
        "counts.count_duration",
        ["definition_id", *DURATION],
        where="n_episodes > 0",
        of_patients=False,
    ),
    Compared("recurrence", "counts.count_recurrence", RECURRENCE, where="stratum_type = 'overall'", of_patients=False),
    Compared(
        "verdict_count",
        "counts.count_review_agreement",
        ["definition_id", *VERDICT_COUNT],
        where="n_episodes > 0",
        of_patients=False,
    ),
    Compared("attrition", "main.mart_attrition", "reason n_in n_excluded n_out".split(), of_patients=False),
)
