"""docs/checks.md, made from the suites: `python -m scripts.checks` writes it again."""

from __future__ import annotations

from itertools import groupby

from expectations.catalogue import CHECKS
from expectations.check import Check
from expectations.remedies import LAYOUT, PIPELINE, remedy_of
from registry.paths import CHECKOUT

PAGE = CHECKOUT / "docs" / "checks.md"
_DEFECTS = {PIPELINE: "A rule is broken", LAYOUT: "A table or column is missing"}
"""What no delivery can cause is told once."""
_HEAD = """\
# The gate's checks

Written from the suites in `expectations/` by `python -m scripts.checks`; a test keeps it in step.

A **critical** check that fails blocks the release, and there is no override: the release in force stays. A **warning**
is published with the release (`meta.check_result`), printed, and shown in Dagster. A check that can't be carried out
blocks too.

How to read a refusal: [operations.md](operations.md). How to add a check: [CONTRIBUTING.md](../CONTRIBUTING.md).
"""


def page() -> str:
    """The whole page."""
    critical = sum(check.severity == "critical" for check in CHECKS)
    lines = [_HEAD, f"{len(CHECKS)} checks: {critical} critical, {len(CHECKS) - critical} warnings.", ""]
    for remedy, title in _DEFECTS.items():
        lines += [f"## {title}", "", f"- mended by: {remedy.owner}", f"- what to do: {remedy.action}", ""]
    for table, checks in groupby(sorted(CHECKS, key=lambda check: check.table), key=lambda check: check.table):
        lines += [f"## {table}", ""]
        for check in checks:
            lines += _entry(check)
    return "\n".join(lines).rstrip() + "\n"


def _entry(check: Check) -> list[str]:
    remedy = remedy_of(check.check_id)
    lines = [f"### {check.check_id}", "", f"**{check.severity}** · {check.description}", ""]
    if check.needs_previous:
        lines += ["- compared with: the release in force; not applicable to a first one"]
    if check.tolerance:
        lines += [f"- tolerated: {check.tolerance.share:.2%} of the rows ({check.tolerance.reason})"]
    lines += [f"- source: {check.source}"]
    if remedy in _DEFECTS:
        title = _DEFECTS[remedy]
        return [*lines, f"- what to do: [{title.lower()}](#{title.lower().replace(' ', '-')})", ""]
    return [*lines, f"- mended by: {remedy.owner}", f"- what to do: {remedy.action}", ""]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
