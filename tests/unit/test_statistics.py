"""Statistics: published counts give published intervals, curves follow the textbook, marts add up.

The expected intervals were computed with scipy from the counts of the papers named beside them.
"""

import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from statsmodels.stats.rates import confint_poisson_2indep

from registry.build.dbt_project import parsed_project
from registry.config.settings import load_settings
from registry.statistics import marts, paper_table, rate_interval, rate_ratio_interval, risk_interval, write_statistics
from registry.statistics.marts import MARTS, write_marts

SEEDS = Path(__file__).parents[2] / "dbt_project" / "seeds"


@pytest.mark.parametrize(
    ("k", "n", "pct", "low", "high"),
    [
        pytest.param(6, 171, 3.5088, 1.2983, 7.4804, id="Udine series"),
        pytest.param(3, 6, 50, 11.81, 88.19, id="Udine series, recurrence"),
        pytest.param(0, 171, 0, 0, 2.1341, id="no case"),
        pytest.param(171, 171, 100, 97.8659, 100, id="only cases"),
        pytest.param(13, 1382, 0.9407, 0.5018, 1.6032, id="MabThera RA"),
        pytest.param(2, 731, 0.2736, 0.0332, 0.9848, id="MabThera RA, placebo"),
        pytest.param(37, 1825, 2.03, 1.43, 2.78, id="Waldrop 2025"),
        pytest.param(71, 738, 9.62, 7.59, 11.98, id="Zonozi 2021"),
        pytest.param(2, 11, 18.18, 2.28, 51.78, id="Rossi 2022, recurrence"),
        pytest.param(5, 87, 5.75, 1.89, 12.90, id="Cartagena"),
        pytest.param(4, 87, 4.60, 1.27, 11.36, id="Cartagena, severe"),
        pytest.param(11, 209, 5.26, 2.66, 9.22, id="Tesfa 2011"),
        pytest.param(5, 108, 4.63, 1.52, 10.47, id="Abdulkader 2014"),
        pytest.param(2, 25, 8.0, 0.98, 26.03, id="Monaco 2016, rechallenge"),
        pytest.param(3, 54, 5.56, 1.16, 15.39, id="Int J Hematol 2006"),
        pytest.param(13, 37, 35.14, 20.21, 52.54, id="Waldrop 2025, recurrence"),
    ],
)
def test_a_published_risk_has_its_exact_interval(k: int, n: int, pct: float, low: float, high: float) -> None:
    risk = risk_interval(k, n)
    assert (risk.pct, risk.low, risk.high) == pytest.approx((pct, low, high), abs=0.0051)


@pytest.mark.parametrize(("k", "low", "high"), [(6, 1.6178, 7.4426), (0, 0, 2.1971), (171, 97.8029, 100)])
def test_the_score_interval_stands_beside_the_exact_one(k: int, low: float, high: float) -> None:
    risk = risk_interval(k, 171)
    assert (risk.low_wilson, risk.high_wilson) == pytest.approx((low, high), abs=0.00005)


@pytest.mark.parametrize(
    ("events", "person_years", "rate", "low", "high"),
    [
        pytest.param(37, 6009, 0.6157, 0.4335, 0.8487, id="Waldrop 2025"),
        pytest.param(13, 6009, 0.2163, 0.1152, 0.3700, id="Waldrop 2025, recurrence"),
        pytest.param(0, 100, 0, 0, 3.6889, id="no event"),
        pytest.param(1, 100, 1, 0.0253, 5.5716, id="one event"),
        pytest.param(10, 1000, 1, 0.4795, 1.8390, id="ten events"),
        pytest.param(3, 57.25, 5.2402, 1.0806, 15.3140, id="short follow-up"),
    ],
)
def test_a_rate_has_its_exact_interval(events: int, person_years: float, rate: float, low: float, high: float) -> None:
    found = rate_interval(events, person_years)
    assert (found.per_100py, found.low, found.high) == pytest.approx((rate, low, high), abs=0.00005)


def test_the_interval_that_waldrop_printed_is_the_log_wald_one() -> None:
    """Printed: 0.62 (0.45-0.85). The exact interval starts at 0.43."""
    rate = rate_interval(37, 6009)
    assert (rate.low_logwald, rate.high_logwald) == pytest.approx((0.4461, 0.8498), abs=0.00005)


def test_rates_of_the_first_year_and_later_have_the_printed_intervals() -> None:
    """Zonozi 2021: 7.2 (5.4-9.6) in year 1; the width tells of 46 events, so of 46 / 0.072 person-years."""
    rate = rate_interval(46, 46 / 0.072)
    assert (rate.low_logwald, rate.high_logwald) == pytest.approx((5.4, 9.6), abs=0.05)
    recurrent = rate_interval(13, 6009)
    assert (recurrent.low_logwald, recurrent.high_logwald) == pytest.approx((0.126, 0.373), abs=0.0005)


def test_a_ratio_of_rates_has_its_exact_interval() -> None:
    """The example of R's poisson.test: 11 breast cancers in 800 person-years against 21 in 3011."""
    found = rate_ratio_interval(11, 800, 21, 3011)
    assert found.ratio == pytest.approx(1.971488, abs=1e-6)
    assert (found.low, found.high) == pytest.approx((0.8584264, 4.2772659), abs=1e-6)
    score = confint_poisson_2indep(11, 800, 21, 3011, method="score", compare="ratio")
    assert (found.low, found.high) == pytest.approx(score, rel=0.15)


@pytest.mark.parametrize(
    ("counts", "ratio", "has_low", "has_high"),
    [
        ((0, 100, 5, 100), 0, True, True),
        ((5, 100, 0, 100), None, True, False),
        ((0, 100, 0, 100), None, False, False),
        ((5, 100, 0, 0), None, False, False),
        ((0, 0, 5, 100), None, False, False),
    ],
)
def test_a_ratio_without_events_on_one_side_is_bounded_on_one_side(counts, ratio, has_low, has_high) -> None:
    found = rate_ratio_interval(*counts)
    assert found.ratio == ratio
    assert (found.low is not None, found.high is not None) == (has_low, has_high)


def test_person_time_is_counted_in_days_and_divided_once() -> None:
    """OHDSI CohortIncidence: 365, 0 and 120 days at risk, one case, 75.3 per 100 person-years."""
    assert rate_interval(1, (365 + 0 + 120) / 365.25).per_100py == pytest.approx(75.3, abs=0.05)


def test_what_has_no_denominator_has_no_estimate() -> None:
    assert set(vars(risk_interval(0, 0)).values()) == {None}
    assert set(vars(rate_interval(0, 0)).values()) == set(vars(rate_interval(2, 0)).values()) == {None}
    assert rate_interval(0, 10).low_logwald is rate_interval(0, 10).high_logwald is None


@pytest.mark.parametrize(("k", "n"), [(-1, 3), (4, 3)])
def test_more_cases_than_patients_is_an_error(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="cases among"):
        risk_interval(k, n)


def test_negative_person_time_is_an_error() -> None:
    with pytest.raises(ValueError, match="person-years"):
        rate_interval(1, -0.1)


# A small build file: the counts that the statistics read, of three patients. Nobody fits `nobody`.
# One is a case on ocrelizumab at day 100, then switched to ofatumumab, where it recurs.
_BUILD = """
create schema counts;
create table main.dim_case_definition as
    select definition_id, label, true as is_primary
    from read_csv('{seeds}/case_definitions.csv') where definition_id = 'udine_2025'
    union all select 'nobody', 'Nobody', false;
create table counts.count_incidence as from (values
    ('udine_2025', 'overall', 'all', 3, 0, 1, 665, 931, 22, 31, 2),
    ('udine_2025', 'drug', 'ocrelizumab', 2, 0, 1, 300, 320, 10, 11, 1),
    ('udine_2025', 'drug', 'ofatumumab', 0, 0, 0, 0, 246, 0, 8, 1),
    ('udine_2025', 'drug', 'rituximab', 1, 0, 0, 365, 365, 12, 12, 0),
    ('udine_2025', 'site', 'trieste', 1, 0, 0, 200, 200, 6, 6, 0),
    ('udine_2025', 'site', 'udine', 2, 0, 1, 465, 731, 16, 25, 2),
    ('nobody', 'overall', 'all', 0, 0, 0, 0, 0, 0, 0, 0)
) as t (
    definition_id, stratum_type, stratum, n_patients, n_never_tested, n_cases, days_at_risk, days_at_risk_total,
    n_anc_tests, n_anc_tests_total, n_episodes
);
create table counts.count_incidence_by_period as from (values
    ('udine_2025', 'overall', 'all', 'first_year', 3, 0, 1, 600),
    ('udine_2025', 'overall', 'all', 'later', 1, 0, 0, 65),
    ('udine_2025', 'site', 'trieste', 'first_year', 1, 0, 0, 200),
    ('udine_2025', 'site', 'trieste', 'later', 0, 0, 0, 0),
    ('udine_2025', 'site', 'udine', 'first_year', 2, 0, 1, 400),
    ('udine_2025', 'site', 'udine', 'later', 1, 0, 0, 65),
    ('nobody', 'overall', 'all', 'first_year', 0, 0, 0, 0),
    ('nobody', 'overall', 'all', 'later', 0, 0, 0, 0)
) as t (definition_id, stratum_type, stratum, period, n_patients, n_never_tested, n_cases, days_at_risk);
create table counts.count_time_to_onset as from (values
    ('udine_2025', 'overall', 'all', 100, 1, 1, 0, 0),
    ('udine_2025', 'overall', 'all', 200, 1, 0, 1, 0),
    ('udine_2025', 'overall', 'all', 366, 1, 0, 0, 0),
    ('udine_2025', 'site', 'trieste', 200, 1, 0, 1, 0),
    ('udine_2025', 'site', 'udine', 100, 1, 1, 0, 0),
    ('udine_2025', 'site', 'udine', 366, 1, 0, 0, 0)
) as t (definition_id, stratum_type, stratum, time_days, n_patients, n_events, n_deaths, n_never_tested);
create table counts.count_duration as from (values
    ('udine_2025', 'last_dose_to_first_onset', 'overall', 'all', 0, 0, 0),
    ('udine_2025', 'last_dose_to_first_onset', 'overall', 'all', 100, 1, 1),
    ('udine_2025', 'last_dose_to_onset', 'overall', 'all', 20, 1, 1),
    ('udine_2025', 'last_dose_to_onset', 'overall', 'all', 100, 1, 1),
    ('udine_2025', 'onset_to_recovery', 'overall', 'all', 7, 1, 0),
    ('udine_2025', 'onset_to_recovery', 'overall', 'all', 10, 1, 1),
    ('udine_2025', 'onset_to_recovery', 'gcsf', 'with_gcsf', 10, 1, 1),
    ('udine_2025', 'onset_to_recovery', 'gcsf', 'without_gcsf', 7, 1, 0),
    ('nobody', 'last_dose_to_first_onset', 'overall', 'all', 0, 0, 0)
) as t (definition_id, measure, stratum_type, stratum, time_days, n_episodes, n_events);
create table counts.count_recurrence as from (values
    ('udine_2025', 'overall', 'all', 1, 'all', 1, 0, 1, 266.0),
    ('udine_2025', 'overall', 'all', 2, 'same_drug', 1, 0, 0, 236.0),
    ('udine_2025', 'overall', 'all', 3, 'same_drug_recorded', 0, 0, 0, null),
    ('nobody', 'overall', 'all', 1, 'all', 0, 0, 0, null)
) as t (
    definition_id, stratum_type, stratum, treatment_order, treatment_after, n_patients, n_never_tested, n_recurrent,
    median_follow_up_days
);
create table counts.count_review_agreement as from (values
    ('udine_2025', 'order', 'first verdict', 'second verdict', null::varchar, null::varchar, 0),
    ('nobody', 'order', 'first verdict', 'second verdict', null, null, 0)
) as t (definition_id, comparison, first_reading, second_reading, first_verdict, second_verdict, n_episodes);
"""


def build(path: Path | str = ":memory:") -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(str(path))
    connection.execute(_BUILD.format(seeds=SEEDS))
    return connection


def stratum(connection: duckdb.DuckDBPyConnection, kind: str, name: str, columns: str) -> object:
    return connection.execute(
        f"select {columns} from main.mart_incidence"
        " where definition_id = 'udine_2025' and stratum_type = ? and stratum = ?",
        [kind, name],
    ).fetchone()


def test_rates_are_computed_from_the_time_in_which_their_events_are_counted() -> None:
    """Episodes over all days at risk; tests over those up to the first case."""
    with build() as con:
        assert write_marts(con)["mart_incidence"] == 7
        numbers = "n_patients, n_cases, n_episodes, round(person_years * 365.25)"
        assert stratum(con, "overall", "all", numbers) == (3, 1, 2, 665)
        rates = "episode_rate_per_100py * 931, anc_tests_per_py * 665"
        assert stratum(con, "overall", "all", rates) == pytest.approx((2 * 36525, 22 * 365.25))


def test_a_drug_taken_only_after_the_first_case_shows_its_episodes_but_no_risk() -> None:
    with build() as con:
        write_marts(con)
        columns = "n_patients, n_cases, n_episodes, risk_pct, rate_per_100py, episode_rate_per_100py > 0"
        assert stratum(con, "drug", "ofatumumab", columns) == (0, 0, 1, None, None, True)


# Nobody at Trieste was tested, and the patient of Udine who has a later period in the first year alone.
_UNTESTED = """
update counts.count_incidence set n_never_tested = 1, n_anc_tests = 0, n_anc_tests_total = 0 where stratum = 'trieste';
update counts.count_incidence_by_period set n_never_tested = n_patients
where stratum = 'trieste' or (stratum = 'udine' and period = 'later');
update counts.count_time_to_onset set n_never_tested = 1 where stratum = 'trieste'
"""
_ESTIMATES = {
    "mart_incidence": "risk_pct risk_low risk_high risk_low_wilson risk_high_wilson rate_per_100py rate_low rate_high "
    "rate_low_logwald rate_high_logwald episode_rate_per_100py",
    "mart_incidence_by_period": "rate_per_100py rate_low rate_high rate_low_logwald rate_high_logwald rate_ratio "
    "rate_ratio_low rate_ratio_high",
    "mart_time_to_onset": "survival ci_low ci_high cumulative_incidence cif_low cif_high",
}


@pytest.mark.parametrize("mart", _ESTIMATES)
def test_where_nobody_was_counted_at_risk_nothing_is_estimated(mart: str) -> None:
    """A zero risk of patients who were never measured would be a false all-clear."""
    with build() as con:
        con.execute(_UNTESTED)
        write_marts(con)
        estimates = f"coalesce({', '.join(_ESTIMATES[mart].split())})"
        rows = con.execute(
            f"select stratum, n_patients, n_never_tested, bool_or({estimates} is not null) from main.{mart}"
            " where definition_id = 'udine_2025' and stratum_type = 'site' and n_patients > 0 group by all order by all"
        ).fetchall()
        in_later_period = [("udine", 1, 1, False)] if mart == "mart_incidence_by_period" else []
        assert rows == [("trieste", 1, 1, False), *in_later_period, ("udine", 2, 0, True)]


def test_where_only_some_were_never_counted_there_is_an_estimate() -> None:
    with build() as con:
        con.execute("update counts.count_incidence set n_never_tested = 1 where stratum = 'all' and n_patients > 0")
        write_marts(con)
        assert stratum(con, "overall", "all", "n_patients, n_never_tested, risk_pct is null") == (3, 1, False)


def test_a_definition_without_patients_has_rows_without_estimates() -> None:
    with build() as con:
        write_marts(con)
        zeros = ("nobody", "overall", "all", 0, 0, 0, *[None] * 5, 0, *[None] * 5, 0, 0, None, None)
        assert con.execute("select * from main.mart_incidence where definition_id = 'nobody'").fetchall() == [zeros]
        for mart, rows, counts in (
            ("mart_incidence_by_period", 2, "n_patients + n_cases + person_years"),
            ("mart_duration", 1, "n + n_events"),
            ("mart_recurrence", 1, "n_patients + n_recurrent"),
            ("mart_review_agreement", 1, "n_episodes + n_agreeing"),
        ):
            found = con.execute(f"select {counts} from main.{mart} where definition_id = 'nobody'").fetchall()
            assert found == [(0,)] * rows


def test_without_any_follow_up_there_is_no_curve() -> None:
    with build() as con:
        con.execute("delete from counts.count_time_to_onset")
        assert write_marts(con)["mart_time_to_onset"] == 0


def test_the_rate_of_the_first_year_is_compared_with_the_later_one() -> None:
    with build() as con:
        write_marts(con)
        columns = "period, n_patients, n_cases, round(person_years * 365.25), rate_ratio, rate_ratio_low > 0"
        overall = con.execute(
            f"select {columns} from main.mart_incidence_by_period"
            " where definition_id = 'udine_2025' and stratum = 'all'"
        ).fetchall()
        assert overall == [("first_year", 3, 1, 600, None, True), ("later", 1, 0, 65, None, None)]


def test_time_from_dose_to_onset_and_to_recovery_is_summed_up() -> None:
    """One of two episodes goes on: it was seen to last for 7 days, and nothing is known of its end."""
    with build() as con:
        write_marts(con)
        columns = "measure, stratum, n, n_events, median_days, min_days, max_days"
        rows = con.execute(f"select {columns} from main.mart_duration where definition_id = 'udine_2025'").fetchall()
        assert sorted(rows) == [
            ("last_dose_to_first_onset", "all", 1, 1, 100, 100, 100),
            ("last_dose_to_onset", "all", 2, 2, 60, 20, 100),
            ("onset_to_recovery", "all", 2, 1, 10, None, None),
            ("onset_to_recovery", "with_gcsf", 1, 1, 10, None, None),
            ("onset_to_recovery", "without_gcsf", 1, 0, None, None, None),
        ]


def recurrences(con: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    """(treatment, patients, recurrent, per cent, median follow-up) of udine_2025."""
    write_marts(con)
    columns = "treatment_after, n_patients, n_recurrent, recurrence_pct, median_follow_up_days"
    return con.execute(f"select {columns} from main.mart_recurrence where definition_id = 'udine_2025'").fetchall()


def test_the_share_that_recurred_is_of_those_given_the_treatment() -> None:
    with build() as con:
        assert recurrences(con) == [
            ("all", 1, 1, 100, 266),
            ("same_drug", 1, 0, 0, 236),
            ("same_drug_recorded", 0, 0, None, None),
        ]


def test_no_recurrence_is_claimed_of_cases_who_were_not_counted_again() -> None:
    with build() as con:
        con.execute("update counts.count_recurrence set n_never_tested = 1 where treatment_after = 'same_drug'")
        assert recurrences(con)[1] == ("same_drug", 1, 0, None, 236)


def test_a_curve_has_a_row_for_each_day_on_which_somebody_leaves_and_for_day_0() -> None:
    with build() as con:
        write_marts(con)
        curve = con.execute(
            "select time_days, at_risk, events, deaths from main.mart_time_to_onset"
            " where stratum_type = 'overall' order by time_days"
        ).fetchall()
        assert curve == [(0, 3, 0, 0), (100, 3, 1, 0), (200, 2, 0, 1), (366, 1, 0, 0)]


def test_the_marts_do_not_depend_on_the_order_of_rows_and_carry_ten_digits() -> None:
    with build() as one, build() as other:
        for (table,) in other.execute("select table_name from duckdb_tables() where schema_name = 'counts'").fetchall():
            other.execute(f"create or replace table counts.{table} as select * from counts.{table} order by all desc")
        assert write_marts(one) == write_marts(other)
        for mart in MARTS:
            rows = one.execute(f"from main.{mart}").fetchall()
            assert rows == other.execute(f"from main.{mart}").fetchall()
            numbers = [cell for row in rows for cell in row if isinstance(cell, float)]
            assert all(number == float(f"{number:.9e}") for number in numbers)


def test_a_failed_write_leaves_every_mart_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    with build() as con:
        write_marts(con)
        before = con.execute("from main.mart_incidence").fetchall()
        con.execute("delete from counts.count_incidence")
        types = marts._column_types() | {"not a name": {"n": "BIGINT"}}
        monkeypatch.setattr(marts, "_column_types", lambda: types)
        monkeypatch.setitem(MARTS, "not a name", lambda _: pd.DataFrame({"n": [1]}))
        with pytest.raises(duckdb.Error):
            write_marts(con)
        assert con.execute("from main.mart_incidence").fetchall() == before


def test_importing_the_package_loads_no_statistical_library() -> None:
    heavy = "{'pandas', 'scipy', 'statsmodels', 'lifelines', 'dagster'}"
    code = f"import sys, registry.statistics; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_papers_table_is_read_from_a_release(tmp_path: Path) -> None:
    with build(tmp_path / "registry.duckdb") as con:
        write_marts(con)
        con.execute("""
            create table main.mart_cohort_summary as
            select 'overall' as stratum, * from (values
                ('cases_severe', 0, 1, 0), ('cases_moderate', 1, 1, 100),
                ('cases_recurrent', 1, 1, 100), ('recurrent_switched_to_ofatumumab', 1, 1, 100),
                ('cases_late_onset', 1, 1, 100), ('not_recurrent_discontinued', 0, 0, null),
                ('cases_gcsf_treated', 1, 1, 100), ('median_days_from_dose_to_onset', 1, null, 100)
            ) as t (measure, n, denominator, value)
        """)
    assert paper_table(tmp_path / "registry.duckdb") == [
        ("Patients in the cohort", "3"),
        ("  without a neutrophil count at risk", "0"),
        ("Moderate or severe neutropenia (ANC < 1.0)", "1 of 3: 33.3 % (95 % CI 0.8 to 90.6)"),
        ("  first episode on ocrelizumab", "1 of 2: 50.0 % (95 % CI 1.3 to 98.7)"),
        ("  first episode on ofatumumab", "0 of 0"),
        ("  first episode on rituximab", "0 of 1: 0.0 % (95 % CI 0.0 to 97.5)"),
        ("  severe", "0 of 1"),
        ("  moderate", "1 of 1"),
        ("Recurrence", "1 of 1: 100.0 % (95 % CI 2.5 to 100.0)"),
        ("  of these, switched to ofatumumab", "1 of 1"),
        ("Treatment stopped, without recurrence", "0 of 0"),
        ("Treated with G-CSF", "1 of 1"),
        ("Late onset", "1 of 1"),
        ("Time at risk", "1.8 person-years"),
        ("Rate of first episodes", "54.92 per 100 person-years (95 % CI 1.39 to 306.02)"),
        ("Last dose to first onset", "median 100 days"),
    ]


def test_the_marts_are_written_into_the_warehouse_of_the_settings(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path)
    build(settings.warehouse).close()
    assert set(write_statistics(settings)) == set(MARTS)
    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        assert con.execute("select count(*) from main.mart_time_to_onset").fetchone() == (9,)


def test_every_column_is_described_with_its_type() -> None:
    nodes = {node.name: node for node in parsed_project().nodes.values() if node.name in MARTS}
    assert nodes.keys() == MARTS.keys()
    for name, node in nodes.items():
        assert node.description, name
        assert all(type_ and description for type_, description in node.columns.values()), name


def test_every_column_of_the_yaml_is_computed() -> None:
    with build() as con:
        for name, types in marts._column_types().items():
            assert set(MARTS[name](con).columns) >= types.keys(), name
