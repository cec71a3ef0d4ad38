"""What an episode is attributed to and what followed: the dose before it, G-CSF, treatment, recurrence."""

from __future__ import annotations

from expectations.check import Check
from expectations.kinds import no_rows

TABLE = "main.fct_neutropenia_episode"

# What stays empty where no anti-CD20 dose lies close enough before the onset.
OF_THE_DOSE = (
    "last_dose_date",
    "days_since_last_dose",
    "dose_number",
    "dose_source",
    "onset_type",
    "treatment_action",
    "next_drug",
    "recurrence_number",
    "recurrence_context",
)
_any_of_the_dose = " OR ".join(f"{column} IS NOT NULL" for column in OF_THE_DOSE)


CHECKS: tuple[Check, ...] = (
    no_rows(
        "episode_last_dose_before_onset",
        TABLE,
        """
        SELECT episode.episode_id FROM main.fct_neutropenia_episode AS episode
        JOIN main.dim_case_definition AS definition ON episode.definition_id = definition.definition_id
        WHERE episode.last_dose_date >= episode.onset_date
            OR episode.days_since_last_dose <> episode.onset_date - episode.last_dose_date
            OR episode.days_since_last_dose > definition.attribution_days
        """,
        description="The dose that an episode is attributed to lies before the onset, and not too long before.",
        source="Protocol: attribution",
    ),
    no_rows(
        "episode_last_dose_known",
        TABLE,
        """
        SELECT episode.episode_id FROM main.fct_neutropenia_episode AS episode
        ANTI JOIN main.fct_dose AS dose
            ON episode.patient_key = dose.patient_key AND episode.attributed_drug = dose.drug
            AND episode.last_dose_date = dose.administered_on AND episode.dose_number = dose.dose_number
        WHERE episode.attributed_drug IS NOT NULL
        """,
        description="The dose that an episode is attributed to stands in fct_dose, with its number.",
        source="Protocol: attribution",
    ),
    no_rows(
        "episode_unattributed_is_empty",
        TABLE,
        f"""
        SELECT episode_id FROM main.fct_neutropenia_episode
        WHERE attributed_drug IS NULL AND ({_any_of_the_dose})
        """,
        description="An episode without a dose close enough before it says nothing that rests on a dose.",
        source="Protocol: attribution",
    ),
    no_rows(
        "episode_onset_type_fits_days",
        TABLE,
        """
        SELECT episode.episode_id FROM main.fct_neutropenia_episode AS episode
        JOIN main.dim_case_definition AS definition ON episode.definition_id = definition.definition_id
        JOIN main.dim_drug AS drug ON episode.attributed_drug = drug.drug
        WHERE episode.onset_type IS NULL
            OR (episode.days_since_last_dose >= definition.late_days AND episode.onset_type <> 'late')
            OR (episode.days_since_last_dose < definition.late_days AND episode.onset_type <> 'early'
                AND coalesce(drug.interval_days, 0) > 28)
        """,
        description="An onset is late from the definition's number of days after the last dose; of drugs given "
        "every four weeks it may be late sooner, as their days count from the start of the course.",
        source="Protocol: attribution",
    ),
    no_rows(
        "episode_next_drug_fits_action",
        TABLE,
        """
        SELECT episode_id FROM main.fct_neutropenia_episode
        WHERE (next_drug IS NOT NULL) <> coalesce(treatment_action LIKE 'switched%', false)
        """,
        description="A next drug is named where the patient was switched, and only there.",
        source="Protocol: treatment action",
    ),
    no_rows(
        "episode_gcsf_is_consistent",
        TABLE,
        """
        SELECT episode_id FROM main.fct_neutropenia_episode
        WHERE gcsf_treated <> (gcsf_doses > 0) OR gcsf_treated <> (gcsf_first_date IS NOT NULL)
            OR gcsf_first_date < onset_date
        """,
        description="An episode treated with G-CSF has its doses, and the first of them not before the onset.",
        source="Protocol: G-CSF",
    ),
    no_rows(
        "episode_suspects_were_given",
        TABLE,
        """
        WITH given AS (
            SELECT patient_key, drug, administered_on AS first_on, administered_on AS last_on
            FROM main.fct_dose WHERE dose_source = 'recorded'
            UNION ALL
            SELECT patient_key, drug, start_date, coalesce(end_date, DATE '9999-12-31') FROM main.fct_treatment
        ), found AS (
            SELECT episode.episode_id, string_agg(DISTINCT given.drug, ', ' ORDER BY given.drug) AS drugs
            FROM main.fct_neutropenia_episode AS episode
            JOIN given ON episode.patient_key = given.patient_key
                AND given.first_on <= episode.onset_date AND given.last_on >= episode.onset_date - 90
            JOIN main.dim_drug AS drug ON given.drug = drug.drug AND drug.neutropenia_risk AND drug.drug_class = 'other'
            GROUP BY episode.episode_id
        )
        SELECT episode.episode_id FROM main.fct_neutropenia_episode AS episode
        LEFT JOIN found ON episode.episode_id = found.episode_id
        WHERE episode.other_suspect_drugs IS DISTINCT FROM found.drugs
        """,
        description="The other suspect drugs of an episode are those with a neutropenia risk that were given within "
        "90 days before the onset, worked out again from the published doses and lines.",
        source="Protocol: other suspect drugs",
    ),
    no_rows(
        "episode_case_is_attributed",
        TABLE,
        """
        SELECT episode.episode_id FROM main.fct_neutropenia_episode AS episode
        JOIN main.dim_patient AS patient ON episode.patient_key = patient.patient_key
        WHERE episode.is_case_episode AND (
            episode.attributed_drug IS NULL OR episode.adjudication IN ('other_cause', 'lab_error')
            OR patient.exclusion_reason IN ('never_treated', 'missing_demographics', 'outside_enrolment')
        )
        """,
        description="A case episode follows a dose, was not adjudicated away, and is of a patient whom no "
        "definition excludes.",
        source="Protocol: cohort",
    ),
)
