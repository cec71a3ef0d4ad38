"""The names that configuration may use, read from the seeds of the dbt project on first use.

The seeds are the only list. If a seed is missing, everything is accepted.
"""

from __future__ import annotations

import csv
import functools
import re
import unicodedata
from collections.abc import Collection

from registry.paths import SEEDS

_INVISIBLE = (0xAD, 0x61C, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF)
_BLANK = (
    *(*range(0x9, 0xE), *range(0x1C, 0x20), 0x85, 0xA0, 0x1680),
    *(*range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000),
)
_DASH = (*range(0x2010, 0x2016), 0x2212, 0xFE58, 0xFE63)
_FULL_WIDTH = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_PLAIN = dict.fromkeys(_INVISIBLE) | dict.fromkeys(_BLANK, " ") | dict.fromkeys(_DASH, "-") | _FULL_WIDTH
_SPELLINGS = str.maketrans("µμ×⁰¹²³⁴⁵⁶⁷⁸⁹", "uux0123456789")


@functools.cache
def _column(seed: str, column: str) -> tuple[str, ...]:
    """One column of a seed, in its order; empty if the seed is missing."""
    path = SEEDS / f"{seed}.csv"
    if not path.is_file():
        return ()
    with path.open(encoding="utf-8", newline="") as lines:
        return tuple(row[column] for row in csv.DictReader(lines))


def drugs() -> dict[str, str]:
    """Every name of a drug (substance, brand, ATC code) in lower case → its substance."""
    names = dict(zip(_column("drug_names", "name"), _column("drug_names", "drug"), strict=True))
    return names | {drug: drug for drug in _column("drugs", "drug")}


def test_codes() -> frozenset[str]:
    """Every test code that a site need not map: LOINC."""
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


def usual_units() -> dict[str, str]:
    """What units measure → the unit of the first analyte measured in this way."""
    pairs = list(zip(_column("analytes", "dimension"), _column("analytes", "canonical_unit"), strict=True))
    return dict(reversed(pairs))


def code_words(column: str) -> dict[str, str]:
    """Every known word of a coded column, folded by `folded_word` → its code."""
    rows = zip(_column("code_words", "kind"), _column("code_words", "word"), _column("code_words", "code"), strict=True)
    return {word: code for kind, word, code in rows if kind == column}


def known_words(column: str, sent: Collection[str]) -> dict[str, str]:
    """The known words of a coded column, as above, without those made ambiguous by the folded words in `sent`."""
    beside = zip(
        _column("code_words", "kind"),
        _column("code_words", "word"),
        (words.split() for words in _column("code_words", "unless_beside")),
        strict=True,
    )
    ambiguous = {word for kind, word, others in beside if kind == column and not set(others).isdisjoint(sent)}
    return {word: code for word, code in code_words(column).items() if word not in ambiguous}


def codes(column: str) -> frozenset[str]:
    """The codes of a coded column."""
    return frozenset(code_words(column).values())


def plain_characters(text: str) -> str:
    """Text without invisible characters, with one kind of blank and dash, and plain letters for full-width ones.

    The macro of this name in the dbt project does the same; so do the macros named like the functions below.
    """
    return text if text.isascii() and text.isprintable() else text.translate(_PLAIN)


@functools.lru_cache(maxsize=10_000)
def folded_word(text: str) -> str:
    """A word without case, accents, invisible characters, extra blanks and a point at its end."""
    decomposed = unicodedata.normalize("NFD", text.lower())
    bare = plain_characters("".join(c for c in decomposed if not unicodedata.category(c).startswith("M")))
    return re.sub(" +", " ", bare).strip(" ").rstrip(". ")


def folded_code(code: str) -> str:
    """A code without case, blanks, quotes, invisible characters, and the ".0" that a data frame adds to digits."""
    plain = plain_characters(code.lower()).replace(" ", "").strip("\"';,")
    return re.sub(r"^(\d+)\.0+$", r"\1", plain)


def folded_header(header: str) -> str:
    """A column's header for comparison: without case, invisible characters and extra blanks."""
    return re.sub(" +", " ", plain_characters(header)).strip(" ").casefold()


def folded_unit(unit: str) -> str:
    """A unit in the spelling of the seed."""
    folded = plain_characters(unit).partition("^^")[0].translate(_SPELLINGS).replace(" ", "")
    return re.sub(r"^10(\^|\*\*|[Ee])", "10*", re.sub(r"^[xX*·•](10)", r"\1", folded))


def month(word: str) -> int | None:
    """The month with this name in one of the seed's languages, regardless of case and accents."""
    return _months().get(folded_word(word))


@functools.cache
def _months() -> dict[str, int]:
    return dict(zip(_column("month_names", "name"), map(int, _column("month_names", "month")), strict=True))


def reviewer_roles() -> dict[str, str]:
    """Every word for a reviewer's role, in lower case → the role."""
    return dict(zip(_column("reviewer_roles", "name"), _column("reviewer_roles", "role"), strict=True))


def scales() -> frozenset[str]:
    """Ids of the grading scales."""
    return frozenset(_column("grading_scales", "scale"))


def definitions() -> dict[str, dict[str, str]]:
    """The case definitions that come with the registry: id → its row in the seed, without the source."""
    path = SEEDS / "case_definitions.csv"
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [{key: text for key, text in row.items() if key != "source"} for row in csv.DictReader(lines)]
    return {row["definition_id"]: row for row in rows}
