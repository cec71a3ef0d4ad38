"""Risk and rate: strata that add up to the whole, and arithmetic that holds."""

from __future__ import annotations

from expectations.check import Check
from expectations.check_types import no_rows

SAME_COUNT = "Output contract: counts agree between marts"

# Published statistics are rounded to ten significant digits: tolerances are relative, and a little wider.
CHECKS: tuple[Check, ...] = (
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
        finds="sums",
        names_offenders=True,
    ),
    no_rows(
        "incidence_arithmetic_holds",
        "main.mart_incidence",
        """
        SELECT definition_id, stratum_type, stratum FROM main.mart_incidence
        WHERE n_cases < 0 OR n_cases > n_patients OR n_episodes < n_cases OR person_years < 0
            OR (n_patients > n_never_tested AND coalesce(abs(risk_pct - 100.0 * n_cases / n_patients) > 1e-7, true))
            OR (person_years > 0 AND n_patients > n_never_tested AND coalesce(
                abs(rate_per_100py - 100.0 * n_cases / person_years) > 1e-8 * (1 + rate_per_100py), true
            ))
            OR (n_cases > 0 AND NOT person_years > 0)
            OR person_years_total * (1 + 1e-8) < person_years
        """,
        description="If anybody was tested, risk is cases by patients and rate is cases by person-years. A case has "
        "time at risk.",
        source="Protocol: risk and rate",
        names_offenders=True,
    ),
    no_rows(
        "incidence_intervals_hold_estimates",
        "main.mart_incidence",
        """
        SELECT definition_id, stratum_type, stratum FROM main.mart_incidence
        WHERE risk_pct NOT BETWEEN risk_low - 1e-7 AND risk_high + 1e-7 OR risk_low < 0 OR risk_high > 100
            OR risk_pct NOT BETWEEN risk_low_wilson - 1e-7 AND risk_high_wilson + 1e-7
            OR rate_per_100py NOT BETWEEN rate_low * (1 - 1e-8) AND rate_high * (1 + 1e-8) OR rate_low < 0
            OR rate_per_100py NOT BETWEEN rate_low_logwald * (1 - 1e-8)
                AND rate_high_logwald * (1 + 1e-8)
            OR (n_patients > n_never_tested AND (risk_low IS NULL OR risk_high IS NULL OR risk_low_wilson IS NULL))
            OR (person_years > 0 AND n_patients > n_never_tested AND (rate_low IS NULL OR rate_high IS NULL))
        """,
        description="Every confidence interval is present and contains its estimate.",
        source="Output contract: Clopper–Pearson, Wilson, exact Poisson and log-Wald intervals",
        names_offenders=True,
    ),
    no_rows(
        "incidence_periods_add_up",
        "main.mart_incidence_by_period",
        """
        WITH both_periods AS (
            SELECT definition_id, stratum_type, stratum, count(*) AS n_periods, sum(n_cases) AS n_cases,
                sum(person_years) AS person_years
            FROM main.mart_incidence_by_period GROUP BY definition_id, stratum_type, stratum
        )
        SELECT coalesce(whole.definition_id, both_periods.definition_id) AS definition_id,
            coalesce(whole.stratum, both_periods.stratum) AS stratum
        FROM main.mart_incidence AS whole
        FULL JOIN both_periods
            ON whole.definition_id = both_periods.definition_id AND whole.stratum_type = both_periods.stratum_type
            AND whole.stratum = both_periods.stratum
        WHERE both_periods.n_periods IS DISTINCT FROM 2 OR whole.n_cases IS DISTINCT FROM both_periods.n_cases
            OR abs(whole.person_years - both_periods.person_years) > 1e-6 + 1e-8 * whole.person_years
        """,
        description="Cases and person-time of the two periods add up to those of every stratum.",
        source=SAME_COUNT,
        finds="strata",
        names_offenders=True,
    ),
    no_rows(
        "incidence_period_rates_hold",
        "main.mart_incidence_by_period",
        """
        WITH rates AS (
            SELECT *, lead(rate_per_100py) OVER (
                PARTITION BY definition_id, stratum_type, stratum ORDER BY period
            ) AS later_rate
            FROM main.mart_incidence_by_period
        )
        SELECT definition_id, stratum_type, stratum, period FROM rates
        WHERE (n_cases > 0 AND n_patients < 1) OR n_cases < 0
            OR (person_years > 0 AND n_patients > n_never_tested AND coalesce(
                abs(rate_per_100py - 100.0 * n_cases / person_years) > 1e-8 * (1 + rate_per_100py), true
            ))
            OR (person_years > 0 AND n_patients > n_never_tested AND coalesce(
                rate_per_100py NOT BETWEEN rate_low * (1 - 1e-8) AND rate_high * (1 + 1e-8), true
            ))
            OR rate_per_100py NOT BETWEEN rate_low_logwald * (1 - 1e-8) AND rate_high_logwald * (1 + 1e-8)
            OR rate_ratio NOT BETWEEN rate_ratio_low * (1 - 1e-8) AND rate_ratio_high * (1 + 1e-8)
            OR (later_rate > 0 AND abs(rate_ratio - rate_per_100py / later_rate) > 1e-8 * (1 + rate_ratio))
            OR (period = 'later' AND rate_ratio IS NOT NULL)
        """,
        description="A period's rate is its cases by its person-years, the ratio is that of the two rates, and every"
        " interval contains its estimate.",
        source="Output contract: exact Poisson and exact conditional intervals",
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
        finds="definitions",
        names_offenders=True,
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
)
