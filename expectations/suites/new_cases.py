"""What may have to be reported, and what of it is new: nothing left out, nothing listed twice."""

from __future__ import annotations

from expectations.check import Check
from expectations.check_types import no_rows

REPORTABLE = "main.mart_reportable"
NEW_CASES = "main.mart_new_cases"

# The severe case episodes of the primary definition, and those that may be severe, of a release or, with a prefix, of
# the one before: by the value itself and the seed's bound, whatever scale the definition grades on. A value below some
# bound may be anything down to 0.
_IS_SEVERE = """({value} < bound.upper OR ({value} = bound.upper AND coalesce({operator} = '<', false)))"""
_MAY_BE_SEVERE = """coalesce({operator} NOT IN ('>', '>='), true)
        AND ({value} < bound.upper OR {operator} IN ('<', '<='))"""
_BOUND = """JOIN main.dim_grading_scale AS bound
        ON bound.scale = 'udine_2025' AND bound.analyte = 'anc' AND bound.grade = 'severe'"""
_NADIR = {"value": "episode.nadir_anc_10e9_l", "operator": "episode.nadir_operator"}
_COUNT = {"value": "anc.anc_10e9_l", "operator": "anc.operator"}
_LEUKOCYTES = {"value": "lab.value_10e9_l", "operator": "lab.operator"}
_SEVERE = f"""
    SELECT episode.episode_id, episode.patient_key, NOT {_IS_SEVERE.format(**_NADIR)} AS possibly_severe
    FROM {{before}}main.fct_neutropenia_episode AS episode
    JOIN main.dim_case_definition AS definition
        ON episode.definition_id = definition.definition_id AND definition.is_primary
    {_BOUND}
    WHERE {{which}} AND {_MAY_BE_SEVERE.format(**_NADIR)}
"""
_NOT_RULED_OUT = "coalesce(episode.adjudication, 'confirmed') = 'confirmed'"
_CASES = _SEVERE.format(before="", which="episode.is_case_episode")
_CASES_BEFORE = _SEVERE.format(before="previous.", which="episode.is_case_episode")

# Attributed by their onset, or with a count under treatment that is severe or may be: a bound that decides nothing
# under this definition is no count of the episode.
_EPISODES = f"""
    {_SEVERE.format(before="", which=f"episode.attributed_drug IS NOT NULL AND {_NOT_RULED_OUT}")}
    UNION ALL
    SELECT episode.episode_id, episode.patient_key, bool_and(NOT {_IS_SEVERE.format(**_COUNT)})
    FROM main.fct_neutropenia_episode AS episode
    JOIN main.dim_case_definition AS definition
        ON episode.definition_id = definition.definition_id AND definition.is_primary
    JOIN main.dim_patient AS patient ON episode.patient_key = patient.patient_key
    JOIN main.fct_anc AS anc ON episode.patient_key = anc.patient_key
        AND anc.collected_on BETWEEN episode.onset_date AND coalesce(episode.end_date, patient.observation_end)
        AND anc.days_since_last_dose <= definition.attribution_days
        AND (anc.anc_10e9_l < definition.onset_below
            OR (anc.anc_10e9_l = definition.onset_below AND (definition.onset_inclusive OR anc.operator = '<')))
    {_BOUND}
    WHERE episode.attributed_drug IS NULL AND {_NOT_RULED_OUT} AND {_MAY_BE_SEVERE.format(**_COUNT)}
    GROUP BY episode.episode_id, episode.patient_key
"""
# Leukocytes that leave no other ANC than a severe one, at most attribution_days after a dose.
_LOW_LEUKOCYTES = f"""
    SELECT DISTINCT lab.patient_key, lab.collected_on, lab.lab_key
    FROM main.fct_lab_grade AS lab
    JOIN main.dim_case_definition AS definition ON definition.is_primary
    JOIN main.fct_dose AS dose ON lab.patient_key = dose.patient_key AND dose.drug_class = 'anti_cd20'
        AND lab.collected_on - dose.administered_on BETWEEN 1 AND definition.attribution_days
    {_BOUND}
    WHERE lab.analyte = 'wbc' AND NOT lab.unit_in_doubt AND {_IS_SEVERE.format(**_LEUKOCYTES)}
        AND coalesce(lab.operator NOT IN ('>', '>='), true)
"""
_SEVERE_EPISODE_OF_THE_DAY = """
    SELECT 1 FROM main.fct_neutropenia_episode AS episode
    JOIN main.dim_case_definition AS definition
        ON episode.definition_id = definition.definition_id AND definition.is_primary
    JOIN main.dim_patient AS patient ON episode.patient_key = patient.patient_key
    WHERE episode.patient_key = low.patient_key AND episode.ctcae_v5_grade = '4'
        AND low.collected_on BETWEEN episode.onset_date AND coalesce(episode.end_date, patient.observation_end)
"""

CHECKS: tuple[Check, ...] = (
    no_rows(
        "reportable_episodes_are_the_severe_ones",
        REPORTABLE,
        f"""
        WITH expected AS ({_EPISODES}), stated AS (
            SELECT episode_id, patient_key, possibly_severe FROM main.mart_reportable WHERE basis = 'episode'
        )
        SELECT episode_id FROM (
            (FROM stated EXCEPT FROM expected) UNION ALL (FROM expected EXCEPT FROM stated)
        ) AS differing
        """,
        description="Reportable are exactly the severe or possibly severe episodes under treatment by the primary "
        "definition, in the cohort or not, except those that a chart review ruled out.",
        source="Output contract: new cases",
        finds="differences",
    ),
    no_rows(
        "reportable_outside_the_cohort_have_a_reason",
        REPORTABLE,
        """
        SELECT reportable.patient_key FROM main.mart_reportable AS reportable
        JOIN main.dim_patient AS patient ON reportable.patient_key = patient.patient_key
        LEFT JOIN main.fct_neutropenia_episode AS episode ON reportable.episode_id = episode.episode_id
        WHERE reportable.outside_cohort_reason IS DISTINCT FROM patient.exclusion_reason
            OR reportable.is_case_episode IS DISTINCT FROM coalesce(episode.is_case_episode, false)
            OR (reportable.basis = 'episode') <> (episode.episode_id IS NOT NULL)
        """,
        description="A reportable row has the reason why its patient is outside the cohort, and counts as a case if "
        "its episode does.",
        source="Output contract: counts agree between marts",
    ),
    no_rows(
        "reportable_leukocytes_are_below_severe",
        REPORTABLE,
        f"""
        WITH low AS ({_LOW_LEUKOCYTES})
        SELECT stated.patient_key FROM main.mart_reportable AS stated
        LEFT JOIN low ON stated.lab_key = low.lab_key AND stated.patient_key = low.patient_key
            AND stated.onset_date = low.collected_on
        WHERE stated.basis = 'leukocytes' AND (low.lab_key IS NULL OR NOT stated.possibly_severe)
        UNION ALL
        SELECT low.patient_key FROM low
        LEFT JOIN main.mart_reportable AS stated ON stated.basis = 'leukocytes'
            AND low.patient_key = stated.patient_key AND low.collected_on = stated.onset_date
        LEFT JOIN main.fct_anc AS anc ON low.patient_key = anc.patient_key AND low.collected_on = anc.collected_on
        WHERE stated.patient_key IS NULL AND anc.patient_key IS NULL AND NOT EXISTS ({_SEVERE_EPISODE_OF_THE_DAY})
        """,
        description="Reportable leukocytes are below 0.5 under treatment. All such days without an ANC and outside a"
        " severe episode are listed.",
        source="Output contract: new cases. An ANC can't exceed the leukocytes",
        finds="differences",
    ),
    no_rows(
        "new_cases_are_reportable",
        NEW_CASES,
        """
        WITH stated AS (
            SELECT basis, patient_key, onset_date, possibly_severe, is_case_episode, outside_cohort_reason
            FROM main.mart_new_cases
        ), reportable AS (
            SELECT basis, patient_key, onset_date, possibly_severe, is_case_episode, outside_cohort_reason
            FROM main.mart_reportable
        )
        SELECT patient_key FROM (FROM stated EXCEPT FROM reportable) AS not_reportable
        UNION ALL
        SELECT patient_key FROM (FROM reportable EXCEPT FROM stated) AS not_listed
        WHERE EXISTS (SELECT 1 FROM main.mart_new_cases WHERE is_first_release)
        """,
        description="Every new case is reportable. In a first release, all that are reportable are new.",
        source="Output contract: new cases",
        finds="differences",
    ),
    no_rows(
        "new_cases_are_those_not_published_before",
        NEW_CASES,
        f"""
        WITH now AS ({_CASES}), before AS ({_CASES_BEFORE}),
        stated AS (SELECT episode_id FROM main.mart_new_cases WHERE is_case_episode),
        expected AS (
            SELECT episode_id FROM now WHERE NOT EXISTS (
                SELECT 1 FROM before
                WHERE before.episode_id = now.episode_id AND before.possibly_severe <= now.possibly_severe
            )
        )
        SELECT episode_id FROM (
            (FROM stated EXCEPT FROM expected) UNION ALL (FROM expected EXCEPT FROM stated)
        ) AS differing
        """,
        description="New case episodes are exactly the severe or possibly severe ones that the previous release did "
        "not list as such.",
        source="Output contract: new cases",
        finds="differences",
        needs_previous=True,
    ),
    no_rows(
        "new_cases_outside_are_those_not_listed_before",
        NEW_CASES,
        f"""
        WITH now AS (
            SELECT basis, episode_id, patient_key, onset_date, possibly_severe FROM main.mart_reportable
            WHERE NOT is_case_episode
        ), before AS (
            SELECT basis, episode_id, patient_key, onset_date, possibly_severe FROM previous.main.mart_reportable
            UNION ALL
            SELECT 'episode', episode.episode_id, episode.patient_key, episode.onset_date, cases.possibly_severe
            FROM ({_CASES_BEFORE}) AS cases
            JOIN previous.main.fct_neutropenia_episode AS episode ON cases.episode_id = episode.episode_id
        ), stated AS (
            SELECT basis, patient_key, onset_date FROM main.mart_new_cases WHERE NOT is_case_episode
        ), expected AS (
            SELECT basis, patient_key, onset_date FROM now WHERE NOT EXISTS (
                SELECT 1 FROM before
                WHERE before.basis = now.basis AND before.patient_key = now.patient_key
                    AND before.onset_date = now.onset_date
                    AND before.episode_id IS NOT DISTINCT FROM now.episode_id
                    AND before.possibly_severe <= now.possibly_severe
            )
        )
        SELECT patient_key FROM (
            (FROM stated EXCEPT FROM expected) UNION ALL (FROM expected EXCEPT FROM stated)
        ) AS differing
        """,
        description="New rows that do not count as cases are exactly those that the previous release did not list.",
        source="Output contract: new cases",
        finds="differences",
        needs_previous=True,
    ),
)
