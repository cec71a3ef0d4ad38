"""Wide tables in a `site.yml`: one row a draw of blood, one column a test. Taken apart in registry/ingest/wide.py."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from registry.config import terminology
from registry.config.input_contract import ANALYTES, ENTITIES
from registry.config.yaml_file import MistakeAt, YamlModel, nearest, one_of

FROM_THE_COLUMN = ("test_code", "test_name", "value", "unit")
"""What a test's column says by itself; a file that has a column of its own for one of them is no wide table."""

COMPOSED_KEY = ("patient_id", "specimen_id", "collected_at")
"""What makes a draw known again where it has no key of its own; the specimen is not needed."""

_CARRIED = (*COMPOSED_KEY, "material")


def trimmed_keys(mapping: Any) -> Any:
    """Keys without surrounding blanks; ValueError where two fold into one header."""
    if not isinstance(mapping, dict):
        return mapping
    folded = [terminology.folded_header(str(key)) for key in mapping]
    if "" in folded:
        raise ValueError("write a text before the colon, not a blank")
    twice = next((key for key in folded if folded.count(key) > 1), None)
    if twice is not None:
        raise ValueError(f"'{twice}' is written twice (upper and lower case are the same)")
    return {str(key).strip(): value for key, value in mapping.items()}


def named_once(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names of a list; ValueError where one is there twice."""
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"'{twice}' is written twice; take one out")
    return names


def not_blank(text: str) -> str:
    """The text without surrounding blanks; ValueError where nothing is left."""
    if not text.strip():
        raise ValueError("write a value")
    return text.strip()


def _carried(column: str) -> str:
    """A column that belongs to a draw or its patient: a blank value, status or key never means "as above"."""
    one_of(column, ENTITIES["lab_results"].columns, "column of lab_results")
    if column not in _CARRIED:
        raise ValueError(f"'{column}' can't be carried down; known: {', '.join(_CARRIED)}")
    return column


class WideTest(YamlModel):
    """What the cells of one column hold: results of this test in this unit."""

    code: Annotated[str, AfterValidator(not_blank)]
    unit: Annotated[str, AfterValidator(not_blank)]


class WideTable(YamlModel):
    """How a site lays out draws: header → test, and the columns that stand only on the first row of their group."""

    tests: Annotated[dict[str, WideTest], BeforeValidator(trimmed_keys)] = Field(min_length=1)
    carry_down: Annotated[tuple[Annotated[str, AfterValidator(_carried)], ...], AfterValidator(named_once)] = ()

    @property
    def by_header(self) -> dict[str, WideTest]:
        """The tests by their header, folded."""
        return {terminology.folded_header(header): test for header, test in self.tests.items()}


class Wide(YamlModel):
    """The entities that a site delivers as wide tables."""

    lab_results: WideTable | None = None


def kinds_of_unit(code: str, own_codes: Mapping[str, str | dict[str, str]]) -> set[str]:
    """What a test may be measured in (count, percent, mass_concentration); empty where nobody knows the code."""
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
    """MistakeAt where a test is never measured in that kind of unit: no result of it could ever be used."""
    meant = {terminology.folded_unit(own): known for own, known in own_units.items()}
    folded = terminology.folded_unit(unit)
    kind = terminology.unit_dimensions().get(terminology.folded_unit(meant.get(folded, folded)))
    expected = kinds_of_unit(code, own_codes)
    if kind and expected and kind not in expected:
        usual = " or ".join(f"{kind} (such as {terminology.usual_units()[kind]})" for kind in sorted(expected))
        raise MistakeAt(
            place,
            f"'{code}' is measured as {usual}, but '{unit}' is a unit of {kind}: correct the unit, or what the code "
            "means in codes.tests",
        )


def check_wide(
    table: WideTable, own_columns: Collection[str], own_codes: Mapping[str, Any], own_units: Mapping[str, str]
) -> None:
    """MistakeAt where a header means a column too, a test's code or unit means nothing, or the two contradict.

    own_columns: the site's headers of lab_results, folded; own_codes, own_units: those of its `codes`.
    """
    codes = {terminology.folded_code(code) for code in (*own_codes, *ANALYTES, *terminology.test_codes())}
    units = terminology.units() | {terminology.folded_unit(unit) for unit in own_units}
    for header, test in table.tests.items():
        place = ("wide", "lab_results", "tests", header)
        if terminology.folded_header(header) in (*own_columns, *ENTITIES["lab_results"].columns):
            raise MistakeAt(place, "this header is a column of lab_results already; take one of the two out")
        if terminology.test_codes() and terminology.folded_code(test.code) not in codes:
            raise MistakeAt(
                (*place, "code"),
                f"'{test.code}' is neither in codes.tests nor LOINC nor an analyte known here"
                + nearest(test.code, (*own_codes, *ANALYTES, *terminology.test_codes())),
            )
        if terminology.units() and terminology.folded_unit(test.unit) not in units:
            raise MistakeAt(
                (*place, "unit"),
                f"'{test.unit}' is neither in codes.units nor a unit known here"
                + nearest(test.unit, units.union(own_units)),
            )
        check_unit_fits((*place, "unit"), test.code, test.unit, own_codes, own_units)


def analytes_as_codes(table: WideTable | None, own_codes: Mapping[str, str]) -> dict[str, str]:
    """The tests whose code is an analyte's name, which no laboratory's code map need explain: name → analyte."""
    tests = table.tests.values() if table else ()
    known = {code.strip() for code in own_codes}
    return {test.code: test.code for test in tests if test.code in ANALYTES and test.code not in known}
