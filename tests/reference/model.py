"""What goes in (files, study, sites) and the typed records that the rules speak about.

Only shapes: no rule lives here, except the contract's list of columns and the four definitions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

MALFORMED = "__malformed__"
"""Cell name under which a row of a `File` holds the raw text of a record that cannot be split."""

KEYS = {
    "patients": "patient_id",
    "treatments": "treatment_id",
    "administrations": "administration_id",
    "lab_results": "result_id",
    "clinical_events": "event_id",
    "adjudications": "adjudication_id",
}
COLUMNS = {
    "patients": (
        "patient_id",
        "birth_date",
        "sex",
        "ms_phenotype",
        "ms_onset_date",
        "last_contact_date",
        "death_date",
        "duffy_null",
        "status",
    ),
    "treatments": (
        "treatment_id",
        "patient_id",
        "drug",
        "start_date",
        "end_date",
        "end_reason",
        "status",
    ),
    "administrations": (
        "administration_id",
        "patient_id",
        "drug",
        "administered_on",
        "administered_until",
        "dose",
        "dose_unit",
        "route",
        "status",
    ),
    "lab_results": (
        "result_id",
        "patient_id",
        "specimen_id",
        "test_code",
        "test_name",
        "material",
        "value",
        "unit",
        "collected_at",
        "reference_low",
        "reference_high",
        "status",
    ),
    "clinical_events": (
        "event_id",
        "patient_id",
        "event_type",
        "onset_date",
        "end_date",
        "code",
        "description",
        "status",
    ),
    "adjudications": (
        "adjudication_id",
        "patient_id",
        "onset_from",
        "onset_to",
        "verdict",
        "reviewed_on",
        "reviewer_role",
        "comment",
        "status",
    ),
}
REQUIRED = {
    "patients": ("patient_id",),
    "treatments": ("treatment_id", "patient_id", "drug", "start_date"),
    "administrations": ("administration_id", "patient_id", "drug", "administered_on"),
    "lab_results": ("result_id", "patient_id", "test_code", "value", "unit", "collected_at"),
    "clinical_events": ("event_id", "patient_id", "event_type", "onset_date"),
    "adjudications": ("adjudication_id", "patient_id", "onset_from", "onset_to", "verdict"),
}


@dataclass(frozen=True)
class File:
    """One delivered file. `rows` are its records in order, cells as text, absent cells blank."""

    site: str
    delivery: str
    entity: str
    name: str
    rows: tuple[dict[str, str], ...]


@dataclass(frozen=True)
class Site:
    """The keys of site.yml that change what rows mean (codes: local code to ours)."""

    mode: str = "delta"
    time_zone: str = "UTC"
    neutrophils_pct_includes_bands: bool = False
    tests: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    drugs: dict[str, str] = field(default_factory=dict)
    told: dict[str, dict[str, str]] = field(default_factory=dict)
    """Test codes that their unit tells apart: code, then count or percent, then analyte."""
    words: dict[str, dict[str, str]] = field(default_factory=dict)
    """Words of coded columns: column, then word, then code."""
    missing: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    constant_units: dict[str, str] = field(default_factory=dict)
    m_is_ambiguous: bool = False
    """Its column of sex holds a word beside which M may be a woman; found in its files, not told by site.yml."""
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Entities that the site exports without a key: the columns that it is composed of."""


@dataclass(frozen=True)
class CaseDefinition:
    definition_id: str
    severity_scale: str
    onset_below: Decimal
    recovery_at: Decimal
    onset_inclusive: bool = False
    max_gap_days: int = 90
    gcsf_days: int = 14
    attribution_days: int = 365
    late_days: int = 28


def is_low(value: Decimal, definition: CaseDefinition) -> bool:
    """Below the onset threshold, or at it where that is inclusive."""
    if definition.onset_inclusive:
        return value <= definition.onset_below
    return value < definition.onset_below


STANDARD_DEFINITIONS = (
    CaseDefinition("udine_2025", "udine_2025", Decimal("1.0"), Decimal("1.5")),
    CaseDefinition("udine_2025_inclusive", "udine_2025_inclusive", Decimal("1.0"), Decimal("1.5"), True),
    CaseDefinition("any_grade", "udine_2025", Decimal("1.5"), Decimal("1.5")),
    CaseDefinition("severe_only", "udine_2025", Decimal("0.5"), Decimal("1.0")),
)


@dataclass(frozen=True)
class Study:
    """Study settings; `definitions` add to the standard four or replace the one of the same id."""

    enrolment_start: date | None = None
    enrolment_end: date | None = None
    data_cutoff: date | None = None
    primary_definition: str = "udine_2025"
    definitions: tuple[CaseDefinition, ...] = ()
    anc_interval_days: int = 183
    sites: dict[str, Site] = field(default_factory=dict)
    retracted: frozenset[tuple[str, str, str | None]] = frozenset()
    """(site, delivery, file name) that were retracted by a command; without a name the whole delivery."""

    def is_retracted(self, file: File) -> bool:
        """Is this file, or its delivery, retracted?"""
        names = (file.name, None)
        return any((file.site, file.delivery, name) in self.retracted for name in names)

    def all_definitions(self) -> list[CaseDefinition]:
        """Every definition in force, by id."""
        by_id = {d.definition_id: d for d in (*STANDARD_DEFINITIONS, *self.definitions)}
        return list(by_id.values())

    def primary(self) -> CaseDefinition:
        """The primary definition."""
        return next(d for d in self.all_definitions() if d.definition_id == self.primary_definition)

    def site(self, name: str) -> Site:
        """The site's profile, or the defaults."""
        return self.sites.get(name, Site())


@dataclass(frozen=True)
class Patient:
    patient_id: str
    birth: date | None
    sex: str | None
    ms_phenotype: str | None
    last_contact: date | None
    death: date | None
    duffy_null: bool | None = None


@dataclass(frozen=True)
class Line:
    """A treatment line; `end` None is open, unless it is unknown.

    Of a partial date `start` is the first day and `start_last` the last; `end` the last day and `end_first` the first.
    """

    treatment_id: str
    drug: str
    start: date
    end: date | None
    end_reason: str | None
    start_last: date
    end_first: date | None = None
    end_unknown: bool = False


@dataclass(frozen=True)
class Administration:
    """A dose; `until` is the last day of a G-CSF course."""

    drug: str
    day: date
    until: date


@dataclass(frozen=True)
class Lab:
    """A current result in its analyte's canonical unit (counts: 10^9/L, shares: %)."""

    result_id: str
    specimen_id: str | None
    analyte: str
    value: Decimal
    operator: str | None
    at: datetime
    lln: Decimal | None
    source_value: str
    source_unit: str
    test_code: str
    """As the site writes it."""
    has_percent_sign: bool
    """Its number is in % as reported, and not a fraction that says so."""


@dataclass(frozen=True)
class Event:
    event_type: str
    onset: date


@dataclass(frozen=True)
class Adjudication:
    adjudication_id: str
    onset_from: date
    onset_to: date
    verdict: str
    reviewed_on: date | None
    reviewer_role: str | None = None


@dataclass
class Chart:
    """All current, usable records of one patient, before any cut-off."""

    site: str
    patient: Patient
    lines: list[Line] = field(default_factory=list)
    administrations: list[Administration] = field(default_factory=list)
    labs: list[Lab] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    adjudications: list[Adjudication] = field(default_factory=list)
