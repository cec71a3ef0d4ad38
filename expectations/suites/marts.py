"""Figures that readers quote: the same count wherever it stands, and arithmetic that holds."""

from __future__ import annotations

from expectations.check import Check
from expectations.kinds import in_range, no_rows, one_of, refers

# Published statistics are rounded to ten significant digits: tolerances are relative, and a little wider.
SAME_COUNT = "Output contract: counts agree between marts"


def _part_of_definition(table: str) -> Check:
    name = table.partition(".")[2]
    return refers(
        f"{name}_definition_known",
        table,
        "definition_id",
        "main.dim_case_definition",
        "definition_id",
        description=f"Every row of {name} follows a definition in dim_case_definition.",
    )


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
        description="Of every definition, the episodes, the case listing, the incidence and the sensitivity "
        "analysis count the same cases.",
        source=SAME_COUNT,
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
    ),
    no_rows(
        "sensitivity_agrees_with_incidence",
        "main.mart_sensitivity",
        """
        SELECT sensitivity.definition_id FROM main.mart_sensitivity AS sensitivity
        JOIN main.mart_incidence AS incidence
            ON sensitivity.definition_id = incidence.definition_id AND incidence.stratum_type = 'overall'
        WHERE sensitivity.n_episodes IS DISTINCT FROM incidence.n_episodes
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
    one_of(
        "incidence_stratum_values",
        "main.mart_incidence",
        "stratum_type",
        ["overall", "drug", "site"],
        description="Incidence is given overall, by drug and by site.",
        source="Output contract",
    ),
    no_rows(
        "incidence_strata_add_up",
        "main.mart_incidence",
        """
        WITH by_type AS (
            SELECT definition_id, stratum_type, sum(person_years) AS person_years,
                sum(n_cases) AS n_cases, sum(n_patients) AS n_patients
            FROM main.mart_incidence WHERE stratum_type <> 'overall' GROUP BY definition_id, stratum_type
        )
        SELECT by_type.definition_id, by_type.stratum_type FROM by_type
        LEFT JOIN main.mart_incidence AS overall
            ON by_type.definition_id = overall.definition_id AND overall.stratum_type = 'overall'
        WHERE overall.person_years IS NULL
            OR abs(by_type.person_years - overall.person_years) > greatest(1e-6, 1e-8 * overall.person_years)
            OR by_type.n_cases <> overall.n_cases
            OR (by_type.stratum_type = 'site' AND by_type.n_patients <> overall.n_patients)
        """,
        description="Person-time and cases by drug, and by site, add up to the whole; so do patients by site.",
        source="Protocol: risk and rate",
        names_offenders=True,
    ),
    no_rows(
        "incidence_arithmetic_holds",
        "main.mart_incidence",
        """
        SELECT definition_id, stratum_type, stratum FROM main.mart_incidence
        WHERE n_cases < 0 OR n_cases > n_patients OR n_episodes < n_cases OR person_years < 0
            OR (n_patients > 0 AND coalesce(abs(risk_pct - 100.0 * n_cases / n_patients) > 1e-7, true))
            OR (person_years > 0 AND coalesce(
                abs(rate_per_100py - 100.0 * n_cases / person_years) > 1e-8 * (1 + rate_per_100py), true
            ))
            OR (n_cases > 0 AND NOT person_years > 0)
            OR person_years_total * (1 + 1e-8) < person_years
        """,
        description="Risk is cases by patients, rate is cases by person-years, and a case has its time.",
        source="Protocol: risk and rate",
        names_offenders=True,
    ),
    no_rows(
        "incidence_intervals_hold_estimates",
        "main.mart_incidence",
        """
        SELECT definition_id, stratum_type, stratum FROM main.mart_incidence
        WHERE risk_pct NOT BETWEEN risk_low - 1e-7 AND risk_high + 1e-7 OR risk_low < 0 OR risk_high > 100
            OR rate_per_100py NOT BETWEEN rate_low * (1 - 1e-8) AND rate_high * (1 + 1e-8) OR rate_low < 0
            OR rate_per_100py NOT BETWEEN rate_low_logwald * (1 - 1e-8)
                AND rate_high_logwald * (1 + 1e-8)
            OR (n_patients > 0 AND (risk_low IS NULL OR risk_high IS NULL))
            OR (person_years > 0 AND (rate_low IS NULL OR rate_high IS NULL))
        """,
        description="Every confidence interval is there and holds its estimate.",
        source="Output contract: Clopper–Pearson and exact Poisson intervals",
        names_offenders=True,
    ),
    no_rows(
        "cohort_agrees_with_incidence",
        "main.mart_incidence",
        """
        WITH cohort AS (
            SELECT count(*) AS n_patients, coalesce(sum(person_years), 0) AS person_years
            FROM main.dim_patient WHERE in_cohort
        )
        SELECT definition.definition_id FROM main.dim_case_definition AS definition
        CROSS JOIN cohort
        LEFT JOIN main.mart_incidence AS incidence
            ON definition.definition_id = incidence.definition_id AND incidence.stratum_type = 'overall'
        WHERE definition.is_primary AND (
            incidence.n_patients IS DISTINCT FROM cohort.n_patients
            OR coalesce(abs(incidence.person_years - cohort.person_years) > 1e-6 + 1e-8 * cohort.person_years, true)
        )
        """,
        description="The primary definition's incidence rests on the patients and the person-time of dim_patient.",
        source=SAME_COUNT,
        names_offenders=True,
    ),
    no_rows(
        "definition_one_is_primary",
        "main.dim_case_definition",
        "SELECT count(*) AS n_primary FROM main.dim_case_definition WHERE is_primary HAVING count(*) <> 1",
        description="One case definition is the primary one.",
        source="Study settings: primary_definition",
        names_offenders=True,
    ),
    refers(
        "definition_scale_known",
        "main.dim_case_definition",
        "severity_scale",
        "main.dim_grading_scale",
        "scale",
        description="Every case definition grades severity on a scale of dim_grading_scale.",
    ),
    no_rows(
        "incidence_drug_known",
        "main.mart_incidence",
        """
        SELECT stratum FROM main.mart_incidence
        WHERE stratum_type = 'drug' AND stratum NOT IN (SELECT drug FROM main.dim_drug WHERE drug_class = 'anti_cd20')
        """,
        description="Every drug stratum is an anti-CD20 drug in dim_drug.",
        source="Output contract",
        names_offenders=True,
    ),
    no_rows(
        "attrition_adds_up",
        "main.mart_attrition",
        "SELECT step FROM main.mart_attrition WHERE n_in - n_excluded <> n_out OR n_excluded < 0 OR n_out < 0",
        description="At every step, those who come in are those excluded and those who go on.",
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
        names_offenders=True,
    ),
    no_rows(
        "time_to_onset_is_a_survival_curve",
        "main.mart_time_to_onset",
        """
        SELECT definition_id, stratum, time_days FROM main.mart_time_to_onset
        WHERE survival NOT BETWEEN 0 AND 1 OR events > at_risk OR events < 0 OR time_days < 0
            OR survival NOT BETWEEN ci_low - 1e-9 AND ci_high + 1e-9
        """,
        description="Survival lies between 0 and 1 and within its interval; no more events than people at risk.",
        source="Output contract: Kaplan–Meier from the index date",
        names_offenders=True,
    ),
    refers(
        "monitoring_patient_known",
        "main.mart_monitoring",
        "patient_key",
        "main.dim_patient",
        "patient_key",
        description="Every monitored patient stands in dim_patient.",
    ),
    refers(
        "monitoring_drug_known",
        "main.mart_monitoring",
        "last_drug",
        "main.dim_drug",
        "drug",
        description="Every last drug of a monitored patient stands in dim_drug.",
    ),
    in_range(
        "cohort_summary_counts_possible",
        "main.mart_cohort_summary",
        "n",
        0,
        None,
        description="No count is negative.",
        source="Output contract",
    ),
    _part_of_definition("main.mart_case_listing"),
    _part_of_definition("main.mart_incidence"),
    _part_of_definition("main.mart_time_to_onset"),
    _part_of_definition("main.mart_sensitivity"),
)
