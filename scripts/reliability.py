"""Write the table of docs/reliability.md from the results of `make faults`: `python -m scripts.reliability [JUNIT]`.

The figures of the kills are in tests/faults/results.json; those of the other tests are in the JUnit file of their run,
from which they are copied to tests/faults/suites.json.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

from registry.paths import CHECKOUT

PAGE = CHECKOUT / "docs" / "reliability.md"
KILLS = CHECKOUT / "tests" / "faults" / "results.json"
SUITES = CHECKOUT / "tests" / "faults" / "suites.json"
STRETCH = re.compile(r"(<!-- generated: table -->\n).*?(<!-- end -->)", re.DOTALL)

SCENARIOS = "tests.faults.test_faults"
IDENTIFIERS = "tests.e2e.test_identifiers"
HOSTILE = "tests.unit.test_hostile_files"
PLANTED = "tests.integration.test_planted_defects"
SHOWN = (SCENARIOS, IDENTIFIERS, HOSTILE, PLANTED)


def keep(junit: Path) -> None:
    """Write passed and failed tests of the files in SHOWN, and the sums of what they recorded, into suites.json."""
    found: dict[str, Counter[str]] = {name: Counter() for name in SHOWN}
    for case in ET.parse(junit).iter("testcase"):  # noqa: S314  pytest wrote it
        if case.get("classname") not in found:
            continue
        counts = found[case.get("classname", "")]
        counts["passed" if all(case.find(tag) is None for tag in ("failure", "error", "skipped")) else "failed"] += 1
        for recorded in case.iter("property"):
            counts[recorded.get("name", "")] += int(recorded.get("value", "0"))
    SUITES.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def table() -> str:
    """The figures as a Markdown table."""
    kills, suites = json.loads(KILLS.read_text()), json.loads(SUITES.read_text())
    points, moments = kills["kills_at_points"], kills["kills_at_random_moments"]
    hidden = suites[IDENTIFIERS]
    rows = [
        ("refreshes killed", f"{points + moments:,}", "`make faults`"),
        ("· at chosen points, of all points in a refresh", f"{points:,} of {kills['points_of_a_refresh']:,}", ""),
        ("· by stage", ", ".join(f"{stage} {number}" for stage, number in kills["by_stage"].items()), ""),
        ("· at random moments (of these, after its end)", f"{moments:,} ({kills['came_too_late']:,})", ""),
        ("refreshes completed by the next one", f"{kills['survived']:,}", ""),
        ("incomplete releases seen", f"{kills['half_releases']:,}", ""),
        ("rows lost or counted twice", f"{kills['rows_lost_or_twice']:,}", ""),
        ("other faults injected, and survived", _of(suites[SCENARIOS]), "`tests/faults/scenarios.py`"),
        ("identifiers searched for, after each of three refreshes", f"{hidden['identifiers_looked_for'] // 3:,}",
         "`tests/e2e/test_identifiers.py`"),
        ("· in how many files", f"{hidden['files_searched']:,}", ""),
        ("· found outside the vault", f"{hidden['identifiers_found']:,}", ""),
        ("hostile files and links tried, and refused in one line", _of(suites[HOSTILE]),
         "`tests/unit/test_hostile_files.py`"),
        ("planted defects, and found by their check", _of(suites[PLANTED]),
         "`tests/integration/defects_of_a_release.py`"),
    ]  # fmt: skip
    lines = ["| what | number | from |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines) + "\n"


def _of(counts: dict[str, int]) -> str:
    passed, failed = counts.get("passed", 0), counts.get("failed", 0)
    return f"{passed + failed:,}, {passed:,}"


def written_again(text: str) -> str:
    """The page with a new table."""
    return STRETCH.sub(lambda found: found[1] + table() + found[2], text)


if __name__ == "__main__":
    for junit in sys.argv[1:]:
        keep(Path(junit))
    PAGE.write_text(written_again(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
