"""Which severe case episodes are told as new: the days on which one may be the same as one told before."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from registry.release import new_cases
from registry.release.store import Release
from registry.settings import Settings


class Episode(NamedTuple):
    """Days are counted from 1 January 2024; `end` None: ongoing, to the end of observation on day 60."""

    onset: int
    end: int | None
    grade: str | None = "4"
    operator: str | None = None
    is_case: bool = True
    patient: str = "P"
    definition: str = "udine_2025"


def day(number: int) -> date:
    return date(2024, 1, 1) + timedelta(days=number)


def database(path: Path, *episodes: Episode) -> Path:
    """What the table is made from, with these episodes alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE dim_case_definition AS SELECT * FROM "
            "(VALUES ('udine_2025', true), ('any_grade', false)) AS t(definition_id, is_primary);"
            "CREATE TABLE dim_patient AS SELECT * FROM "
            f"(VALUES ('P', DATE '{day(60)}'), ('Q', DATE '{day(60)}')) AS t(patient_key, observation_end);"
            "CREATE TABLE fct_neutropenia_episode (episode_id VARCHAR, definition_id VARCHAR, patient_key VARCHAR, "
            "onset_date DATE, end_date DATE, ctcae_v5_grade VARCHAR, nadir_operator VARCHAR, is_case_episode BOOLEAN)"
        )
        for e in episodes:
            end = day(e.end) if e.end is not None else None
            episode_id = f"{e.definition}-{e.patient}-{e.onset}"
            connection.execute(
                "INSERT INTO fct_neutropenia_episode VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [episode_id, e.definition, e.patient, day(e.onset), end, e.grade, e.operator, e.is_case],
            )
        rest = {
            "VARCHAR": "site severity end_status attributed_drug onset_type treatment_action",
            "DATE": "nadir_date",
            "DOUBLE": "nadir_anc_10e9_l",
            "INTEGER": "days_since_last_dose dose_number recurrence_number",
            "BOOLEAN": "gcsf_treated infection febrile hospitalised",
        }
        for kind, columns in rest.items():
            for column in columns.split():
                connection.execute(f"ALTER TABLE fct_neutropenia_episode ADD COLUMN {column} {kind}")
    return path


KNOWN = Episode(10, 20)


@pytest.mark.parametrize(
    ("known", "now", "known_as"),
    [
        (KNOWN, Episode(20, 30), "other_onset"),
        (KNOWN, Episode(21, 30), "unknown"),
        (KNOWN, Episode(5, 10), "other_onset"),
        (KNOWN, Episode(5, 9), "unknown"),
        (KNOWN, Episode(5, None), "other_onset"),
        (Episode(10, None), Episode(60, None), "other_onset"),
        (KNOWN, Episode(20, 30, patient="Q"), "unknown"),
        (KNOWN._replace(definition="any_grade"), Episode(20, 30), "unknown"),
        (KNOWN._replace(grade="3"), Episode(20, 30), "unknown"),
        (KNOWN._replace(grade=None, operator="<"), Episode(20, 30), "other_onset"),
        (KNOWN._replace(is_case=False), Episode(20, 30), "unknown"),
        (KNOWN, KNOWN, None),
        (KNOWN._replace(grade="3"), KNOWN, "not_severe"),
        (KNOWN._replace(grade=None, operator="<="), KNOWN, "possibly_severe"),
        (KNOWN._replace(grade=None, operator=">"), KNOWN, "not_severe"),
        (KNOWN._replace(is_case=False), KNOWN, "no_case_episode"),
        (KNOWN, KNOWN._replace(grade=None, operator="<"), None),
        (KNOWN._replace(grade="3"), KNOWN._replace(grade=None, operator="<"), "not_severe"),
        (KNOWN._replace(grade="3"), KNOWN._replace(grade=None), None),
        (KNOWN._replace(grade="3"), KNOWN._replace(is_case=False), None),
        (KNOWN._replace(patient="Q"), KNOWN._replace(definition="any_grade"), None),
    ],
)
def test_an_episode_is_told_once_with_what_was_known_of_it(
    known: Episode, now: Episode, known_as: str | None, settings: Settings, tmp_path: Path
) -> None:
    previous = Release("before", tmp_path / "before", {})
    database(previous.database, known)
    candidate = database(tmp_path / "candidate.duckdb", now)
    new_cases.write(settings, candidate, previous)
    with duckdb.connect(str(candidate), read_only=True) as connection:
        told = connection.execute("SELECT known_as FROM mart_new_cases").fetchall()
    assert told == ([] if known_as is None else [(known_as,)])
