"""Patients without a neutrophil count at risk: counted in every stratum, and no estimate rests only on them."""

from __future__ import annotations

from expectations.check import Check
from expectations.check_types import no_rows

INCIDENCE = "main.mart_incidence"
_RULE = "Protocol: risk and rate, patients without a count at risk"

# Every table with a risk, a rate, a curve or a share of recurrences: what names a row, and its estimates.
_ESTIMATES = {
    "mart_incidence": (
        "stratum",
        "risk_pct risk_low risk_high risk_low_wilson risk_high_wilson rate_per_100py rate_low rate_high",
    ),
    "mart_incidence_by_period": (
        "stratum || ', ' || period",
        "rate_per_100py rate_low rate_high rate_ratio rate_ratio_low rate_ratio_high",
    ),
    "mart_sensitivity": ("'all'", "risk_pct rate_per_100py"),
    "mart_sensitivity_analysis": ("stratum || ', ' || analysis", "risk_pct rate_per_100py"),
    "mart_time_to_onset": ("stratum", "survival ci_low ci_high cumulative_incidence cif_low cif_high"),
    "mart_recurrence": (
        "stratum || ', ' || treatment_after",
        "recurrence_pct recurrence_low recurrence_high recurrence_low_wilson recurrence_high_wilson",
    ),
}

# Of the primary definition: patients by stratum, and whether a count at risk up to their first case episode is known.
_COUNTED = """
    WITH definition AS (
        SELECT definition_id, attribution_days FROM main.dim_case_definition WHERE is_primary
    ), first_case AS (
        SELECT patient_key, min(onset_date) AS onset_date FROM main.fct_neutropenia_episode
        WHERE is_case_episode AND definition_id IN (SELECT definition_id FROM definition) GROUP BY patient_key
    ), member AS (
        SELECT patient.patient_key, patient.site, coalesce(first_case.onset_date, DATE '9999-12-31') AS until_date
        FROM main.dim_patient AS patient LEFT JOIN first_case ON patient.patient_key = first_case.patient_key
        WHERE patient.in_cohort
    ), tested AS (
        SELECT DISTINCT member.patient_key, anc.last_drug FROM member
        JOIN main.fct_anc AS anc ON member.patient_key = anc.patient_key AND anc.collected_on <= member.until_date
        JOIN definition ON anc.days_since_last_dose <= definition.attribution_days
    ), belongs AS (
        SELECT patient_key, 'overall' AS stratum_type, NULL AS stratum FROM member
        UNION ALL SELECT patient_key, 'site', site FROM member
        UNION ALL
        SELECT DISTINCT member.patient_key, 'drug', dose.drug FROM member
        JOIN main.fct_dose AS dose ON member.patient_key = dose.patient_key AND dose.drug_class = 'anti_cd20'
            AND dose.administered_on < member.until_date
    ), counted AS (
        SELECT stratum_type, stratum, count(*) FILTER (WHERE NOT EXISTS (
            SELECT 1 FROM tested WHERE tested.patient_key = belongs.patient_key
                AND (belongs.stratum_type <> 'drug' OR tested.last_drug = belongs.stratum)
        )) AS n FROM belongs GROUP BY stratum_type, stratum
    )
"""


def _estimated_without_a_count() -> str:
    return " UNION ALL ".join(
        f"SELECT '{table}' AS mart, definition_id, {name} AS stratum FROM main.{table} "
        "WHERE n_never_tested NOT BETWEEN 0 AND n_patients OR n_never_tested IS NULL "
        f"OR (n_never_tested = n_patients AND coalesce({', '.join(estimates.split())}) IS NOT NULL)"
        for table, (name, estimates) in _ESTIMATES.items()
    )


CHECKS: tuple[Check, ...] = (
    no_rows(
        "never_tested_have_no_estimate",
        INCIDENCE,
        _estimated_without_a_count(),
        description="If nobody has a neutrophil count at risk, there is no risk, rate, curve or share of "
        "recurrences. No more patients are without a count than there are patients.",
        source=_RULE,
        finds="strata",
        names_offenders=True,
    ),
    no_rows(
        "never_tested_are_counted",
        INCIDENCE,
        f"""
        {_COUNTED}
        SELECT stated.stratum_type, stated.stratum FROM main.mart_incidence AS stated
        LEFT JOIN counted ON stated.stratum_type = counted.stratum_type
            AND (stated.stratum = counted.stratum OR stated.stratum_type = 'overall')
        LEFT JOIN main.mart_cohort_summary AS summary
            ON summary.measure = 'never_tested' AND summary.stratum = stated.stratum_type
        WHERE stated.definition_id IN (SELECT definition_id FROM definition)
            AND (stated.n_never_tested <> coalesce(counted.n, 0) OR summary.n <> stated.n_never_tested)
        """,
        description="Under the primary definition, the patients counted as never tested are those without a "
        "neutrophil count within attribution_days after a dose, up to their first case episode.",
        source="Output contract: counts agree between marts",
        names_offenders=True,
    ),
    no_rows(
        "stratum_never_tested",
        INCIDENCE,
        """
        SELECT stratum_type, stratum, n_patients || ' patients' AS patients FROM main.mart_incidence
        WHERE n_patients > 0 AND n_never_tested = n_patients
            AND definition_id IN (SELECT definition_id FROM main.dim_case_definition WHERE is_primary)
        """,
        description="In every stratum, by site and by drug, somebody has a neutrophil count at risk. Otherwise its "
        "risk and rate are unknown.",
        source=_RULE,
        severity="warning",
        finds="strata",
        names_offenders=True,
    ),
    no_rows(
        "site_without_counts",
        "main.dim_patient",
        """
        SELECT site, count(*) || ' patients in the cohort' AS patients FROM main.dim_patient
        WHERE in_cohort AND site NOT IN (SELECT site FROM main.fct_anc)
        GROUP BY site
        """,
        description="Every site with patients in the cohort has delivered usable neutrophil counts.",
        source=_RULE,
        severity="warning",
        finds="sites",
        names_offenders=True,
    ),
)
