"""docs/checks.md is what the suites are, and every check says who mends what it finds."""

from __future__ import annotations

import pytest

from expectations.catalogue import CHECKS
from expectations.check import Tolerance
from expectations.remedies import LAYOUT, PIPELINE, known, remedy_of
from scripts.checks import PAGE, page


def test_the_page_is_in_step_with_the_suites() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it again: python -m scripts.checks"


def test_what_a_hospital_may_deliver_has_a_remedy_of_its_own() -> None:
    assert known() <= {check.check_id for check in CHECKS}, "a remedy for a check that is no more"
    for check in CHECKS:
        if check.severity == "warning" or check.needs_previous:
            assert remedy_of(check.check_id) not in (PIPELINE, LAYOUT) or check.check_id.startswith("new_cases"), (
                check.check_id
            )


@pytest.mark.parametrize(("share", "reason"), [(0.01, "few"), (0, "2026-11-22: few"), (1, "2026-11-22: all")])
def test_a_tolerated_share_has_a_dated_reason(share: float, reason: str) -> None:
    with pytest.raises(ValueError, match="begins with its date"):
        Tolerance(share, reason)
