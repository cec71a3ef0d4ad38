"""Which reportable episodes and leukocytes are new: those that the release before did not list as such."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from registry.config.settings import Settings
from registry.release import new_cases
from registry.release.store import Release


class Episode(NamedTuple):
    """Days are counted from 1 January 2024; `end` None: ongoing, to the end of observation on day 60."""

    onset: int
    end: int | None
    grade: str | None = "4"
    operator: str | None = None
    is_case: bool = True
    patient: str = "P"
    definition: str = "udine_2025"
    outside: str | None = None
    """Why the patient is outside the cohort; such an episode is no case and yet reportable."""
    basis: str = "episode"


def day(number: int) -> date:
    return date(2024, 1, 1) + timedelta(days=number)


def database(path: Path, *episodes: Episode, has_reportable: bool = True) -> Path:
    """What the table is made from, with these episodes alone; a release of old has no mart_reportable."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE dim_case_definition AS SELECT * FROM "
            "(VALUES ('udine_2025', true), ('any_grade', false)) AS t(definition_id, is_primary);"
            "CREATE TABLE dim_patient AS SELECT * FROM "
            f"(VALUES ('P', DATE '{day(60)}'), ('Q', DATE '{day(60)}')) AS t(patient_key, observation_end);"
            "CREATE TABLE fct_neutropenia_episode (episode_id VARCHAR, definition_id VARCHAR, patient_key VARCHAR, "
            "onset_date DATE, end_date DATE, ctcae_v5_grade VARCHAR, nadir_operator VARCHAR, is_case_episode BOOLEAN, "
            "attributed_drug VARCHAR, adjudication VARCHAR, outside_cohort_reason VARCHAR)"
        )
        for e in (e for e in episodes if e.basis == "episode"):
            end = day(e.end) if e.end is not None else None
            verdict = None if e.is_case or e.outside else "other_cause"
            connection.execute(
                "INSERT INTO fct_neutropenia_episode VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'rituximab', ?, ?)",
                [
                    *(f"{e.definition}-{e.patient}-{e.onset}", e.definition, e.patient, day(e.onset), end, e.grade),
                    *(e.operator, e.is_case and not e.outside, verdict, e.outside),
                ],
            )
        rest = {
            "VARCHAR": "site severity end_status onset_type treatment_action",
            "DATE": "nadir_date",
            "DOUBLE": "nadir_anc_10e9_l",
            "INTEGER": "days_since_last_dose dose_number recurrence_number",
            "BOOLEAN": "gcsf_treated infection febrile hospitalised",
        }
        for kind, columns in rest.items():
            for column in columns.split():
                connection.execute(f"ALTER TABLE fct_neutropenia_episode ADD COLUMN {column} {kind}")
        if has_reportable:
            connection.execute(
                "CREATE TABLE mart_reportable AS SELECT 'episode' AS basis, NULL::VARCHAR AS lab_key, "
                "NULL::DOUBLE AS leukocytes_10e9_l, NULL::VARCHAR AS leukocytes_operator, "
                "ctcae_v5_grade IS NULL AS possibly_severe, * FROM fct_neutropenia_episode "
                "WHERE definition_id = 'udine_2025' AND (ctcae_v5_grade = '4' OR ctcae_v5_grade IS NULL "
                "AND nadir_operator IN ('<', '<=')) AND adjudication IS NULL"
            )
            for e in (e for e in episodes if e.basis == "leukocytes"):
                connection.execute(
                    "INSERT INTO mart_reportable BY NAME SELECT 'leukocytes' AS basis, 'udine_2025' AS definition_id, "
                    "? AS patient_key, ?::DATE AS onset_date, onset_date AS end_date, true AS possibly_severe, "
                    "false AS is_case_episode",
                    [e.patient, day(e.onset)],
                )
    return path


KNOWN = Episode(10, 20)
OUTSIDE = KNOWN._replace(outside="missing_demographics")
LEUKOCYTES = Episode(15, 15, basis="leukocytes")


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
        # outside the cohort: listed once, and again where it becomes a case
        (KNOWN._replace(patient="Q"), OUTSIDE, "unknown"),
        (OUTSIDE, OUTSIDE, None),
        (OUTSIDE, KNOWN, "outside_cohort"),
        (KNOWN, OUTSIDE, None),
        (OUTSIDE._replace(grade="3"), OUTSIDE, "not_severe"),
        (OUTSIDE._replace(grade=None, operator="<"), OUTSIDE, "possibly_severe"),
        (OUTSIDE, OUTSIDE._replace(onset=8), "other_onset"),
        # leukocytes: known by patient and day
        (KNOWN._replace(patient="Q"), LEUKOCYTES, "unknown"),
        (LEUKOCYTES, LEUKOCYTES, None),
        (LEUKOCYTES, LEUKOCYTES._replace(onset=16, end=16), "unknown"),
        (LEUKOCYTES, LEUKOCYTES._replace(patient="Q"), "unknown"),
        (LEUKOCYTES, KNOWN, "leukocytes"),
        (LEUKOCYTES, Episode(16, 20), "unknown"),
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


@pytest.mark.parametrize(
    ("known", "now", "known_as"),
    [
        (OUTSIDE, OUTSIDE, "no_case_episode"),
        (KNOWN, KNOWN, None),
        (KNOWN, OUTSIDE, None),
        (KNOWN, LEUKOCYTES, "other_onset"),
    ],
)
def test_a_release_from_before_the_table_had_listed_its_cases_alone(
    known: Episode, now: Episode, known_as: str | None, settings: Settings, tmp_path: Path
) -> None:
    previous = Release("before", tmp_path / "before", {})
    database(previous.database, known, has_reportable=False)
    candidate = database(tmp_path / "candidate.duckdb", now)
    new_cases.write(settings, candidate, previous)
    with duckdb.connect(str(candidate), read_only=True) as connection:
        told = connection.execute("SELECT known_as FROM mart_new_cases").fetchall()
    assert told == ([] if known_as is None else [(known_as,)])
