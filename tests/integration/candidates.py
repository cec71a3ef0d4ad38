"""Single checks on a release candidate."""

from __future__ import annotations

from pathlib import Path

from expectations import CheckResult, audit
from expectations.catalogue import QUERIED

BY_ID = {check.check_id: check for check in QUERIED}


def one(candidate: Path, check_id: str, previous: Path | None = None) -> CheckResult:
    """The result of one check."""
    (result,) = audit(candidate, previous, checks=[BY_ID[check_id]]).checks
    return result
