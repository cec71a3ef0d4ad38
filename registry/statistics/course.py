"""Course of the cases: durations (`mart_duration`) and recurrence (`mart_recurrence`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from registry.statistics.intervals import risk_interval
from registry.statistics.survival import time_quantiles
from registry.statistics.table import ORDER

if TYPE_CHECKING:
    import duckdb

TO_RECOVERY = "onset_to_recovery"


# An episode is followed from its onset to its recovery, or to its last measurement if it is lost or ongoing.
# A definition without a case has one row per measure, with n = 0.
_TIMES = f"""
with case_episodes as (
    select *, row_number() over (partition by definition_id, patient_key order by episode_number) as from_first
    from intermediate.int_episode_final
    where is_case_episode
),
times as (
    select definition_id, unnest(['last_dose_to_first_onset', 'last_dose_to_onset', '{TO_RECOVERY}']) as measure,
        0 as n_episodes
    from main.dim_case_definition
    union all by name
    select definition_id, 'last_dose_to_first_onset' as measure, attributed_drug as drug,
        days_since_last_dose as time_days, true as is_event, 1 as n_episodes
    from case_episodes
    where from_first = 1
    union all by name
    select definition_id, 'last_dose_to_onset' as measure, attributed_drug as drug,
        days_since_last_dose as time_days, true as is_event, 1 as n_episodes
    from case_episodes
    union all by name
    select definition_id, '{TO_RECOVERY}' as measure, attributed_drug as drug,
        case when gcsf_treated then 'with_gcsf' else 'without_gcsf' end as gcsf,
        last_measured_date - onset_date as time_days, end_status = 'recovered' as is_event, 1 as n_episodes
    from case_episodes
)
select definition_id, measure,
    case when grouping(drug) = 0 then 'drug' when grouping(gcsf) = 0 then 'gcsf' else 'overall' end as stratum_type,
    coalesce(drug, gcsf, 'all') as stratum,
    coalesce(time_days, 0) as time_days,
    cast(sum(n_episodes) as bigint) as n_patients,
    count(*) filter (where is_event) as n_events
from times
group by grouping sets (
    (definition_id, measure, time_days), (definition_id, measure, drug, time_days),
    (definition_id, measure, gcsf, time_days)
)
having (grouping(drug) = 1 or drug is not null) and (grouping(gcsf) = 1 or gcsf is not null)
order by {ORDER}, measure, time_days
"""

# A case counts in the row of each treatment given after it, from its first day on, or in the row `none`; a recurrence
# counts only in the row of the last treatment, so that those who recurred were given it. A share of 0 is shown, but it
# is unknown if no one has a count after that day. Reasons: docs/decisions/0017-recurrence-by-what-was-given.md
_RECURRENCES = f"""
with cases as (
    select *,
        unnest(['overall', 'drug']) as stratum_type, unnest(['all', attributed_drug]) as stratum
    from main.mart_rechallenge
    where is_counted_in_recurrence
),
given as (
    select *,
        unnest(['all', 'same_drug', 'same_drug_recorded', 'another_in_class', 'out_of_class', 'none'])
            as treatment_after,
        unnest([
            onset_date, same_drug_date, same_drug_recorded_date, another_in_class_date, out_of_class_date,
            case when last_treatment = 'none' then onset_date end
        ]) as followed_from
    from cases
),
strata as (
    select definition_id, 'overall' as stratum_type, 'all' as stratum from main.dim_case_definition
    union
    select definition_id, stratum_type, stratum from cases
),
answers as (
    select unnest(['all', 'same_drug', 'same_drug_recorded', 'another_in_class', 'out_of_class', 'none'])
            as treatment_after,
        unnest([1, 2, 3, 4, 5, 6]) as answer_order
),
counted as (
    select strata.definition_id, strata.stratum_type, strata.stratum, answers.treatment_after, answers.answer_order,
        count(given.patient_key) as n_patients,
        count(*) filter (where given.last_count_at_risk_date <= given.followed_from) as n_never_tested,
        count(*) filter (
            where given.recurred and (
                answers.treatment_after in ('all', given.last_treatment)
                or answers.treatment_after = 'same_drug_recorded' and given.last_treatment = 'same_drug')
        ) as n_recurrent,
        median(given.follow_up_days - (given.followed_from - given.onset_date)) as median_follow_up_days
    from strata
    cross join answers
    left join given
        on strata.definition_id = given.definition_id and strata.stratum_type = given.stratum_type
        and strata.stratum = given.stratum and answers.treatment_after = given.treatment_after
        and given.followed_from is not null
    group by all
)
select * exclude (answer_order) from counted
order by {ORDER}, answer_order
"""


def duration(connection: duckdb.DuckDBPyConnection) -> Any:
    """Days from last dose to onset and from onset to recovery: a DataFrame by definition, measure and stratum."""
    import pandas as pd

    times = connection.execute(_TIMES).df()
    keys = ["definition_id", "measure", "stratum_type", "stratum"]
    rows = [
        dict(zip(keys, key, strict=True)) | _summary(of_stratum[of_stratum["n_patients"] > 0], key[1])
        for key, of_stratum in times.groupby(keys, sort=False)
    ]
    return pd.DataFrame(rows)


def recurrence(connection: duckdb.DuckDBPyConnection) -> Any:
    """Share of cases that recurred, by treatment given afterwards: one row per definition, stratum and treatment."""
    counts = connection.execute(_RECURRENCES).df()
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

    counts = {"n": times["n_patients"].sum(), "n_events": times["n_events"].sum()}
    if counts["n"] == 0:
        return counts
    if measure == TO_RECOVERY:
        found = time_quantiles(times)
        return counts | {
            "median_days": found.median,
            "median_low": found.median_low,
            "median_high": found.median_high,
            "q1_days": found.q1,
            "q3_days": found.q3,
        }
    days = np.repeat(times["time_days"].to_numpy(), times["n_patients"])
    quartiles = np.quantile(days, [0, 0.25, 0.5, 0.75, 1])
    return counts | dict(zip(("min_days", "q1_days", "median_days", "q3_days", "max_days"), quartiles, strict=True))
