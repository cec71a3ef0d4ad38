"""One change at a time in the SQL that decides clinically: a comparison turned, made strict or not, a threshold moved.

A mutant that no test would notice shows a boundary that no test holds. The SQL is that which dbt compiled, so that a
rule in a macro is changed wherever it is used.

    <, <=, >, >=     strict instead of not, and the reverse
    =, <>            each into the other, but where it joins rows by a key: two columns of one name
    or               and
    least, greatest  each into the other
    a number         beside a comparison, in BETWEEN, of days added, or a factor: moved by the least that can matter
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from integration.compiled_project import Model

_COMMENT = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
_TEXT = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"")
_COMPARISON = re.compile(r"<=|>=|<>|<|>")
_EQUALITY = re.compile(r"(?<![<>])=")
_KEY = re.compile(r"\w+\.(\w+)\s=\s\w+\.\1\b")
_WORD = re.compile(r"\bor\b|\bleast\b|\bgreatest\b")
_OTHER_WAY = {
    "<": "<=",
    "<=": "<",
    ">": ">=",
    ">=": ">",
    "=": "<>",
    "<>": "=",
    "or": "and",
    "least": "greatest",
    "greatest": "least",
}
# a number beside a comparison or in BETWEEN, and what the macro add_days is given
_NUMBER = re.compile(r"(?:(?<=[<>=] )|(?<=between )|(?<=and ))\d+(?:\.\d+)?(?![\d.])|(?<=cast\()-?\d+(?= as bigint\))")
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
    without_keys = _blanked(visible, _KEY)
    found = [(match.start(), match[0], _OTHER_WAY[match[0]]) for match in _COMPARISON.finditer(visible)]
    found += [(match.start(), match[0], _OTHER_WAY[match[0]]) for match in _EQUALITY.finditer(without_keys)]
    found += [(match.start(), match[0], _OTHER_WAY[match[0]]) for match in _WORD.finditer(visible)]
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
    return f"{float(number) + 0.000001:.6f}" if "." in number else str(int(number) + 1)
