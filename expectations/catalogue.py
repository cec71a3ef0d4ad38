"""Every check that a release has to stand: the suites put together.

Cheap to import (no Great Expectations), so that Dagster can show the checks on their assets, and the report
and the documentation can list them, without paying for the library that runs them.
"""

from __future__ import annotations

from expectations.check import Check
from expectations.suites import (
    accounts,
    agreement,
    anc,
    attribution,
    cohort_losses,
    completeness,
    contract,
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
)
"""Decided by the release when it compares content hashes, not by a query."""

QUERIED: tuple[Check, ...] = (
    *contract.CHECKS,
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
"""The checks that `audit` carries out on a candidate."""

CHECKS: tuple[Check, ...] = (*QUERIED, SAME_INPUTS_SAME_CONTENT)
"""All checks, in the order in which they are shown."""
