"""What the statistics are computed from is counted once, in the stratum and under the treatment to which it belongs.

The compiled models of dbt_project/models/counts run on a few rows of the tables that they read. Two definitions; nobody
fits `nobody`. Ann is a case on ocrelizumab at day 100, then switched to ofatumumab, where it recurs.
"""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from integration.compiled_project import compiled_project

_TABLES = """
attach ':memory:' as warehouse;
use warehouse;
create schema intermediate;
create schema counts;
create table intermediate.int_case_definition as select unnest(['udine_2025', 'nobody']) as definition_id;
create table intermediate.int_cohort_member as
select 'udine_2025' as definition_id, *, date '2020-01-01' as index_date from (values
    (1, 'udine', 'ocrelizumab', date '2021-01-01', date '2020-04-10', 'ocrelizumab', true, false),
    (2, 'udine', 'rituximab', date '2021-01-01', null, null, null, false),
    (3, 'trieste', 'ocrelizumab', date '2020-07-19', null, null, null, true)
) as t (
    patient_no, site, first_drug, follow_up_end, first_case_onset, first_case_drug, is_case_of_first_year, has_died
);
create table intermediate.int_drug_exposed as
    select definition_id, patient_no, first_drug as drug, false as is_never_tested
    from intermediate.int_cohort_member;
create table intermediate.int_risk_time as
select 'udine_2025' as definition_id, * from (values
    (1, 'ocrelizumab', 100, 100, 120, 4, 4, 5), (1, 'ofatumumab', 0, 0, 246, 0, 0, 8),
    (2, 'rituximab', 365, 300, 365, 12, 11, 12), (3, 'ocrelizumab', 200, 200, 200, 6, 6, 6)
) as t (
    patient_no, drug, days_at_risk, days_at_risk_first_year, days_at_risk_total, n_anc_tests, n_anc_tests_first_year,
    n_anc_tests_total
);
create table intermediate.int_never_tested (definition_id varchar, patient_no integer, site varchar);
create table intermediate.int_first_case as
select 'udine_2025' as definition_id, 1 as patient_no, date '2020-04-10' as first_case_onset;
create table intermediate.int_episode_final as
select 'udine_2025' as definition_id, 1 as patient_no, 'udine' as site, * from (values
    (1, true, date '2020-04-10', date '2020-04-20', 'recovered', 'ocrelizumab', 100, true),
    (2, true, date '2020-11-01', date '2020-11-08', 'ongoing', 'ofatumumab', 20, false),
    (3, false, date '2020-12-01', date '2020-12-02', 'recovered', 'ofatumumab', 50, false)
) as t (
    episode_number, is_case_episode, onset_date, last_measured_date, end_status, attributed_drug, days_since_last_dose,
    gcsf_treated
);
create table main.mart_rechallenge as
select 'udine_2025' as definition_id, 'ann' as patient_key, * from (values
    (true, 'ocrelizumab', date '2020-04-10', 'another_in_class', date '2020-10-12', true, 266),
    (false, 'ofatumumab', date '2020-11-01', 'none', null, false, 61)
) as t (
    is_counted_in_recurrence, attributed_drug, onset_date, last_treatment, another_in_class_date, recurred,
    follow_up_days
);
alter table main.mart_rechallenge add column last_count_at_risk_date date default '2020-12-31';
alter table main.mart_rechallenge add column same_drug_date date;
alter table main.mart_rechallenge add column same_drug_recorded_date date;
alter table main.mart_rechallenge add column out_of_class_date date;
create table intermediate.int_adjudication_pair (definition_id varchar, comparison varchar, first_reading varchar,
    second_reading varchar, first_verdict varchar, second_verdict varchar);
"""
EMPTY = """
delete from intermediate.int_cohort_member;
delete from intermediate.int_drug_exposed;
delete from intermediate.int_risk_time;
delete from intermediate.int_first_case;
delete from intermediate.int_episode_final;
delete from main.mart_rechallenge
"""
# Nobody at Trieste (3, on ocrelizumab) was tested, and 2, on rituximab, in the first year alone.
UNTESTED = """
update intermediate.int_risk_time set n_anc_tests = 0, n_anc_tests_first_year = 0, n_anc_tests_total = 0
where patient_no = 3;
update intermediate.int_risk_time set n_anc_tests_first_year = 12 where patient_no = 2;
update intermediate.int_drug_exposed set is_never_tested = patient_no = 3;
insert into intermediate.int_never_tested values ('udine_2025', 3, 'trieste')
"""


def counted(model: str, columns: str, changes: str = "", where: str = "definition_id = 'udine_2025'") -> list[Any]:
    """Rows of a count, sorted, from these tables after some changes."""
    with duckdb.connect() as connection:
        connection.execute(_TABLES)
        connection.execute(changes or "select 1")
        for one in compiled_project().models:
            if one.name.startswith("count_"):
                connection.execute(f"create table {one.relation} as {one.sql}")
        query = f"select {columns} from counts.{model} where {where} order by all"
        return connection.execute(query).fetchall()


def test_patients_cases_episodes_and_time_are_counted_by_stratum() -> None:
    """A drug first taken after the first case has its days and episodes in all, but no patient and no case."""
    columns = "stratum, n_patients, n_cases, n_episodes, days_at_risk, days_at_risk_total, n_anc_tests"
    assert counted("count_incidence", f"{columns}, n_anc_tests_total") == [
        ("all", 3, 1, 2, 665, 931, 22, 31),
        ("ocrelizumab", 2, 1, 1, 300, 320, 10, 11),
        ("ofatumumab", 0, 0, 1, 0, 246, 0, 8),
        ("rituximab", 1, 0, 0, 365, 365, 12, 12),
        ("trieste", 1, 0, 0, 200, 200, 6, 6),
        ("udine", 2, 1, 2, 465, 731, 16, 25),
    ]
    assert counted("count_incidence", "stratum_type, count(*) as n", where="true group by stratum_type") == [
        ("drug", 3),
        ("overall", 2),
        ("site", 2),
    ]


def test_who_was_never_tested_is_counted_in_every_stratum() -> None:
    assert counted("count_incidence", "stratum, n_patients, n_never_tested", UNTESTED) == [
        ("all", 3, 1),
        ("ocrelizumab", 2, 1),
        ("ofatumumab", 0, 0),
        ("rituximab", 1, 0),
        ("trieste", 1, 1),
        ("udine", 2, 0),
    ]
    columns = "stratum, period, n_patients, n_never_tested"
    where = "definition_id = 'udine_2025' and stratum_type = 'site'"
    assert counted("count_incidence_by_period", columns, UNTESTED, where) == [
        ("trieste", "first_year", 1, 1),
        ("trieste", "later", 0, 0),
        ("udine", "first_year", 2, 0),
        ("udine", "later", 1, 1),
    ]
    assert counted("count_time_to_onset", "stratum, time_days", UNTESTED, "n_never_tested = 1") == [
        ("all", 200),
        ("ocrelizumab", 200),
        ("trieste", 200),
    ]


def test_a_period_has_the_patients_with_a_day_at_risk_in_it() -> None:
    """A patient who took two drugs in it counts once."""
    columns = "period, n_patients, n_cases, days_at_risk"
    overall = "definition_id = 'udine_2025' and stratum = 'all'"
    assert counted("count_incidence_by_period", columns, where=overall) == [
        ("first_year", 3, 1, 600),
        ("later", 1, 0, 65),
    ]
    more = "update intermediate.int_risk_time set days_at_risk = 30 where drug = 'ofatumumab'"
    assert counted("count_incidence_by_period", columns, more, overall)[1] == ("later", 2, 0, 95)
    late = "update intermediate.int_cohort_member set is_case_of_first_year = false where first_case_onset is not null"
    assert [row[2] for row in counted("count_incidence_by_period", columns, late, overall)] == [0, 1]


def test_a_definition_with_an_empty_cohort_is_counted_as_zero() -> None:
    both = [("nobody",), ("udine_2025",)]
    zero = "n_patients + n_cases + days_at_risk + days_at_risk_total + n_anc_tests + n_anc_tests_total + n_episodes = 0"
    assert counted("count_incidence", "definition_id", EMPTY, f"stratum = 'all' and {zero}") == both
    assert counted("count_incidence", "count(*)", EMPTY, "true") == [(2,)]
    zero = "n_patients + n_cases + days_at_risk = 0"
    periods = [(name, period) for (name,) in both for period in ("first_year", "later")]
    assert counted("count_incidence_by_period", "definition_id, period", EMPTY, zero) == periods
    measures = [("last_dose_to_first_onset", 0), ("last_dose_to_onset", 0), ("onset_to_recovery", 0)]
    assert counted("count_duration", "measure, n_episodes + n_events", EMPTY, "definition_id = 'nobody'") == measures
    assert counted("count_duration", "count(*)", EMPTY, "true") == [(6,)]
    assert counted("count_recurrence", "count(*), sum(n_patients + n_recurrent)", EMPTY, "true") == [(12, 0)]
    assert counted("count_review_agreement", "definition_id, n_episodes", EMPTY, "true") == [(*one, 0) for one in both]
    assert counted("count_time_to_onset", "count(*)", EMPTY, "true") == [(0,)]


def test_time_runs_from_the_index_date_to_the_first_case_or_the_end_of_follow_up() -> None:
    columns = "time_days, n_patients, n_events, n_deaths"
    overall = "stratum_type = 'overall'"
    assert counted("count_time_to_onset", columns, where=overall) == [(100, 1, 1, 0), (200, 1, 0, 1), (366, 1, 0, 0)]
    died = "update intermediate.int_cohort_member set has_died = true where patient_no = 1"
    assert counted("count_time_to_onset", columns, died, overall)[0] == (100, 1, 1, 0), "a case is not a death"


def test_time_from_dose_to_onset_and_to_recovery_is_counted_of_case_episodes() -> None:
    """The second episode goes on: it was seen to last for 7 days, and nothing is known of its end."""
    columns = "measure, stratum, time_days, n_episodes, n_events"
    where = "definition_id = 'udine_2025' and n_episodes > 0"
    assert counted("count_duration", columns, where=where) == [
        ("last_dose_to_first_onset", "all", 100, 1, 1),
        ("last_dose_to_first_onset", "ocrelizumab", 100, 1, 1),
        ("last_dose_to_onset", "all", 20, 1, 1),
        ("last_dose_to_onset", "all", 100, 1, 1),
        ("last_dose_to_onset", "ocrelizumab", 100, 1, 1),
        ("last_dose_to_onset", "ofatumumab", 20, 1, 1),
        ("onset_to_recovery", "all", 7, 1, 0),
        ("onset_to_recovery", "all", 10, 1, 1),
        ("onset_to_recovery", "ocrelizumab", 10, 1, 1),
        ("onset_to_recovery", "ofatumumab", 7, 1, 0),
        ("onset_to_recovery", "with_gcsf", 10, 1, 1),
        ("onset_to_recovery", "without_gcsf", 7, 1, 0),
    ]


def recurrences(changes: str, kind: str = "overall") -> list[Any]:
    """(treatment, patients, recurrent, median follow-up) of udine_2025, in their order."""
    columns = "treatment_order, treatment_after, n_patients, n_recurrent, median_follow_up_days"
    where = f"definition_id = 'udine_2025' and stratum_type = '{kind}'"
    return [row[1:] for row in counted("count_recurrence", columns, changes, where)]


def test_a_case_recurs_under_the_last_treatment_before_and_counts_among_those_given_each() -> None:
    """Ann was given ocrelizumab again after 30 days, then switched after 185 of 266, and recurred."""
    changes = "update main.mart_rechallenge set same_drug_date = onset_date + 30 where recurred"
    expected = [
        ("all", 1, 1, 266),
        ("same_drug", 1, 0, 236),
        ("same_drug_recorded", 0, 0, None),
        ("another_in_class", 1, 1, 81),
        ("out_of_class", 0, 0, None),
        ("none", 0, 0, None),
    ]
    assert recurrences(changes) == recurrences(changes, "drug") == expected


def test_a_documented_rechallenge_has_a_recorded_dose() -> None:
    """Ann injected the drug at home: assumed after 30 days, recorded after 58."""
    changes = (
        "update main.mart_rechallenge set last_treatment = 'same_drug', another_in_class_date = null, "
        "same_drug_date = onset_date + 30, same_drug_recorded_date = onset_date + 58 where recurred"
    )
    assert recurrences(changes)[1:3] == [("same_drug", 1, 1, 236), ("same_drug_recorded", 1, 1, 208)]


def test_who_was_given_nothing_is_followed_from_the_onset() -> None:
    found = recurrences("update main.mart_rechallenge set last_treatment = 'none', another_in_class_date = null")
    assert found[-1] == ("none", 1, 1, 266)
    assert sum(row[1] for row in found[1:-1]) == 0


def test_a_case_of_another_drug_counts_in_no_other_stratum() -> None:
    changes = "update main.mart_rechallenge set is_counted_in_recurrence = true"
    where = "definition_id = 'udine_2025' and treatment_after = 'all'"
    assert counted("count_recurrence", "stratum, n_patients, n_recurrent", changes, where) == [
        ("all", 2, 1),
        ("ocrelizumab", 1, 1),
        ("ofatumumab", 1, 0),
    ]


@pytest.mark.parametrize(("days_after", "never_tested"), [(0, 1), (1, 0)])
def test_a_case_without_a_count_after_the_first_day_of_a_treatment_is_never_tested(
    days_after: int, never_tested: int
) -> None:
    changes = f"update main.mart_rechallenge set last_count_at_risk_date = another_in_class_date + {days_after}"
    where = "definition_id = 'udine_2025' and stratum = 'all' and treatment_after = 'another_in_class'"
    assert counted("count_recurrence", "n_never_tested", changes, where) == [(never_tested,)]


def test_pairs_of_verdicts_are_counted_and_every_definition_has_first_and_second_ones() -> None:
    changes = """insert into intermediate.int_adjudication_pair values
        ('udine_2025', 'order', 'first verdict', 'second verdict', 'confirmed', 'confirmed'),
        ('udine_2025', 'order', 'first verdict', 'second verdict', 'confirmed', 'confirmed'),
        ('udine_2025', 'order', 'first verdict', 'second verdict', 'confirmed', 'lab_error'),
        ('udine_2025', 'role', 'haematologist', 'neurologist', 'lab_error', 'lab_error')"""
    columns = "definition_id, comparison, first_reading, second_reading, first_verdict, second_verdict, n_episodes"
    order = ("order", "first verdict", "second verdict")
    assert counted("count_review_agreement", columns, changes, "true") == [
        ("nobody", *order, None, None, 0),
        ("udine_2025", *order, "confirmed", "confirmed", 2),
        ("udine_2025", *order, "confirmed", "lab_error", 1),
        ("udine_2025", *order, None, None, 0),
        ("udine_2025", "role", "haematologist", "neurologist", "lab_error", "lab_error", 1),
    ]
