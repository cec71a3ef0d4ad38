"""Grades of blood counts, from the text of the scales: neutrophils, leukocytes, lymphocytes, platelets.

Values are in 10^9/L as Decimal. A grade is None where it cannot be told, or where the scale has none for
the analyte: None is never "none". Sources: CTCAE 5.0 and 6.0 and DAIDS 2.1 as admiral's grading metadata
has them; the Udine series for its own scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

OTHER_COUNTS = ("wbc", "lymphocytes", "platelets")


@dataclass(frozen=True)
class Band:
    """A grade and the values it holds; `high` None is unbounded."""

    grade: str
    low: Decimal
    low_inclusive: bool
    high: Decimal | None
    high_inclusive: bool


def _bands(*steps: tuple[str, str]) -> list[Band]:
    """Adjoining bands from lowest up: (grade, upper bound, exclusive), the last unbounded."""
    bands, low = [], Decimal(0)
    for grade, high in steps:
        bands.append(Band(grade, low, True, Decimal(high) if high else None, False))
        low = Decimal(high) if high else low
    return bands


_ONE = Decimal(1)
FIXED = {
    ("udine_2025", "anc"): _bands(("severe", "0.5"), ("moderate", "1.0"), ("mild", "1.5"), ("none", "")),
    ("udine_2025_inclusive", "anc"): [
        *_bands(("severe", "0.5")),
        Band("moderate", Decimal("0.5"), True, _ONE, True),
        Band("mild", _ONE, False, Decimal("1.5"), False),
        Band("none", Decimal("1.5"), True, None, False),
    ],
    ("ctcae_v6", "anc"): _bands(("4", "0.1"), ("3", "0.5"), ("2", "1.0"), ("1", "1.5"), ("0", "")),
    ("daids_2_1", "anc"): [
        *_bands(("4", "0.4"), ("3", "0.6"), ("2", "0.8")),
        Band("1", Decimal("0.8"), True, _ONE, True),
        Band("0", _ONE, False, None, False),
    ],
    ("daids_2_1", "wbc"): _bands(("4", "1"), ("3", "1.5"), ("2", "2"), ("1", "2.5"), ("0", "")),
    ("daids_2_1", "lymphocytes"): _bands(("4", "0.35"), ("3", "0.5"), ("2", "0.6"), ("1", "0.65"), ("0", "")),
    ("daids_2_1", "platelets"): _bands(("4", "25"), ("3", "50"), ("2", "100"), ("1", "125"), ("0", "")),
}
"""Scales that need no lower limit of normal."""

WITH_LLN = {
    ("ctcae_v5", "anc"): ("0.5", "1.0", "1.5"),
    ("ctcae_v5", "wbc"): ("1", "2", "3"),
    ("ctcae_v5", "lymphocytes"): ("0.2", "0.5", "0.8"),
    ("ctcae_v5", "platelets"): ("25", "50", "75"),
    ("ctcae_v6", "wbc"): ("1", "2", "3"),
    ("ctcae_v6", "platelets"): ("10", "50", "75"),
}
"""Upper bounds, exclusive, of grades 4, 3 and 2; grade 1 ends at the lower limit of normal."""


def bands(scale: str, analyte: str, lln: Decimal | None) -> Sequence[Band]:
    """The bands that can be told with this lower limit of normal, lowest first."""
    if (scale, analyte) not in WITH_LLN:
        return FIXED.get((scale, analyte), [])
    cuts = WITH_LLN[scale, analyte]
    absolute = _bands(*zip("432", cuts, strict=True))
    if lln is None:  # grades 0 and 1 cannot be told apart
        return absolute
    cut = Decimal(cuts[-1])
    normal = max(cut, lln)
    return [*absolute, Band("1", cut, True, normal, False), Band("0", normal, True, None, False)]


def grade(scale: str, value: Decimal, operator: str | None, lln: Decimal | None, analyte: str = "anc") -> str | None:
    """The grade that every value allowed by operator and bound has, or None."""
    low, low_inclusive, high, high_inclusive = value, True, value, True
    unbounded = False
    if operator in ("<", "<="):
        low, high_inclusive = Decimal(0), operator == "<="
    elif operator in (">", ">="):
        low_inclusive, unbounded = operator == ">=", True
    for band in bands(scale, analyte, lln):
        starts = low > band.low or (low == band.low and (band.low_inclusive or not low_inclusive))
        ends = band.high is None or (
            not unbounded and (high < band.high or (high == band.high and (band.high_inclusive or not high_inclusive)))
        )
        if starts and ends:
            return band.grade
    return None


def below_cutoff_but_within_range(
    value: Decimal, operator: str | None, lln: Decimal | None, graded: str | None
) -> bool | None:
    """Graded 2 to 4 by an absolute cut-off of CTCAE v5 although no allowed value lies below the limit of normal."""
    if lln is None or graded is None:
        return None
    lowest = Decimal(0) if operator in ("<", "<=") else value
    return graded != "0" and lowest >= lln


def unit_in_doubt(analyte: str, value: Decimal) -> bool:
    """A count other than the ANC that contradicts its unit, and so has no grade."""
    if analyte == "lymphocytes":
        return value > 1000
    return analyte == "platelets" and (value > 10_000 or 0 < value < 1)
