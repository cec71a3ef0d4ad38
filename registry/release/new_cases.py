"""`mart_new_cases`: the rows of `mart_reportable` that the previous release did not list, for those who report cases.

The model `mart_reportable` decides which episodes and leukocytes may have to be reported; this module only compares two
releases. It writes into the candidate before the audit, so that the gate checks the table like any other. Only this
table depends on more than the inputs, so its hash is not part of "same inputs, same content"
(docs/decisions/0009-new-cases-against-the-release-before.md).
"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import duckdb

from registry.config.settings import Settings, connect_options
from registry.release.store import Release
from registry.system.sql import attach

# 2: below 0.5 x 10^9/L, whatever the definition's own scale and labels. 1: a bound that leaves this open. Older
# releases have these columns too.
_SEVERE, _POSSIBLY_SEVERE = 2, 1
_LEVEL = f"""
    CASE
        WHEN episode.ctcae_v5_grade = '4' THEN {_SEVERE}
        WHEN episode.ctcae_v5_grade IS NULL AND episode.nadir_operator IN ('<', '<=') THEN {_POSSIBLY_SEVERE}
        ELSE 0
    END
"""
_SPAN_END = "coalesce({row}.end_date, patient.observation_end)"

# `known`: every episode of the previous release. `listed`: what it listed as reportable: its severe case episodes and,
# if it has that table, the rest of its mart_reportable. An onset that moved (an earlier count came late, or was
# corrected) gives a new episode_id: it is recognised by its overlap with what was listed for the same patient.
_NEW_CASES = f"""
CREATE OR REPLACE TABLE main.mart_new_cases AS
WITH known AS (
    {{known}}
), listed AS (
    SELECT 'episode' AS basis, episode_id, definition_id, patient_key, onset_date, span_end, level, true AS is_case,
        NULL AS outside_cohort_reason
    FROM known WHERE is_case_episode AND level > 0
    UNION ALL
    {{listed}}
), reportable AS (
    SELECT reportable.*, {_SPAN_END.format(row="reportable")} AS span_end,
        CASE WHEN reportable.possibly_severe THEN {_POSSIBLY_SEVERE} ELSE {_SEVERE} END AS level
    FROM main.mart_reportable AS reportable
    JOIN main.dim_patient AS patient ON reportable.patient_key = patient.patient_key
), compared AS (
    SELECT reportable.*, listed.level AS listed_level, listed.is_case AS listed_as_case,
        listed.outside_cohort_reason AS listed_reason
    FROM reportable
    LEFT JOIN listed ON reportable.basis = listed.basis AND (
        reportable.episode_id = listed.episode_id
        OR (reportable.basis = 'leukocytes' AND reportable.patient_key = listed.patient_key
            AND reportable.onset_date = listed.onset_date)
    )
)
SELECT
    reportable.basis,
    reportable.episode_id,
    reportable.definition_id,
    reportable.patient_key,
    reportable.site,
    reportable.onset_date,
    reportable.nadir_date,
    reportable.nadir_anc_10e9_l,
    reportable.nadir_operator,
    reportable.severity,
    reportable.lab_key,
    reportable.leukocytes_10e9_l,
    reportable.leukocytes_operator,
    reportable.possibly_severe,
    reportable.is_case_episode,
    reportable.outside_cohort_reason,
    episode.end_status,
    reportable.attributed_drug,
    reportable.days_since_last_dose,
    reportable.dose_number,
    reportable.onset_type,
    episode.recurrence_number,
    episode.gcsf_treated,
    episode.infection,
    episode.febrile,
    episode.hospitalised,
    episode.treatment_action,
    CASE
        WHEN reportable.listed_level = {_POSSIBLY_SEVERE} AND reportable.level = {_SEVERE} THEN 'possibly_severe'
        WHEN reportable.listed_reason IS NOT NULL THEN 'outside_cohort'
        WHEN known.is_case_episode OR (known.may_be_listed AND known.level = 0) THEN 'not_severe'
        WHEN known.episode_id IS NOT NULL THEN 'no_case_episode'
        WHEN EXISTS (
            SELECT 1 FROM listed AS other
            WHERE other.basis = 'episode' AND other.definition_id = reportable.definition_id
                AND other.patient_key = reportable.patient_key
                AND other.onset_date <= reportable.span_end AND other.span_end >= reportable.onset_date
        ) THEN 'other_onset'
        WHEN EXISTS (
            SELECT 1 FROM listed AS other
            WHERE other.basis = 'leukocytes' AND other.patient_key = reportable.patient_key
                AND other.onset_date BETWEEN reportable.onset_date AND reportable.span_end
        ) THEN 'leukocytes'
        ELSE 'unknown'
    END AS known_as,
    $previous IS NULL AS is_first_release,
    CAST($previous AS VARCHAR) AS previous_release_id
FROM compared AS reportable
LEFT JOIN main.fct_neutropenia_episode AS episode ON reportable.episode_id = episode.episode_id
LEFT JOIN known ON reportable.episode_id = known.episode_id
WHERE reportable.listed_level IS NULL OR reportable.listed_level < reportable.level
    OR (reportable.is_case_episode AND NOT reportable.listed_as_case)
ORDER BY reportable.onset_date, reportable.basis, reportable.patient_key
"""
_KNOWN = f"""
    SELECT episode.episode_id, episode.definition_id, episode.patient_key, episode.is_case_episode,
        {_LEVEL} AS level, episode.onset_date, {_SPAN_END.format(row="episode")} AS span_end,
        episode.attributed_drug IS NOT NULL AND coalesce(episode.adjudication, 'confirmed') = 'confirmed'
            AS may_be_listed
    FROM {{database}}main.fct_neutropenia_episode AS episode
    JOIN {{database}}main.dim_patient AS patient ON episode.patient_key = patient.patient_key
"""
_LISTED = f"""
    SELECT reportable.basis, reportable.episode_id, reportable.definition_id, reportable.patient_key,
        reportable.onset_date, {_SPAN_END.format(row="reportable")},
        CASE WHEN reportable.possibly_severe THEN {_POSSIBLY_SEVERE} ELSE {_SEVERE} END, false,
        reportable.outside_cohort_reason
    FROM {{database}}main.mart_reportable AS reportable
    JOIN {{database}}main.dim_patient AS patient ON reportable.patient_key = patient.patient_key
    WHERE NOT reportable.is_case_episode
"""


def write(settings: Settings, candidate: Path, previous: Release | None) -> None:
    """Write `mart_new_cases` into a candidate: compared with `previous`, or without one all of `mart_reportable`."""
    with (
        previous.reading() if previous else nullcontext(),
        duckdb.connect(str(candidate), config=connect_options(settings)) as connection,
    ):
        if previous is None:
            known, listed = _KNOWN.format(database="") + "WHERE false", _LISTED.format(database="") + "AND false"
        else:
            attach(connection, previous.database, "previous")
            known = _KNOWN.format(database="previous.")
            # a release without that table listed only case episodes
            listed = (
                _LISTED.format(database="previous.")
                if _has_reportable(connection)
                else _LISTED.format(database="") + "AND false"
            )
        release_id = previous.release_id if previous else None
        connection.execute(_NEW_CASES.format(known=known, listed=listed), {"previous": release_id})


def _has_reportable(connection: duckdb.DuckDBPyConnection) -> bool:
    found = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE database_name = 'previous' AND schema_name = 'main' "
        "AND table_name = 'mart_reportable'"
    )
    return found.fetchone() is not None
