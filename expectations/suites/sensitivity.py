"""The sensitivity analyses against what they start from: the main result, and their own sums."""

from __future__ import annotations

from expectations.check import Check
from expectations.check_types import no_rows

SAME_COUNT = "Output contract: counts agree between marts"
TABLE = "main.mart_sensitivity_analysis"

CHECKS: tuple[Check, ...] = (
    no_rows(
        "sensitivity_main_is_the_incidence",
        TABLE,
        """
        SELECT incidence.definition_id, incidence.stratum FROM main.mart_incidence AS incidence
        LEFT JOIN main.mart_sensitivity_analysis AS analysis
            ON incidence.definition_id = analysis.definition_id AND incidence.stratum_type = analysis.stratum_type
            AND (incidence.stratum = analysis.stratum OR incidence.stratum_type = 'overall')
            AND analysis.analysis = 'main'
        WHERE incidence.stratum_type <> 'site' AND (
            incidence.n_cases IS DISTINCT FROM analysis.n_cases
            OR incidence.n_patients IS DISTINCT FROM analysis.n_patients
            OR incidence.n_never_tested IS DISTINCT FROM analysis.n_never_tested
            OR incidence.n_episodes IS DISTINCT FROM analysis.n_episodes
            OR abs(incidence.person_years - analysis.person_years) > 1e-7 * (1 + incidence.person_years)
        )
        """,
        description="The main analysis repeats mart_incidence, overall and by drug.",
        source=SAME_COUNT,
        finds="strata",
        names_offenders=True,
    ),
    no_rows(
        "sensitivity_drugs_add_up",
        TABLE,
        """
        SELECT definition_id, analysis FROM main.mart_sensitivity_analysis
        GROUP BY definition_id, analysis
        HAVING sum(CASE WHEN stratum_type = 'overall' THEN n_cases ELSE -n_cases END) <> 0
            OR sum(CASE WHEN stratum_type = 'overall' THEN n_episodes ELSE -n_episodes END) <> 0
            OR abs(sum(CASE WHEN stratum_type = 'overall' THEN person_years ELSE -person_years END)) > 1e-6
        """,
        description="In every analysis the drugs' cases, episodes and person-years make up the whole.",
        source=SAME_COUNT,
        finds="analyses",
        names_offenders=True,
    ),
    no_rows(
        "sensitivity_drug_before_moves_nothing_overall",
        TABLE,
        """
        SELECT definition_id FROM main.mart_sensitivity_analysis
        WHERE stratum_type = 'overall' AND analysis IN ('main', 'late_effects_to_drug_before')
        GROUP BY definition_id
        HAVING count(DISTINCT n_cases) > 1 OR count(DISTINCT n_patients) > 1
            OR max(person_years) - min(person_years) > 1e-6
        """,
        description="Giving late effects to the previous drug moves cases and time only between drugs.",
        source=SAME_COUNT,
        finds="definitions",
        names_offenders=True,
    ),
)
