"""Table 1 of the cohort and the table of its cases: counts, and the medians of what is counted in days or years."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from statistics import median
from typing import Any

from .incidence import case_listing
from .patient import PatientResult

Row = dict[str, Any]
Holds = Callable[[Row], Any]
DAYS_PER_YEAR = Decimal("365.25")
ACTIONS = ("continued", "resumed", "switched_in_class", "switched_out_of_class", "discontinued", "pending")


def _is(column: str, value: str | None) -> Holds:
    return lambda row: row[column] == value


OF_PATIENTS: dict[str, Holds] = {
    "patients": lambda row: True,
    "female": _is("sex", "F"),
    "male": _is("sex", "M"),
    **{f"phenotype_{name.lower()}": _is("ms_phenotype", name) for name in ("RRMS", "PPMS", "SPMS", "CIS")},
    "phenotype_missing": _is("ms_phenotype", None),
    "duffy_null": lambda row: row["duffy_null"],
    "duffy_missing": _is("duffy_null", None),
    "no_baseline_anc": lambda row: row["no_baseline_anc"],
    "died": lambda row: row["death_date"],
    "with_time_at_risk": lambda row: row["days_at_risk"] > 0,
    "with_anc_at_risk": lambda row: row["n_anc_tests"] > 0,
    "never_tested": lambda row: row["n_anc_tests"] == 0,
}
OF_CASES: dict[str, Holds] = {
    "cases_severe": _is("worst_ctcae_v5_grade", "4"),
    "cases_moderate": lambda row: row["worst_severity"] == "moderate" or row["worst_ctcae_v5_grade"] == "3",
    "cases_late_onset": _is("onset_type", "late"),
    "cases_early_onset": _is("onset_type", "early"),
    "cases_gcsf_treated": lambda row: row["gcsf_treated"],
    "cases_with_infection": lambda row: row["infection"],
    "cases_hospitalised": lambda row: row["hospitalised"],
    "cases_recurrent": lambda row: row["recurred"],
    **{f"cases_{action}": _is("final_treatment_action", action) for action in ACTIONS},
}
MEDIANS = {
    "median_age_at_index": "age_at_index",
    "median_person_years": "person_years",
    "median_days_from_dose_to_onset": "days_since_last_dose",
    "median_nadir_10e9_l": "nadir_anc_10e9_l",
}


def cohort_summary(definition_id: str, results: Sequence[PatientResult]) -> list[Row]:
    """(stratum, measure, n, denominator, value): overall, patients by first drug, cases by drug of the first.

    `value` is a share in percent, where there is a denominator, else a median or a sum.
    """
    patients = [_patient(r) for r in results if r.in_cohort]
    cases = case_listing(definition_id, results)
    rows = [_row("overall", "cases", len(cases), len(patients))]
    if not any(row["n_anc_tests"] for row in patients):
        rows[0]["value"] = None  # nobody was ever tested: no case could be seen
    for stratum, those in _strata("first drug", "first_drug", patients):
        rows += [
            _row(stratum, name, sum(map(bool, map(holds, those))), len(those)) for name, holds in OF_PATIENTS.items()
        ]
        rows += _statistics(stratum, those)
    for stratum, those in _strata("drug at first case", "drug", cases):
        rows += [_row(stratum, name, sum(map(bool, map(holds, those))), len(those)) for name, holds in OF_CASES.items()]
        rows += _statistics(stratum, those)
        recurrent = [row for row in those if row["recurred"]]
        others = [row for row in those if not row["recurred"]]
        for name, of, holds in (
            ("recurrent_switched_to_ofatumumab", recurrent, _is("next_drug", "ofatumumab")),
            ("recurrent_discontinued", recurrent, _is("final_treatment_action", "discontinued")),
            ("not_recurrent_discontinued", others, _is("final_treatment_action", "discontinued")),
        ):
            rows.append(_row(stratum, name, sum(map(bool, map(holds, of))), len(of)))
    return rows


def _patient(result: PatientResult) -> Row:
    row = result.patient_row()
    return row | {
        "person_years": row["days_at_risk"] / DAYS_PER_YEAR,
        "n_anc_tests": sum(risk["n_anc_tests"] for risk in result.risk_rows),
    }


def _strata(label: str, column: str, rows: list[Row]) -> list[tuple[str, list[Row]]]:
    values = sorted({row[column] for row in rows})
    return [("overall", rows), *((f"{label}: {v}", [row for row in rows if row[column] == v]) for v in values)]


def _statistics(stratum: str, rows: list[Row]) -> list[Row]:
    """Medians of what these rows have, and the sum of the person-years."""
    found = []
    for name, column in MEDIANS.items():
        known = [row[column] for row in rows if row.get(column) is not None]
        if known:
            found.append(_row(stratum, name, len(known), None, median(known)))
            if column == "person_years":
                found.append(_row(stratum, "total_person_years", len(known), None, sum(known)))
    return found


def _row(stratum: str, measure: str, n: int, denominator: int | None, value: Any = None) -> Row:
    if denominator:
        value = 100 * n / denominator
    rounded = None if value is None else round(float(value), 6)
    return {"stratum": stratum, "measure": measure, "n": n, "denominator": denominator, "value": rounded}
