"""Agreement of chart reviews: kappa as the textbook has it, and none where nothing could have shown it."""

from __future__ import annotations

import warnings

import pytest
from unit.test_statistics import build

from registry.statistics.agreement import cohens_kappa
from registry.statistics.marts import write_marts

YES, NO, LAB = "confirmed", "other_cause", "lab_error"


def test_the_textbook_example_has_its_kappa() -> None:
    """50 applications, two readers: 20 twice yes, 15 twice no: 0.7 observed, 0.5 expected, kappa 0.4."""
    found = cohens_kappa({(YES, YES): 20, (YES, NO): 5, (NO, YES): 10, (NO, NO): 15})
    assert (found.n_episodes, found.n_agreeing, found.pct) == (50, 35, 70)
    assert found.kappa == pytest.approx(0.4)
    assert found.kappa_low is not None and found.kappa_high is not None
    assert 0 < found.kappa_low < 0.4 < found.kappa_high < 1


def test_full_agreement_on_different_verdicts_is_one_and_the_interval_stays_within_bounds() -> None:
    found = cohens_kappa({(YES, YES): 3, (LAB, LAB): 2})
    assert (found.kappa, found.kappa_low, found.kappa_high) == (1, 1, 1)
    opposed = cohens_kappa({(YES, NO): 2, (NO, YES): 1})
    assert opposed.kappa_low == -1


@pytest.mark.parametrize(
    ("pairs", "kappa"),
    [
        pytest.param({}, None, id="no episode was read twice"),
        pytest.param({(YES, YES): 5}, None, id="both know one verdict: agreement may be chance"),
        pytest.param({(YES, NO): 1}, 0, id="each knows one, another"),
        pytest.param({(YES, YES): 2, (YES, NO): 3}, 0, id="one of them knows one"),
    ],
)
def test_what_cannot_be_told_is_not_told(pairs: dict[tuple[str, str], int], kappa: float | None) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = cohens_kappa(pairs)
    assert (found.kappa, found.kappa_low, found.kappa_high) == (kappa, None, None)
    assert (found.pct is None) == (not pairs)


def test_each_definition_has_its_row_and_each_pair_of_roles_where_there_is_one() -> None:
    with build() as con:
        con.execute(
            "insert into counts.count_review_agreement values "
            "('udine_2025', 'order', 'first verdict', 'second verdict', 'confirmed', 'confirmed', 1), "
            "('udine_2025', 'order', 'first verdict', 'second verdict', 'confirmed', 'lab_error', 1), "
            "('udine_2025', 'role', 'haematologist', 'neurologist', 'lab_error', 'lab_error', 1)"
        )
        assert write_marts(con)["mart_review_agreement"] == 3
        assert con.execute("select * exclude (kappa_low, kappa_high) from main.mart_review_agreement").fetchall() == [
            ("nobody", "order", "first verdict", "second verdict", 0, 0, None, None),
            ("udine_2025", "order", "first verdict", "second verdict", 2, 1, 50, 0),
            ("udine_2025", "role", "haematologist", "neurologist", 1, 1, 100, None),
        ]
