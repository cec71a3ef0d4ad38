"""Dosing of each drug: induction, interval, amounts, route.

Sources: ocrevus-hcp.com; Kesimpta prescribing information; Briumvi (Medscape); rituximab off label,
500 to 1000 mg every six months.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Schedule:
    """Induction doses as (days after the start, amount), then one amount at every interval.

    The interval counts from the first induction dose. Drugs injected at home have no recorded doses; their interval is
    that between the clinic visits for follow-up.
    """

    induction: tuple[tuple[int, str], ...]
    interval: int
    amount: str
    route: str = "IV"
    at_home: bool = False


SCHEDULES = {
    "ocrelizumab": Schedule(((0, "300"), (14, "300")), 182, "600"),
    "rituximab": Schedule(((0, "1000"), (14, "1000")), 182, "500"),
    "ublituximab": Schedule(((0, "150"), (14, "450")), 168, "450"),
    "ofatumumab": Schedule(((0, "20"),), 168, "20", route="SC", at_home=True),
}

OTHER_BEFORE = (
    "interferon beta-1a",
    "glatiramer acetate",
    "dimethyl fumarate",
    "teriflunomide",
    "fingolimod",
    "natalizumab",
)
OTHER_AFTER = ("natalizumab", "fingolimod", "cladribine")

GCSF = {
    # drug: (amount, unit, given daily); pegfilgrastim is a single dose
    "filgrastim": ("300", "ug", True),
    "lenograstim": ("263", "ug", True),
    "pegfilgrastim": ("6", "mg", False),
}
