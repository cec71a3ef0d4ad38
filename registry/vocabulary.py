"""The names that configuration may refer to, read from the seeds of the dbt project when they are first needed.

The seeds decide; nothing is listed here a second time. Where a seed is absent nothing can be checked, and
everything is accepted.
"""

from __future__ import annotations

import csv
import functools
import re
import unicodedata
from pathlib import Path

SEEDS = Path(__file__).resolve().parents[1] / "dbt_project" / "seeds"

_SPELLINGS = str.maketrans("µμ×⁰¹²³⁴⁵⁶⁷⁸⁹", "uux0123456789")


@functools.cache
def _column(seed: str, column: str) -> tuple[str, ...]:
    """One column of a seed, in its order; empty where the seed is absent."""
    path = SEEDS / f"{seed}.csv"
    if not path.is_file():
        return ()
    with path.open(encoding="utf-8", newline="") as lines:
        return tuple(row[column] for row in csv.DictReader(lines))


def drugs() -> dict[str, str]:
    """Every name of a drug, lower case (substance, brand, ATC code) → its substance."""
    names = dict(zip(_column("drug_names", "name"), _column("drug_names", "drug"), strict=True))
    return names | {drug: drug for drug in _column("drugs", "drug")}


def test_codes() -> frozenset[str]:
    """Every test code that needs no explanation by a site: LOINC."""
    return frozenset(_column("test_codes", "test_code"))


def units() -> frozenset[str]:
    """Every unit, in folded spelling (`folded_unit`)."""
    return frozenset(_column("units", "unit")) | frozenset(_column("units", "ucum"))


def unit_spellings() -> dict[str, str]:
    """Every known spelling of a unit → its UCUM form."""
    return dict(zip(_column("units", "unit"), _column("units", "ucum"), strict=True))


def unit_dimensions() -> dict[str, str]:
    """Every known spelling of a unit → what it measures (count, percent, mass_concentration, …)."""
    return dict(zip(_column("units", "unit"), _column("units", "dimension"), strict=True))


def loinc_codes() -> dict[str, str]:
    """LOINC code → analyte."""
    return dict(zip(_column("test_codes", "test_code"), _column("test_codes", "analyte"), strict=True))


def analyte_dimensions() -> dict[str, str]:
    """Analyte → what its units measure (count, percent, mass_concentration)."""
    return dict(zip(_column("analytes", "analyte"), _column("analytes", "dimension"), strict=True))


def code_words(column: str) -> dict[str, str]:
    """Every known word of a coded column, as `folded_word` has it → its code."""
    rows = zip(_column("code_words", "kind"), _column("code_words", "word"), _column("code_words", "code"), strict=True)
    return {word: code for kind, word, code in rows if kind == column}


def codes(column: str) -> frozenset[str]:
    """The codes of a coded column."""
    return frozenset(code_words(column).values())


def plain_characters(text: str) -> str:
    """Text without invisible characters, with one kind of dash and plain letters and digits for full-width ones."""
    visible = "".join(c for c in text if unicodedata.category(c) != "Cf")
    plain = "".join(unicodedata.normalize("NFKC", c) if "\uff01" <= c <= "\uff5e" else c for c in visible)
    return re.sub("[\u2010-\u2015\u2212\ufe58\ufe63]", "-", plain)


@functools.lru_cache(maxsize=10_000)
def folded_word(text: str) -> str:
    """A word without case, accents, invisible characters, spare blanks and a point at its end.

    The macro `folded_word` of the dbt project does the same.
    """
    plain = unicodedata.normalize("NFKD", plain_characters(text).lower())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return re.sub(r"\s+", " ", plain).strip().rstrip(". ")


def folded_unit(unit: str) -> str:
    """The spelling that the seed holds; the macro `folded_unit` of the dbt project does the same."""
    folded = re.sub(r"\s", "", plain_characters(unit).partition("^^")[0].translate(_SPELLINGS))
    return re.sub(r"^10(\^|\*\*|[Ee])", "10*", re.sub(r"^[xX*·•](10)", r"\1", folded))


def month(word: str) -> int | None:
    """The month that a word names in one of the languages of the seed, in any case, with accents or without."""
    return _months().get(folded_word(word))


@functools.cache
def _months() -> dict[str, int]:
    return dict(zip(_column("month_names", "name"), map(int, _column("month_names", "month")), strict=True))


def reviewer_roles() -> dict[str, str]:
    """What a delivery may call the role of a chart review's reader, lower case → the role."""
    return dict(zip(_column("reviewer_roles", "name"), _column("reviewer_roles", "role"), strict=True))


def scales() -> frozenset[str]:
    """Ids of the grading scales."""
    return frozenset(_column("grading_scales", "scale"))


def definitions() -> dict[str, dict[str, str]]:
    """The case definitions that come with the registry: id → its row of the seed, without the source."""
    path = SEEDS / "case_definitions.csv"
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [{key: text for key, text in row.items() if key != "source"} for row in csv.DictReader(lines)]
    return {row["definition_id"]: row for row in rows}
