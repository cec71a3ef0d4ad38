"""Meanings of a site's own words: the key `codes` of its site.yml, flags, and words for missing values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from registry.config import terminology
from registry.config.input_contract import ANALYTES
from registry.config.wide_layout import check_unit_fits, not_blank, trimmed_keys
from registry.config.yaml_file import MistakeAt, YamlModel, nearest, one_of

WORD_COLUMNS = ("sex", "ms_phenotype", "duffy_null", "status", "event_type", "end_reason", "verdict", "material")
"""Columns whose words a site may map to the codes of the contract."""

_HOW_TO_WRITE_A_TEST = "write one analyte, or one for each kind of unit: {count: anc, percent: neutrophils_pct}"
_MEASUREMENT = re.compile(
    r"(?:[<>=≤≥~+ ]*|- *(?=[0.,]+$))(?:\d{1,3}(?:[.,' ]\d{3})+(?:[.,]\d*)?|\d+(?:[.,]\d*)?|[.,]\d+)(?:e[+-]?\d+)? *%?",
    re.IGNORECASE,
)
"""A number in any spelling that a result may have; negative numbers are not results."""
_NOT_A_FLAG = re.compile(r"[\d<>=≤≥%]|^[.,\s]*$")


def _analyte(name: str) -> str:
    return one_of(name, ANALYTES, "analyte")


def known_unit(name: str) -> str:
    """Return a known unit as written. Raises ValueError with the nearest one if it is unknown."""
    known = terminology.units()
    if known and terminology.unit_form(name) not in known:
        raise ValueError(f"unknown unit '{name}'{nearest(name, terminology.ucum_codes())}")
    return name


def _substance(name: str) -> str:
    """The substance of a drug's name, brand or ATC code."""
    known = terminology.drugs()
    return known[one_of(name.strip().casefold(), known, "drug")] if known else name


def _test(meaning: Any) -> str | dict[str, str]:
    """A test's analyte, or one for each kind of unit: `{count: anc, percent: neutrophils_pct}`."""
    if isinstance(meaning, str):
        return _analyte(meaning)
    if not isinstance(meaning, dict) or not meaning:
        raise ValueError("write a value" if meaning is None else _HOW_TO_WRITE_A_TEST)
    dimensions = terminology.analyte_dimensions()
    for kind, analyte in meaning.items():
        one_of(kind, set(dimensions.values()), "kind of unit")
        if dimensions[_analyte(str(analyte))] != kind:
            raise ValueError(f"{analyte} is measured as {dimensions[analyte]}, not as {kind}")
    return meaning


def _spelled_once(mapping: Any) -> Any:
    """Trim the keys. Raises MistakeAt if one is blank, or two are then equal."""
    if not isinstance(mapping, dict):
        return mapping
    trimmed: dict[str, Any] = {}
    for key, value in mapping.items():
        if not str(key).strip():
            raise MistakeAt((str(key),), "must not be blank; a blank cell already means no value")
        if trimmed.setdefault(str(key).strip(), value) is not value:
            raise MistakeAt((str(key),), f"'{key}' is written twice")
    return trimmed


Words = Annotated[dict[str, str], BeforeValidator(_spelled_once)]


class Codes(YamlModel):
    """The site's own codes: test → analyte, unit → UCUM, drug → substance, word → code of a column."""

    tests: Annotated[dict[str, Annotated[Any, AfterValidator(_test)]], BeforeValidator(_spelled_once)] = Field(
        default_factory=dict
    )
    units: Annotated[dict[str, Annotated[str, AfterValidator(known_unit)]], BeforeValidator(_spelled_once)] = Field(
        default_factory=dict
    )
    drugs: Annotated[dict[str, Annotated[str, AfterValidator(_substance)]], BeforeValidator(trimmed_keys)] = Field(
        default_factory=dict
    )
    sex: Words = Field(default_factory=dict)
    ms_phenotype: Words = Field(default_factory=dict)
    duffy_null: Words = Field(default_factory=dict)
    status: Words = Field(default_factory=dict)
    event_type: Words = Field(default_factory=dict)
    end_reason: Words = Field(default_factory=dict)
    verdict: Words = Field(default_factory=dict)
    material: Words = Field(default_factory=dict)

    @field_validator(*WORD_COLUMNS)
    @classmethod
    def _known(cls, mapping: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        """Each word with a code of its column. Raises MistakeAt if words that fold to the same have two meanings."""
        column = str(info.field_name)
        codes = {code.casefold(): code for code in terminology.codes(column)}
        if column == "duffy_null":  # yes and no in any of the known words: its codes are truth values
            codes |= terminology.code_words(column)
        meant: dict[str, str] = {}
        folded: dict[str, str] = {}
        for word, code in mapping.items():
            written = terminology.folded_word(code) if column == "duffy_null" else code.casefold()
            if codes and written not in codes:
                raise MistakeAt((word,), f"unknown code of {column} '{code}'{nearest(code, set(codes.values()))}")
            meant[word] = codes.get(written, code)
            if folded.setdefault(terminology.folded_word(word), meant[word]) != meant[word]:
                raise MistakeAt((word,), f"'{word}' is written twice with different meanings")
        return meant

    @field_validator("units")
    @classmethod
    def _same_kind(cls, units: dict[str, str]) -> dict[str, str]:
        """Raise MistakeAt if a known unit would measure something else."""
        kinds = terminology.unit_dimensions()
        for own, meant in units.items():
            known, other = (kinds.get(terminology.unit_form(unit)) for unit in (own, meant))
            if known and other and known != other:
                raise MistakeAt((own,), f"'{own}' is a unit of {known}; it can't be '{meant}', a unit of {other}")
        return units


class ConstantUnits(YamlModel):
    """Units of tests that are exported without: test code → unit."""

    lab_results: Annotated[dict[str, Annotated[str, AfterValidator(not_blank)]], BeforeValidator(_spelled_once)] = (
        Field(default_factory=dict)
    )


def check_units(units: Mapping[str, str], codes: Codes) -> None:
    """Raise MistakeAt if a constant unit is unknown, or its test is unknown or listed twice."""
    tests = (*codes.tests, *terminology.test_codes())
    folded_tests = {terminology.folded_code(test) for test in tests}
    own_units = {terminology.folded_unit(unit) for unit in codes.units}
    seen: set[str] = set()
    for code, unit in units.items():
        place, folded = ("units", "lab_results", code), terminology.folded_code(code)
        if terminology.test_codes() and folded not in folded_tests:
            raise MistakeAt(place, f"'{code}' is neither in codes.tests nor a known LOINC code{nearest(code, tests)}")
        if folded in seen:
            raise MistakeAt(place, f"'{code}' is written twice (case and blanks in codes are ignored)")
        seen.add(folded)
        if terminology.folded_unit(unit) not in own_units:
            try:
                known_unit(unit)
            except ValueError as error:
                raise MistakeAt(place, str(error)) from None
        check_unit_fits(place, code, unit, codes.tests, codes.units)


def _flag(mark: str) -> str:
    if not mark.strip():
        raise ValueError("write a mark, such as * or H")
    if _NOT_A_FLAG.search(terminology.plain_characters(mark)):
        raise ValueError(f"'{mark}' can't be a flag: it could be part of a number")
    return mark.strip()


def _missing(word: str) -> str:
    if not word.strip():
        raise ValueError("must not be blank; a blank cell already means no value")
    plain = terminology.plain_characters(word).strip()
    if is_measurement(plain):
        raise ValueError(f"'{word}' can't mean no value: it is a number, and all results with this value would be lost")
    meaning = _known_as(plain)
    if meaning:
        raise ValueError(f"'{word}' can't mean no value: it is known as {meaning}")
    return word.strip()


def is_measurement(text: str) -> bool:
    """Whether a text is a number of at least zero in any spelling, with or without an operator or a percent sign."""
    return _MEASUREMENT.fullmatch(text.strip()) is not None


def _known_as(word: str) -> str:
    """The known meaning of a word; "" if it has none."""
    column = next(
        (name for name in WORD_COLUMNS if terminology.folded_word(word) in terminology.code_words(name)), None
    )
    if column:
        return f"a word of {column}"
    if word.casefold() in terminology.drugs():
        return "a drug"
    if word in ANALYTES or terminology.folded_code(word) in map(terminology.folded_code, terminology.test_codes()):
        return "a test"
    return "a unit" if terminology.unit_form(word) in terminology.units() else ""


Flag = Annotated[str, AfterValidator(_flag)]
MissingWord = Annotated[str, AfterValidator(_missing)]


def flag_patterns(flags: tuple[str, ...]) -> tuple[str, str] | None:
    """Regular expressions of flags before and after a value, with brackets and blanks around them; None without flags.

    A sign before a number is never a flag: "-0.4" stays negative.
    """
    if not flags:
        return None
    by_length = sorted((terminology.plain_characters(mark).strip() for mark in flags), key=len, reverse=True)

    def pattern(marks: list[str]) -> str:
        return r"[(\[]?(?:" + "|".join(re.escape(mark) for mark in marks) + r")[)\]]?"

    before = [mark for mark in by_length if mark not in ("+", "-")]
    blank = r"[\s\x{a0}]*"
    return (
        f"^(?:{blank}{pattern(before)}{blank})+" if before else "",
        f"(?:{blank}{pattern(by_length)}{blank})+$",
    )
