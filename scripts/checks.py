"""Generate docs/checks.md from the gate's checks: `python -m scripts.checks`."""

from __future__ import annotations

from textwrap import fill

from expectations.catalogue import every_check
from expectations.check import Check
from expectations.remedies import PIPELINE, remedy_of
from registry.paths import CHECKOUT

PAGE = CHECKOUT / "docs" / "checks.md"
_HEAD = f"""\
# The gate's checks

Made by `python -m scripts.checks` from the models' YAML and from `expectations/suites/`; a test keeps it up to date.

A **critical** check that fails blocks the release. There is no override: the current release stays. A **warning** is
published with the release (`meta.check_result`), printed, and shown in Dagster. A check that can't be carried out
blocks too.

How to read a refusal: [operations.md](operations.md). How to add a check: [CONTRIBUTING.md](../CONTRIBUTING.md).

{fill(f"Where the last column is empty, the {PIPELINE.owner} acts: {PIPELINE.action}", 120)}
"""


def page() -> str:
    """The whole page."""
    checks = every_check()
    critical = sum(check.severity == "critical" for check in checks)
    lines = [_HEAD, f"{len(checks)} checks: {critical} critical, {len(checks) - critical} warnings.", ""]
    lines += [
        "| table | check | severity | what is expected | source | who acts, and how |",
        "|---|---|---|---|---|---|",
    ]
    lines += [_line(check) for check in sorted(checks, key=lambda check: check.table)]
    return "\n".join(lines) + "\n"


def _line(check: Check) -> str:
    expected = check.description
    if check.needs_previous:
        expected += " Compared with the current release; not applicable to a first one."
    if check.tolerance:
        expected += f" {check.tolerance.share:.2%} of the rows may differ ({check.tolerance.reason})."
    remedy = remedy_of(check.check_id)
    todo = "" if remedy == PIPELINE else f"{remedy.owner}: {remedy.action}"
    cells = (check.table, f"`{check.check_id}`", check.severity, expected, check.source, todo)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
