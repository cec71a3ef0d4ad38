"""The format of one site: its `site.yml`. registry/ingest reads files with it, the dbt project reads cells."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, create_model, model_validator

from registry.config.csv_layout import CsvProfile
from registry.config.input_contract import CANCELLED, ENTITIES, IGNORE, MEASURED_ON, TIMED_COLUMNS
from registry.config.site_codes import (
    WORD_COLUMNS,
    Codes,
    ConstantUnits,
    Flag,
    MissingWord,
    check_units,
    is_measurement,
)
from registry.config.study import TimeZone
from registry.config.terminology import code_words, folded_header, folded_word
from registry.config.wide_layout import (
    Wide,
    WideTable,
    WideTest,
    analytes_as_codes,
    check_wide,
    named_once,
    trimmed_keys,
)
from registry.config.yaml_file import MistakeAt, YamlModel, load_model, one_of

PROFILE_NAME = "site.yml"
_PLANNED_FORMATS = ("omop", "fhir")


def _native(name: str) -> str:
    if name in _PLANNED_FORMATS:
        raise ValueError(f"'{name}' is not yet supported; convert the export to the native format")
    return one_of(name, ("native",), "format")


def _column_names_of(entity: str) -> Any:
    """The type of one entity's mapping: the site's header → a column of that entity, a part of one, or IGNORE."""
    parts = [f"{column}.{part}" for column in TIMED_COLUMNS.get(entity, ()) for part in ("date", "time")]

    def check(name: str) -> str:
        return one_of(name, (*ENTITIES[entity].columns, *parts, IGNORE), f"column of {entity}")

    return Annotated[dict[str, Annotated[str, AfterValidator(check)]], BeforeValidator(trimmed_keys)]


def _key_of(entity: str) -> Any:
    """The type of the columns of which an entity's key is composed."""
    columns = [column for column in ENTITIES[entity].columns if column != ENTITIES[entity].key]

    def check(names: tuple[str, ...]) -> tuple[str, ...]:
        if not names:
            raise ValueError("is empty; name the columns that make the key, such as patient_id and the date")
        for name in names:
            one_of(name, columns, f"column of {entity}")
        named_once(names)
        if "status" in names:
            raise ValueError("status can't be part of the key: a cancellation would not have the key of its record")
        dated = {"treatments": "start_date", "adjudications": "onset_from", **MEASURED_ON}.get(entity)
        if dated not in names:
            raise ValueError(f"{dated} must be part of the key: otherwise a later record would replace an earlier one")
        if "patient_id" not in names:
            raise ValueError("patient_id must be part of the key: otherwise two patients could have the same key")
        return names

    return Annotated[tuple[str, ...], AfterValidator(check)]


def _entity_name(name: str) -> str:
    return one_of(name, ENTITIES, "entity")


def _folded(workbook: str) -> str:
    return unicodedata.normalize("NFC", workbook).casefold()


def _is_flagged_number(word: str, mark: str) -> bool:
    """Whether a word is a number with a flag. A sign before a number is not a flag."""
    behind = word.removesuffix(mark)
    return is_measurement(behind if mark in ("+", "-") else behind.removeprefix(mark))


def _workbook_name(names: Any) -> Any:
    if isinstance(names, dict):
        other = next((name for name in names if not str(name).lower().endswith(".xlsx")), None)
        if other is not None:
            raise MistakeAt((str(other),), f"'{other}' is not a workbook: write the file name with .xlsx")
        empty = next((str(name) for name, sheets in names.items() if sheets == {}), None)
        if empty is not None:
            raise MistakeAt((empty,), "is empty; write one `sheet: entity` a line below it, or remove it")
        return trimmed_keys(names)
    return names


_column_fields: dict[str, Any] = {name: (_column_names_of(name), Field(default_factory=dict)) for name in ENTITIES}
ColumnNames = create_model("ColumnNames", __base__=YamlModel, **_column_fields)
"""Per entity: the site's header → column of the contract."""


_key_fields: dict[str, Any] = {name: (_key_of(name), ()) for name in ENTITIES if name != "patients"}
ComposedKeys = create_model("ComposedKeys", __base__=YamlModel, **_key_fields)
"""Per entity: the columns of its key if an export has none."""


Sheets = Annotated[
    dict[str, Annotated[dict[str, Annotated[str, AfterValidator(_entity_name)]], BeforeValidator(trimmed_keys)]],
    BeforeValidator(_workbook_name),
]
"""Workbook → sheet → its entity."""


class SiteProfile(YamlModel):
    """A site's `site.yml`; every key has a default, so a site without one delivers the native format."""

    format: Annotated[str, AfterValidator(_native)] = "native"
    mode: Literal["delta", "snapshot"] = "delta"
    time_zone: TimeZone | None = None
    csv: CsvProfile = CsvProfile()
    columns: ColumnNames = ColumnNames()  # type: ignore[valid-type]
    codes: Codes = Codes()
    wide: Wide = Wide()
    missing: Annotated[tuple[MissingWord, ...], AfterValidator(named_once)] = ()
    flags: Annotated[tuple[Flag, ...], AfterValidator(named_once)] = ()
    units: ConstantUnits = ConstantUnits()
    keys: ComposedKeys = ComposedKeys()  # type: ignore[valid-type]
    sheets: Sheets = Field(default_factory=dict)
    neutrophils_pct_includes_bands: bool = False

    def own_headers(self, entity: str) -> dict[str, str]:
        """Column of the contract → the site's header, as written in site.yml."""
        return {ours: theirs for theirs, ours in self._names(entity) if ours in ENTITIES[entity].columns}

    def column_names(self, entity: str) -> dict[str, str]:
        """The site's headers of one entity, folded → column of the contract, a part of one, or IGNORE."""
        return {folded_header(theirs): ours for theirs, ours in self._names(entity)}

    def composed_key(self, entity: str) -> tuple[str, ...]:
        """The columns of this entity's key if a file has none; empty if it can't be composed."""
        columns: tuple[str, ...] = getattr(self.keys, entity, ())
        return columns

    def sheets_of(self, workbook: str) -> dict[str, str]:
        """The entity of each sheet of a workbook, by the sheet's name; empty if site.yml does not list them."""
        return self.sheets.get(self.name_of_workbook(workbook), {})

    def name_of_workbook(self, workbook: str) -> str:
        """The name of a workbook as written in `sheets`, if listed: case and the encoding of accents are ignored."""
        return next((name for name in self.sheets if _folded(name) == _folded(workbook)), workbook)

    def _names(self, entity: str) -> list[tuple[str, str]]:
        names: dict[str, str] = getattr(self.columns, entity)
        return list(names.items())

    def wide_table(self, entity: str) -> WideTable | None:
        """The layout of this entity as a wide table, if it is one."""
        return self.wide.lab_results if entity == "lab_results" else None

    def wide_tests(self, entity: str) -> dict[str, WideTest]:
        """The result columns of its wide table: folded header → test; empty without such a table."""
        table = self.wide_table(entity)
        return table.by_header if table else {}

    @property
    def test_codes(self) -> dict[str, str | dict[str, str]]:
        """Every test code that only this site uses: code → analyte, or analytes by kind of unit."""
        return self.codes.tests | analytes_as_codes(self.wide.lab_results, self.codes.tests)

    @property
    def cancelled_words(self) -> frozenset[str]:
        """The folded words with which the site cancels a record."""
        own = {folded_word(word): code for word, code in self.codes.status.items()}
        meanings = code_words("status") | dict.fromkeys(CANCELLED, "cancelled") | own
        return frozenset(word for word, code in meanings.items() if code == "cancelled")

    @property
    def missing_words(self) -> frozenset[str]:
        """The words for a missing value, in lower case."""
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
                    raise MistakeAt(place, f"{ours} without {other}: name the column with the other part")
                own = theirs.casefold()
                needed = own in (*entity.required, "patient_id") and own not in meant
                if ours == IGNORE and needed and not (own == entity.key and self.composed_key(entity.name)):
                    raise MistakeAt(place, f"{own} can't be ignored: rows of {entity.name} can't be used without it")
                if ours == IGNORE and own in self.composed_key(entity.name) and own not in meant:
                    raise MistakeAt(place, f"{own} can't be ignored: it is part of the key (keys.{entity.name})")
        return self

    @model_validator(mode="after")
    def _marks_mean_one_thing(self) -> SiteProfile:
        own = {
            word.casefold(): column
            for column in (*WORD_COLUMNS, "tests", "units", "drugs")
            for word in self._own(column)
        }
        for number, word in enumerate(self.missing):
            if word.casefold() in own:
                raise MistakeAt(
                    ("missing", number), f"'{word}' can't mean no value: it is in codes.{own[word.casefold()]}"
                )
            flag = next((mark for mark in self.flags if _is_flagged_number(word, mark)), None)
            if flag:
                raise MistakeAt(
                    ("missing", number), f"'{word}' can't mean no value: it is a number with the flag '{flag}'"
                )
        for number, mark in enumerate(self.flags):
            if set(mark) <= {self.csv.decimal, self.csv.thousands}:
                raise MistakeAt(("flags", number), f"'{mark}' can't be a flag: `csv` uses it in numbers")
        return self

    def _own(self, column: str) -> Iterable[str]:
        words: dict[str, object] = getattr(self.codes, column)
        return words

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
    """The profile of the site with the folder `site_dir`; defaults if it has no `site.yml`.

    Raises UserError with path, line, key and the nearest valid name.
    """
    path = site_dir / PROFILE_NAME
    return load_model(path, SiteProfile) if path.exists() else SiteProfile()
