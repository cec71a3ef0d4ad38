"""How one site writes: its `site.yml`. Who reads files by it is registry/ingest; who reads cells, the dbt project."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, create_model, model_validator

from registry import vocabulary
from registry.contract import ANALYTES, ENTITIES
from registry.study import TimeZone
from registry.wide_profile import Wide, WideTable, WideTest, analytes_as_codes, check_wide, trimmed_keys
from registry.yaml_model import YamlModel, load_model, one_of

PROFILE_NAME = "site.yml"
_PLANNED_FORMATS = ("omop", "fhir")
_DATE_DIRECTIVES = frozenset("dmYyHMSfbBpIzj%")


def _native(name: str) -> str:
    if name in _PLANNED_FORMATS:
        raise ValueError(f"'{name}' is not yet supported; convert the export to the native format")
    return one_of(name, ("native",), "format")


def _text_encoding(name: str) -> str:
    try:
        "".encode(name)
        b"".decode(name)
    except (LookupError, UnicodeError, ValueError):
        raise ValueError(f"unknown encoding '{name}'; known: utf-8, latin-1, cp1252, utf-16") from None
    return name


def _delimiter(mark: str) -> str:
    mark = {"\\t": "\t", "tab": "\t"}.get(mark, mark)
    if len(mark) != 1 or not mark.isascii() or mark.isalnum() or mark in ' "\r\n\0':
        raise ValueError('write one character, such as ";" or ","  (a tab as "\\t")')
    return mark


def _number_mark(mark: str) -> str:
    if len(mark) != 1 or mark.isalnum() or mark in "+-<>=≤≥\r\n\0_":
        raise ValueError("write one character that is no digit, letter or sign")
    return mark


def _date_format(text: str) -> str:
    """A strptime format that holds a year and reads back what it writes."""
    directives = re.findall(r"%-?(.?)", text)
    unknown = next((d for d in directives if d not in _DATE_DIRECTIVES), None)
    if unknown is not None:
        raise ValueError(f"'{text}' is no strptime format: %{unknown} is unknown")
    if not {"Y", "y"} & set(directives):
        raise ValueError(f"'{text}' holds no year (%Y); write for example %d/%m/%Y")
    plain = text.replace("%-", "%")
    try:
        dt.datetime.strptime(dt.datetime(2021, 11, 23, 14, 5, 6).strftime(plain), plain)
    except (ValueError, re.error):
        raise ValueError(f"'{text}' is no strptime format; write for example %d/%m/%Y") from None
    return text


def _analyte(name: str) -> str:
    return one_of(name, ANALYTES, "analyte")


def _unit(name: str) -> str:
    known = vocabulary.units()
    if known:
        one_of(vocabulary.folded_unit(name), known, "unit")
    return name


def _substance(name: str) -> str:
    """The substance that a drug's name, brand or ATC code stands for."""
    known = vocabulary.drugs()
    return known[one_of(name.strip().casefold(), known, "drug")] if known else name


def _column_names_of(entity: str) -> Any:
    """The type of one entity's mapping: the site's header → a column of that entity."""

    def check(name: str) -> str:
        return one_of(name, ENTITIES[entity].columns, f"column of {entity}")

    return Annotated[dict[str, Annotated[str, AfterValidator(check)]], BeforeValidator(trimmed_keys)]


class CsvProfile(YamlModel):
    """How the site's CSV files are written, and how its cells write numbers and dates."""

    encoding: Annotated[str, AfterValidator(_text_encoding)] = "utf-8"
    delimiter: Annotated[str, AfterValidator(_delimiter)] = ","
    decimal: Annotated[str, AfterValidator(_number_mark)] = "."
    thousands: Annotated[str, AfterValidator(_number_mark)] | None = None
    date_formats: tuple[Annotated[str, AfterValidator(_date_format)], ...] = ()

    @model_validator(mode="after")
    def _marks_differ(self) -> CsvProfile:
        if self.decimal == self.thousands:
            raise ValueError("thousands is the same character as decimal")
        return self


class Codes(YamlModel):
    """The site's own codes: test → analyte, unit → UCUM, drug → substance."""

    tests: dict[str, Annotated[str, AfterValidator(_analyte)]] = Field(default_factory=dict)
    units: dict[str, Annotated[str, AfterValidator(_unit)]] = Field(default_factory=dict)
    drugs: Annotated[dict[str, Annotated[str, AfterValidator(_substance)]], BeforeValidator(trimmed_keys)] = Field(
        default_factory=dict
    )


_column_fields: dict[str, Any] = {name: (_column_names_of(name), Field(default_factory=dict)) for name in ENTITIES}
ColumnNames = create_model("ColumnNames", __base__=YamlModel, **_column_fields)
"""Per entity: the site's header → column of the contract."""


class SiteProfile(YamlModel):
    """A site's `site.yml`; every key has a default, so that a site without one writes natively."""

    format: Annotated[str, AfterValidator(_native)] = "native"
    mode: Literal["delta", "snapshot"] = "delta"
    time_zone: TimeZone | None = None
    csv: CsvProfile = CsvProfile()
    columns: ColumnNames = ColumnNames()  # type: ignore[valid-type]
    codes: Codes = Codes()
    wide: Wide = Wide()
    neutrophils_pct_includes_bands: bool = False

    def own_headers(self, entity: str) -> dict[str, str]:
        """Column of the contract → the site's header for it as site.yml writes it, of those it names."""
        names: dict[str, str] = getattr(self.columns, entity)
        return {ours: theirs for theirs, ours in names.items()}

    def column_names(self, entity: str) -> dict[str, str]:
        """The site's headers of one entity, case-folded → column of the contract."""
        names: dict[str, str] = getattr(self.columns, entity)
        return {theirs.casefold(): ours for theirs, ours in names.items()}

    def wide_table(self, entity: str) -> WideTable | None:
        """How the site lays out this entity as a wide table, if it does."""
        return self.wide.lab_results if entity == "lab_results" else None

    def wide_tests(self, entity: str) -> dict[str, WideTest]:
        """The columns of its wide table that hold results: header, case-folded → test; empty without such a table."""
        table = self.wide_table(entity)
        return table.by_header if table else {}

    @property
    def test_codes(self) -> dict[str, str]:
        """Every test code that means an analyte at this site alone: code → analyte."""
        return self.codes.tests | analytes_as_codes(self.wide.lab_results, self.codes.tests)

    @model_validator(mode="after")
    def _wide_is_explained(self) -> SiteProfile:
        if self.wide.lab_results:
            own_columns = self.column_names("lab_results")
            check_wide(self.wide.lab_results, own_columns, self.codes.tests, self.codes.units)
        return self


def load_profile(site_dir: Path) -> SiteProfile:
    """The profile of the site whose folder is `site_dir`; defaults where it has no `site.yml`.

    Raises UserError with path, line, key and the nearest valid name.
    """
    path = site_dir / PROFILE_NAME
    return load_model(path, SiteProfile) if path.exists() else SiteProfile()
