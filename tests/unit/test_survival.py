"""Curves: they follow the textbook, the literature's worked examples, and a second library."""

import warnings
from math import exp, log, sqrt

import numpy as np
import pandas as pd
import pytest
from lifelines import AalenJohansenFitter

from registry.statistics.survival import cumulative_incidence, kaplan_meier, time_quantiles


def counts(*rows: tuple[int, int, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["time_days", "n_patients", "n_events"])


def log_log_interval(survival: float, greenwood: float) -> tuple[float, float]:
    spread = exp(1.959964 * sqrt(greenwood) / abs(log(survival)))
    return survival**spread, survival ** (1 / spread)


def test_a_curve_follows_the_textbook() -> None:
    """Seven patients: two leave at once, a case on day 5, a case and a loss on day 10, two stay."""
    curve = kaplan_meier(counts((0, 2, 0), (5, 1, 1), (10, 2, 1), (20, 2, 0)))
    assert curve["time_days"].tolist() == [0, 5, 10, 20]
    assert curve["at_risk"].tolist() == [7, 5, 4, 2]
    assert curve["events"].tolist() == [0, 1, 1, 0]
    assert curve["survival"].tolist() == pytest.approx([1, 4 / 5, 4 / 5 * 3 / 4, 4 / 5 * 3 / 4])
    expected = log_log_interval(0.8, 1 / (5 * 4)), log_log_interval(0.6, 1 / (5 * 4) + 1 / (4 * 3))
    bounds = list(zip(curve["ci_low"], curve["ci_high"], strict=True))
    assert bounds[0] == (1, 1)
    assert bounds[1] == pytest.approx(expected[0], abs=1e-6)
    assert bounds[2] == pytest.approx(expected[1], abs=1e-6)


def test_a_curve_always_starts_at_time_zero_and_has_no_interval_where_nobody_is_left() -> None:
    curve = kaplan_meier(counts((5, 2, 2), (10, 3, 3)))
    assert curve[["time_days", "at_risk"]].values.tolist() == [[0, 5], [5, 5], [10, 3]]
    assert curve["survival"].iloc[-1] == 0
    assert curve[["ci_low", "ci_high"]].iloc[-1].isna().all()


# Freireich 1963, remission in acute leukaemia: weeks under 6-mercaptopurine (+ censored) and placebo, as every textbook
# of survival has it. Medians and log-log bounds as printed by SAS and R.
MERCAPTOPURINE = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+"
PLACEBO = "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23"


def remissions(text: str) -> pd.DataFrame:
    times = [(int(time.rstrip("+")), not time.endswith("+")) for time in text.split()]
    return counts(*((time, 1, int(relapsed)) for time, relapsed in times))


@pytest.mark.parametrize(
    ("text", "median", "low", "high"), [(MERCAPTOPURINE, 23, 13, None), (PLACEBO, 8, 4, 11)], ids=["6-MP", "placebo"]
)
def test_a_median_has_the_printed_interval(text: str, median: float, low: float, high: float | None) -> None:
    found = time_quantiles(remissions(text))
    assert (found.median, found.median_low, found.median_high) == (median, low, high)


def test_a_curve_that_comes_to_one_half_has_its_median_there() -> None:
    """3/4 x 2/3 is one half, but for the last bit of a float."""
    assert time_quantiles(counts((1, 1, 1), (2, 1, 1), (3, 2, 0))).median == 2


@pytest.mark.parametrize("status", [0, 1])
def test_one_patient_has_no_interval(status: int) -> None:
    found = time_quantiles(counts((9, 1, status)))
    assert found.median == (9 if status else None)
    assert (found.median_low, found.median_high) == (None, None)


def test_where_nobody_dies_the_cumulative_incidence_is_what_survival_leaves() -> None:
    rows = counts((0, 2, 0), (5, 1, 1), (10, 2, 1), (20, 2, 0))
    curve = cumulative_incidence(rows.assign(n_deaths=0))
    assert curve["cumulative_incidence"].tolist() == pytest.approx(1 - kaplan_meier(rows)["survival"])


def test_deaths_and_cases_of_one_day_were_both_at_risk() -> None:
    """Of four one is a case and one dies on day 1, one is a case on day 2: 1/4 + 1/2 x 1/2."""
    curve = cumulative_incidence(counts((1, 2, 1), (2, 1, 1), (3, 1, 0)).assign(n_deaths=[1, 0, 0]))
    assert curve["cumulative_incidence"].tolist() == pytest.approx([1 / 4, 1 / 2, 1 / 2])


def test_the_cumulative_incidence_agrees_with_a_second_library() -> None:
    """lifelines' Aalen-Johansen on times without ties, which it would move apart by chance."""
    rng = np.random.default_rng(7)
    times = rng.permutation(np.arange(1, 81))
    status = rng.choice([0, 1, 2], size=80, p=[0.4, 0.35, 0.25])
    rows = pd.DataFrame({"time_days": times, "n_patients": 1, "n_events": status == 1, "n_deaths": status == 2})
    curve = cumulative_incidence(rows.astype("int64").sort_values("time_days")).set_index("time_days")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = AalenJohansenFitter().fit(times, status, event_of_interest=1)
    after_first = curve.index[(curve["cumulative_incidence"] > 0) & curve["cif_low"].notna()]
    assert len(after_first) > 70
    for day in after_first:
        assert curve.loc[day, "cumulative_incidence"] == pytest.approx(other.cumulative_density_.loc[day].item())
        # its bounds are named the wrong way round
        bounds = sorted(other.confidence_interval_.loc[day])
        assert curve.loc[day, ["cif_low", "cif_high"]].tolist() == pytest.approx(bounds)


@pytest.mark.parametrize("deaths", [0, 1])
def test_without_a_case_there_is_zero_and_no_interval(deaths: int) -> None:
    curve = cumulative_incidence(counts((3, 1, 0), (4, 1, 0)).assign(n_deaths=[0, deaths]))
    assert curve["cumulative_incidence"].eq(0).all()
    assert curve[["cif_low", "cif_high"]].isna().all(axis=None)


def test_where_everybody_has_had_it_the_cumulative_incidence_has_no_interval() -> None:
    curve = cumulative_incidence(counts((3, 1, 1), (4, 1, 1)).assign(n_deaths=0))
    assert curve["cumulative_incidence"].tolist()[-2:] == [0.5, 1.0]
    assert curve[["cif_low", "cif_high"]].isna().all(axis=1).tolist()[-2:] == [False, True]


def test_curves_are_the_same_every_time() -> None:
    rows = counts((0, 2, 0), (5, 3, 1), (10, 4, 2), (20, 2, 0)).assign(n_deaths=[0, 1, 2, 1])
    first, again = cumulative_incidence(rows), cumulative_incidence(rows)
    pd.testing.assert_frame_equal(first, again, check_exact=True)
