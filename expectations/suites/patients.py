"""Patients and the cohort: who is observed, until when, and who counts."""

from __future__ import annotations

from expectations.check import Check
from expectations.kinds import in_range, no_rows

TABLE = "main.dim_patient"


CHECKS: tuple[Check, ...] = (
    no_rows(
        "patient_cohort_or_reason",
        TABLE,
        """
        SELECT patient_key FROM main.dim_patient
        WHERE in_cohort IS NULL OR in_cohort <> (exclusion_reason IS NULL)
        """,
        description="A patient is either in the cohort or excluded with a reason.",
        source="Protocol: cohort",
    ),
    no_rows(
        "patient_cohort_is_described",
        TABLE,
        """
        SELECT patient_key FROM main.dim_patient
        WHERE in_cohort AND (index_date IS NULL OR first_drug IS NULL OR sex IS NULL OR birth_year IS NULL)
        """,
        description="Everyone in the cohort has an index date, a first drug, a sex and a birth year.",
        source="Protocol: cohort (never_treated, missing_demographics)",
    ),
    no_rows(
        "patient_index_is_first_dose",
        TABLE,
        """
        WITH first_dose AS (
            SELECT patient_key, min(administered_on) AS first_on FROM main.fct_dose
            WHERE drug_class = 'anti_cd20' GROUP BY patient_key
        )
        SELECT patient.patient_key FROM main.dim_patient AS patient
        LEFT JOIN first_dose ON patient.patient_key = first_dose.patient_key
        WHERE patient.index_date IS DISTINCT FROM first_dose.first_on
        """,
        description="The index date is the day of the earliest anti-CD20 dose.",
        source="Protocol: cohort",
    ),
    no_rows(
        "patient_born_before_index",
        TABLE,
        "SELECT patient_key FROM main.dim_patient WHERE birth_year > year(index_date)",
        description="Nobody is born after the first anti-CD20 dose.",
        source="Input contract: date_before_birth",
    ),
    in_range(
        "patient_age_plausible",
        TABLE,
        "age_at_index",
        0,
        110,
        description="Age at the first anti-CD20 dose lies between 0 and 110 years.",
        source="Oldest patients of any published anti-CD20 series are below 90; a margin for a registry",
        severity="warning",
    ),
    no_rows(
        "patient_observed_within_deliveries",
        TABLE,
        """
        WITH site_end AS (
            SELECT site, last_day(max(CAST(delivery || '-01' AS DATE))) AS last_on
            FROM meta.input_file WHERE NOT is_retracted GROUP BY site
        )
        SELECT patient.patient_key FROM main.dim_patient AS patient
        LEFT JOIN site_end ON patient.site = site_end.site
        WHERE site_end.last_on IS NULL OR patient.observation_end > site_end.last_on
        """,
        description="Nobody is observed beyond the last month that their site delivered.",
        source="Protocol: cut-offs",
    ),
)
