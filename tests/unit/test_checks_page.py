"""docs/checks.md lists the checks that the gate carries out, and every check says who acts on it."""

from __future__ import annotations

import pytest

from expectations.catalogue import every_check
from expectations.check import Tolerance
from expectations.remedies import PIPELINE, known, remedy_of
from scripts.checks import PAGE, page


def test_the_page_lists_the_checks_of_the_gate() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it again: python -m scripts.checks"


def test_what_a_hospital_may_deliver_has_a_remedy_of_its_own() -> None:
    assert known() <= {check.check_id for check in every_check()}, "a remedy for a check that does not exist"
    for check in every_check():
        if check.severity == "warning" or check.needs_previous:
            assert remedy_of(check.check_id) != PIPELINE or check.check_id.startswith("new_cases"), check.check_id


@pytest.mark.parametrize(("share", "reason"), [(0.01, "few"), (0, "2026-11-22: few"), (1, "2026-11-22: all")])
def test_a_tolerated_share_has_a_dated_reason(share: float, reason: str) -> None:
    with pytest.raises(ValueError, match="begins with its date"):
        Tolerance(share, reason)
