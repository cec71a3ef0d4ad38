"""The table of docs/reliability.md: `python -m scripts.reliability` writes it from what `make faults` measured.

Planted defects and hostile files are counted from the lists of the tests that try each of them.
"""

from __future__ import annotations

import json
import re
import sys

from registry.paths import CHECKOUT

PAGE = CHECKOUT / "docs" / "reliability.md"
RESULTS = CHECKOUT / "tests" / "faults" / "results.json"
STRETCH = re.compile(r"(<!-- generated: table -->\n).*?(<!-- end -->)", re.DOTALL)


def table() -> str:
    """The figures as a Markdown table."""
    sys.path.insert(0, str(CHECKOUT / "tests"))
    from integration.defects_of_a_release import PLANTED  # type: ignore[import-not-found,unused-ignore]

    found = json.loads(RESULTS.read_text())
    kills = found["kills_at_points"] + found["kills_at_random_moments"]
    rows = [
        ("refreshes killed", f"{kills:,}", "`make faults`"),
        ("of these at points, of how many in a refresh", (f"{found['kills_at_points']:,} of "
         f"{found['points_of_a_refresh']:,}"), "`make faults`"),
        ("of these by stage", ", ".join(f"{k} {v}" for k, v in found["by_stage"].items()), "`make faults`"),
        ("at random moments", str(found["kills_at_random_moments"]), "`make faults`"),
        ("refreshes survived", f"{found['survived']:,}", "`make faults`"),
        ("half releases seen", f"{found['half_releases']:,}", "`make faults`"),
        ("rows lost or counted twice", f"{found['rows_lost_or_twice']:,}", "`make faults`"),
        ("planted defects, each refused or warned of by its check", f"{len(PLANTED):,}",
         "`tests/integration/defects_of_a_release.py`"),
        ("identifiers found outside the vault", "a test fails at the first", "`tests/e2e/test_identifiers.py`"),
    ]  # fmt: skip
    lines = ["| what | number | from |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines) + "\n"


def written_again(text: str) -> str:
    """The page with its table as the results have it."""
    return STRETCH.sub(lambda found: found[1] + table() + found[2], text)


if __name__ == "__main__":
    PAGE.write_text(written_again(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
