"""What the next refresh could not use of the deliveries, found without loading them: `registry check`.

Counts, headers and codes; never a patient's value. The rules are those of a refresh, because its own loader and models
are run (`registry/refresh/trial.py`).
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

import duckdb

from registry.config.input_contract import ENTITIES
from registry.config.settings import Settings
from registry.config.site import SiteProfile
from registry.curation.quarantine import Filter, reasons
from registry.curation.quarantine_groups import HIDDEN, groups_in
from registry.curation.shown_text import may_be_shown
from registry.refresh.trial import Trial, trial

_MODELS = ("int_quarantined_cell", "int_column_defect", "int_unmapped_test", "contested")
_READ = """
SELECT site, entity, count(*) AS n_files, sum(n_rows)::BIGINT AS n_rows, min(delivery), max(delivery),
    list(DISTINCT format ORDER BY format), list(DISTINCT columns)
FROM input_file AS file
WHERE is_current AND site = coalesce($site, site) GROUP BY site, entity ORDER BY site, entity
"""
_UNMAPPED = """
SELECT site, test_code, count(*) AS n_rows, count(DISTINCT patient_id) AS n_patients, bool_or(is_neutrophil_like),
    EXISTS (
        SELECT 1 FROM main.patient_map AS patient
        WHERE patient.site = test.site AND lower(patient.patient_id) = lower(test.test_code)
    )
FROM built.intermediate.int_unmapped_test AS test WHERE site = coalesce($site, site)
GROUP BY site, test_code ORDER BY site, n_rows DESC, test_code
"""
_EMPTIED = """
SELECT files.site, files.entity, split_part(defect, ':', 1), split_part(defect, ':', 2), count(*) AS n_cells
FROM (SELECT file_no, unnest(string_split(cell_defects, ',')) AS defect FROM built.intermediate.int_column_defect)
JOIN input_file AS files USING (file_no) WHERE files.site = coalesce($site, files.site)
GROUP BY ALL ORDER BY ALL
"""
_TEST = "Its rows are used only if site.yml gives this test a meaning under codes.tests."
_NEUTROPHILS = f"It looks like a neutrophil count. {_TEST}"
_CLASH = "An earlier row of this key could be used and the row that counts now can't: mend it, or give it its own key."
_CONTESTED = "SELECT site, entity, count(*) FROM built.meta.contested WHERE site = coalesce($site, site) GROUP BY ALL"


@dataclass(frozen=True)
class ReadTable:
    """The files of one site and entity. `not_used`: headers without a meaning. `not_sent`: columns that no file has."""

    site: str
    entity: str
    n_files: int
    n_rows: int
    months: str
    read_as: str
    not_used: tuple[str, ...]
    not_sent: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """Rows of one site that can't be used as they are, and what to do."""

    site: str
    entity: str
    what: str
    column: str
    spelling: str
    n_rows: int
    todo: str


@dataclass(frozen=True)
class Check:
    """The result of a check. `unread`: the error of each file that can't be read. `n_to_load`: files not loaded yet."""

    tables: tuple[ReadTable, ...]
    findings: tuple[Finding, ...]
    unread: tuple[str, ...]
    n_to_load: int


def check(settings: Settings, site: str | None = None) -> Check:
    """Try the deliveries of all sites, or of one, as the next refresh would read and judge them.

    Raises:
        UserError: for a mistake in registry.yml, a site.yml, a folder or file name, if there is no such site, or if a
            refresh is running.
    """
    with trial(settings, _MODELS, site) as tried:
        findings = [
            *_quarantined(tried, site),
            *_unmapped(tried, site),
            *_emptied(tried, site),
            *_clashing(tried, site),
        ]
        findings.sort(key=lambda one: (one.site, -one.n_rows, one.entity, one.what, one.column, one.spelling))
        return Check(tuple(_read(tried, site)), tuple(findings), tried.unread, tried.n_files)


def _read(tried: Trial, site: str | None) -> list[ReadTable]:
    tables = []
    for name, entity, n_files, n_rows, first, last, formats, headers in _rows(tried.connection, _READ, site):
        columns = [json.loads(header) for header in headers]
        profile = tried.plan.profiles.get(name, SiteProfile())
        is_wide = profile.wide_table(entity) is not None  # its tests are columns
        composed = {ENTITIES[entity].key} if profile.composed_key(entity) else set()
        sent = composed | {ours.partition(".")[0] for header in columns for ours in header.values() if ours}
        tables.append(
            ReadTable(
                site=name,
                entity=entity,
                n_files=n_files,
                n_rows=n_rows,
                months=first if first == last else f"{first} to {last}",
                read_as=", ".join(_dialect(form, profile) for form in formats),
                not_used=tuple(sorted({theirs for header in columns for theirs, ours in header.items() if not ours})),
                not_sent=() if is_wide else tuple(one for one in ENTITIES[entity].columns if one not in sent),
            )
        )
    return tables


def _quarantined(tried: Trial, site: str | None) -> list[Finding]:
    """Rows that would be quarantined, by reason, column and spelling."""
    meanings = reasons()
    counted: Counter[tuple[str, str, str, str, str]] = Counter()
    for group in groups_in(tried.connection, Filter(site=site)):
        counted[group.site, group.entity, group.reason, group.column, group.spelling] += group.n_rows
    return [
        Finding(of_site, entity, reason, column, spelling, n_rows, meanings[reason])
        for (of_site, entity, reason, column, spelling), n_rows in counted.items()
    ]


def _unmapped(tried: Trial, site: str | None) -> list[Finding]:
    """Test codes without a meaning, by code where it may be shown."""
    counted: Counter[tuple[str, str, bool]] = Counter()
    for of_site, code, n_rows, n_patients, is_like, is_patient in _rows(tried.connection, _UNMAPPED, site):
        is_shown = may_be_shown(code, n_rows, n_patients, is_patient=is_patient)
        counted[of_site, code if is_shown else HIDDEN, is_like] += n_rows
    return [
        Finding(of_site, "lab_results", "not_mapped", "test_code", code, n_rows, _NEUTROPHILS if is_like else _TEST)
        for (of_site, code, is_like), n_rows in counted.items()
    ]


def _emptied(tried: Trial, site: str | None) -> list[Finding]:
    """Cells that would be emptied; their rows are used."""
    meanings = reasons()
    return [
        Finding(of_site, entity, f"cell emptied: {reason}", column, "", n_cells, meanings[reason])
        for of_site, entity, column, reason, n_cells in _rows(tried.connection, _EMPTIED, site)
    ]


def _clashing(tried: Trial, site: str | None) -> list[Finding]:
    """Records of which an earlier row could be used and now none can."""
    return [
        Finding(of_site, entity, "record no longer used", ENTITIES[entity].key, "", n_rows, _CLASH)
        for of_site, entity, n_rows in _rows(tried.connection, _CONTESTED, site)
    ]


def _dialect(form: str, profile: SiteProfile) -> str:
    """How cells of a format are read, in a few words."""
    csv = profile.csv
    marks = f"decimal {csv.decimal!r}" + (f", dates {' '.join(csv.date_formats)}" if csv.date_formats else "")
    return f"csv ({csv.encoding}, {csv.delimiter!r}, {marks})" if form == "csv" else f"{form} ({marks})"


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, site: str | None) -> list[tuple[Any, ...]]:
    return connection.execute(sql, {"site": site}).fetchall()
