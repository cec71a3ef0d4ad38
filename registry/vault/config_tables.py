"""The settings of registry.yml and every site.yml as tables of schema `config`, for dbt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import duckdb

from registry.config.site import SiteProfile
from registry.config.site_codes import WORD_COLUMNS, flag_patterns
from registry.system.disk import writing
from registry.vault.database import connect_vault

if TYPE_CHECKING:
    from registry.config.settings import Settings

_SITE_TABLES = ("site", "date_format", "code_map")


def write_config(
    settings: Settings,
    profiles: Mapping[str, SiteProfile],
    also: Callable[[duckdb.DuckDBPyConnection], None] = lambda _: None,
) -> None:
    """Rewrite schema `config` from the study settings and the profiles, in one transaction; `also` writes within it.

    A site that delivered before and whose folder is gone keeps its rows here, so that its files are read as before.
    """
    with writing(settings.raw_db), connect_vault(settings) as connection:
        connection.begin()
        _write_study(connection, settings)
        for table in _SITE_TABLES:
            connection.execute(
                f"DELETE FROM config.{table} WHERE list_contains($sites, site) "
                "OR site NOT IN (SELECT site FROM main.input_file)",
                {"sites": list(profiles)},
            )
        for site, profile in sorted(profiles.items()):
            _write_site(connection, site, profile, settings.study.time_zone)
        also(connection)
        connection.commit()


def _write_study(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    study = settings.study
    connection.execute("DELETE FROM config.study")
    connection.execute("DELETE FROM config.case_definition")
    _insert(
        connection,
        "study",
        [
            (
                study.study_id,
                study.enrolment_start,
                study.enrolment_end,
                study.data_cutoff,
                study.primary_definition,
                study.suppression_threshold,
                study.anc_interval_days,
                study.time_zone,
                study.synthetic,
                study.late_window_start_days,
                study.late_window_end_days,
            )
        ],
    )
    _insert(
        connection,
        "case_definition",
        [
            (
                definition.definition_id,
                definition.label or definition.definition_id,
                definition.severity_scale,
                definition.onset_below,
                definition.onset_inclusive,
                definition.recovery_at,
                definition.max_gap_days,
                definition.gcsf_days,
                definition.attribution_days,
                definition.late_days,
                "study settings (registry.yml)",
            )
            for definition in study.definitions
        ],
    )


def _write_site(connection: duckdb.DuckDBPyConnection, site: str, profile: SiteProfile, study_zone: str) -> None:
    _insert(
        connection,
        "site",
        [
            (
                site,
                profile.mode,
                profile.time_zone or study_zone,
                profile.csv.decimal,
                profile.csv.thousands,
                profile.neutrophils_pct_includes_bands,
                *(flag_patterns(profile.flags) or (None, None)),
            )
        ],
    )
    _insert(
        connection,
        "date_format",
        [(site, number, text) for number, text in enumerate(profile.csv.date_formats, start=1)],
    )
    _insert(connection, "code_map", [(site, *row) for row in sorted(_code_map(profile), key=str)])


def _code_map(profile: SiteProfile) -> Iterator[tuple[str, str, str | None, str | None]]:
    """Kind, the site's own text, its meaning, and the only kind of unit for which this applies (None: any)."""
    codes = profile.codes
    for code, meaning in profile.test_codes.items():
        if isinstance(meaning, str):
            yield "test", code.strip(), meaning, None
        else:
            yield from (("test", code.strip(), analyte, dimension) for dimension, analyte in meaning.items())
    mappings: dict[str, Mapping[str, str]] = {
        "unit": codes.units,
        "drug": codes.drugs,
        "unit_of_test": profile.units.lab_results,
        **{column: getattr(codes, column) for column in WORD_COLUMNS},
    }
    for kind, mapping in mappings.items():
        yield from ((kind, local.strip(), target, None) for local, target in mapping.items())
    yield from (("missing", word, None, None) for word in profile.missing)


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO config.{table} VALUES ({marks})", rows)
