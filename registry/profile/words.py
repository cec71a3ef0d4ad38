"""Words of coded columns that the registry does not know, and tests that never have a unit."""

from __future__ import annotations

from collections import Counter

from registry.config import terminology
from registry.profile.codes import CodeList, Entry, Values
from registry.profile.survey import Survey

_FEW_WORDS = 8
"""A coded column with at most this many different words contains codes, known or not."""


def tests_without_unit(survey: Survey, followed: dict[str, str]) -> dict[str, int]:
    """The LOINC or proposed codes that never have a unit, with their rows."""
    of_code: dict[str, Counter[bool]] = {}
    for table in survey.tables:
        for (code, _, unit), rows in table.together.items():
            if code in followed:
                of_code.setdefault(code, Counter())[bool(unit)] += rows
    loinc = terminology.loinc_codes()
    return {code: n[False] for code, n in of_code.items() if n[False] and not n[True] and code in loinc}


def unknown_words(survey: Survey, column: str) -> CodeList:
    """The words of a coded column that are unknown, or ambiguous because of another word in the column."""
    tables = [table for table in survey.tables if column in table.values]
    sent = {terminology.folded_word(word) for table in tables for word in table.values[column].tallies}
    known = terminology.known_words(column, sent)
    is_short = len(sent) <= _FEW_WORDS
    words = Values(tables, column, survey.privacy, lambda word: is_short or terminology.folded_word(word) in known)
    found = CodeList(remarks=words.reasons)
    for word, tally in words.tallies.items():
        if terminology.folded_word(word) not in known:
            found.add(Entry(word, tally.rows, f"{tally.rows:,} rows"), may_be_written=words.may_be_written(word))
    return found
