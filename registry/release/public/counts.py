"""The counts of the primary definition, read from a release.

Other definitions are left out: they nest, so two tables together would reveal the small difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from registry.config.settings import Settings, connect_options
from registry.release.public.suppression import Case, Counts
from registry.release.store import Release

COHORT_MEASURES = {
    "female": "sex = 'F'",
    "age_50_or_more_at_first_dose": "age_at_index >= 50",
    "relapsing_remitting": "ms_phenotype = 'RRMS'",
    "no_count_before_treatment": "no_baseline_anc",
    "no_count_at_risk": "tested.patient_key IS NULL",
}
CASE_MEASURES = {
    "severe": "worst_ctcae_v5_grade = '4'",
    "late_onset": "onset_type = 'late'",
    "gcsf_treated": "gcsf_treated",
    "recurred": "recurred",
    "stopped_or_switched": "final_treatment_action IN ('discontinued', 'switched_in_class', 'switched_out_of_class')",
}
# Same rule as int_first_case.
_FIRST_CASE = """
    SELECT patient_key, min(onset_date) AS onset_date FROM main.fct_neutropenia_episode
    WHERE is_case_episode AND definition_id = $definition GROUP BY patient_key
"""
# Same rule as int_drug_exposed: any dose of the drug before the day of the first case episode's onset.
_EXPOSED = f"""
SELECT drugs, count(*) FROM (
    SELECT patient.patient_key, list_sort(list(DISTINCT dose.drug) FILTER (WHERE dose.drug IS NOT NULL)) AS drugs
    FROM main.dim_patient AS patient
    LEFT JOIN ({_FIRST_CASE}) AS first_case ON patient.patient_key = first_case.patient_key
    LEFT JOIN main.fct_dose AS dose ON patient.patient_key = dose.patient_key AND dose.drug_class = 'anti_cd20'
        AND (first_case.onset_date IS NULL OR dose.administered_on < first_case.onset_date)
    WHERE patient.in_cohort
    GROUP BY patient.patient_key
) GROUP BY drugs
"""
# Same rule as int_never_tested: a count on a day at risk, up to the first case episode.
_COHORT = f"""
SELECT {", ".join(f"count(*) FILTER (WHERE {measure})" for measure in COHORT_MEASURES.values())}
FROM main.dim_patient AS patient
LEFT JOIN (
    SELECT DISTINCT anc.patient_key FROM main.fct_anc AS anc
    JOIN main.dim_case_definition AS definition ON definition.definition_id = $definition
        AND anc.days_since_last_dose <= definition.attribution_days
    LEFT JOIN ({_FIRST_CASE}) AS first_case ON anc.patient_key = first_case.patient_key
    WHERE first_case.onset_date IS NULL OR anc.collected_on <= first_case.onset_date
) AS tested ON patient.patient_key = tested.patient_key
WHERE patient.in_cohort
"""


@dataclass(frozen=True)
class Read:
    """Counts, person-years at risk by drug (they add up to the total), and the primary definition."""

    counts: Counts
    person_years: dict[str, float]
    definition: dict[str, Any]


def read(settings: Settings, release: Release) -> Read:
    """Read the counts of the public part from a release."""
    with duckdb.connect(str(release.database), read_only=True, config=connect_options(settings)) as connection:
        cursor = connection.execute(
            "SELECT * FROM main.dim_case_definition JOIN meta.definition USING (definition_id) WHERE is_primary"
        )
        names = [column[0] for column in cursor.description]
        definition = dict(zip(names, cursor.fetchall()[0], strict=True))
        parameters = {"definition": definition["definition_id"]}
        of_class = connection.execute("SELECT drug FROM main.dim_drug WHERE drug_class = 'anti_cd20' ORDER BY drug")
        drugs = tuple(drug for (drug,) in of_class.fetchall())
        exposed = {frozenset(taken or ()): n for taken, n in connection.execute(_EXPOSED, parameters).fetchall()}
        cases = connection.execute(
            f"SELECT drug, {_listed(CASE_MEASURES)} FROM main.mart_case_listing WHERE definition_id = $definition",
            parameters,
        ).fetchall()
        cohort = connection.execute(_COHORT, parameters).fetchall()[0]
        years = connection.execute(
            "SELECT stratum, person_years FROM main.mart_incidence "
            "WHERE definition_id = $definition AND stratum_type = 'drug'",
            parameters,
        ).fetchall()
    counts = Counts(
        drugs=drugs,
        exposed=exposed,
        cases=[Case(drug, _holding(flags)) for drug, *flags in cases],
        cohort=dict(zip(COHORT_MEASURES, cohort, strict=True)),
        case_measures=tuple(CASE_MEASURES),
    )
    return Read(counts, dict(years), definition)


def _listed(measures: dict[str, str]) -> str:
    return ", ".join(f"coalesce({measure}, false)" for measure in measures.values())


def _holding(flags: list[bool]) -> frozenset[str]:
    return frozenset(measure for measure, holds in zip(CASE_MEASURES, flags, strict=True) if holds)
