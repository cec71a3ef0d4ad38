"""From deliveries to tables: `compute` is what a comparison with the warehouse calls.

Patients are named by (site, patient_id), labs and doses by their natural columns. Tables are lists
of dicts in a stable order; nothing here is pseudonymised.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from . import counts, review
from .assess import assess
from .codes import DRUGS, resolve_test
from .grades import below_cutoff_but_within_range, grade, unit_in_doubt
from .history import History, observe, site_cutoff
from .incidence import (
    attrition,
    case_listing,
    incidence,
    incidence_by_period,
    recurrence,
)
from .model import File, Lab, Study
from .monitoring import monitoring
from .parts import codes_above_one
from .patient import PatientResult
from .reportable import reportable
from .rows import Intake, nothing_given, take_in
from .sensitivity import analyses, by_drug, sensitivity
from .summary import cohort_summary

Table = list[dict[str, Any]]


def compute(delivered: Sequence[File], study: Study) -> dict[str, Table]:
    """Every table of the registry that the reference knows, by name (see README.md)."""
    deliveries = [file for file in delivered if not study.is_retracted(file)]
    intake = take_in(deliveries, study)
    tables = audit_tables(intake, study)
    tables["reconciliation"] += [_retracted(file) for file in delivered if study.is_retracted(file) and file.rows]
    tables["unmapped_code"] = _unmapped_codes(intake, study)
    labs: dict[str, list[Lab]] = defaultdict(list)
    for chart in intake.charts.values():
        labs[chart.site] += chart.labs
    above_one = {site: codes_above_one(of_site) for site, of_site in labs.items()}
    histories = [
        observe(chart, site_cutoff(deliveries, chart.site, study), study, above_one[chart.site])
        for _, chart in sorted(intake.charts.items())
    ]
    results = {d.definition_id: [assess(h, d, study) for h in histories] for d in study.all_definitions()}
    primary = results[study.primary_definition]
    tables["dim_patient"] = [r.patient_row() for r in primary]
    tables["fct_treatment"] = [row for h in histories for row in _treatments(h)]
    tables["fct_dose"] = [row for h in histories for row in _doses(h)]
    tables["fct_anc"] = [row for h in histories for row in _anc(h, study)]
    tables["fct_lab_grade"] = [row for h in histories for row in _other_counts(h)]
    for name, rows_of_patient in (
        ("fct_neutropenia_episode", PatientResult.episode_rows),
        ("cohort_member", PatientResult.cohort_rows),
        ("risk_time", lambda result: result.risk_rows),
        ("drug_exposed", PatientResult.exposure_rows),
        ("rechallenge", PatientResult.rechallenge_rows),
        ("chart_review", PatientResult.review_rows),
        ("verdict_pair", PatientResult.verdict_pair_rows),
    ):
        tables[name] = [row for rs in results.values() for r in rs for row in rows_of_patient(r)]
    tables["orphaned_verdict"] = [
        _who(history)
        | {name: getattr(verdict, name) for name in ("onset_from", "onset_to", "verdict", "reviewed_on")}
        | {"reviewer_role": review.known_role(verdict)}
        for history, *of_patient in zip(histories, *results.values(), strict=True)
        for verdict in review.orphaned(
            history,
            {e.episode.onset for result in of_patient for e in result.episodes},
            site_cutoff(deliveries, history.site, study),
        )
    ]
    tables["incidence"] = [row for d, rs in results.items() for row in incidence(d, rs)]
    tables["incidence_by_period"] = [row for d, rs in results.items() for row in incidence_by_period(d, rs)]
    tables["recurrence"] = [row for d, rs in results.items() for row in recurrence(d, rs)]
    for name, counted in (
        ("time_to_onset", counts.time_to_onset),
        ("duration", counts.duration),
        ("verdict_count", counts.verdicts),
    ):
        tables[name] = [row for d, rs in results.items() for row in counted(d, rs)]
    tables["case_listing"] = [row for d, rs in results.items() for row in case_listing(d, rs)]
    tables["sensitivity"] = [sensitivity(d, rs) for d, rs in results.items()]
    tables["sensitivity_drug"] = [row for d, rs in results.items() for row in by_drug(d, rs)]
    tables["sensitivity_analysis"] = [row for d, rs in results.items() for row in analyses(d, rs)]
    tables["cohort_summary"] = cohort_summary(study.primary_definition, primary)
    tables["derivation_loss"] = _derivation_losses(histories, study)
    tables["reportable"] = reportable(primary)
    tables["attrition"] = attrition(primary)
    tables["monitoring"] = monitoring(primary, study.anc_interval_days)
    return tables


def audit_tables(intake: Intake, study: Study) -> dict[str, Table]:
    """reconciliation, quarantine, contested and column_defect."""
    files: dict[tuple[str, str, str, str], dict[str, Any]] = {}
    states = ("current", "superseded", "duplicate", "quarantined", "not_mapped")
    for row in intake.rows:
        place = (row.site, row.delivery, row.entity, row.file)
        counts = files.setdefault(
            place,
            dict(zip(("site", "delivery", "entity", "file"), place, strict=True))
            | {"rows_delivered": 0}
            | {f"rows_{state}": 0 for state in states}
            | {"rows_retracted": 0, "rows_erased": 0, "rows_not_given": 0, "rows_open": 0},
        )
        counts["rows_delivered"] += 1
        counts[f"rows_{row.status}"] += 1
        counts["rows_open"] += row.is_open
        if row.status == "current" and not row.cancelled and nothing_given(row, study.site(row.site)):
            counts["rows_not_given"] += 1

    def where(row: Any) -> dict[str, Any]:
        names = ("site", "delivery", "entity", "file", "record_number")
        return {name: getattr(row, name) for name in names}

    return {
        "reconciliation": [files[place] for place in sorted(files)],
        "rows": [where(row) | {"status": row.status} for row in intake.rows],
        "quarantine": [
            where(row) | {"reasons": tuple(sorted(row.reasons)), "is_open": row.is_open}
            for row in intake.rows
            if row.reasons
        ],
        "contested": list(intake.contested),
        "column_defect": [
            where(row) | {"column": column, "reason": reason, "status": row.status}
            for row in intake.rows
            for column, reason in row.emptied
        ],
    }


def _retracted(file: File) -> dict[str, Any]:
    """The account of a retracted file: all its rows are retracted, and none is anything else."""
    others = ("current", "superseded", "duplicate", "quarantined", "not_mapped", "erased", "not_given", "open")
    return {
        "site": file.site,
        "delivery": file.delivery,
        "entity": file.entity,
        "file": file.name,
        "rows_delivered": len(file.rows),
        "rows_retracted": len(file.rows),
    } | {f"rows_{state}": 0 for state in others}


def _unmapped_codes(intake: Intake, study: Study) -> Table:
    """How many codes that nobody knows a site sends, and in how many of its results that are not mapped."""
    codes: dict[str, list[str]] = {}
    for row in intake.rows:
        if row.status == "not_mapped" and not resolve_test(row.cells["test_code"], study.site(row.site))[0]:
            codes.setdefault(row.site, []).append(row.cells["test_code"])
    return [{"site": site, "n_codes": len(set(of_site)), "n_rows": len(of_site)} for site, of_site in codes.items()]


def _who(history: History) -> dict[str, Any]:
    return {"site": history.site, "patient_id": history.patient.patient_id}


def _derivation_losses(histories: Sequence[History], study: Study) -> Table:
    """with_bands: whether the site's rule adds the bands."""
    counted: Counter[tuple[str, str, str]] = Counter()
    for history in histories:
        for (derivation, reason), n in history.losses.items():
            counted[history.site, derivation, reason] += n
    return [
        {
            "site": site,
            "derivation": derivation,
            "with_bands": derivation == "segs_plus_bands" or not study.site(site).neutrophils_pct_includes_bands,
            "reason": reason,
            "n": n,
        }
        for (site, derivation, reason), n in sorted(counted.items())
    ]


def _treatments(history: History) -> Table:
    return [
        _who(history)
        | {
            "treatment_id": line.treatment_id,
            "drug": line.drug,
            "drug_class": DRUGS[line.drug].drug_class,
            "start_date": line.start,
            "end_date": line.end,
            "end_unknown": line.end_unknown,
            "end_reason": line.end_reason,
            "n_doses": sum(
                dose.drug == line.drug
                and line.start <= dose.day
                and (line.end is None or dose.day <= line.end)
                and not (line.end_unknown and dose.source == "assumed")
                for dose in history.doses
            ),
        }
        for line in history.lines
    ]


def _doses(history: History) -> Table:
    rows: Table = []
    number: dict[str, int] = {}
    for dose in history.doses:
        number[dose.drug] = number.get(dose.drug, 0) + 1
        rows.append(
            _who(history)
            | {
                "drug": dose.drug,
                "drug_class": dose.drug_class,
                "administered_on": dose.day,
                "dose_number": number[dose.drug],
                "dose_source": dose.source,
            }
        )
    return rows


def _anc(history: History, study: Study) -> Table:
    rows: Table = []
    gcsf_window = study.primary().gcsf_days
    for result in history.anc:
        before = history.doses_before(result.day)
        last = before[-1] if before else None
        grades = {
            column: grade(scale, result.value, result.operator, result.lln)
            for column, scale in (
                ("severity", "udine_2025"),
                ("severity_inclusive", "udine_2025_inclusive"),
                ("ctcae_v5_grade", "ctcae_v5"),
                ("ctcae_v6_grade", "ctcae_v6"),
                ("daids_2_1_grade", "daids_2_1"),
            )
        }
        rows.append(
            _who(history)
            | {
                "result_id": result.result_id,
                "collected_on": result.day,
                "collected_at": result.at,
                "anc_10e9_l": result.value,
                "operator": result.operator,
                "derivation": result.derivation,
                "source_value": result.source_value,
                "source_unit": result.source_unit,
                "lln_10e9_l": result.lln,
                "last_drug": last.drug if last else None,
                "days_since_last_dose": (result.day - last.day).days if last else None,
                "within_gcsf_window": any(0 <= (result.day - day).days <= gcsf_window for day in history.gcsf_days),
                "below_cutoff_but_within_reference_range": below_cutoff_but_within_range(
                    result.value, result.operator, result.lln, grades["ctcae_v5_grade"]
                ),
            }
            | grades
        )
    return rows


def _other_counts(history: History) -> Table:
    """Leukocytes, lymphocytes and platelets with their grades."""
    rows: Table = []
    for lab in history.other_counts:
        in_doubt = unit_in_doubt(lab.analyte, lab.value)
        grades = {
            f"{scale}_grade": None if in_doubt else grade(scale, lab.value, lab.operator, lab.lln, lab.analyte)
            for scale in ("ctcae_v5", "ctcae_v6", "daids_2_1")
        }
        rows.append(
            _who(history)
            | {
                "result_id": lab.result_id,
                "analyte": lab.analyte,
                "collected_on": lab.at.date(),
                "collected_at": lab.at,
                "value_10e9_l": lab.value,
                "operator": lab.operator,
                "lln_10e9_l": lab.lln,
                "unit_in_doubt": in_doubt,
                "below_cutoff_but_within_reference_range": below_cutoff_but_within_range(
                    lab.value, lab.operator, lab.lln, grades["ctcae_v5_grade"]
                ),
            }
            | grades
        )
    return rows
