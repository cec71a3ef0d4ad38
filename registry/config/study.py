"""The study settings, `registry.yml` next to the deliveries: enrolment, cut-offs, case definitions.

The dbt project (intermediate/episode) gives the parameters of a definition their meaning; its seed `case_definitions`
has the definitions that come with the registry.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import zoneinfo
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from registry.config import terminology
from registry.config.yaml_file import YamlModel, load_model, nearest, one_of


def _iso_date(value: Any) -> Any:
    """Accept only YYYY-MM-DD: pydantic would also read 20180601 as seconds since 1970."""
    if isinstance(value, dt.date):
        return value
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            return dt.date.fromisoformat(value)
    except (TypeError, ValueError):
        pass
    raise ValueError("write a date as YYYY-MM-DD")


def time_zone_name(name: str) -> str:
    """Return a valid IANA time zone name. Raises ValueError with the nearest one otherwise."""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        hint = nearest(name, zoneinfo.available_timezones())
        raise ValueError(f"unknown time zone '{name}'{hint}") from None
    return name


def _identifier(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", name):
        raise ValueError("use only letters, digits, _, - and . (at most 64 characters)")
    return name


def _label_of(shipped: CaseDefinition, changed: CaseDefinition) -> str:
    """The label of a changed definition. A shipped label names its bound, so it is kept only if the bound is."""
    if changed == shipped:
        return shipped.label
    if (changed.onset_below, changed.onset_inclusive) == (shipped.onset_below, shipped.onset_inclusive):
        return f"{shipped.label}; parameters changed by the study"
    bound = f"{'<=' if changed.onset_inclusive else '<'} {changed.onset_below.normalize():f}"
    return f"Neutropenia (ANC {bound}); parameters of {changed.definition_id} changed by the study"


def _is_no_other_case_of(name: str, known: Iterable[str]) -> None:
    """Raise ValueError if a name differs from a known one only by case: it would be a second definition."""
    meant = next((other for other in known if other.casefold() == name.casefold()), None)
    if meant and meant != name:
        raise ValueError(f"definition_id '{name}' differs from '{meant}' only by case; did you mean '{meant}'?")


def _known_scale(name: str) -> str:
    return one_of(name, terminology.scales(), "grading scale") if terminology.scales() else name


IsoDate = Annotated[dt.date, BeforeValidator(_iso_date)]
TimeZone = Annotated[str, AfterValidator(time_zone_name)]
Identifier = Annotated[str, AfterValidator(_identifier)]
Scale = Annotated[str, AfterValidator(_known_scale)]
# An ANC above 100 × 10^9/L does not exist (macros/units.sql); a higher bound was given in cells per µL.
Count = Annotated[Decimal, Field(gt=0, le=100, max_digits=18, decimal_places=6)]
Days = Annotated[int, Field(ge=0, le=36525)]


class CaseDefinition(YamlModel):
    """What counts as a case. Counts in 10^9/L; windows in days, including both ends.

    With the id of a shipped definition, parameters that are not given keep its values.
    """

    definition_id: Identifier
    label: str = ""
    severity_scale: Scale = "udine_2025"
    onset_below: Count
    onset_inclusive: bool = False
    recovery_at: Count
    max_gap_days: Annotated[Days, Field(ge=1)] = 90
    gcsf_days: Days = 14
    attribution_days: Annotated[Days, Field(ge=1)] = 365
    late_days: Days = 28

    @model_validator(mode="before")
    @classmethod
    def _like_the_shipped_one(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        name = str(data.get("definition_id"))
        shipped = terminology.definitions().get(name)
        if shipped is None:
            _is_no_other_case_of(name, terminology.definitions())
            return data
        given = {key: value for key, value in data.items() if value is not None}
        if "label" in given:
            return shipped | given
        with contextlib.suppress(ValidationError):  # reported later, as mistakes of this definition
            given["label"] = _label_of(cls.model_validate(shipped), cls.model_validate(shipped | given))
        return shipped | given

    @model_validator(mode="after")
    def _recovery_is_not_low(self) -> CaseDefinition:
        """An ANC that starts an episode must not end it on the same day."""
        if self.recovery_at < self.onset_below:
            raise ValueError("recovery_at must not be below onset_below")
        if self.recovery_at == self.onset_below and self.onset_inclusive:
            raise ValueError("recovery_at must be above onset_below if onset_inclusive is true")
        return self

    @model_validator(mode="after")
    def _some_onset_can_be_late(self) -> CaseDefinition:
        """An onset more than attribution_days after a dose is not attributed."""
        if self.late_days > self.attribution_days:
            limits = f"late_days ({self.late_days}) must not be above attribution_days ({self.attribution_days})"
            raise ValueError(f"{limits}: no onset could be late")
        return self


class Study(YamlModel):
    """The study settings. Only the simulator sets `synthetic`, which labels everything published."""

    study_id: Identifier = "registry"
    enrolment_start: IsoDate | None = None
    enrolment_end: IsoDate | None = None
    data_cutoff: IsoDate | None = None
    primary_definition: str = "udine_2025"
    definitions: tuple[CaseDefinition, ...] = ()
    suppression_threshold: Annotated[int, Field(ge=1, le=1000)] = 5
    anc_interval_days: Annotated[Days, Field(ge=1)] = 183
    late_window_start_days: Days = 90
    late_window_end_days: Days = 180
    time_zone: TimeZone = "UTC"
    keep_releases: Annotated[int, Field(ge=1)] | None = None
    synthetic: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> Study:
        start, end, cutoff = self.enrolment_start, self.enrolment_end, self.data_cutoff
        if start and end and end < start:
            raise ValueError("enrolment_end is before enrolment_start")
        if start and cutoff and cutoff < start:
            raise ValueError("data_cutoff is before enrolment_start")
        if self.late_window_end_days < self.late_window_start_days:
            raise ValueError("late_window_end_days must not be below late_window_start_days")
        ids = [definition.definition_id for definition in self.definitions]
        folded = [name.casefold() for name in ids]
        twice = next((name for name in ids if folded.count(name.casefold()) > 1), None)
        if twice:
            raise ValueError(f"definitions contain '{twice}' twice")
        known = {*terminology.definitions(), *ids}
        if terminology.definitions() and self.primary_definition not in known:
            hint = nearest(self.primary_definition, known)
            raise ValueError(f"primary_definition '{self.primary_definition}' is unknown{hint}")
        return self


def load_study(path: Path | None) -> Study:
    """The settings in `path`, or the defaults if it is None. A UserError names key and line."""
    return Study() if path is None else load_model(path, Study)
