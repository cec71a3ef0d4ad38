"""Which codes as sent may be shown in a terminal; nothing is stored.

A misplaced row may contain a patient's name instead of a code. So a text is shown only under the rule of
`registry/profile/discretion.py`: it occurs in several rows of several patients, does not look like a number, date or
identifier, and is not a patient's id. LOINC codes in several rows are shown too.
"""

from __future__ import annotations


def may_be_shown(text: str, n_rows: int, n_patients: int, *, is_patient: bool) -> bool:
    """Whether a text with that many rows and patients may be shown. `is_patient`: it is a patient's id."""
    # slow to import, and rarely needed
    from registry.profile.discretion import MIN_PATIENTS, MIN_ROWS, is_loinc, looks_harmless

    is_common = n_rows >= MIN_ROWS and n_patients >= MIN_PATIENTS
    return is_common and not is_patient and (looks_harmless(text) or is_loinc(text))
