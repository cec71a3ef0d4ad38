"""What every test shares: which samples are taken, the order of the groups, and where a skip counts as a failure.

`make test` takes small samples. What is marked `deep`, and hypothesis with more examples, is for `make check`.
"""

from __future__ import annotations

import datetime as dt
import gc
import os
from pathlib import Path

import hypothesis
import pytest

gc.set_threshold(50_000, 20, 20)  # as registry/cli/main.py does, and for its reason

TESTS = Path(__file__).parent
BY_COST = ("e2e", "faults", "sequences", "dbt", "mutation", "integration", "reference", "unit")
"""Folders whose groups of tests take long come first, so that no worker is left alone with one of them."""

# Tests with a number of examples of their own take it as a share of this one, so that all grow together.
hypothesis.settings.register_profile("quick", max_examples=40, deadline=None)
hypothesis.settings.register_profile("deep", max_examples=300, deadline=None)
hypothesis.settings.load_profile("quick")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--reference-seeds", default=6, type=int, help="random cohorts to compare with the reference")
    parser.addoption("--sequences", default=4, type=int, help="random sequences of deliveries, edits and steps to try")
    parser.addoption("--mutants", default="8", help="how many mutants of the clinical SQL to try, or 'all'")
    parser.addoption("--kills", default=6, type=int, help="how many refreshes to kill at random points and moments")
    parser.addoption("--sample", type=int, help="seed of the deep samples, printed at the end; by default the day")


def pytest_configure(config: pytest.Config) -> None:
    """Read the day once: xdist hands the options on to its workers."""
    config.addinivalue_line("markers", "deep: a larger sample of what `make test` proves; `make check` runs it")
    if config.option.sample is None:
        config.option.sample = dt.datetime.now(dt.UTC).toordinal()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one file share what they build, so one worker runs them, where that is more than a unit test's."""
    folders = {item: item.path.relative_to(TESTS).parts[0] for item in items}
    for item, folder in folders.items():
        if folder != "unit" and not any(item.iter_markers("xdist_group")):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    items.sort(key=lambda item: BY_COST.index(folders[item]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.option.markexpr != "not deep":
        terminalreporter.write_line(f"deep samples: --sample {config.option.sample}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    """In CI, where everything a test needs is installed, a skip is a failure."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("REGISTRY_TESTS_MAY_NOT_SKIP") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped where nothing may be missing: {report.longrepr}"
