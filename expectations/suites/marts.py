"""Figures that readers quote: the same count in every table. Risk and rate: `incidence.py`."""

from __future__ import annotations

from expectations.check import Check
from expectations.check_types import no_rows

# Published statistics are rounded to ten significant digits: tolerances are relative, and a little wider.
SAME_COUNT = "Output contract: counts agree between marts"


CHECKS: tuple[Check, ...] = (
    no_rows(
        "cases_agree_everywhere",
        "main.mart_incidence",
        """
        WITH from_episodes AS (
            SELECT definition_id, count(DISTINCT patient_key) AS n FROM main.fct_neutropenia_episode
            WHERE is_case_episode GROUP BY definition_id
        ), from_listing AS (
            SELECT definition_id, count(*) AS n FROM main.mart_case_listing GROUP BY definition_id
        )
        SELECT definition.definition_id FROM main.dim_case_definition AS definition
        LEFT JOIN from_episodes ON definition.definition_id = from_episodes.definition_id
        LEFT JOIN from_listing ON definition.definition_id = from_listing.definition_id
        LEFT JOIN main.mart_incidence AS incidence
            ON definition.definition_id = incidence.definition_id AND incidence.stratum_type = 'overall'
        LEFT JOIN main.mart_sensitivity AS sensitivity ON definition.definition_id = sensitivity.definition_id
        WHERE coalesce(from_episodes.n, 0) <> coalesce(from_listing.n, 0)
            OR incidence.n_cases IS DISTINCT FROM coalesce(from_episodes.n, 0)
            OR sensitivity.n_cases IS DISTINCT FROM coalesce(from_episodes.n, 0)
        """,
        description="For every definition, the episodes, the case listing, the incidence and the sensitivity "
        "analysis count the same cases.",
        source=SAME_COUNT,
        finds="definitions",
        names_offenders=True,
    ),
    no_rows(
        "case_listing_is_the_cases",
        "main.mart_case_listing",
        """
        SELECT definition_id, patient_key FROM main.mart_case_listing
        EXCEPT
        SELECT definition_id, patient_key FROM main.fct_neutropenia_episode WHERE is_case_episode
        """,
        description="Everyone in the case listing has a case episode under that definition.",
        source=SAME_COUNT,
        finds="cases",
    ),
    no_rows(
        "sensitivity_agrees_with_incidence",
        "main.mart_sensitivity",
        """
        SELECT sensitivity.definition_id FROM main.mart_sensitivity AS sensitivity
        JOIN main.mart_incidence AS incidence
            ON sensitivity.definition_id = incidence.definition_id AND incidence.stratum_type = 'overall'
        WHERE sensitivity.n_episodes IS DISTINCT FROM incidence.n_episodes
            OR sensitivity.n_never_tested IS DISTINCT FROM incidence.n_never_tested
            OR sensitivity.n_recurrent > sensitivity.n_cases
            OR abs(sensitivity.risk_pct - incidence.risk_pct) > 1e-7
            OR abs(sensitivity.rate_per_100py - incidence.rate_per_100py)
                > 1e-8 * (1 + incidence.rate_per_100py)
            OR (sensitivity.risk_pct IS NULL) <> (incidence.risk_pct IS NULL)
            OR (sensitivity.rate_per_100py IS NULL) <> (incidence.rate_per_100py IS NULL)
        """,
        description="The sensitivity analysis repeats the overall incidence of every definition.",
        source=SAME_COUNT,
        names_offenders=True,
    ),
    no_rows(
        "definition_one_is_primary",
        "main.dim_case_definition",
        "SELECT count(*) AS n_primary FROM main.dim_case_definition WHERE is_primary HAVING count(*) <> 1",
        description="Exactly one case definition is the primary one.",
        source="Study settings: primary_definition",
        finds="differences",
        names_offenders=True,
    ),
    no_rows(
        "attrition_adds_up",
        "main.mart_attrition",
        "SELECT step FROM main.mart_attrition WHERE n_in - n_excluded <> n_out OR n_excluded < 0 OR n_out < 0",
        description="At every step, those who enter are those excluded plus those who go on.",
        source="Protocol: cohort",
        names_offenders=True,
    ),
    no_rows(
        "attrition_ends_in_the_cohort",
        "main.mart_attrition",
        """
        SELECT count(*) AS n_in_cohort FROM main.dim_patient WHERE in_cohort
        HAVING count(*) <> (SELECT min(n_out) FROM main.mart_attrition)
        """,
        description="The attrition table ends with the cohort of dim_patient.",
        source=SAME_COUNT,
        finds="differences",
        names_offenders=True,
    ),
    no_rows(
        "attrition_reasons_agree",
        "main.mart_attrition",
        """
        WITH excluded AS (
            SELECT exclusion_reason AS reason, count(*) AS n FROM main.dim_patient
            WHERE exclusion_reason IS NOT NULL GROUP BY exclusion_reason
        ), stated AS (
            SELECT reason, sum(n_excluded) AS n FROM main.mart_attrition
            WHERE n_excluded > 0 GROUP BY reason
        )
        SELECT coalesce(excluded.reason, stated.reason) AS reason FROM excluded
        FULL JOIN stated ON excluded.reason = stated.reason
        WHERE excluded.n IS DISTINCT FROM stated.n
        """,
        description="The attrition table and dim_patient exclude the same number for each reason.",
        source=SAME_COUNT,
        finds="reasons",
        names_offenders=True,
    ),
    no_rows(
        "time_to_onset_is_a_survival_curve",
        "main.mart_time_to_onset",
        """
        SELECT definition_id, stratum, time_days FROM main.mart_time_to_onset
        WHERE survival NOT BETWEEN 0 AND 1 OR events > at_risk OR events < 0 OR time_days < 0
            OR (isfinite(ci_low) AND survival < ci_low - 1e-9) OR (isfinite(ci_high) AND survival > ci_high + 1e-9)
            OR cumulative_incidence < 0 OR cumulative_incidence > 1 - survival + 1e-9
            OR cumulative_incidence < cif_low - 1e-9 OR cumulative_incidence > cif_high + 1e-9
            OR (n_patients > n_never_tested AND (survival IS NULL OR cumulative_incidence IS NULL))
            OR deaths < 0 OR events + deaths > at_risk
        """,
        description="Survival lies between 0 and 1 and within its interval, if there is one. So does the cumulative "
        "incidence, which never exceeds 1 - survival. There are no more events and deaths than people at"
        " risk.",
        source="Output contract: Kaplan–Meier and Aalen–Johansen from the index date",
        names_offenders=True,
    ),
    no_rows(
        "time_to_onset_counts_the_cases",
        "main.mart_time_to_onset",
        """
        WITH onsets AS (
            SELECT definition_id, sum(events) AS n, max(n_never_tested) AS n_never_tested FROM main.mart_time_to_onset
            WHERE stratum_type = 'overall' GROUP BY definition_id
        )
        SELECT incidence.definition_id FROM main.mart_incidence AS incidence
        LEFT JOIN onsets ON incidence.definition_id = onsets.definition_id
        WHERE incidence.stratum_type = 'overall' AND (
            incidence.n_cases <> coalesce(onsets.n, 0) OR incidence.n_never_tested <> coalesce(onsets.n_never_tested, 0)
        )
        """,
        description="The curves of time to onset count every case once, and the patients who were never tested.",
        source=SAME_COUNT,
        finds="definitions",
        names_offenders=True,
    ),
    no_rows(
        "monitoring_flags_fit",
        "main.mart_monitoring",
        """
        SELECT patient_key FROM main.mart_monitoring
        WHERE (is_followed AND deceased)
            OR (NOT is_followed AND NOT deceased AND (switched_to IS NULL OR unresolved_episode))
        """,
        description="The dead are not followed. Of the living, only some who have switched out of the class are not "
        "followed.",
        source="Protocol: monitoring",
    ),
)
