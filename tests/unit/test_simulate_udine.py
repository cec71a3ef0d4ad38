"""The demo's cohort adds up to the Udine series, whatever the seed.

Missio et al.: 171 patients, 6 with an ANC below 1.0, of whom 4 on ocrelizumab and 2 on rituximab; 3
recurrent, of whom 2 went on to ofatumumab; 1 of the others stopped; most late and given G-CSF.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest
from simulated import counts_by_patient, current, deliveries

from registry.simulate import simulate_udine

ANTI_CD20 = {"ocrelizumab", "rituximab", "ofatumumab"}
GCSF = {"filgrastim", "lenograstim"}


@dataclass
class Chart:
    """One patient as a reader of the files sees them; days are ISO, episodes (onset, recovery)."""

    doses: list[tuple[str, str]] = field(default_factory=list)
    gcsf: list[str] = field(default_factory=list)
    line_ends: list[str] = field(default_factory=list)
    episodes: list[tuple[str, str]] = field(default_factory=list)

    def dose_before(self, day: str) -> tuple[str, str]:
        return max(dose for dose in self.doses if dose[0] < day)

    def drug_at_onset(self) -> str:
        return self.dose_before(self.episodes[0][0])[1]

    def is_late(self) -> bool:
        onset = self.episodes[0][0]
        return days_between(self.dose_before(onset)[0], onset) >= 28

    def is_treated(self) -> bool:
        return any(first <= day <= last for first, last in self.episodes for day in self.gcsf)

    def drugs_after(self) -> set[str]:
        return {drug for day, drug in self.doses if day >= self.episodes[-1][0]}

    def next_dose_interval(self) -> int:
        """Days from the last dose before the last onset to the first dose after it."""
        onset = self.episodes[-1][0]
        return days_between(self.dose_before(onset)[0], min(day for day, _ in self.doses if day >= onset))


def days_between(first: str, last: str) -> int:
    return (date.fromisoformat(last) - date.fromisoformat(first)).days


def read_episodes(counts: dict[str, float]) -> list[tuple[str, str]]:
    """Every run from an ANC below 1.0 to the first of at least 1.5; one that begins within 14 days
    of a recovery belongs to the one before."""
    found: list[tuple[str, str]] = []
    onset = ""
    for day, anc in sorted(counts.items()):
        if not onset and anc < 1.0:
            onset = day
        elif onset and anc >= 1.5:
            if found and days_between(found[-1][1], onset) <= 14:
                onset = found.pop()[0]
            found.append((onset, day))
            onset = ""
    assert not onset, "an episode without a documented recovery"
    return found


def read_charts(out: Path) -> dict[str, Chart]:
    tables = current(out)
    charts: dict[str, Chart] = defaultdict(Chart)
    for row in tables["administrations"].values():
        chart = charts[row["patient_id"]]
        if row["drug"] in GCSF:
            chart.gcsf.append(row["administered_on"])
        else:
            chart.doses.append((row["administered_on"], row["drug"]))
    for row in tables["treatments"].values():
        if row["drug"] in ANTI_CD20:
            charts[row["patient_id"]].doses.append((row["start_date"], row["drug"]))
            charts[row["patient_id"]].line_ends.append(row["end_date"])
    for patient, counts in counts_by_patient(out).items():
        charts[patient].episodes = read_episodes(counts)
    return dict(charts)


@pytest.fixture(scope="module", params=[171, 0, 1, 2])
def out(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("udine") / "deliveries"
    simulate_udine(path, seed=request.param)
    return path


@pytest.fixture(scope="module")
def charts(out: Path) -> dict[str, Chart]:
    return read_charts(out)


@pytest.fixture(scope="module")
def cases(charts: dict[str, Chart]) -> list[Chart]:
    return [chart for chart in charts.values() if chart.episodes]


def test_171_patients_begin_within_the_enrolment_window(out: Path, charts: dict[str, Chart]) -> None:
    people = current(out)["patients"].values()
    assert len(people) == len(charts) == 171
    assert all(row["birth_date"] and row["sex"] for row in people)
    first_doses = [min(chart.doses)[0] for chart in charts.values()]
    assert all("2018-06-01" <= day <= "2025-02-28" for day in first_doses)
    assert {drug for chart in charts.values() for _, drug in chart.doses} == ANTI_CD20


def test_six_patients_fall_below_1_four_on_ocrelizumab_two_on_rituximab(cases: list[Chart]) -> None:
    assert sorted(c.drug_at_onset() for c in cases) == ["ocrelizumab"] * 4 + ["rituximab"] * 2


def test_most_cases_are_late_and_most_are_given_gcsf(cases: list[Chart]) -> None:
    assert sum(c.is_late() for c in cases) == 5
    assert sum(c.is_treated() for c in cases) == 5


def test_three_recur_and_two_of_them_go_from_ocrelizumab_to_ofatumumab(cases: list[Chart]) -> None:
    after = [c.drugs_after() for c in cases if len(c.episodes) > 1]
    assert sorted(after, key=str) == sorted([{"ofatumumab"}, {"ofatumumab"}, {"rituximab"}], key=str)


def test_one_of_the_other_three_stops_and_two_go_on_as_planned(cases: list[Chart]) -> None:
    others = [c for c in cases if len(c.episodes) == 1]
    stopped = [c for c in others if not c.drugs_after()]
    assert len(stopped) == 1
    assert stopped[0].line_ends[0] >= stopped[0].episodes[0][0]
    going_on = [c for c in others if c.drugs_after()]
    assert all(c.drugs_after() == {c.drug_at_onset()} for c in going_on)
    assert all(c.next_dose_interval() <= 273 for c in going_on)


def test_a_lower_threshold_for_mild_counts_finds_more_patients(out: Path, cases: list[Chart]) -> None:
    mild = [p for p, counts in counts_by_patient(out).items() if min(counts.values()) < 1.5]
    assert len(mild) > len(cases)


def test_most_patients_have_a_count_before_the_first_dose(out: Path, charts: dict[str, Chart]) -> None:
    counts = counts_by_patient(out)
    before = [p for p, c in charts.items() if min(counts.get(p, {"9": 0.0})) <= min(c.doses)[0]]
    assert len(before) > 0.8 * len(charts)


def test_the_history_comes_in_a_few_files_and_then_month_by_month(out: Path) -> None:
    months = sorted({month for _, month, _, _ in deliveries(out)})
    assert months[-4:] == ["2024-12", "2025-01", "2025-02", "2025-03"]
    assert len(list(deliveries(out))) < 48


def test_blood_is_taken_less_in_the_holidays(out: Path) -> None:
    days = [row["collected_at"][:10] for row in current(out)["lab_results"].values()]
    august = sum("08-05" <= day[5:] <= "08-25" for day in days) / 21
    october = sum(day[5:7] == "10" for day in days) / 31
    assert august < 0.6 * october
