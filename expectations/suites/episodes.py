"""The course of an episode of neutropenia: onset, nadir, end. What it is attributed to: `attribution.py`."""

from __future__ import annotations

from expectations.check import Check
from expectations.check_types import no_rows
from expectations.grading import misgraded_episodes

TABLE = "main.fct_neutropenia_episode"


CHECKS: tuple[Check, ...] = (
    no_rows(
        "episode_within_observation",
        TABLE,
        """
        SELECT episode.episode_id FROM main.fct_neutropenia_episode AS episode
        JOIN main.dim_patient AS patient ON episode.patient_key = patient.patient_key
        WHERE greatest(episode.onset_date, episode.nadir_date, coalesce(episode.end_date, episode.onset_date))
            > patient.observation_end
        """,
        description="Nothing of an episode lies after death or the cut-off.",
        source="Protocol: cut-offs",
    ),
    no_rows(
        "episode_end_fits_its_status",
        TABLE,
        """
        SELECT episode_id FROM main.fct_neutropenia_episode
        WHERE end_status IS NULL OR (end_status = 'ongoing') <> (end_date IS NULL)
            OR (end_status = 'recovered') <> (duration_days IS NOT NULL)
            OR duration_days < 0 OR duration_days <> end_date - onset_date
        """,
        description="An ended episode has an end date and an ongoing one has none. Only a recovered one has a "
        "duration, from onset to recovery.",
        source="Protocol: episodes, rules 2, 4 and 5",
    ),
    no_rows(
        "episode_onset_after_normal",
        TABLE,
        "SELECT episode_id FROM main.fct_neutropenia_episode WHERE last_normal_date >= onset_date",
        description="The last normal result lies before the onset.",
        source="Protocol: episodes",
    ),
    no_rows(
        "episodes_do_not_overlap",
        TABLE,
        """
        SELECT episode_id FROM (
            SELECT episode_id, onset_date, end_date, lead(onset_date) OVER (
                PARTITION BY definition_id, patient_key ORDER BY onset_date ASC
            ) AS next_onset
            FROM main.fct_neutropenia_episode
        ) AS course
        WHERE next_onset IS NOT NULL AND (end_date IS NULL OR next_onset <= end_date)
        """,
        description="A patient's next episode starts after the one before has ended.",
        source="Protocol: episodes, rules 1 and 2",
    ),
    no_rows(
        "episode_nadir_is_low",
        TABLE,
        """
        SELECT episode.episode_id FROM main.fct_neutropenia_episode AS episode
        JOIN main.dim_case_definition AS definition ON episode.definition_id = definition.definition_id
        WHERE NOT coalesce(
            episode.nadir_anc_10e9_l < definition.onset_below
            OR (episode.nadir_anc_10e9_l = definition.onset_below
                AND (definition.onset_inclusive OR episode.nadir_operator = '<')),
            false
        )
        """,
        description="The nadir is below the definition's threshold.",
        source="Case definitions",
    ),
    no_rows(
        "episode_nadir_is_a_result",
        TABLE,
        """
        SELECT episode.episode_id FROM main.fct_neutropenia_episode AS episode
        ANTI JOIN main.fct_anc AS result
            ON episode.patient_key = result.patient_key AND episode.nadir_date = result.collected_on
            AND episode.nadir_anc_10e9_l = result.anc_10e9_l
            AND episode.nadir_operator IS NOT DISTINCT FROM result.operator
            AND episode.ctcae_v5_grade IS NOT DISTINCT FROM result.ctcae_v5_grade
        """,
        description="The nadir is a published result of that patient and day, with the same CTCAE grade.",
        source="Protocol: episodes, rule 5",
    ),
    no_rows(
        "episode_severity_agrees_with_scale",
        TABLE,
        misgraded_episodes(),
        description="Severity is the grade that the definition's scale gives the nadir, worked out again.",
        source="Grading scale seed",
        finds="episodes",
    ),
)
