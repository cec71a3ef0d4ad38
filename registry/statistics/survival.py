"""Time to an event from daily counts: Kaplan-Meier, and Aalen-Johansen with death as competing event.

The database counts patients per day of follow-up: a million patients give a few thousand rows, with the same estimates.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import Any

_ALPHA = 0.05

# exp(log(3/4) + log(2/3)) is not exactly 0.5: curves are compared with quantiles to this many decimals.
_DECIMALS = 12


@dataclass(frozen=True)
class TimeQuantiles:
    """Days by which a quarter, half and three quarters had the event; None if the curve does not reach them."""

    q1: float | None
    median: float | None
    q3: float | None
    median_low: float | None
    median_high: float | None


def kaplan_meier(counts: Any) -> Any:
    """Survival without an event, with pointwise 95 % log-log intervals.

    `counts` is a DataFrame with one row per day: time_days, n_patients (follow-up ends on that day), n_events (ends by
    an event); the others are censored.

    Returns a sorted DataFrame of time_days, at_risk, events, survival, ci_low and ci_high, one row per distinct time
    and always one for time 0. On the same day, events come before censoring. The interval is [1, 1] before the first
    event, where the variance is 0, and NaN where survival is 0, which the log-log scale excludes. It is the only one in
    lifelines, whose documentation calls it the exponential Greenwood formula.
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
    """Probability of the event by each day, with death as competing event: Aalen-Johansen, 95 % log-log intervals.

    `counts` is that of `kaplan_meier` with one more column, n_deaths (follow-up ends by death without the event).
    Everyone whose follow-up ends on a day is at risk that day.

    Returns a sorted DataFrame of time_days, cumulative_incidence, cif_low and cif_high, one row per distinct time. The
    interval is NaN before the first event, where the variance is 0, and once no one is left at risk.

    Estimate and standard error are from statsmodels; the interval is that of lifelines' AalenJohansenFitter (the delta
    method on the log-log scale). That fitter separates tied times at random, and takes minutes for curves of a few
    thousand days.
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
    with np.errstate(divide="ignore", invalid="ignore"):  # no one left at risk, or no event yet
        fitted = CumIncidenceRight(times, status)
        estimate = fitted.cinc[0]
        spread = np.exp(norm.isf(_ALPHA / 2) * fitted.cinc_se[0] / (estimate * np.abs(np.log(estimate))))
        low, high = estimate**spread, estimate ** (1 / spread)
    is_open = ~np.isfinite(spread)  # needed because 1 to the power of it would still be 1
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
    """Quartiles of a partly censored time, from the Kaplan-Meier curve of `counts`.

    A quantile is the first day on which the curve is at or below its level; the bounds of the median are the first days
    on which the curve's bounds are (Brookmeyer and Crowley).
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
