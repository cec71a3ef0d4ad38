"""Every check that a release has to pass: the generic checks and the suites put together.

Cheap to import (no Great Expectations, no dbt), so that Dagster and the documentation can list the checks without
paying for what runs them. The generic ones need the parsed dbt project, which is read when the list is first asked for.
"""

from __future__ import annotations

from functools import cache

from expectations.check import Check
from expectations.published import generic_checks
from expectations.suites import (
    accounts,
    agreement,
    anc,
    attribution,
    cohort_losses,
    completeness,
    course,
    drift,
    episodes,
    incidence,
    lab,
    losses,
    marts,
    never_tested,
    new_cases,
    patients,
    pseudonyms,
    recurrence,
    review,
    sensitivity,
    staged,
    treatments,
)

SAME_INPUTS_SAME_CONTENT = Check(
    "same_inputs_same_content",
    "meta.input_file",
    "critical",
    "The same inputs, settings and code give the same content as they did before.",
    "Output contract: same fingerprint, same content hashes",
    finds="tables",
)
"""Decided by the release when it compares content hashes, not by a query."""

CLINICAL: tuple[Check, ...] = (
    *pseudonyms.CHECKS,
    *patients.CHECKS,
    *treatments.CHECKS,
    *anc.CHECKS,
    *lab.CHECKS,
    *episodes.CHECKS,
    *attribution.CHECKS,
    *incidence.CHECKS,
    *never_tested.CHECKS,
    *marts.CHECKS,
    *course.CHECKS,
    *recurrence.CHECKS,
    *new_cases.CHECKS,
    *review.CHECKS,
    *sensitivity.CHECKS,
    *staged.CHECKS,
    *accounts.CHECKS,
    *agreement.CHECKS,
    *completeness.CHECKS,
    *drift.CHECKS,
    *losses.CHECKS,
    *cohort_losses.CHECKS,
)
"""What needs to know what a table means, or more than one of them."""


@cache
def queried() -> tuple[Check, ...]:
    """The checks that `audit` carries out on a candidate."""
    return (*generic_checks(), *CLINICAL)


def every_check() -> tuple[Check, ...]:
    """All checks, in the order in which they are shown."""
    return (*queried(), SAME_INPUTS_SAME_CONTENT)
