"""What every test shares: where a skip counts as a failure, and how many random cohorts to compare."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

gc.set_threshold(50_000, 20, 20)  # as registry/cli/main.py does, and for its reason

UNIT_TESTS = Path(__file__).parent / "unit"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--reference-seeds", default=6, type=int, help="random cohorts to compare with the reference")
    parser.addoption("--sequences", default=1, type=int, help="random sequences of deliveries, edits and steps to try")
    parser.addoption("--mutants", default="8", help="how many mutants of the clinical SQL to try, or 'all'")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one file share what they build, so one worker runs them, where that is more than a unit test's."""
    for item in items:
        if not item.path.is_relative_to(UNIT_TESTS) and not any(item.iter_markers("xdist_group")):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    """In CI, where everything a test needs is installed, a skip is a failure."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("REGISTRY_TESTS_MAY_NOT_SKIP") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped where nothing may be missing: {report.longrepr}"
