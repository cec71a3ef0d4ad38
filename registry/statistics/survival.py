"""Time to an event from counts a day: Kaplan-Meier, and Aalen-Johansen where death competes.

The database counts patients per day of follow-up. A million patients make a few thousand rows, and the estimates are
the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import Any

_ALPHA = 0.05

# exp(log(3/4) + log(2/3)) is not quite 0.5: a curve is compared with a quantile to this many decimals.
_DECIMALS = 12


@dataclass(frozen=True)
class TimeQuantiles:
    """Days by which a quarter, half and three quarters had the event; None where the curve does not get there."""

    q1: float | None
    median: float | None
    q3: float | None
    median_low: float | None
    median_high: float | None


def kaplan_meier(counts: Any) -> Any:
    """Survival without an event, with pointwise 95 % log-log intervals.

    `counts` is a DataFrame with one row a day: time_days, n_patients whose follow-up ends on that day, n_events of them
    by an event; the others are censored.

    Returns a DataFrame of time_days, at_risk, events, survival, ci_low and ci_high, sorted, one row a distinct time and
    always one for time 0. An event counts before a censoring of the same day. The interval is [1, 1] before the first
    event, as there is no variance to go on, and NaN where survival is 0: the log-log scale has no such point. It is
    lifelines' only one, which its documentation calls the exponential Greenwood formula.
    """
    import pandas as pd
    from lifelines import KaplanMeierFitter

    events = counts[counts["n_events"] > 0]
    censored = counts[counts["n_patients"] > counts["n_events"]]
    fitted = KaplanMeierFitter(alpha=_ALPHA).fit(
        durations=pd.concat([events["time_days"], censored["time_days"]]),
        event_observed=[True] * len(events) + [False] * len(censored),
        weights=pd.concat([events["n_events"], censored["n_patients"] - censored["n_events"]]),
    )
    survival = fitted.survival_function_.iloc[:, 0]
    interval = fitted.confidence_interval_.where(survival > 0)
    return pd.DataFrame(
        {
            "time_days": fitted.event_table.index.astype("int64"),
            "at_risk": fitted.event_table["at_risk"].to_numpy().astype("int64"),
            "events": fitted.event_table["observed"].to_numpy().astype("int64"),
            "survival": survival.to_numpy(),
            "ci_low": interval.iloc[:, 0].to_numpy(),
            "ci_high": interval.iloc[:, 1].to_numpy(),
        }
    )


def cumulative_incidence(counts: Any) -> Any:
    """Probability of the event by a day where death competes with it: Aalen-Johansen, 95 % log-log intervals.

    `counts` is that of `kaplan_meier` with one more column, n_deaths: those whose follow-up ended by death without the
    event. Of one day everybody who leaves was at risk, in whatever way he leaves.

    Returns a DataFrame of time_days, cumulative_incidence, cif_low and cif_high, sorted, one row a distinct time. The
    interval is NaN before the first event, where there is no variance to go on, and from where nobody is left.

    Estimate and standard error are statsmodels'; the interval is the one that lifelines' AalenJohansenFitter gives
    (the delta method on the log-log scale). That fitter itself moves tied times apart by chance, and takes minutes over
    curves of a few thousand days.
    """
    import numpy as np
    import pandas as pd
    from scipy.stats import norm
    from statsmodels.duration.survfunc import CumIncidenceRight

    if not counts["n_events"].any():
        return pd.DataFrame(
            {"time_days": sorted(counts["time_days"]), "cumulative_incidence": 0.0, "cif_low": nan, "cif_high": nan}
        )
    ends = [counts["n_patients"] - counts["n_events"] - counts["n_deaths"], counts["n_events"], counts["n_deaths"]]
    times = np.concatenate([np.repeat(counts["time_days"].to_numpy(), number) for number in ends])
    status = np.repeat([0, 1, 2], [int(number.sum()) for number in ends])
    with np.errstate(divide="ignore", invalid="ignore"):  # where nobody is left, or nothing has happened yet
        fitted = CumIncidenceRight(times, status)
        estimate = fitted.cinc[0]
        spread = np.exp(norm.isf(_ALPHA / 2) * fitted.cinc_se[0] / (estimate * np.abs(np.log(estimate))))
        low, high = estimate**spread, estimate ** (1 / spread)
    is_open = ~np.isfinite(spread)  # 1 to the power of it would be 1 all the same
    low[is_open], high[is_open] = nan, nan
    return pd.DataFrame(
        {
            "time_days": fitted.times.astype("int64"),
            "cumulative_incidence": estimate,
            "cif_low": low,
            "cif_high": high,
        }
    )


def time_quantiles(counts: Any) -> TimeQuantiles:
    """Quartiles of a time that is censored in some, read off the Kaplan-Meier curve of `counts`.

    A quantile is the first day on which the curve is at or below it; the bounds of the median are the first days on
    which the curve's bounds are (Brookmeyer and Crowley).
    """
    curve = kaplan_meier(counts)

    def first_day(column: str, level: float) -> float | None:
        reached = curve.loc[curve[column].round(_DECIMALS) <= level, "time_days"]
        return float(reached.iloc[0]) if len(reached) else None

    return TimeQuantiles(
        q1=first_day("survival", 0.75),
        median=first_day("survival", 0.5),
        q3=first_day("survival", 0.25),
        median_low=first_day("ci_low", 0.5),
        median_high=first_day("ci_high", 0.5),
    )
