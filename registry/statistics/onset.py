"""Time from the index date to the first case episode: `mart_time_to_onset`, as curves."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING, Any

from registry.statistics.survival import cumulative_incidence, kaplan_meier
from registry.statistics.table import ORDER, STRATUM_KEY, named, stratum

if TYPE_CHECKING:
    import duckdb


_ESTIMATES = ("survival", "ci_low", "ci_high", "cumulative_incidence", "cif_low", "cif_high")

# From the index date to the onset of the first case episode; without one, to the end of follow-up. A death counts at
# the end of follow-up, so that both estimates have the same patients at risk on each day.
_COUNTS = f"""
with follow_up as (
    select member.definition_id, member.site, member.first_drug, member.first_case_onset, member.has_died,
        coalesce(member.first_case_onset, member.follow_up_end) - member.index_date as time_days,
        never_tested.patient_key is not null as is_never_tested
    from intermediate.int_cohort_member as member
    left join intermediate.int_never_tested as never_tested
        on member.definition_id = never_tested.definition_id and member.patient_key = never_tested.patient_key
)
select definition_id,{stratum("first_drug")},
    time_days,
    count(*) as n_patients,
    count(first_case_onset) as n_events,
    count(*) filter (where has_died and first_case_onset is null) as n_deaths,
    count(*) filter (where is_never_tested) as n_never_tested
from follow_up
group by grouping sets (
    (definition_id, time_days),
    (definition_id, first_drug, time_days),
    (definition_id, site, time_days)
)
having {named("first_drug")}
order by {ORDER}, time_days
"""


def time_to_onset(connection: duckdb.DuckDBPyConnection) -> Any:
    """Kaplan-Meier and Aalen-Johansen curves: a DataFrame, one row per definition, stratum and distinct time."""
    import pandas as pd

    counts = connection.execute(_COUNTS).df()
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
