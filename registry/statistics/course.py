"""Course of the cases: durations (`mart_duration`) and recurrence (`mart_recurrence`).

Episodes and cases are counted by the models count_duration and count_recurrence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from registry.statistics.intervals import risk_interval
from registry.statistics.survival import time_quantiles
from registry.statistics.table import counts_of

if TYPE_CHECKING:
    import duckdb

TO_RECOVERY = "onset_to_recovery"


def duration(connection: duckdb.DuckDBPyConnection) -> Any:
    """Days from last dose to onset and from onset to recovery: a DataFrame by definition, measure and stratum."""
    import pandas as pd

    times = counts_of(connection, "count_duration", "measure", "time_days")
    keys = ["definition_id", "measure", "stratum_type", "stratum"]
    rows = [
        dict(zip(keys, key, strict=True)) | _summary(of_stratum[of_stratum["n_episodes"] > 0], key[1])
        for key, of_stratum in times.groupby(keys, sort=False)
    ]
    return pd.DataFrame(rows)


def recurrence(connection: duckdb.DuckDBPyConnection) -> Any:
    """Share of cases that recurred, by treatment given afterwards: one row per definition, stratum and treatment."""
    counts = counts_of(connection, "count_recurrence", "treatment_order")
    shares = [
        risk_interval(int(row.n_recurrent), int(row.n_patients) if row.n_never_tested < row.n_patients else 0)
        for row in counts.itertuples()
    ]
    return counts.assign(
        recurrence_pct=[share.pct for share in shares],
        recurrence_low=[share.low for share in shares],
        recurrence_high=[share.high for share in shares],
        recurrence_low_wilson=[share.low_wilson for share in shares],
        recurrence_high_wilson=[share.high_wilson for share in shares],
    )


def _summary(times: Any, measure: str) -> dict[str, Any]:
    """Quartiles of one stratum: from Kaplan-Meier if a time can be censored, else of the times themselves."""
    import numpy as np

    counts = {"n": times["n_episodes"].sum(), "n_events": times["n_events"].sum()}
    if counts["n"] == 0:
        return counts
    if measure == TO_RECOVERY:
        found = time_quantiles(times.rename(columns={"n_episodes": "n_patients"}))
        return counts | {
            "median_days": found.median,
            "median_low": found.median_low,
            "median_high": found.median_high,
            "q1_days": found.q1,
            "q3_days": found.q3,
        }
    days = np.repeat(times["time_days"].to_numpy(), times["n_episodes"])
    quartiles = np.quantile(days, [0, 0.25, 0.5, 0.75, 1])
    return counts | dict(zip(("min_days", "q1_days", "median_days", "q3_days", "max_days"), quartiles, strict=True))
