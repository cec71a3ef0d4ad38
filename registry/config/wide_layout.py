"""Wide tables in a `site.yml`: one row per blood draw, one column per test. registry/ingest/wide.py splits them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from registry.config import terminology
from registry.config.input_contract import ANALYTES, ENTITIES
from registry.config.yaml_file import MistakeAt, YamlModel, nearest, one_of

FROM_THE_COLUMN = ("test_code", "test_name", "value", "unit")
"""Columns that the header of a test determines; a file with one of these columns is not a wide table."""

COMPOSED_KEY = ("patient_id", "specimen_id", "collected_at")
"""Columns that identify a draw without its own key; the specimen is not needed."""

_CARRIED = (*COMPOSED_KEY, "material")


def trimmed_keys(mapping: Any) -> Any:
    """Trim the keys. Raises ValueError if two fold to the same header."""
    if not isinstance(mapping, dict):
        return mapping
    folded = [terminology.folded_header(str(key)) for key in mapping]
    if "" in folded:
        raise ValueError("the text before the colon must not be blank")
    twice = next((key for key in folded if folded.count(key) > 1), None)
    if twice is not None:
        raise ValueError(f"'{twice}' is written twice (case is ignored)")
    return {str(key).strip(): value for key, value in mapping.items()}


def named_once(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names of a list. Raises ValueError if one is there twice."""
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"'{twice}' is written twice; remove one")
    return names


def not_blank(text: str) -> str:
    """Trim the text. Raises ValueError if nothing is left."""
    if not text.strip():
        raise ValueError("write a value")
    return text.strip()


def _carried(column: str) -> str:
    """Check that a column belongs to a draw or its patient: a blank value, status or key never means "as above"."""
    one_of(column, ENTITIES["lab_results"].columns, "column of lab_results")
    if column not in _CARRIED:
        raise ValueError(f"'{column}' can't be carried down; known: {', '.join(_CARRIED)}")
    return column


class WideTest(YamlModel):
    """The test and unit of the results in one column."""

    code: Annotated[str, AfterValidator(not_blank)]
    unit: Annotated[str, AfterValidator(not_blank)]


class WideTable(YamlModel):
    """Layout of draws: header → test, and the columns that are filled only in the first row of their group."""

    tests: Annotated[dict[str, WideTest], BeforeValidator(trimmed_keys)] = Field(min_length=1)
    carry_down: Annotated[tuple[Annotated[str, AfterValidator(_carried)], ...], AfterValidator(named_once)] = ()

    @property
    def by_header(self) -> dict[str, WideTest]:
        """The tests by folded header."""
        return {terminology.folded_header(header): test for header, test in self.tests.items()}


class Wide(YamlModel):
    """The entities that a site delivers as wide tables."""

    lab_results: WideTable | None = None


def kinds_of_unit(code: str, own_codes: Mapping[str, str | dict[str, str]]) -> set[str]:
    """How a test may be measured (count, percent, mass_concentration); empty if the code is unknown."""
    folded, dimensions = terminology.folded_code(code), terminology.analyte_dimensions()
    own = [meaning for own, meaning in own_codes.items() if terminology.folded_code(own) == folded]
    loinc = {terminology.folded_code(known): analyte for known, analyte in terminology.loinc_codes().items()}
    known = [name for name in (loinc.get(folded), code if code in ANALYTES else None) if name]
    kinds: set[str] = set()
    for meaning in own or known:
        kinds |= set(meaning) if isinstance(meaning, dict) else {dimensions.get(meaning, "")}
    return kinds - {""}


def check_unit_fits(
    place: tuple[str, ...], code: str, unit: str, own_codes: Mapping[str, Any], own_units: Mapping[str, str]
) -> None:
    """Raise MistakeAt if a test is never measured in this kind of unit, so that no result could be used."""
    meant = {terminology.folded_unit(own): known for own, known in own_units.items()}
    folded = terminology.folded_unit(unit)
    kind = terminology.unit_dimensions().get(terminology.unit_form(meant.get(folded, unit)))
    expected = kinds_of_unit(code, own_codes)
    if kind and expected and kind not in expected:
        usual = " or ".join(f"{kind} (such as {terminology.usual_units()[kind]})" for kind in sorted(expected))
        raise MistakeAt(
            place,
            f"'{code}' is measured as {usual}, but '{unit}' is a unit of {kind}: correct the unit, or the meaning of "
            "the code in codes.tests",
        )


def check_wide(
    table: WideTable, own_columns: Collection[str], own_codes: Mapping[str, Any], own_units: Mapping[str, str]
) -> None:
    """Raise MistakeAt if a header is also a column's, a test's code or unit is unknown, or the two contradict.

    own_columns: the site's folded headers of lab_results; own_codes, own_units: those of its `codes`.
    """
    codes = {terminology.folded_code(code) for code in (*own_codes, *ANALYTES, *terminology.test_codes())}
    units = terminology.units()
    folded_own = {terminology.folded_unit(unit) for unit in own_units}
    for header, test in table.tests.items():
        place = ("wide", "lab_results", "tests", header)
        if terminology.folded_header(header) in (*own_columns, *ENTITIES["lab_results"].columns):
            raise MistakeAt(place, "this header is already a column of lab_results; remove one of the two")
        if terminology.test_codes() and terminology.folded_code(test.code) not in codes:
            raise MistakeAt(
                (*place, "code"),
                f"'{test.code}' is not in codes.tests, and is not a known LOINC code or analyte"
                + nearest(test.code, (*own_codes, *ANALYTES, *terminology.test_codes())),
            )
        is_own = terminology.folded_unit(test.unit) in folded_own
        if units and not is_own and terminology.unit_form(test.unit) not in units:
            raise MistakeAt(
                (*place, "unit"),
                f"'{test.unit}' is neither in codes.units nor a known unit"
                + nearest(test.unit, terminology.ucum_codes().union(own_units)),
            )
        check_unit_fits((*place, "unit"), test.code, test.unit, own_codes, own_units)


def analytes_as_codes(table: WideTable | None, own_codes: Mapping[str, str]) -> dict[str, str]:
    """The tests with an analyte's name as code, which need no mapping: name → analyte."""
    tests = table.tests.values() if table else ()
    known = {code.strip() for code in own_codes}
    return {test.code: test.code for test in tests if test.code in ANALYTES and test.code not in known}
