"""What a check is and what it found: the plain data that the catalogue, the runner and the release share.

Belongs here: the records below. Not here: which checks exist (`suites/`), how they run (`runner.py`).
Importing this module costs nothing: no Great Expectations, no DuckDB.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Severity = Literal["critical", "warning"]

FINDS = {
    "rows": "row",
    "sites": "site",
    "months of a site": "month of a site",
    "deliveries": "delivery",
    "tables of a delivery": "table of a delivery",
    "files": "file",
    "episodes": "episode",
    "cases": "case",
    "results": "result",
    "doses": "dose",
    "lines": "line",
    "drugs of a patient": "drug of a patient",
    "analytes of a site": "analyte of a site",
    "derivations of a site": "derivation of a site",
    "columns of a site": "column of a site",
    "definitions": "definition",
    "strata": "stratum",
    "sums": "sum",
    "analyses": "analysis",
    "reasons": "reason",
    "values": "value",
    "rules": "rule",
    "entities": "entity",
    "columns": "column",
    "tables": "table",
    "differences": "difference",
}
"""What a check can count, in the plural and in the singular. `rows` are rows of its own table, anything else is not."""


@dataclass(frozen=True)
class Remedy:
    """Who acts on a failed check, and what to do."""

    owner: str
    action: str


@dataclass(frozen=True)
class Tolerance:
    """The share of a table's rows that a check lets pass, and why, with the date of that judgement."""

    share: float
    reason: str

    def __post_init__(self) -> None:
        """Refuse a tolerance without a dated reason."""
        if not 0 < self.share < 1 or not re.match(r"\d{4}-\d{2}-\d{2}: \S", self.reason):
            raise ValueError("a tolerated share lies between 0 and 1 and has a reason that begins with its date")


@dataclass(frozen=True)
class Check:
    """One expectation on one published table.

    `expectation` names a Great Expectations class and `arguments` what it is given; a check in SQL has its
    query in `sql` instead: it runs unchanged on a release and returns the keys of the offending rows.
    """

    check_id: str
    table: str
    severity: Severity
    description: str
    source: str
    expectation: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    sql: str = ""
    needs_previous: bool = False
    finds: str = "rows"
    """What one row of the query is, a key of `FINDS`: `rows` only where that is one row of `table`."""
    at_fault: str = ""
    """Of a check without a query: the condition in SQL that its rows at fault meet, if they can be looked up."""
    names_offenders: bool = False
    """Whether the query's rows hold nothing of a patient (sites, months, strata) and may be shown."""
    tolerance: Tolerance | None = None
    has_explanations: bool = False
    """Whether the query's last column, `explained`, gives a reason for a row; the check warns if every row has one."""
    explained_by_rules: bool = False
    """Whether a change of the registry's own rules since the previous release explains every row."""

    def __post_init__(self) -> None:
        """Refuse a word that a message could not put into the singular."""
        if self.finds not in FINDS:
            raise ValueError(f"{self.check_id} finds {self.finds}, which is not in FINDS")

    def tolerates(self, n_unexpected: int, n_rows: int) -> bool:
        """Are so few rows at fault that they pass?"""
        return self.tolerance is not None and n_unexpected <= self.tolerance.share * n_rows

    @property
    def query(self) -> str:
        """What returns the keys of the rows at fault; empty where a check is not about rows."""
        return self.sql or (f"SELECT * FROM {self.table} WHERE {self.at_fault}" if self.at_fault else "")

    @property
    def asset(self) -> str:
        """The table without its schema: the name of the asset that the check judges."""
        return self.table.partition(".")[2]


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check: counts, and never a patient's value."""

    check_id: str
    table: str
    severity: Severity
    description: str
    source: str
    passed: bool
    n_unexpected: int
    n_rows: int
    detail: str = ""
    finds: str = "rows"
    """What `n_unexpected` counts (see `FINDS`); empty if the check could not be carried out."""

    @classmethod
    def of(cls, check: Check, *, passed: bool, n_unexpected: int = 0, n_rows: int = 0, detail: str = "") -> CheckResult:
        """The result of `check`; a check that fails without counting rows counts as one."""
        return cls(
            check_id=check.check_id,
            table=check.table,
            severity=check.severity,
            description=check.description,
            source=check.source,
            passed=passed,
            n_unexpected=n_unexpected,
            n_rows=n_rows,
            detail=detail,
            finds=check.finds,
        )

    @classmethod
    def undecided(cls, check: Check, detail: str, n_rows: int = 0) -> CheckResult:
        """A check that could not be carried out blocks the release, whatever its own severity."""
        result = cls.of(check, passed=False, n_unexpected=1, n_rows=n_rows, detail=detail)
        return replace(result, severity="critical", finds="")

    @property
    def found(self) -> str:
        """What was found, in words: `3 of 560 rows` of the table, or `6 sites`."""
        if not self.finds:
            return "not checked"
        if self.finds == "rows":
            return f"{self.n_unexpected:,} of {self.n_rows:,} rows"
        return f"{self.n_unexpected:,} {FINDS.get(self.finds, self.finds) if self.n_unexpected == 1 else self.finds}"

    @property
    def blocks(self) -> bool:
        """Whether this result alone keeps the candidate from being published."""
        return self.severity == "critical" and not self.passed


@dataclass(frozen=True)
class Audit:
    """All results on one candidate, and the decision."""

    checks: tuple[CheckResult, ...]

    @property
    def passed(self) -> bool:
        """True when no critical check failed; warnings are published and shown."""
        return not any(result.blocks for result in self.checks)

    @property
    def blocking(self) -> tuple[CheckResult, ...]:
        """The failed critical checks."""
        return tuple(result for result in self.checks if result.blocks)

    @property
    def warnings(self) -> tuple[CheckResult, ...]:
        """The failed checks that do not block."""
        return tuple(r for r in self.checks if not r.passed and not r.blocks)

    def with_result(self, result: CheckResult) -> Audit:
        """The same audit with one more result."""
        return Audit((*self.checks, result))
