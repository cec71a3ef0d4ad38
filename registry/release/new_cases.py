"""`mart_new_cases`: the severe case episodes that the release before did not have, for whoever must report them.

Those that may be severe, as a nadir of "<0.7" leaves it open, are listed too and marked: nobody overlooks one, and no
count of severe cases holds them.

Written into the candidate before its audit, from the candidate's own episodes and the release that it is compared with,
so that the gate judges it like any other table. It is the one table whose content depends on more than the inputs:
its hash is no part of "same inputs, same content" (docs/decisions/0009-new-cases-against-the-release-before.md).
"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import duckdb

from registry.release.store import Release
from registry.settings import Settings, connect_options

# 2: below 0.5 x 10^9/L whatever the scale of the definition in force: its own labels may be grades. 1: a bound that
# leaves it open. An older release has these columns too.
_SEVERE, _POSSIBLY_SEVERE = 2, 1
_LEVEL = f"""
    CASE
        WHEN episode.ctcae_v5_grade = '4' THEN {_SEVERE}
        WHEN episode.ctcae_v5_grade IS NULL AND episode.nadir_operator IN ('<', '<=') THEN {_POSSIBLY_SEVERE}
        ELSE 0
    END
"""

# What the release before knew of an episode is told in `known_as`. An onset that moved (an earlier count came in late,
# or was corrected) makes another episode_id: it is told by its overlap with a severe case episode of the same patient.
_NEW_CASES = f"""
CREATE OR REPLACE TABLE main.mart_new_cases AS
WITH known AS (
    {{known}}
), severe AS (
    SELECT episode.*, {_LEVEL} AS level, coalesce(episode.end_date, patient.observation_end) AS span_end
    FROM main.fct_neutropenia_episode AS episode
    JOIN main.dim_case_definition AS definition
        ON episode.definition_id = definition.definition_id AND definition.is_primary
    JOIN main.dim_patient AS patient ON episode.patient_key = patient.patient_key
    WHERE episode.is_case_episode AND {_LEVEL} > 0
)
SELECT
    severe.episode_id,
    severe.definition_id,
    severe.patient_key,
    severe.site,
    severe.onset_date,
    severe.nadir_date,
    severe.nadir_anc_10e9_l,
    severe.nadir_operator,
    severe.severity,
    severe.level = {_POSSIBLY_SEVERE} AS possibly_severe,
    severe.end_status,
    severe.attributed_drug,
    severe.days_since_last_dose,
    severe.dose_number,
    severe.onset_type,
    severe.recurrence_number,
    severe.gcsf_treated,
    severe.infection,
    severe.febrile,
    severe.hospitalised,
    severe.treatment_action,
    CASE
        WHEN known.is_case_episode AND known.level = {_POSSIBLY_SEVERE} THEN 'possibly_severe'
        WHEN known.is_case_episode THEN 'not_severe'
        WHEN known.episode_id IS NOT NULL THEN 'no_case_episode'
        WHEN EXISTS (
            SELECT 1 FROM known AS other
            WHERE other.definition_id = severe.definition_id AND other.patient_key = severe.patient_key
                AND other.is_case_episode AND other.level > 0
                AND other.onset_date <= severe.span_end AND other.span_end >= severe.onset_date
        ) THEN 'other_onset'
        ELSE 'unknown'
    END AS known_as,
    $previous IS NULL AS is_first_release,
    CAST($previous AS VARCHAR) AS previous_release_id
FROM severe
LEFT JOIN known ON severe.episode_id = known.episode_id
WHERE NOT coalesce(known.is_case_episode AND known.level >= severe.level, false)
ORDER BY severe.onset_date, severe.episode_id
"""
_KNOWN = f"""
    SELECT episode.episode_id, episode.definition_id, episode.patient_key, episode.is_case_episode,
        {_LEVEL} AS level, episode.onset_date, coalesce(episode.end_date, patient.observation_end) AS span_end
    FROM {{database}}main.fct_neutropenia_episode AS episode
    JOIN {{database}}main.dim_patient AS patient ON episode.patient_key = patient.patient_key
"""


def write(settings: Settings, candidate: Path, previous: Release | None) -> None:
    """Write `mart_new_cases` into a candidate: against `previous`, or, without one, every severe case episode."""
    with (
        previous.reading() if previous else nullcontext(),
        duckdb.connect(str(candidate), config=connect_options(settings)) as connection,
    ):
        if previous is None:
            known = _KNOWN.format(database="") + "WHERE false"
        else:
            quoted = str(previous.database).replace("'", "''")
            connection.execute(f"ATTACH '{quoted}' AS previous (READ_ONLY)")
            known = _KNOWN.format(database="previous.")
        release_id = previous.release_id if previous else None
        connection.execute(_NEW_CASES.format(known=known), {"previous": release_id})
