"""The course of the cases: how long it took. What was given next and recurrence: `recurrence.py`."""

from __future__ import annotations

from expectations.check import Check
from expectations.check_types import no_rows
from expectations.suites.marts import SAME_COUNT

DURATION = "main.mart_duration"

CHECKS: tuple[Check, ...] = (
    no_rows(
        "duration_counts_agree",
        DURATION,
        """
        WITH stated AS (
            SELECT definition_id, measure, stratum_type, sum(n) AS n, sum(n_events) AS n_events
            FROM main.mart_duration GROUP BY definition_id, measure, stratum_type
        ), episodes AS (
            SELECT definition_id, count(*) AS n, count(DISTINCT patient_key) AS n_cases,
                count(*) FILTER (WHERE end_status = 'recovered') AS n_recovered
            FROM main.fct_neutropenia_episode WHERE is_case_episode GROUP BY definition_id
        )
        SELECT stated.definition_id, stated.measure, stated.stratum_type FROM stated
        LEFT JOIN episodes ON stated.definition_id = episodes.definition_id
        WHERE stated.n <> CASE stated.measure
                WHEN 'last_dose_to_first_onset' THEN coalesce(episodes.n_cases, 0) ELSE coalesce(episodes.n, 0) END
            OR stated.n_events <> CASE stated.measure
                WHEN 'onset_to_recovery' THEN coalesce(episodes.n_recovered, 0) ELSE stated.n END
        UNION ALL
        SELECT definition_id, 'every measure', 'overall' FROM main.dim_case_definition
        WHERE definition_id NOT IN (
            SELECT definition_id FROM stated WHERE stratum_type = 'overall' GROUP BY definition_id
            HAVING count(DISTINCT measure) = 3
        )
        """,
        description="Durations rest on every case episode (to the first onset: on every case), overall, by drug, and "
        "with or without G-CSF.",
        source=SAME_COUNT,
        finds="sums",
        names_offenders=True,
    ),
    no_rows(
        "duration_quartiles_in_order",
        DURATION,
        """
        SELECT definition_id, measure, stratum FROM main.mart_duration
        WHERE min_days > q1_days OR q1_days > median_days OR median_days > q3_days OR q3_days > max_days
            OR min_days < 0 OR q1_days < 0 OR median_low > median_days OR median_days > median_high
            OR (n = 0 AND median_days IS NOT NULL)
            OR (n > 0 AND median_days IS NULL AND measure <> 'onset_to_recovery')
        """,
        description="Quartiles are in order, and the median lies within its interval.",
        source="Output contract: Kaplan–Meier where a time may be censored",
        names_offenders=True,
    ),
    no_rows(
        "duration_agrees_with_summary",
        DURATION,
        """
        SELECT duration.measure FROM main.mart_duration AS duration
        JOIN main.dim_case_definition AS definition
            ON duration.definition_id = definition.definition_id AND definition.is_primary
        LEFT JOIN main.mart_cohort_summary AS summary
            ON summary.measure = 'median_days_from_dose_to_onset' AND summary.stratum = 'overall'
        WHERE duration.measure = 'last_dose_to_first_onset' AND duration.stratum_type = 'overall'
            AND duration.median_days IS DISTINCT FROM summary.value
        """,
        description="The median time from last dose to first onset is that of the cohort's summary.",
        source=SAME_COUNT,
        names_offenders=True,
    ),
)
