"""The published figures from which the simulator draws, each with its source, and the functions that draw.

Only the simulator reads these, never the pipeline: what a registry reports about a synthetic cohort is computed from
its doses and counts.

Sources: Waldrop et al., Neurol Neuroimmunol Neuroinflamm 2025 (10.1212/NXI.0000000000200430):
37 first neutropenias in 1,825 patients; Zonozi et al., Arthritis Rheumatol 2021 (PMC7902364);
Missio et al., the Udine series.
"""

from __future__ import annotations

import random

Quantiles = tuple[tuple[float, float], ...]
"""Points (cumulative share, value) of a distribution, with linear interpolation."""

ONSET_DAYS_AFTER_DOSE: Quantiles = ((0.0, 8), (0.25, 36), (0.5, 142), (0.75, 185), (1.0, 240))
"""Waldrop: median 4 months (quartiles 1 and 6) from the last infusion."""

NADIR: Quantiles = (
    (0.0, 0.0),
    (0.16, 0.0),
    (0.25, 0.04),
    (0.5, 0.39),
    (0.75, 0.8),
    (1.0, 0.98),
)
"""Waldrop: exactly 0 in 16 %, median 0.39, lower quartile 0.04. The upper quartile there is 0.96;
it is lower here because every simulated episode reaches moderate neutropenia (ANC < 1.0)."""

RECOVERY_MEDIAN_DAYS = 11.0
"""Waldrop: median 11 days (95 % CI 7 to 26) to recovery without filgrastim."""
RECOVERY_LOG_SD = 0.7

FIRST_RATE_PER_YEAR = 0.013
"""First neutropenias per year at risk: between Waldrop (0.62 per 100 person-years) and the first
year of Zonozi (7.2), near the Udine series (6 in 171 patients over at most 6.8 years)."""

RELATIVE_RATE = {"ocrelizumab": 1.0, "rituximab": 1.3, "ublituximab": 1.0, "ofatumumab": 0.4}
"""Ofatumumab lowest: none in the Udine series, 0.2 % in its phase 3 trials."""

RECURRENCE_PER_COURSE = 0.8
RECURRENCE_PRONE = 0.6
"""Together a fifth of cases recur in two years of follow-up and four tenths in six (Rossi 18 %,
Waldrop 35 %, Udine 50 %)."""
RECURRENCE_AFTER_STOPPING = 0.15
"""Waldrop: 3 of 13 recurrences came after stopping."""

GCSF_SHARE = 0.6
"""Between Waldrop (14 %) and Zonozi (69 %); the majority in the Udine series."""
GCSF_REBOUND_SHARE = 0.12
INFECTION_SHARE = 0.62
HOSPITAL_SHARE = 0.54
"""Waldrop: infection in 23 and hospital in 20 of 37."""
FEBRILE_SHARE_IF_SEVERE = 0.45

ACTIONS = (("continue", 0.74), ("switch_in_class", 0.07), ("switch_out_of_class", 0.05))
"""Waldrop: 30 of 37 continued, 2 of these with another drug of the class. The others stopped."""

OTHER_CAUSE_SHARE = 0.1
REVIEWED_SHARE = 0.6
"""Not published: chart reviews as a registry would plan them; most confirm the episode."""


def draw_from(rng: random.Random, quantiles: Quantiles) -> float:
    """Draw one value from the distribution given by its quantiles."""
    u = rng.random()
    low_share, low = quantiles[0]
    for share, value in quantiles[1:]:
        if u <= share:
            return low + (value - low) * (u - low_share) / (share - low_share)
        low_share, low = share, value
    return low


def choose(rng: random.Random, weighted: tuple[tuple[str, float], ...], otherwise: str) -> str:
    """Draw a name by its probability; `otherwise` has the remaining probability."""
    u = rng.random()
    for name, share in weighted:
        if u < share:
            return name
        u -= share
    return otherwise
