"""Kaplan-Meier estimate from counts a day.

The database counts patients per day of follow-up; the estimator gets those counts as weights. A
million patients make a few thousand rows, and the estimate is the same.
"""

from typing import Any


def kaplan_meier(counts: Any) -> Any:
    """Survival without a case, with pointwise 95 % log-log intervals.

    `counts` is a DataFrame with one row a day: time_days (days since the index date), n_patients
    whose follow-up ends on that day, n_events of them by a case; the others are censored.

    Returns a DataFrame of time_days, at_risk, events, survival, ci_low and ci_high, sorted, one row
    a distinct time and always one for time 0. An event counts before a censoring of the same day.
    The interval is [1, 1] before the first event, as there is no variance to go on, and NaN where
    survival is 0: the log-log scale has no such point.
    """
    import pandas as pd
    from lifelines import KaplanMeierFitter

    events = counts[counts["n_events"] > 0]
    censored = counts[counts["n_patients"] > counts["n_events"]]
    fitted = KaplanMeierFitter(alpha=0.05).fit(
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
