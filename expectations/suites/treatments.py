"""Treatment lines and doses: in order, within observation, of known drugs and known patients."""

from __future__ import annotations

from expectations.check import Check
from expectations.check_types import no_rows


def _class_agrees(check_id: str, table: str, key: str) -> Check:
    return no_rows(
        check_id,
        table,
        f"""
        SELECT {key} FROM {table} AS given
        JOIN main.dim_drug AS drug ON given.drug = drug.drug
        WHERE given.drug_class IS DISTINCT FROM drug.drug_class
        """,
        description="The class of every drug is the one that dim_drug gives it.",
        source="Drug seed",
    )


CHECKS: tuple[Check, ...] = (
    no_rows(
        "treatment_within_observation",
        "main.fct_treatment",
        """
        SELECT line.treatment_key FROM main.fct_treatment AS line
        JOIN main.dim_patient AS patient ON line.patient_key = patient.patient_key
        WHERE line.start_date > patient.observation_end OR line.end_date > patient.observation_end
            OR year(line.start_date) < patient.birth_year
        """,
        description="A treatment line starts after birth, and nothing of it lies after death or the cut-off.",
        source="Protocol: cut-offs; input contract: date_before_birth, date_after_death",
    ),
    no_rows(
        "treatment_end_unknown",
        "main.fct_treatment",
        """
        SELECT patient.site, count(*) || ' lines' AS n_lines FROM main.fct_treatment AS line
        JOIN main.dim_patient AS patient ON line.patient_key = patient.patient_key
        WHERE line.end_unknown GROUP BY patient.site
        """,
        description="Every line that has ended has a usable end: readable, and not before its start. Nothing is "
        "assumed from a line with an unknown end, so doses, time at risk and cases may be missing.",
        source="Input contract: an end that can't be read is unknown, not open",
        severity="warning",
        finds="sites",
        names_offenders=True,
    ),
    no_rows(
        "treatment_end_unknown_has_no_date",
        "main.fct_treatment",
        "SELECT treatment_key FROM main.fct_treatment "
        "WHERE end_unknown IS NULL OR (end_unknown AND end_date IS NOT NULL)",
        description="A line's end is known or not, and an unknown end has no date.",
        source="Input contract: an end that can't be read is unknown, not open",
    ),
    _class_agrees("treatment_class_agrees", "main.fct_treatment", "treatment_key"),
    no_rows(
        "dose_within_observation",
        "main.fct_dose",
        """
        SELECT dose.patient_key, dose.drug, dose.administered_on FROM main.fct_dose AS dose
        JOIN main.dim_patient AS patient ON dose.patient_key = patient.patient_key
        WHERE dose.administered_on > patient.observation_end
            OR year(dose.administered_on) < patient.birth_year
        """,
        description="No dose lies before birth, or after death or the cut-off.",
        source="Protocol: cut-offs; input contract: date_before_birth, date_after_death",
    ),
    no_rows(
        "dose_assumed_only_of_anti_cd20",
        "main.fct_dose",
        """
        SELECT patient_key, drug, administered_on FROM main.fct_dose
        WHERE dose_source <> 'recorded'
            AND drug_class <> CASE dose_source WHEN 'course' THEN 'gcsf' ELSE 'anti_cd20' END
        """,
        description="Only anti-CD20 doses are set at the start of a line or assumed, and only G-CSF is a day of a "
        "course.",
        source="Protocol: doses",
    ),
    no_rows(
        "dose_numbers_count_up",
        "main.fct_dose",
        """
        SELECT patient_key, drug FROM main.fct_dose WHERE drug_class = 'anti_cd20'
        GROUP BY patient_key, drug
        HAVING min(dose_number) <> 1 OR max(dose_number) <> count(*) OR count(DISTINCT dose_number) <> count(*)
        """,
        description="A patient's doses of an anti-CD20 drug are numbered from 1 without a gap.",
        source="Protocol: attribution",
        finds="drugs of a patient",
    ),
    _class_agrees("dose_class_agrees", "main.fct_dose", "patient_key, given.drug, given.administered_on"),
)
