"""Single checks on a release candidate."""

from __future__ import annotations

from pathlib import Path

import duckdb

from expectations import CheckResult, audit
from expectations.catalogue import queried

BY_ID = {check.check_id: check for check in queried()}


def filled(statement: str, path: Path) -> str:
    """The statement with the keys of a case and of another patient of this candidate."""
    with duckdb.connect(str(path), read_only=True) as connection:
        case = connection.execute("SELECT min(patient_key) FROM main.fct_neutropenia_episode").fetchone()
        other = connection.execute(
            "SELECT min(patient_key) FROM main.dim_patient WHERE patient_key NOT IN "
            "(SELECT patient_key FROM main.fct_neutropenia_episode)"
        ).fetchone()
    assert case
    assert other
    return statement.replace("{case}", case[0]).replace("{other}", other[0])


def one(candidate: Path, check_id: str, previous: Path | None = None) -> CheckResult:
    """The result of one check."""
    (result,) = audit(candidate, previous, checks=[BY_ID[check_id]]).checks
    return result
