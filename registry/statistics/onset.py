"""Time from the index date to the first case episode: `mart_time_to_onset`, as curves.

The model count_time_to_onset counts patients by the day on which their follow-up ends.
"""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING, Any

from registry.statistics.survival import cumulative_incidence, kaplan_meier
from registry.statistics.table import STRATUM_KEY, counts_of

if TYPE_CHECKING:
    import duckdb


_ESTIMATES = ("survival", "ci_low", "ci_high", "cumulative_incidence", "cif_low", "cif_high")


def time_to_onset(connection: duckdb.DuckDBPyConnection) -> Any:
    """Kaplan-Meier and Aalen-Johansen curves: a DataFrame, one row per definition, stratum and distinct time."""
    import pandas as pd

    counts = counts_of(connection, "count_time_to_onset", "time_days")
    curves = [
        _curve(of_stratum).assign(**dict(zip(STRATUM_KEY, key, strict=True)))
        for key, of_stratum in counts.groupby(STRATUM_KEY, sort=False)
    ]
    return pd.concat(curves, ignore_index=True) if curves else pd.DataFrame()


def _curve(counts: Any) -> Any:
    """Both estimates of one stratum. At time 0 the cumulative incidence is 0.

    A stratum in which no patient was ever tested has counts but no estimates.
    """
    n_patients, n_never_tested = int(counts["n_patients"].sum()), int(counts["n_never_tested"].sum())
    deaths = counts[["time_days", "n_deaths"]].rename(columns={"n_deaths": "deaths"})
    curve = kaplan_meier(counts).merge(deaths, how="left").merge(cumulative_incidence(counts), how="left")
    curve = curve.fillna({"deaths": 0, "cumulative_incidence": 0})
    if n_never_tested == n_patients:
        curve[list(_ESTIMATES)] = nan
    return curve.assign(n_patients=n_patients, n_never_tested=n_never_tested)
