"""What was given after an episode, and whether the neutropenia came back. How long it took: `course.py`."""

from __future__ import annotations

from expectations.check import Check
from expectations.check_types import no_rows
from expectations.suites.marts import SAME_COUNT

RECHALLENGE = "main.mart_rechallenge"
RECURRENCE = "main.mart_recurrence"


CHECKS: tuple[Check, ...] = (
    no_rows(
        "rechallenge_is_of_case_episodes",
        RECHALLENGE,
        """
        SELECT episode_id FROM (
            SELECT episode_id, definition_id, patient_key, onset_date FROM main.mart_rechallenge
            EXCEPT
            SELECT episode_id, definition_id, patient_key, onset_date FROM main.fct_neutropenia_episode
            WHERE is_case_episode
        ) AS unknown_to_the_episodes
        UNION ALL
        SELECT episode_id FROM main.fct_neutropenia_episode
        WHERE is_case_episode AND episode_id NOT IN (SELECT episode_id FROM main.mart_rechallenge)
        """,
        description="Every case episode has a row for what was given next, and no other episode has one.",
        source=SAME_COUNT,
        finds="episodes",
    ),
    no_rows(
        "rechallenge_follows_the_treatment_action",
        RECHALLENGE,
        """
        SELECT episode_id FROM main.mart_rechallenge
        WHERE next_treatment IS NULL OR (next_treatment <> 'none' AND next_treatment IS DISTINCT FROM CASE
                WHEN treatment_action IN ('continued', 'resumed') THEN 'same_drug'
                WHEN treatment_action = 'switched_in_class' THEN 'another_in_class'
                WHEN treatment_action = 'switched_out_of_class' THEN 'out_of_class'
            END)
            OR (next_treatment = 'none' AND NOT recurred AND treatment_action NOT IN ('discontinued', 'pending'))
            OR (next_treatment = 'none') <> (next_drug IS NULL)
            OR (next_treatment = 'same_drug') <> coalesce(next_drug = attributed_drug, false)
            OR next_treatment_date < onset_date OR next_treatment_date >= recurrence_date
            OR days_from_onset <> next_treatment_date - onset_date
            OR days_from_recovery <> next_treatment_date - recovery_date
        """,
        description="What was given next is the episode's treatment action, where that came before a recurrence.",
        source="Protocol: treatment action",
    ),
    no_rows(
        "rechallenge_recurrence_is_an_episode",
        RECHALLENGE,
        """
        SELECT followed.episode_id FROM main.mart_rechallenge AS followed
        JOIN main.fct_neutropenia_episode AS episode ON followed.episode_id = episode.episode_id
        LEFT JOIN main.fct_neutropenia_episode AS recurrence
            ON episode.definition_id = recurrence.definition_id AND episode.patient_key = recurrence.patient_key
            AND recurrence.is_case_episode AND recurrence.recurrence_number = episode.recurrence_number + 1
            AND NOT recurrence.continuation_possible
        WHERE followed.recurred <> (recurrence.episode_id IS NOT NULL)
            OR followed.recurrence_date IS DISTINCT FROM recurrence.onset_date
            OR followed.recurrence_context IS DISTINCT FROM recurrence.recurrence_context
            OR followed.recurrence_drug IS DISTINCT FROM recurrence.attributed_drug
        """,
        description="A recurrence is the patient's next case episode with a higher recurrence number.",
        source="Protocol: recurrence",
    ),
    no_rows(
        "rechallenge_last_treatment_fits",
        RECHALLENGE,
        """
        SELECT episode_id FROM main.mart_rechallenge
        WHERE least(same_drug_date, another_in_class_date, out_of_class_date) < onset_date
            OR greatest(same_drug_date, another_in_class_date, out_of_class_date) >= recurrence_date
            OR (same_drug_recorded_date IS NOT NULL AND (
                same_drug_date IS NULL OR same_drug_recorded_date < same_drug_date
                OR same_drug_recorded_date >= recurrence_date))
            OR given_on_onset_day <> coalesce(
                least(same_drug_date, another_in_class_date, out_of_class_date) = onset_date, false)
            OR CASE last_treatment
                WHEN 'same_drug' THEN same_drug_date IS NULL
                WHEN 'another_in_class' THEN another_in_class_date IS NULL
                WHEN 'out_of_class' THEN out_of_class_date IS NULL
                ELSE coalesce(same_drug_date, another_in_class_date, out_of_class_date) IS NOT NULL
            END
        """,
        description="What was given after an episode lies between its onset and a recurrence, the last of it included.",
        source="Protocol: recurrence",
    ),
    no_rows(
        "rechallenge_recurrence_counts_where_it_happened",
        RECHALLENGE,
        """
        SELECT max(episode_id) AS episode_id FROM main.mart_rechallenge
        GROUP BY definition_id, patient_key
        HAVING count(*) FILTER (WHERE is_counted_in_recurrence) <> 1
        UNION ALL
        SELECT episode_id FROM main.mart_rechallenge
        WHERE is_counted_in_recurrence AND recurred AND recurrence_context IS DISTINCT FROM CASE last_treatment
            WHEN 'same_drug' THEN 'rechallenge'
            WHEN 'another_in_class' THEN 'after_switch_in_class'
            WHEN 'out_of_class' THEN 'after_switch_out_of_class'
            ELSE 'no_further_treatment'
        END
        """,
        description="Each case is counted by one episode, and its recurrence under the last treatment before it.",
        source="Protocol: recurrence context",
        finds="episodes",
    ),
    no_rows(
        "recurrence_counts_agree",
        RECURRENCE,
        """
        WITH given AS (
            SELECT definition_id, attributed_drug, treatment_after, recurred AND counts AS recurred
            FROM main.mart_rechallenge, LATERAL (VALUES
                ('all', true, true),
                ('same_drug', same_drug_date IS NOT NULL, last_treatment = 'same_drug'),
                ('same_drug_recorded', same_drug_recorded_date IS NOT NULL, last_treatment = 'same_drug'),
                ('another_in_class', another_in_class_date IS NOT NULL, last_treatment = 'another_in_class'),
                ('out_of_class', out_of_class_date IS NOT NULL, last_treatment = 'out_of_class'),
                ('none', last_treatment = 'none', true)
            ) AS t (treatment_after, was_given, counts)
            WHERE is_counted_in_recurrence AND was_given
        ), counted AS (
            SELECT definition_id, 'overall' AS stratum_type, 'all' AS stratum, treatment_after, count(*) AS n,
                count(*) FILTER (WHERE recurred) AS n_recurrent
            FROM given GROUP BY definition_id, treatment_after
            UNION ALL
            SELECT definition_id, 'drug', attributed_drug, treatment_after, count(*), count(*) FILTER (WHERE recurred)
            FROM given GROUP BY definition_id, attributed_drug, treatment_after
        )
        SELECT coalesce(stated.definition_id, counted.definition_id) AS definition_id,
            coalesce(stated.stratum, counted.stratum) AS stratum
        FROM main.mart_recurrence AS stated
        FULL JOIN counted
            ON stated.definition_id = counted.definition_id AND stated.stratum_type = counted.stratum_type
            AND stated.stratum = counted.stratum AND stated.treatment_after = counted.treatment_after
        LEFT JOIN main.mart_sensitivity AS sensitivity
            ON stated.definition_id = sensitivity.definition_id AND stated.stratum_type = 'overall'
            AND stated.treatment_after = 'all'
        WHERE coalesce(stated.n_patients, -1) <> coalesce(counted.n, 0)
            OR coalesce(stated.n_recurrent, -1) <> coalesce(counted.n_recurrent, 0)
            OR stated.n_patients <> sensitivity.n_cases OR stated.n_recurrent <> sensitivity.n_recurrent
        """,
        description="Recurrence counts the cases of mart_rechallenge by what was given to them, and all of them as "
        "the sensitivity analysis does.",
        source=SAME_COUNT,
        finds="strata",
        names_offenders=True,
    ),
    no_rows(
        "recurrence_intervals_hold_estimates",
        RECURRENCE,
        """
        SELECT definition_id, stratum, treatment_after FROM main.mart_recurrence
        WHERE (n_patients > n_never_tested AND coalesce(
                abs(recurrence_pct - 100.0 * n_recurrent / n_patients) > 1e-7
                OR recurrence_pct NOT BETWEEN recurrence_low - 1e-7 AND recurrence_high + 1e-7
                OR recurrence_pct NOT BETWEEN recurrence_low_wilson - 1e-7 AND recurrence_high_wilson + 1e-7, true
            ))
        """,
        description="The share of recurrences is their number by the cases, and lies within its intervals.",
        source="Output contract: Clopper–Pearson and Wilson intervals",
        names_offenders=True,
    ),
)
