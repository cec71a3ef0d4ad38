"""The formats of nine hospitals: a dialect is data, which the writers in `site_files.py` use.

The simulator uses the native format of the input contract. A dialect gives the hospital's own headers, codes, units,
drug names, marks and dates, and the site.yml that explains them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import yaml

from registry.config.input_contract import ENTITIES
from registry.config.terminology import analyte_dimensions, code_words, folded_word
from registry.simulate import italian
from registry.simulate.folder import SIMULATED
from registry.simulate.sites import SITES, UDINE, Laboratory, Site

Format = Literal["csv", "csv.gz", "parquet", "xlsx"]

Tests = Mapping[str, tuple[str, str]]
"""The columns of a wide table: header → LOINC code and unit."""

WIDE_COLUMNS = ("result_id", "patient_id", "collected_at", "status")
"""The contract's columns that a wide table has in addition to its tests."""


@dataclass(frozen=True)
class Dialect:
    """One hospital's format. `{native: theirs}` in `headers`, `words` (by column), `units`, `drugs` and `texts`.

    `day` and `time`: strftime formats of its dates and times, both parsed by its site.yml. `tests`: LOINC → (local
    code, analyte); the unit distinguishes the analytes of a local code that has two. `code_suffix` follows a LOINC
    code, as in HL7. `flag` follows a value below 1; `blanks` replaces blank cells (by column). `wide`: the test columns
    if a row of laboratory results is a draw: header → (LOINC, unit). `whole_days`: some results are dated without a
    time. `offset`: times have the offset of `time_zone`. `every`: it delivers every n-th month. `quotes`: every cell is
    quoted.
    """

    site: Site
    format: Format = "csv"
    mode: Literal["delta", "snapshot"] = "delta"
    every: int = 1
    time_zone: str = ""
    offset: bool = False
    encoding: str = "utf-8"
    line_end: str = "\n"
    delimiter: str = ","
    quotes: bool = False
    decimal: str = "."
    thousands: str = ""
    day: str = "%Y-%m-%d"
    time: str = "%Y-%m-%dT%H:%M:%S"
    whole_days: bool = False
    reversed_columns: bool = False
    upper_headers: bool = False
    extra_column: str = ""
    headers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    tests: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    code_suffix: str = ""
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    flag: str = ""
    blanks: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    drugs: Mapping[str, str] = field(default_factory=dict)
    wide: Tests = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The site's folder."""
        return self.site.name

    def is_wide(self, entity: str) -> bool:
        """Whether a row of this entity is a draw."""
        return bool(self.wide) and entity == "lab_results"

    def columns(self, entity: str) -> list[str]:
        """The columns in this hospital's order: the contract's, and a wide table's tests."""
        if self.is_wide(entity):
            return [*WIDE_COLUMNS, *self.wide]
        columns = list(ENTITIES[entity].columns)
        return columns[::-1] if self.reversed_columns else columns

    def header(self, entity: str) -> list[str]:
        """The header of a file, column by column."""
        own = self.headers.get(entity, {})
        names = [own.get(column, column) for column in self.columns(entity)]
        return [name.upper() if self.upper_headers else name for name in names]

    def site_yml(self) -> str | None:
        """The site's profile, or None if it uses the native format."""
        date_formats = [form for form in (self.day, self.time) if not form.startswith("%Y-%m-%d")]
        csv = {
            "encoding": self.encoding if self.encoding not in ("utf-8", "utf-8-sig") else "",
            "delimiter": self.delimiter if self.delimiter != "," else "",
            "decimal": self.decimal if self.decimal != "." else "",
            "thousands": self.thousands,
            "date_formats": date_formats,
        }
        codes = {
            "tests": self._own_tests(),
            "units": {theirs: ours for ours, theirs in self.units.items()},
            "drugs": {theirs: ours for ours, theirs in self.drugs.items()},
        } | {column: self._own_words(column) for column in self.words}
        wide = {
            header: {"code": self.tests.get(loinc, (loinc,))[0], "unit": self.units.get(unit, unit)}
            for header, (loinc, unit) in self.wide.items()
        }
        profile = {
            "mode": self.mode if self.mode != "delta" else "",
            "time_zone": self.time_zone,
            "csv": _filled(csv),
            "columns": {entity: {theirs: ours for ours, theirs in own.items()} for entity, own in self.headers.items()},
            "codes": _filled(codes),
            "missing": sorted({text for column, text in self.blanks.items() if column != "material"}),
            "flags": [self.flag] if self.flag else [],
            "wide": {"lab_results": {"tests": wide, "carry_down": ["patient_id"]}} if wide else {},
        }
        written = _filled(profile)
        if not written:
            return None
        text: str = yaml.safe_dump(written, sort_keys=False, allow_unicode=True, width=110)
        return f"{SIMULATED}\n{text}"

    def _own_tests(self) -> dict[str, object]:
        """Local code → analyte, or the analyte of each kind of unit."""
        meanings: dict[str, list[str]] = {}
        for code, analyte in self.tests.values():
            meanings.setdefault(code, []).append(analyte)
        dimensions = analyte_dimensions()
        return {
            code: analytes[0] if len(analytes) == 1 else {dimensions[analyte]: analyte for analyte in analytes}
            for code, analytes in meanings.items()
        }

    def _own_words(self, column: str) -> dict[str, str]:
        """The site's words that the registry does not know, and their meanings."""
        known = code_words(column)
        meanings = {theirs: known.get(folded_word(ours), ours) for ours, theirs in self.words[column].items()}
        return {word: code for word, code in meanings.items() if known.get(folded_word(word)) != code}


def wide_columns(laboratory: Laboratory) -> Tests:
    """A column of a wide table for each of a laboratory's assays, with the laboratory's name."""
    return {assay.name: (assay.loinc, assay.unit) for assay in (*laboratory.counts, *laboratory.immunology)}


def _filled(mapping: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in mapping.items() if value}


_NORTH, _SOUTH, _EAST, _ = SITES

NATIVE = Dialect(Site("syn_native", _NORTH.laboratories))
ITALIAN = Dialect(
    Site("syn_italian", UDINE.laboratories[:2]),
    time_zone="Europe/Rome",
    encoding="latin-1",
    delimiter=";",
    decimal=",",
    thousands=".",
    day="%d/%m/%Y",
    time="%d/%m/%Y %H:%M",
    whole_days=True,
    headers=italian.HEADERS,
    tests=italian.TESTS,
    units={"10*3/uL": "mila/mmc", "/uL": "cell/mmc"},
    drugs=italian.DRUGS,
    words=italian.WORDS,
    blanks={"material": "Sangue"},
    texts=italian.TEXTS,
)
WINDOWS = Dialect(
    Site("syn_windows", _SOUTH.laboratories, drug_style="brand"),
    every=2,
    encoding="cp1252",
    line_end="\r\n",
    delimiter="\t",
    decimal=",",
    day="%d.%m.%Y",
    time="%d.%m.%Y %H:%M",
    upper_headers=True,
    words={
        "sex": {"F": "weiblich", "M": "Männlich"},
        "status": {"cancelled": "Storno", "final": "endgültig"},
        "event_type": {"hospitalisation": "Krankenhausaufnahme"},
        "end_reason": {"adverse_event": "Unverträglichkeit"},
        "verdict": {"confirmed": "bestätigt"},
    },
    flag="-",
    blanks=dict.fromkeys(("end_date", "last_contact_date", "ms_phenotype", "reference_low", "specimen_id"), "n. u."),
    texts={"Neutrophils": "Neutrophile – absolut", "Leukocytes": "Leukozyten", "fever over 38 C": "Fieber über 38 °C"},
)
UTF16 = Dialect(
    Site("syn_utf16", _EAST.laboratories, drug_style="atc", birth_precision="year"),
    encoding="utf-16",
    delimiter=";",
    reversed_columns=True,
    code_suffix="^^LN",
    texts={"Neutrophils": "Ουδετερόφιλα", "Leukocytes": "Λευκοκύτταρα"},
)
QUOTED = Dialect(
    Site("syn_quoted", _NORTH.laboratories, drug_style="brand"),
    encoding="utf-8-sig",
    quotes=True,
    texts={
        "Neutrophils": "Neutrophils,\nabsolute count",
        "Leukocytes": 'Leukocytes ("WBC")',
        "clinical relapse": 'relapse, "moderate",\nsteroids given',
    },
)
GZIPPED = Dialect(
    Site("syn_gzip", UDINE.laboratories[1:], birth_precision="month"),
    format="csv.gz",
    time_zone="Europe/Paris",
    offset=True,
    extra_column="ward",
    tests={"751-8": ("NEU", "anc"), "770-8": ("NEU", "neutrophils_pct")},
)
PARQUET = Dialect(Site("syn_parquet", UDINE.laboratories[2:3]), format="parquet")
EXCEL = Dialect(Site("syn_excel", UDINE.laboratories[:1]), format="xlsx", mode="snapshot")

WIDE = Dialect(
    Site("syn_wide", UDINE.laboratories[2:3]), format="xlsx", mode="snapshot", wide=wide_columns(UDINE.laboratories[2])
)

DIALECTS = (NATIVE, ITALIAN, WINDOWS, UTF16, QUOTED, GZIPPED, PARQUET, EXCEL, WIDE)
