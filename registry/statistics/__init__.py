"""Intervals and survival of the registry's counts, from scipy, statsmodels and lifelines.

What belongs here: numbers that need a statistical library (exact and approximate confidence intervals, Kaplan-Meier
and Aalen-Johansen estimates), their marts, and the paper's table read from a release. The models in dbt_project
decide who counts, when and for how long, and count (models/counts); nothing here reads a laboratory value or knows
Dagster. The libraries take seconds to load, so they are imported where they are used.
"""

from registry.statistics.intervals import (
    RateInterval,
    RateRatio,
    RiskInterval,
    rate_interval,
    rate_ratio_interval,
    risk_interval,
)
from registry.statistics.marts import write_statistics
from registry.statistics.summary import paper_table

__all__ = [
    "RateInterval",
    "RateRatio",
    "RiskInterval",
    "paper_table",
    "rate_interval",
    "rate_ratio_interval",
    "risk_interval",
    "write_statistics",
]
