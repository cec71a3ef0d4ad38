"""The table that is told against the release before: nothing reported twice, nothing left out."""

from __future__ import annotations

from expectations.check import Check
from expectations.kinds import no_rows, one_of

NEW_CASES = "main.mart_new_cases"

# The case episodes of the primary definition that are severe or may be, of a release or, with a prefix, of the one
# before: by the value itself and the seed's bound, whatever scale the definition grades on. What is told as below some
# bound may be anything down to 0.
_SEVERE = """
    SELECT episode.episode_id, episode.patient_key, NOT (
        episode.nadir_anc_10e9_l < bound.upper
        OR (episode.nadir_anc_10e9_l = bound.upper AND coalesce(episode.nadir_operator = '<', false))
    ) AS possibly_severe
    FROM {before}main.fct_neutropenia_episode AS episode
    JOIN main.dim_case_definition AS definition
        ON episode.definition_id = definition.definition_id AND definition.is_primary
    JOIN main.dim_grading_scale AS bound
        ON bound.scale = 'udine_2025' AND bound.analyte = 'anc' AND bound.grade = 'severe'
    WHERE episode.is_case_episode AND coalesce(episode.nadir_operator NOT IN ('>', '>='), true)
        AND (episode.nadir_anc_10e9_l < bound.upper OR episode.nadir_operator IN ('<', '<='))
"""

CHECKS: tuple[Check, ...] = (
    one_of(
        "new_cases_known_as_values",
        NEW_CASES,
        "known_as",
        ("unknown", "not_severe", "possibly_severe", "no_case_episode", "other_onset"),
        description="A new case was unknown to the release before, or known otherwise than as this severe episode.",
        source="Output contract",
    ),
    no_rows(
        "new_cases_are_severe_case_episodes",
        NEW_CASES,
        f"""
        WITH severe AS ({_SEVERE.format(before="")})
        SELECT episode_id FROM (
            SELECT episode_id, patient_key, possibly_severe FROM main.mart_new_cases
            EXCEPT SELECT episode_id, patient_key, possibly_severe FROM severe
        ) AS not_severe
        UNION ALL
        SELECT episode_id FROM severe
        WHERE EXISTS (SELECT 1 FROM main.mart_new_cases WHERE is_first_release)
            AND episode_id NOT IN (SELECT episode_id FROM main.mart_new_cases)
        """,
        description="Every new case is a case episode of the primary definition that is severe, or marked as one whose "
        "bound leaves that open; in a first release all are.",
        source="Output contract: new cases",
    ),
    no_rows(
        "new_cases_are_those_not_published_before",
        NEW_CASES,
        f"""
        WITH now AS ({_SEVERE.format(before="")}),
        before AS ({_SEVERE.format(before="previous.")}),
        expected AS (
            SELECT episode_id FROM now WHERE NOT EXISTS (
                SELECT 1 FROM before
                WHERE before.episode_id = now.episode_id AND before.possibly_severe <= now.possibly_severe
            )
        )
        SELECT episode_id FROM (
            (SELECT episode_id FROM main.mart_new_cases EXCEPT SELECT episode_id FROM expected)
            UNION ALL
            (SELECT episode_id FROM expected EXCEPT SELECT episode_id FROM main.mart_new_cases)
        ) AS differing
        """,
        description="New cases are exactly the case episodes that are severe, or may be, and that the release before "
        "did not have as such.",
        source="Output contract: new cases",
        needs_previous=True,
    ),
)
