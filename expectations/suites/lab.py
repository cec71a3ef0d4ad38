"""Leukocytes, lymphocytes, platelets: possible values within observation, graded by the bounds of the scales or not."""

from __future__ import annotations

from expectations.analytes import PLAUSIBLE, POSSIBLE, outside
from expectations.check import Check, Tolerance
from expectations.check_types import no_rows
from expectations.grading import misgiven_range_flags, misgraded_lab_results, part_of_a_cell

TABLE = "main.fct_lab_grade"
ANALYTES = ("wbc", "lymphocytes", "platelets")

# Grade column → the scale whose rows must give the same answer.
GRADED_BY = {"ctcae_v5_grade": "ctcae_v5", "ctcae_v6_grade": "ctcae_v6", "daids_2_1_grade": "daids_2_1"}

# What contradicts its unit, written independently of the models' macro is_unit_in_doubt. In 10^9/L.
_IN_DOUBT = """(
    (analyte = 'lymphocytes' AND value_10e9_l > 1000)
    OR (analyte = 'platelets' AND (value_10e9_l > 10000 OR (value_10e9_l < 1 AND value_10e9_l <> 0)))
)"""

CHECKS: tuple[Check, ...] = (
    no_rows(
        "lab_value_possible",
        TABLE,
        f"SELECT lab_key FROM {TABLE} WHERE {outside(POSSIBLE, ANALYTES, 'value_10e9_l')}",
        description=f"No count is below 0, no leukocytes are {POSSIBLE['wbc'].in_words()} ×10⁹/L: the unit would be "
        "wrong.",
        source="Analyte seed: hard bounds",
    ),
    no_rows(
        "lab_value_of_whole_cells",
        TABLE,
        f"SELECT lab_key FROM {TABLE} WHERE {part_of_a_cell('value_10e9_l')}",
        description="A count below 100 cells per microlitre is a whole number of cells.",
        source="Input contract: implausible_value",
    ),
    no_rows(
        "lab_value_plausible",
        TABLE,
        f"SELECT lab_key FROM {TABLE} WHERE {outside(PLAUSIBLE, ANALYTES, 'value_10e9_l')}",
        description="Counts that are rare in outpatients are few (×10⁹/L): "
        f"{', '.join(f'{name} {PLAUSIBLE[name].in_words()}' for name in ANALYTES)}. Look at their unit.",
        source="Analyte seed: soft bounds",
        severity="warning",
        tolerance=Tolerance(0.0005, "2026-11-22: infections, bleeding and leukaemia do give such counts, in few draws"),
    ),
    no_rows(
        "lab_lower_limit_plausible",
        TABLE,
        f"""
        SELECT lab_key FROM {TABLE}
        WHERE (analyte = 'wbc' AND lln_10e9_l NOT BETWEEN 1.5 AND 8)
            OR (analyte = 'lymphocytes' AND lln_10e9_l NOT BETWEEN 0.3 AND 3)
            OR (analyte = 'platelets' AND lln_10e9_l NOT BETWEEN 50 AND 300)
        """,
        description="A laboratory's lower limit of normal lies between 1.5 and 8 ×10⁹/L (leukocytes), 0.3 and 3 "
        "(lymphocytes), 50 and 300 (platelets).",
        source="This registry's choice: half to twice the usual limits of about 4, 1 and 150, and a little more",
        severity="warning",
    ),
    no_rows(
        "lab_unit_in_doubt",
        TABLE,
        f"SELECT DISTINCT site, analyte FROM {TABLE} WHERE unit_in_doubt",
        description="No site sends counts that contradict their unit; such counts have no grade.",
        source="This registry's choice: see the column's description",
        severity="warning",
        finds="analytes of a site",
        names_offenders=True,
    ),
    no_rows(
        "lab_unit_in_doubt_has_no_grade",
        TABLE,
        f"""
        SELECT lab_key FROM {TABLE}
        WHERE unit_in_doubt IS DISTINCT FROM {_IN_DOUBT}
            OR (unit_in_doubt AND coalesce(ctcae_v5_grade, ctcae_v6_grade, daids_2_1_grade) IS NOT NULL)
        """,
        description="A count that contradicts its unit is flagged and has no grade. No other count is flagged.",
        source="Protocol: grading, never on a guessed unit",
    ),
    no_rows(
        "lab_within_observation",
        TABLE,
        f"""
        SELECT result.lab_key FROM {TABLE} AS result
        JOIN main.dim_patient AS patient ON result.patient_key = patient.patient_key
        WHERE result.collected_on > patient.observation_end OR year(result.collected_on) < patient.birth_year
        """,
        description="No sample was taken before birth, or after death or the cut-off.",
        source="Protocol: cut-offs; input contract: date_before_birth, date_after_death",
    ),
    *(
        no_rows(
            f"lab_{column.removesuffix('_grade')}_agrees_with_scale",
            TABLE,
            misgraded_lab_results(column, scale),
            description=f"{column} is the grade that the bounds of scale {scale} give, worked out again; none where "
            "the scale does not grade the analyte.",
            source="Grading scale seed",
        )
        for column, scale in GRADED_BY.items()
    ),
    no_rows(
        "lab_reference_range_flag_agrees",
        TABLE,
        misgiven_range_flags(TABLE, "lab_key", "value_10e9_l"),
        description="The flag for counts below a cut-off of CTCAE v5 but within their laboratory's range agrees with "
        "grade and limit.",
        source="Protocol: grading, an absolute cut-off wins over the LLN",
    ),
)
