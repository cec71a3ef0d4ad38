"""Grades worked out again, only from the published scales.

The models grade with their own SQL; this is the gate's second opinion, and the only thing that the two share
is the table `dim_grading_scale`. A result with an operator means every value that it allows, and has a
grade only where all of them have it; a bound set by the lower limit of normal (LLN) needs that limit.
"""

from __future__ import annotations

# Grades are worked out once a distinct (analyte, value, operator, LLN, grade, scale), which is what keeps this cheap:
# ten million counts have some thousand different values.
_DISAGREEING = """
WITH judged AS NOT MATERIALIZED (
    {judged}
),

distinct_result AS (
    SELECT DISTINCT analyte, value, operator, lln, graded, scale FROM judged
),

allowed AS (
    SELECT
        *,
        CASE WHEN operator IN ('<', '<=') THEN 0 ELSE value END AS low,
        operator IS DISTINCT FROM '>' AS low_included,
        CASE WHEN operator IN ('>', '>=') THEN NULL ELSE value END AS high,
        operator IS DISTINCT FROM '<' AS high_included
    FROM distinct_result
),

with_bounds AS (
    SELECT
        allowed.*,
        bound.grade,
        coalesce(bound.lower_inclusive, false) AS lower_inclusive,
        coalesce(bound.upper_inclusive, false) AS upper_inclusive,
        CASE WHEN bound.lln_rule = 'lower' THEN greatest(bound.lower, allowed.lln) ELSE bound.lower END AS lower,
        CASE WHEN bound.lln_rule = 'upper' THEN allowed.lln ELSE bound.upper END AS upper
    FROM allowed
    INNER JOIN main.dim_grading_scale AS bound ON allowed.scale = bound.scale AND allowed.analyte = bound.analyte
    WHERE coalesce(bound.lln_rule, '') = '' OR allowed.lln IS NOT NULL
),

graded_again AS (
    SELECT analyte, value, operator, lln, graded, scale, CASE WHEN count(*) = 1 THEN min(grade) END AS grade
    FROM with_bounds
    WHERE (lower IS NULL OR low > lower OR (low = lower AND (lower_inclusive OR NOT low_included)))
        AND (upper IS NULL OR high < upper OR (high = upper AND (upper_inclusive OR NOT high_included)))
    GROUP BY analyte, value, operator, lln, graded, scale
),

disagreeing AS (
    SELECT result.*
    FROM distinct_result AS result
    LEFT JOIN graded_again AS again ON {same_result}
    WHERE result.graded IS DISTINCT FROM again.grade
)
"""
_SAME = " AND ".join(
    f"result.{column} IS NOT DISTINCT FROM {{other}}.{column}"
    for column in ("analyte", "value", "operator", "lln", "graded", "scale")
)


def _disagreeing(judged: str) -> str:
    return _DISAGREEING.format(judged=judged.strip(), same_result=_SAME.format(other="again"))


def misgraded_results(column: str, scale: str) -> str:
    """Query for the `anc_key` of every result whose `column` is not the grade that `scale` gives it."""
    judged = f"""
    SELECT anc_key, 'anc' AS analyte, anc_10e9_l AS value, operator, lln_10e9_l AS lln, {column} AS graded,
        '{scale}' AS scale
    FROM main.fct_anc
    """
    return f"""{_disagreeing(judged)}
SELECT result.anc_key FROM judged AS result
INNER JOIN disagreeing ON {_SAME.format(other="disagreeing")}
"""


def misgraded_lab_results(column: str, scale: str) -> str:
    """Query for the `lab_key` of every other count whose `column` is not the grade that `scale` gives it.

    An analyte that the scale does not grade has none. Counts whose unit is in doubt are judged elsewhere.
    """
    judged = f"""
    SELECT lab_key, analyte, value_10e9_l AS value, operator, lln_10e9_l AS lln, {column} AS graded, '{scale}' AS scale
    FROM main.fct_lab_grade WHERE NOT unit_in_doubt
    """
    return f"""{_disagreeing(judged)}
SELECT result.lab_key FROM judged AS result
INNER JOIN disagreeing ON {_SAME.format(other="disagreeing")}
"""


def misgiven_range_flags(table: str, key: str, value: str) -> str:
    """Query for the `key` of every result of `table` whose flag is not what its grade, `value` and LLN make it.

    The flag: graded by an absolute cut-off of CTCAE v5 although every value allowed reaches the LLN.
    """
    return f"""
SELECT {key} FROM {table}
WHERE below_cutoff_but_within_reference_range IS DISTINCT FROM CASE
    WHEN lln_10e9_l IS NULL OR ctcae_v5_grade IS NULL THEN NULL
    WHEN operator IN ('<', '<=') AND lln_10e9_l > 0 THEN false
    ELSE {value} >= lln_10e9_l AND ctcae_v5_grade IN ('1', '2', '3', '4')
END
"""


def misgraded_episodes() -> str:
    """Query for the `episode_id` of every episode whose severity is not what its definition's scale gives its nadir.

    Only the result has the LLN. Two results of that day with the same value may differ in it: the
    episode is at fault only where its severity fits neither.
    """
    judged = """
    SELECT episode.episode_id, 'anc' AS analyte, episode.nadir_anc_10e9_l AS value, episode.nadir_operator AS operator,
        nadir.lln_10e9_l AS lln, episode.severity AS graded, definition.severity_scale AS scale
    FROM main.fct_neutropenia_episode AS episode
    INNER JOIN main.dim_case_definition AS definition ON episode.definition_id = definition.definition_id
    LEFT JOIN main.fct_anc AS nadir
        ON episode.patient_key = nadir.patient_key AND episode.nadir_date = nadir.collected_on
        AND episode.nadir_anc_10e9_l = nadir.anc_10e9_l
        AND episode.nadir_operator IS NOT DISTINCT FROM nadir.operator
    """
    return f"""{_disagreeing(judged)}
SELECT result.episode_id FROM judged AS result
LEFT JOIN disagreeing ON {_SAME.format(other="disagreeing")}
GROUP BY result.episode_id HAVING count(*) = count(disagreeing.scale)
"""


def part_of_a_cell(value: str) -> str:
    """SQL: a count in 10^9/L, below 100 per microlitre, that is not a whole number of cells.

    Written apart from the models' macro is_no_count_of_cells.
    """
    return f"{value} < 0.1 AND ({value} * 1000) % 1 <> 0"
