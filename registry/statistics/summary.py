"""The paper's table, read from a release: what `registry demo` prints.

Nothing is decided here: cohort, cases, rates and their intervals are those of `mart_incidence`, the
course of the cases that of `mart_cohort_summary`, both for the primary case definition.
"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from registry.statistics.intervals import risk_interval
from registry.system.sql import records

if TYPE_CHECKING:
    import duckdb

# Measures of mart_cohort_summary (cases, each with its denominator) and how the table calls them.
_COURSE = {
    "cases_severe": "  severe",
    "cases_moderate": "  moderate",
    "cases_recurrent": "Recurrence",
    "recurrent_switched_to_ofatumumab": "  of these, switched to ofatumumab",
    "not_recurrent_discontinued": "Treatment stopped, without recurrence",
    "cases_gcsf_treated": "Treated with G-CSF",
    "cases_late_onset": "Late onset",
}


def paper_table(source: duckdb.DuckDBPyConnection | Path | str) -> list[tuple[str, str]]:
    """Rows (label, value) of the paper's table, from a release file or a connection to one."""
    import duckdb

    from registry.config.settings import A_FEW_ROWS

    opened: Any = (
        nullcontext(source)
        if isinstance(source, duckdb.DuckDBPyConnection)
        else duckdb.connect(str(source), read_only=True, config=A_FEW_ROWS)
    )
    with opened as connection:
        overall, *drugs = records(
            connection,
            """
            select definition.label, incidence.*
            from main.mart_incidence as incidence
            inner join main.dim_case_definition as definition
                on incidence.definition_id = definition.definition_id and definition.is_primary
            where incidence.stratum_type in ('overall', 'drug')
            order by incidence.stratum_type = 'drug', incidence.stratum
            """,
        )
        measures = {
            row["measure"]: row
            for row in records(connection, "select * from main.mart_cohort_summary where stratum = 'overall'")
        }
    return [
        ("Patients in the cohort", str(overall["n_patients"])),
        ("  without a neutrophil count at risk", str(overall["n_never_tested"])),
        (overall["label"], _risk(overall)),
        *((f"  first episode on {drug['stratum']}", _risk(drug)) for drug in drugs),
        *((label, _share(measures[measure])) for measure, label in _COURSE.items()),
        ("Time at risk", f"{overall['person_years']:.1f} person-years"),
        ("Rate of first episodes", _rate(overall)),
        ("Last dose to first onset", _median_days(measures)),
    ]


def _risk(row: dict[str, Any]) -> str:
    counts = _of(row["n_cases"], row["n_patients"], row["risk_low"], row["risk_high"])
    return f"{counts}: not estimable" if row["risk_pct"] is None and row["n_patients"] else counts


def _share(row: dict[str, Any]) -> str:
    k, n = row["n"], row["denominator"]
    if row["measure"] != "cases_recurrent":
        return _of(k, n, None, None)
    recurrence = risk_interval(k, n)
    return _of(k, n, recurrence.low, recurrence.high)


def _of(k: int, n: int, low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return f"{k} of {n}"
    return f"{k} of {n}: {100 * k / n:.1f} % (95 % CI {low:.1f} to {high:.1f})"


def _rate(row: dict[str, Any]) -> str:
    if row["rate_per_100py"] is None:
        return "not estimable"
    interval = f"95 % CI {row['rate_low']:.2f} to {row['rate_high']:.2f}"
    return f"{row['rate_per_100py']:.2f} per 100 person-years ({interval})"


def _median_days(measures: dict[str, dict[str, Any]]) -> str:
    row = measures.get("median_days_from_dose_to_onset")
    return f"median {row['value']:g} days" if row and row["value"] is not None else "no case"
