"""Counts behind curves, durations and agreement: how many patients, episodes or pairs of verdicts share a value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from .patient import PatientResult


def time_to_onset(definition_id: str, results: Sequence[PatientResult]) -> list[dict[str, Any]]:
    """Patients by the days from the index date to the first case or to the end of follow-up: all, cases, deaths."""
    found: dict[tuple[Any, ...], Counter[str]] = {}
    for result in results:
        for row in result.cohort_rows():
            onset = row["first_case_onset"]
            days = ((onset or row["follow_up_end"]) - row["index_date"]).days
            for stratum in (("overall", "all"), ("drug", row["first_drug"]), ("site", row["site"])):
                count = found.setdefault((*stratum, days), Counter())
                count["n_patients"] += 1
                count["n_events"] += onset is not None
                count["n_deaths"] += row["has_died"] and onset is None
                count["n_never_tested"] += result.never_tested()
    columns = ("n_patients", "n_events", "n_deaths", "n_never_tested")
    return [
        {"definition_id": definition_id, "stratum_type": kind, "stratum": name, "time_days": days}
        | {column: count[column] for column in columns}
        for (kind, name, days), count in found.items()
    ]


def duration(definition_id: str, results: Sequence[PatientResult]) -> list[dict[str, Any]]:
    """Case episodes by their time since the last dose, and until recovery or the last measurement."""
    episodes, events = Counter[tuple[Any, ...]](), Counter[tuple[Any, ...]]()
    for result in results:
        own = [row for row in result.episode_rows() if row["is_case_episode"]]
        for number, (row, followed) in enumerate(zip(own, result.rechallenge_rows(), strict=True)):
            given = "with_gcsf" if row["gcsf_treated"] else "without_gcsf"
            strata = [("overall", "all"), ("drug", row["attributed_drug"])]
            times = [("last_dose_to_onset", kind, row["days_since_last_dose"], True) for kind in strata]
            if number == 0:
                times += [("last_dose_to_first_onset", *time[1:]) for time in times]
            recovered = row["end_status"] == "recovered"
            times += [
                ("onset_to_recovery", kind, followed["observed_days"], recovered) for kind in (*strata, ("gcsf", given))
            ]
            for measure, (kind, name), days, is_event in times:
                episodes[measure, kind, name, days] += 1
                events[measure, kind, name, days] += is_event
    names = ("measure", "stratum_type", "stratum", "time_days")
    return [
        {"definition_id": definition_id, "n_episodes": n, "n_events": events[key]} | dict(zip(names, key, strict=True))
        for key, n in episodes.items()
    ]


def verdicts(definition_id: str, results: Sequence[PatientResult]) -> list[dict[str, Any]]:
    """Episodes by what is compared and both verdicts."""
    names = ("comparison", "first_reading", "second_reading", "first_verdict", "second_verdict")
    pairs = Counter(tuple(row[name] for name in names) for result in results for row in result.verdict_pair_rows())
    return [
        {"definition_id": definition_id, "n_episodes": n} | dict(zip(names, pair, strict=True))
        for pair, n in pairs.items()
    ]
