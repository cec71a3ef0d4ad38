"""How one site writes: its `site.yml`. Who reads files by it is registry/ingest; who reads cells, the dbt project."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, create_model, model_validator

from registry.contract import CANCELLED, ENTITIES, IGNORE, MEASURED_ON, TIMED_COLUMNS
from registry.site_codes import Codes, ConstantUnits, Flag, MissingWord, check_units
from registry.study import TimeZone
from registry.vocabulary import code_words, folded_header, folded_word
from registry.wide_profile import Wide, WideTable, WideTest, analytes_as_codes, check_wide, trimmed_keys
from registry.yaml_model import MistakeAt, YamlModel, load_model, one_of

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


def _column_names_of(entity: str) -> Any:
    """The type of one entity's mapping: the site's header → a column of that entity, a part of one, or IGNORE."""
    parts = [f"{column}.{part}" for column in TIMED_COLUMNS.get(entity, ()) for part in ("date", "time")]

    def check(name: str) -> str:
        return one_of(name, (*ENTITIES[entity].columns, *parts, IGNORE), f"column of {entity}")

    return Annotated[dict[str, Annotated[str, AfterValidator(check)]], BeforeValidator(trimmed_keys)]


def _key_of(entity: str) -> Any:
    """The type of the columns that one entity's key is composed of."""
    columns = [column for column in ENTITIES[entity].columns if column != ENTITIES[entity].key]

    def check(names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            one_of(name, columns, f"column of {entity}")
        dated = {"treatments": "start_date", "adjudications": "onset_from", **MEASURED_ON}.get(entity)
        if names and dated not in names:
            raise ValueError(f"{dated} must be part of the key: else a later record would replace an earlier one")
        if names and "patient_id" not in names:
            raise ValueError("patient_id must be part of the key: else two patients' records would have the same one")
        return names

    return Annotated[tuple[str, ...], AfterValidator(check)]


def _entity_name(name: str) -> str:
    return one_of(name, ENTITIES, "entity")


def _folded(workbook: str) -> str:
    return unicodedata.normalize("NFC", workbook).casefold()


def _workbook_name(names: Any) -> Any:
    if isinstance(names, dict):
        other = next((name for name in names if not str(name).lower().endswith(".xlsx")), None)
        if other is not None:
            raise MistakeAt((str(other),), f"'{other}' is not a workbook: write the file's name with .xlsx")
    return names


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


_column_fields: dict[str, Any] = {name: (_column_names_of(name), Field(default_factory=dict)) for name in ENTITIES}
ColumnNames = create_model("ColumnNames", __base__=YamlModel, **_column_fields)
"""Per entity: the site's header → column of the contract."""


_key_fields: dict[str, Any] = {name: (_key_of(name), ()) for name in ENTITIES if name != "patients"}
ComposedKeys = create_model("ComposedKeys", __base__=YamlModel, **_key_fields)
"""Per entity: the columns that make its key where an export has none."""


Sheets = Annotated[
    dict[str, Annotated[dict[str, Annotated[str, AfterValidator(_entity_name)]], BeforeValidator(trimmed_keys)]],
    BeforeValidator(_workbook_name),
]
"""Workbook → its sheets → the entity that each holds."""


class SiteProfile(YamlModel):
    """A site's `site.yml`; every key has a default, so that a site without one writes natively."""

    format: Annotated[str, AfterValidator(_native)] = "native"
    mode: Literal["delta", "snapshot"] = "delta"
    time_zone: TimeZone | None = None
    csv: CsvProfile = CsvProfile()
    columns: ColumnNames = ColumnNames()  # type: ignore[valid-type]
    codes: Codes = Codes()
    wide: Wide = Wide()
    missing: tuple[MissingWord, ...] = ()
    flags: tuple[Flag, ...] = ()
    units: ConstantUnits = ConstantUnits()
    keys: ComposedKeys = ComposedKeys()  # type: ignore[valid-type]
    sheets: Sheets = Field(default_factory=dict)
    neutrophils_pct_includes_bands: bool = False

    def own_headers(self, entity: str) -> dict[str, str]:
        """Column of the contract → the site's header for it as site.yml writes it, of those it names."""
        return {ours: theirs for theirs, ours in self._names(entity) if ours in ENTITIES[entity].columns}

    def column_names(self, entity: str) -> dict[str, str]:
        """The site's headers of one entity, folded → column of the contract, a part of one, or IGNORE."""
        return {folded_header(theirs): ours for theirs, ours in self._names(entity)}

    def composed_key(self, entity: str) -> tuple[str, ...]:
        """The columns that make the key of this entity where a file has none; empty where nothing does."""
        columns: tuple[str, ...] = getattr(self.keys, entity, ())
        return columns

    def sheets_of(self, workbook: str) -> dict[str, str]:
        """What the sheets of a workbook hold, by their names; empty where site.yml does not say."""
        return self.sheets.get(self.name_of_workbook(workbook), {})

    def name_of_workbook(self, workbook: str) -> str:
        """The name of a workbook as `sheets` writes it, where it does: case and the form of accents do not count."""
        return next((name for name in self.sheets if _folded(name) == _folded(workbook)), workbook)

    def _names(self, entity: str) -> list[tuple[str, str]]:
        names: dict[str, str] = getattr(self.columns, entity)
        return list(names.items())

    def wide_table(self, entity: str) -> WideTable | None:
        """How the site lays out this entity as a wide table, if it does."""
        return self.wide.lab_results if entity == "lab_results" else None

    def wide_tests(self, entity: str) -> dict[str, WideTest]:
        """The columns of its wide table that hold results: header, folded → test; empty without such a table."""
        table = self.wide_table(entity)
        return table.by_header if table else {}

    @property
    def test_codes(self) -> dict[str, str | dict[str, str]]:
        """Every test code that means an analyte at this site alone: code → analyte, or analytes by kind of unit."""
        return self.codes.tests | analytes_as_codes(self.wide.lab_results, self.codes.tests)

    @property
    def cancelled_words(self) -> frozenset[str]:
        """The words, folded, by which the site takes a record back."""
        own = {folded_word(word): code for word, code in self.codes.status.items()}
        meanings = code_words("status") | dict.fromkeys(CANCELLED, "cancelled") | own
        return frozenset(word for word, code in meanings.items() if code == "cancelled")

    @property
    def missing_words(self) -> frozenset[str]:
        """The cells that mean no value, in lower case."""
        return frozenset(word.lower() for word in self.missing)

    @model_validator(mode="after")
    def _columns_fit(self) -> SiteProfile:
        for entity in ENTITIES.values():
            names = self._names(entity.name)
            meant = {ours for _, ours in names}
            for theirs, ours in names:
                place = ("columns", entity.name, theirs)
                column, _, part = ours.partition(".")
                other = f"{column}.{'time' if part == 'date' else 'date'}"
                if part and other not in meant:
                    raise MistakeAt(place, f"{ours} without {other}: name the column that holds the other part")
                own = theirs.casefold()
                needed = own in (*entity.required, "patient_id") and own not in meant
                if ours == IGNORE and needed and not (own == entity.key and self.composed_key(entity.name)):
                    raise MistakeAt(place, f"{own} can't be ignored: no row of {entity.name} can be used without it")
        return self

    @model_validator(mode="after")
    def _wide_is_explained(self) -> SiteProfile:
        if self.wide.lab_results:
            own_columns = self.column_names("lab_results")
            check_wide(self.wide.lab_results, own_columns, self.codes.tests, self.codes.units)
        return self

    @model_validator(mode="after")
    def _units_are_explained(self) -> SiteProfile:
        check_units(self.units.lab_results, self.codes)
        return self


def load_profile(site_dir: Path) -> SiteProfile:
    """The profile of the site whose folder is `site_dir`; defaults where it has no `site.yml`.

    Raises UserError with path, line, key and the nearest valid name.
    """
    path = site_dir / PROFILE_NAME
    return load_model(path, SiteProfile) if path.exists() else SiteProfile()
