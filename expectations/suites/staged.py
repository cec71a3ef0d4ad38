"""The typed rows behind the published tables, which are not in a release: `meta.staged_check` counts what is wrong.

The model counts, for each entity and rule, the current rows that break it. Here each rule is a check of the gate, and
one more check sees that none was left out.
"""

from __future__ import annotations

from expectations.check import Check
from expectations.check_types import no_rows

STAGED = "meta.staged_check"

_RULES = {
    "key_once": "Each key of a site has one current row.",
    "not_held_back": "No current row has a reason for quarantine.",
    "patient_known": "Every current row is of a known patient.",
    "drug_known": "Every current treatment and administration has a drug of dim_drug.",
    "analyte_known": "Every current laboratory result has an analyte.",
    "operator_known": "The operator of a current laboratory result is <, <=, > or >=, or it has none.",
    "value_in_bounds": "Every current laboratory result has a value, within the possible range of its analyte in that "
    "analyte's own unit.",
    "whole_cells": "Every current count but that of CD19 cells is a whole number of cells where it lies below 100 per "
    "microlitre.",
    "codes_known": "Sex, phenotype, type of event and verdict of current rows are words of the input contract.",
    "dates_in_order": "In current rows no disease, contact or death lies before birth, none of these after death, and "
    "no line, event or reviewed span ends before it begins.",
    "dates_by_delivery": "No date of a current row is after the month of its delivery, and required dates are present.",
}
_OF_ENTITY = {
    "patients": ("patient_known", "codes_known", "dates_in_order", "dates_by_delivery"),
    "treatments": ("patient_known", "drug_known", "dates_in_order", "dates_by_delivery"),
    "administrations": ("patient_known", "drug_known", "dates_by_delivery"),
    "lab_results": (
        "patient_known",
        "analyte_known",
        "value_in_bounds",
        "whole_cells",
        "operator_known",
        "dates_by_delivery",
    ),
    "clinical_events": ("patient_known", "codes_known", "dates_in_order", "dates_by_delivery"),
    "adjudications": ("patient_known", "codes_known", "dates_in_order", "dates_by_delivery"),
}
EXPECTED = [(entity, rule) for entity, rules in _OF_ENTITY.items() for rule in ("key_once", "not_held_back", *rules)]
_SOURCE = "Input contract: what may not be used is quarantined or emptied"

CHECKS: tuple[Check, ...] = (
    no_rows(
        "staged_rules_all_counted",
        STAGED,
        f"""
        SELECT coalesce(counted.entity, expected.entity) AS entity, coalesce(counted.rule, expected.rule) AS rule
        FROM meta.staged_check AS counted
        FULL JOIN (VALUES {", ".join(str(pair) for pair in EXPECTED)}) AS expected (entity, rule)
            ON counted.entity = expected.entity AND counted.rule = expected.rule
        WHERE counted.n_broken IS NULL OR expected.rule IS NULL
        """,
        description="Every rule for staged rows was counted for every entity that it covers, and for no other.",
        source=_SOURCE,
        finds="rules",
        names_offenders=True,
    ),
    *(
        no_rows(
            f"staged_{rule}",
            STAGED,
            f"SELECT entity, n_broken FROM meta.staged_check WHERE rule = '{rule}' AND n_broken > 0",
            description=description,
            source=_SOURCE,
            finds="entities",
            names_offenders=True,
        )
        for rule, description in _RULES.items()
    ),
)
