"""One change at a time in the SQL that decides clinically: a comparison made strict or not, a threshold moved.

A mutant that no test would notice shows a boundary that no test holds. The SQL is that which dbt compiled, so that a
rule in a macro is changed wherever it is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from integration.compiled_project import Model

# From the daily count to the outcome: what decides that there is an episode, whose it is, and what came of it.
MUTATED = (
    "int_anc_day",
    "int_stretch",
    "int_episode",
    "int_episode_attributed",
    "int_course_day",
    "int_episode_gcsf_dose",
    "int_episode_consequences",
    "int_episode_event",
    "int_episode_suspect_given",
    "int_episode_line",
    "int_recurrence",
    "int_treatment_in_order",
    "int_rechallenge",
    "int_treatment_action",
    "int_dose",
    "int_exclusion",
    "int_risk_interval",
    "int_risk_time",
    "int_anc_since_dose",
    "fct_anc",
    "fct_neutropenia_episode",
    "mart_monitoring",
)
_COMMENT = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
_TEXT = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"")
_COMPARISON = re.compile(r"<=|>=|(?<![<>])<(?![=>])|(?<![<>])>(?!=)")
_OTHER_WAY = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
# a number beside a comparison or in BETWEEN
_NUMBER = re.compile(r"(?:(?<=[<>=] )|(?<=between )|(?<=and ))\d+(?:\.\d+)?(?![\d.])")
_FACTOR = re.compile(r"(?<![\w.])\d+\.\d+(?= \*)")
"""A factor of a window in days."""


@dataclass(frozen=True)
class Mutant:
    """A model with one token of its SQL changed."""

    model: str
    position: int
    before: str
    after: str
    line: str
    column: int
    """Where in `line` the token begins."""

    @property
    def name(self) -> str:
        """Where and what, for a report."""
        return f"{self.model}@{self.position}: {self.before} -> {self.after} in {self.line!r}"

    def lies_in(self, part: str) -> bool:
        """Is the changed token a piece of this part of its line?"""
        found = self.line.find(part)
        return 0 <= found <= self.column < found + len(part)

    def apply(self, sql: str) -> str:
        """The model's SQL with the change."""
        return sql[: self.position] + self.after + sql[self.position + len(self.before) :]


def mutants_of(model: Model) -> Iterator[Mutant]:
    """Every mutant of one model, in the order of its text; comments and quoted text stay as they are."""
    visible = _blanked(_blanked(model.sql, _COMMENT), _TEXT)
    found = [(match.start(), match[0], _OTHER_WAY[match[0]]) for match in _COMPARISON.finditer(visible)]
    found += [(match.start(), match[0], _moved(match[0])) for match in _NUMBER.finditer(visible)]
    found += [(match.start(), match[0], f"{float(match[0]) + 0.1:.1f}") for match in _FACTOR.finditer(visible)]
    for position, before, after in sorted(found):
        start = model.sql.rfind("\n", 0, position) + 1
        line = model.sql[start:].partition("\n")[0]
        column = position - start - (len(line) - len(line.lstrip()))
        yield Mutant(model.name, position, before, after, line.strip(), column)


def _blanked(sql: str, what: re.Pattern[str]) -> str:
    return what.sub(lambda match: " " * len(match[0]), sql)


def _moved(number: str) -> str:
    """The threshold moved by the least that a count (6 decimals) or a day can differ."""
    return str(int(number) + 1) if number.isdigit() else f"{float(number) + 0.000001:.6f}"
