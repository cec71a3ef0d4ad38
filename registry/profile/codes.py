"""Local codes, units and drugs that the registry does not know, with their probable meanings.

Only those that discretion.py allows are named; the others are counted.
"""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from registry.config import terminology
from registry.profile.discretion import NAME_SHARE, Privacy, Tally, is_loinc
from registry.profile.header_names import folded
from registry.profile.recognise import Guess, drug_meant, is_known_drug, named_test, unit_dimension, unit_meant
from registry.profile.survey import Survey, Surveyed

_AGREE = 0.95
"""Share of a code's rows that must have units of one dimension before it is proposed."""


@dataclass(frozen=True)
class Entry:
    """One local code. `meaning` is the proposal (active in the file if `is_live`, else to be decided); None if unknown.

    `note` gives the number of rows and the reason for the proposal.
    """

    local: str
    rows: int
    note: str
    meaning: str | None = None
    is_live: bool = False


@dataclass
class CodeList:
    """Everything to report about one kind of code.

    `n_hidden` values in `hidden_rows` rows may not be written; `n_hidden_known` of them have a probable meaning.
    `remarks` require action, `asides` do not.
    """

    entries: list[Entry] = field(default_factory=list)
    n_hidden: int = 0
    n_hidden_known: int = 0
    hidden_rows: int = 0
    remarks: list[str] = field(default_factory=list)
    asides: list[str] = field(default_factory=list)

    def add(self, entry: Entry, *, may_be_written: bool) -> None:
        """Add one code, or only count it."""
        if may_be_written:
            self.entries.append(entry)
        else:
            self.n_hidden += 1
            self.n_hidden_known += entry.meaning is not None
            self.hidden_rows += entry.rows

    def in_order(self) -> list[Entry]:
        """The codes with a proposal first, then by rows."""
        return sorted(self.entries, key=lambda e: (not e.is_live, e.meaning is None, -e.rows, e.local))


class Values:
    """The values of one column in all tables, and which of them may be written."""

    def __init__(
        self, tables: Iterable[Surveyed], column: str, privacy: Privacy, is_known: Callable[[str], bool]
    ) -> None:
        self.tallies: dict[str, Tally] = {}
        self.reasons: list[str] = []
        self._privacy = privacy
        for table in tables:
            values = table.values.get(column)
            if values is None:
                continue
            if reason := values.hidden_because(is_known):
                self.reasons.append(f"values of {column} in {table.table.where} are not shown: {reason}")
            for text, tally in values.tallies.items():
                sum_ = self.tallies.setdefault(text, Tally())
                sum_.rows += tally.rows
                if not reason:
                    sum_.patients |= tally.patients

    def may_be_written(self, text: str, *, as_loinc: bool = False) -> bool:
        """Whether the text is common enough, and has the form of a code. `as_loinc`: it may also be a LOINC code."""
        tally = self.tallies.get(text)
        is_code = self._privacy.allows(text) or (as_loinc and is_loinc(text) and not self._privacy.is_an_id(text))
        return tally is not None and tally.is_common and is_code


def local_tests(survey: Survey) -> tuple[CodeList, dict[str, str]]:
    """The site's own test codes, and the meaning of each known or proposed code (code → analyte)."""
    labs = [t for t in survey.tables if "test_code" in t.values]
    of_name: dict[str, Counter[str]] = {}
    of_unit: dict[str, Counter[str]] = {}
    for table in labs:
        for (code, written, unit), rows in table.together.items():
            of_name.setdefault(code, Counter())[written] += rows
            of_unit.setdefault(code, Counter())[unit] += rows
    loinc = terminology.loinc_codes()
    main_name = {code: _main_name(found) for code, found in of_name.items()}
    names = Values(labs, "test_name", survey.privacy, lambda name: named_test(name) is not None)
    codes = Values(
        labs,
        "test_code",
        survey.privacy,
        lambda code: code in loinc or bool(named_test(code) or named_test(main_name.get(code) or "")),
    )
    found = CodeList(remarks=codes.reasons)
    followed = {code: analyte for code, analyte in loinc.items() if code in codes.tallies}
    for code, tally in codes.tallies.items():
        if code in followed:
            continue
        units = of_unit.get(code, Counter())
        name = main_name.get(code)
        shown_name = name if name and names.may_be_written(name) else ""
        entry, analyte = _test_entry(code, tally.rows, shown_name, units)
        if analyte:
            followed[code] = analyte
        may_be_written = name is not None and codes.may_be_written(code, as_loinc=True)
        found.add(entry, may_be_written=may_be_written)
        if not may_be_written and shown_name and entry.meaning:
            found.remarks.append(
                f"{json.dumps(shown_name, ensure_ascii=False)} ({tally.rows:,} rows) is {entry.meaning}; "
                "its code can't be shown here (it looks like a number or an identifier, or is rare): add it"
            )
    return found, followed


def _main_name(names: Counter[str]) -> str | None:
    """The name of a code; "" if it has none, None if it has several and so can't be a code."""
    spellings: dict[str, Counter[str]] = {}
    for name, rows in names.items():
        if name:
            spellings.setdefault(folded(name), Counter())[name] += rows
    if not spellings:
        return ""
    main = max(spellings.values(), key=Counter.total)
    n_rows = sum(map(Counter.total, spellings.values()))
    return main.most_common(1)[0][0] if main.total() >= NAME_SHARE * n_rows else None


def _test_entry(code: str, rows: int, name: str, units: Counter[str]) -> tuple[Entry, str | None]:
    by_code, by_name = named_test(code), named_test(name) if name else None
    test = by_name or by_code
    note = f"{rows:,} rows" + (f", {json.dumps(name, ensure_ascii=False)}" if name and name != code else "")
    if test is None:
        return Entry(code, rows, note), None
    if by_code and by_name and by_code.family != by_name.family:
        return Entry(code, rows, note, " or ".join((*by_code.analytes, *by_name.analytes))), None
    dimensions: Counter[str] = Counter()
    for unit, n_rows in units.items():
        if dimension := _dimension(unit):
            dimensions[dimension] += n_rows
    main = dimensions.most_common(1)
    analyte = test.analyte(main[0][0]) if main else None
    if not main:
        doubt = "no known unit shows which"
    elif main[0][1] < _AGREE * dimensions.total():
        both = {kind: test.analyte(kind) for kind in ("count", "percent") if dimensions[kind]}
        if len(both) > 1 and all(both.values()):
            told = ", ".join(f"{kind}: {meant}" for kind, meant in both.items())
            return Entry(code, rows, f"{note}; comes in units of several kinds", f"{{{told}}}"), None
        doubt = "comes in units of several kinds"
    elif analyte is None:
        doubt = "its units do not match"
    else:
        return Entry(code, rows, note, analyte, is_live=True), analyte
    return Entry(code, rows, f"{note}; {doubt}", " or ".join(test.analytes)), None


def _dimension(unit: str) -> str | None:
    meant = unit_meant(unit) if unit else None
    return unit_dimension(unit) or (unit_dimension(meant.meaning) if meant and meant.is_sure else None)


def local_units(survey: Survey, followed: dict[str, str]) -> CodeList:
    """Units that the registry does not know, of the tests that it follows (of all tests if it follows none)."""
    labs = [t for t in survey.tables if "unit" in t.values]
    values = Values(labs, "unit", survey.privacy, lambda unit: _dimension(unit) is not None)
    rows_followed: Counter[str] = Counter()
    for table in labs:
        for (code, _, unit), rows in table.together.items():
            if code in followed or not followed:
                rows_followed[unit] += rows
    found = CodeList(remarks=values.reasons)
    unknown = [unit for unit in values.tallies if unit_dimension(unit) is None]
    for unit in unknown:
        if rows := rows_followed[unit]:
            found.add(_guessed(unit, rows, unit_meant(unit)), may_be_written=values.may_be_written(unit))
    if n_other := sum(not rows_followed[unit] for unit in unknown):
        found.asides.append(f"unknown units that occur only with tests not mapped: {n_other}; nothing to do")
    if n_blank := rows_followed[""]:
        found.remarks.append(f"{n_blank:,} rows have no unit and will be quarantined (unit_missing)")
    return found


def local_drugs(survey: Survey) -> CodeList:
    """Drug names that the registry does not know."""
    tables = [t for t in survey.tables if "drug" in t.values]
    values = Values(tables, "drug", survey.privacy, lambda name: is_known_drug(name) or drug_meant(name) is not None)
    found = CodeList(remarks=values.reasons)
    for name, tally in values.tallies.items():
        if not is_known_drug(name):
            guess = drug_meant(name) or _misspelt(name)
            found.add(_guessed(name, tally.rows, guess), may_be_written=values.may_be_written(name))
    return found


def _guessed(local: str, rows: int, guess: Guess | None) -> Entry:
    if guess is None:
        return Entry(local, rows, f"{rows:,} rows")
    return Entry(local, rows, f"{rows:,} rows", guess.meaning, guess.is_sure)


def _misspelt(name: str) -> Guess | None:
    """The known drug with a similar name, as an unsure guess."""
    known = terminology.drugs()
    near = difflib.get_close_matches(name.casefold(), [n for n in known if len(n) > 5], n=1, cutoff=0.85)
    return Guess(known[near[0]], is_sure=False) if near else None
