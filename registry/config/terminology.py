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

INVISIBLE = dict.fromkeys(
    (0xAD, 0x61C, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF)
)
BLANK = dict.fromkeys(
    (
        *(*range(0x9, 0xE), *range(0x1C, 0x20), 0x85, 0xA0, 0x1680),
        *(*range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000),
    ),
    " ",
)
DASH = dict.fromkeys((*range(0x2010, 0x2016), 0x2212, 0xFE58, 0xFE63), "-")
FULL_WIDTH = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_PLAIN = INVISIBLE | BLANK | DASH | FULL_WIDTH
_SPELLINGS = str.maketrans("µμ×ˆ∧∗⁄⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "uux^^*/-0123456789")
_CELLS = (
    r"(?i:cell\.?|cells|cel\.?|c[eé]ls?|c[eé]lulas?|cellul[ae]|cellules|zell|zellen|wbcs?|leu[kc]ocytes?|leucociti"
    r"|leucocitos|leukozyten|neutrophils|lymphocytes)"
)
_COUNTED = rf"[({{]?(?:{_CELLS}|(?i:plt|platelets|elementi|[eé]l[eé]ments|#|n|n[.°º]|no\.|nr\.?|anzahl))[)}}]?"
_EXPONENT = r"(?:(?:\^|\*\*?|\.?[eE]|[xX]|(?i:exp)|['’])[({\[]?\+?0?([1-9]|1[0-2])|[({\[]?([23469]|12))[)}\]]?"
_CUBIC_MM = r"(?i:mm(?:\^|\*\*?)?(?:3|[({]3[)}])|mmc|cu?[.-]?mm\.?3?|cubicmm|cubicmillimet(?:er|re)s?)"
_THOUSAND = r"(?i:k|th|tho|thous?|thousands?|tsd|tausend|mila|migl|migliaia|mille|milliers|miles)"
_MILLION = r"(?i:mio|mln|millions?|millionen|milioni|millones)"
_BILLION = r"(?i:giga|gpt|bil|billions?|mrd|milliards?|milliarden|miliardi)"
_PERCENT = (
    r"(?i:per-?cent|percentage|percento|percentuale|pct\.?|perc\.?|prozent|porcentaje|porciento|pour-?cent|pourcentage)"
)
_UNIT_RULES = (
    (r"^([^/]+?)[.·*]?(?:([unmpd]?[lL])\^?-1|(mm)\^?-(3))$", r"\1/\2\3\4"),
    (r"/(?:(?i:ul|mcl|microl|micro-?lit(?:er|re|ro)s?|mikroliter)|Μ[lL]|㎕)\.?$", "/uL"),
    (rf"/(?:{_CUBIC_MM}|㎣)\.?$", "/mm3"),
    (r"/(?:(?i:l|lt|ltr|lit(?:er|re|ro)s?)|ℓ)\.?$", "/L"),
    (r"/(100)?(?:m[lL]|(?i:millilit(?:er|re|ro)s?)|㎖)\.?$", r"/\1mL"),
    (r"/(?:(?i:dl|decilit(?:er|re|ro)s?)|㎗)\.?$", "/dL"),
    (r"/([np])[lL]\.?$", r"/\1L"),
    (rf"^(?:{_COUNTED})?[xX*·•]?10{_EXPONENT}\.?(?:{_COUNTED})?/", r"10*\1\2/"),
    (rf"^(?:[xX*·•]?1000|{_THOUSAND}\.?)(?:{_COUNTED})?/(uL|mm3)$", r"10*3/\1"),
    (rf"^{_MILLION}\.?(?:{_COUNTED})?/", "10*6/"),
    (rf"^{_BILLION}\.?(?:{_COUNTED})?/L$", "10*9/L"),
    (rf"^(?:1|{_COUNTED})/([unmp]?L|mm3)$", r"/\1"),
    (rf"^(?:%(?:(?i:of|di|des|de))?|[({{]?{_CELLS}?[)}}]?/100)[({{]?{_CELLS}[)}}]?$", "%"),
    (rf"^{_PERCENT}$", "%"),
    (r"^(?i:gr|gm|grams?)([/%])", r"g\1"),
    (r"^(?i:milligrams?)/", "mg/"),
    (r"^(?i:mcg)/", "ug/"),
)


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
    """Every unit, in its form (`unit_form`)."""
    return frozenset(_column("units", "unit")) | ucum_codes()


def ucum_codes() -> frozenset[str]:
    """The UCUM code of every unit."""
    return frozenset(_column("units", "ucum"))


def unit_spellings() -> dict[str, str]:
    """The form of every known unit → its UCUM code."""
    return dict(zip(_column("units", "unit"), _column("units", "ucum"), strict=True))


def unit_dimensions() -> dict[str, str]:
    """The form of every known unit → what it measures (count, percent, mass_concentration, …)."""
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
    """A unit without typographic variants, as a site's own spellings are compared."""
    folded = plain_characters(unit).replace("\\S\\", "^").partition("^^")[0].translate(_SPELLINGS).replace(" ", "")
    return re.sub(r"^10(?:\^|\*\*|[Ee]([+0-9]))", r"10*\1", re.sub(r"^[xX*·•](10)", r"\1", folded))


@functools.lru_cache(maxsize=10_000)
def unit_form(unit: str) -> str:
    """A unit in the spelling of the seed."""
    per = "(?i)(^|[ \u00a0])(?:per|pro|par|por)[ \u00a0]+([^c \u00a0]|c[um.])"
    form = folded_unit(re.sub(per, r"/\2", unit, count=1))
    for pattern, replacement in _UNIT_RULES:
        form = re.sub(pattern, replacement, form, count=1)
    return form


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
