"""ANC results: possible values, in time, of known patients, and graded as the scales say."""

from __future__ import annotations

from expectations.analytes import PLAUSIBLE, POSSIBLE
from expectations.check import Check, Tolerance
from expectations.grading import misgiven_range_flags, misgraded_results, part_of_a_cell
from expectations.kinds import in_range, no_rows

TABLE = "main.fct_anc"

# Grade column → the scale whose rows must give the same answer.
GRADED_BY = {
    "severity": "udine_2025",
    "ctcae_v5_grade": "ctcae_v5",
    "ctcae_v6_grade": "ctcae_v6",
    "daids_2_1_grade": "daids_2_1",
}

CHECKS: tuple[Check, ...] = (
    in_range(
        "anc_possible",
        TABLE,
        "anc_10e9_l",
        POSSIBLE["anc"].low,
        POSSIBLE["anc"].high,
        description=f"No ANC is below 0 or {POSSIBLE['anc'].in_words()} ×10⁹/L: the unit would be wrong.",
        source="Analyte seed: hard bounds",
    ),
    no_rows(
        "anc_of_whole_cells",
        TABLE,
        f"SELECT anc_key FROM {TABLE} WHERE derivation = 'measured' AND {part_of_a_cell('anc_10e9_l')}",
        description="A measured ANC below 100 cells per microlitre is a whole number of cells.",
        source="Input contract: implausible_value",
    ),
    in_range(
        "anc_plausible",
        TABLE,
        "anc_10e9_l",
        PLAUSIBLE["anc"].low,
        PLAUSIBLE["anc"].high,
        description=f"An ANC {PLAUSIBLE['anc'].in_words()} ×10⁹/L is rare in outpatients. Look at its unit.",
        source="Analyte seed: soft bounds",
        severity="warning",
        tolerance=Tolerance(0.0005, "2026-11-22: G-CSF and severe infections do raise a count above 30, in few draws"),
    ),
    in_range(
        "anc_lower_limit_plausible",
        TABLE,
        "lln_10e9_l",
        0.5,
        5,
        description="A laboratory's lower limit of normal lies between 0.5 and 5 ×10⁹/L.",
        source="Duffy-null reference intervals start at 0.82 (Blood 2025); usual lower limits are 1.5 to 2.5",
        severity="warning",
    ),
    no_rows(
        "anc_within_observation",
        TABLE,
        """
        SELECT result.anc_key FROM main.fct_anc AS result
        JOIN main.dim_patient AS patient ON result.patient_key = patient.patient_key
        WHERE result.collected_on > patient.observation_end OR year(result.collected_on) < patient.birth_year
        """,
        description="No sample was taken before birth, or after death or the cut-off.",
        source="Protocol: cut-offs; input contract: date_before_birth, date_after_death",
    ),
    no_rows(
        "anc_derived_is_exact",
        TABLE,
        "SELECT anc_key FROM main.fct_anc WHERE derivation <> 'measured' AND operator IS NOT NULL",
        description="Nothing is derived from a part with an operator.",
        source="Protocol: harmonisation",
    ),
    no_rows(
        "anc_last_dose_before_sample",
        TABLE,
        """
        SELECT anc_key FROM main.fct_anc
        WHERE days_since_last_dose < 0 OR (days_since_last_dose IS NULL) <> (last_drug IS NULL)
        """,
        description="The last dose before a result does not lie after it, and comes with its drug.",
        source="Protocol: attribution",
    ),
    *(
        no_rows(
            f"anc_{column.removesuffix('_grade')}_agrees_with_scale",
            TABLE,
            misgraded_results(column, scale),
            description=f"{column} is the grade that the bounds of scale {scale} give, worked out again.",
            source="Grading scale seed",
        )
        for column, scale in GRADED_BY.items()
    ),
    no_rows(
        "anc_reference_range_flag_agrees",
        TABLE,
        misgiven_range_flags(TABLE, "anc_key", "anc_10e9_l"),
        description="The flag for counts below a cut-off of CTCAE v5 but within their laboratory's range agrees with "
        "grade and limit.",
        source="Protocol: grading, an absolute cut-off wins over the LLN",
    ),
)
