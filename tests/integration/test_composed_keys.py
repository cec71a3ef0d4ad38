"""Exports without keys, with date and time apart: several counts of one day, and what a later file holds of them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import pytest
from integration.compiled_project import compiled_project

PATIENTS = "patient_id,birth_date,sex\nP1,1980-05-01,F\n"
DOSES = "administration_id,patient_id,drug,administered_on\n1,P1,ocrelizumab,2024-01-01\n"
LONG = "keys: {lab_results: [patient_id, collected_at, test_code]}\n"
WIDE = "wide: {lab_results: {tests: {Neutrofili: {code: anc, unit: 10^9/L}}}}\n"


def counts(form: str, *rows: tuple[str, str]) -> str:
    """A file of counts (time, value) of one patient, in the form of `LONG` or of `WIDE`."""
    if form == "wide":
        return "patient_id,collected_at,Neutrofili\n" + "".join(f"P1,{time},{value}\n" for time, value in rows)
    header = "patient_id,test_code,value,unit,collected_at\n"
    return header + "".join(f"P1,751-8,{value},10*9/L,{time}\n" for time, value in rows)


def home_of(folder: Path, site: str, files: dict[str, str], name: str = "udine") -> Path:
    """A home with one site, its site.yml, and `files`: month/name → text."""
    for place, text in {"2024-02/patients.csv": PATIENTS, "2024-02/administrations.csv": DOSES, **files}.items():
        path = folder / "deliveries" / name / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "deliveries" / name / "site.yml").write_text(site)
    return folder


def asked(folder: Path, *questions: str) -> list[list[tuple[Any, ...]]]:
    settings = compiled_project().build(folder, up_to=questions)
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        return [connection.execute(question).fetchall() for question in questions]


ANC = "SELECT CAST(collected_at AS VARCHAR), CAST(anc_10e9_l AS DOUBLE) FROM fct_anc ORDER BY ALL"
ACCOUNT = (
    "SELECT delivery, rows_current, rows_superseded, rows_duplicate, rows_quarantined FROM meta.reconciliation "
    "WHERE entity = 'lab_results' ORDER BY 1"
)
CONTESTED = "SELECT record_number, disposition, reasons FROM meta.contested ORDER BY 1"
DAY, OTHER = "2024-01-20", "2024-01-21"
FORMS = pytest.mark.parametrize(("form", "site"), [("wide", WIDE), ("long", LONG)], ids=["wide", "long"])


@FORMS
def test_two_counts_of_one_day_are_two_measurements_and_the_lowest_opens_an_episode(
    tmp_path: Path, form: str, site: str
) -> None:
    text = counts(form, (DAY, "1.9"), (DAY, "0.4"), (DAY, "0.4"), (OTHER, "2.0"))
    anc, account, episodes = asked(
        home_of(tmp_path, site, {"2024-02/lab_results.csv": text}),
        ANC,
        ACCOUNT,
        "SELECT CAST(nadir_anc_10e9_l AS DOUBLE) FROM fct_neutropenia_episode WHERE definition_id = 'udine_2025'",
    )
    assert anc == [(f"{DAY} 00:00:00", 0.4), (f"{DAY} 00:00:00", 1.9), (f"{OTHER} 00:00:00", 2.0)]
    assert account == [("2024-02", 3, 0, 1, 0)]
    assert episodes == [(0.4,)]


@FORMS
def test_different_values_at_one_exact_time_contradict_each_other(tmp_path: Path, form: str, site: str) -> None:
    text = counts(form, (f"{DAY} 08:30", "1.9"), (f"{DAY}T08:30:00", "0.4"), (f"{OTHER} 00:00", "2"), (OTHER, "3"))
    anc, account = asked(home_of(tmp_path, site, {"2024-02/lab_results.csv": text}), ANC, ACCOUNT)
    # 00:00 in a text is a time; the date alone has the same key, and is the first measurement of its day
    assert (anc, account) == ([], [("2024-02", 0, 0, 0, 4)])


@FORMS
def test_a_later_file_with_fewer_counts_of_the_day_makes_the_others_contested(
    tmp_path: Path, form: str, site: str
) -> None:
    first = counts(form, (DAY, "1.9"), (DAY, "0.4"), (OTHER, "2.0"))
    files = {"2024-02/lab_results.csv": first, "2024-03/lab_results.csv": counts(form, (DAY, "1.9"))}
    anc, account, contested = asked(home_of(tmp_path, site, files), ANC, ACCOUNT, CONTESTED)
    assert anc == [(f"{DAY} 00:00:00", 1.9), (f"{OTHER} 00:00:00", 2.0)]
    assert account == [("2024-02", 2, 1, 0, 0), ("2024-03", 0, 0, 1, 0)]
    assert contested == [(2, "superseded", "not_in_later_file")]
    (tmp_path / "deliveries/udine/2024-04").mkdir()
    (tmp_path / "deliveries/udine/2024-04/lab_results.csv").write_text(first)
    anc, contested = asked(tmp_path, ANC, CONTESTED)
    assert (len(anc), contested) == (3, [])


def test_a_snapshot_withdraws_what_it_does_not_hold_and_nothing_is_contested(tmp_path: Path) -> None:
    files = {
        "2024-02/lab_results.csv": counts("long", (DAY, "1.9"), (DAY, "0.4")),
        "2024-03/lab_results.csv": counts("long", (DAY, "1.9")),
    }
    anc, contested = asked(home_of(tmp_path, "mode: snapshot\n" + LONG, files), ANC, CONTESTED)
    assert (anc, contested) == ([(f"{DAY} 00:00:00", 1.9)], [])


# what the files of one day say ("-0.4": a cancellation that states 0.4, "-" one without a value), what is left, and how
# many measurements are contested
CANCELLATIONS = [
    # the measurement whose value it states, in one file or in a later one
    (["1.9 0.4 -0.4"], [1.9], 0),
    (["1.9 0.4", "-0.4"], [1.9], 0),
    (["1.9 0.4", "-1.9"], [0.4], 0),
    (["1.9 0.4", "-0.40"], [1.9], 0),
    (["1.9 0.4", "-0.4", "-0.4"], [1.9], 0),
    (["1.9 0.4", "1.9 -0.4"], [1.9], 0),
    (["1.9 0.4 2.5", "0.4 -2.5"], [0.4], 1),
    # the only one
    (["0.4", "-"], [], 0),
    (["0.4 -"], [], 0),
    (["0.4", "1.9 -"], [], 0),
    (["1.9 0.4", "-1.9 -"], [], 0),
    (["1.9 0.4", "-1.9", "-"], [], 0),
    (["0.4", "-annullato"], [], 0),
    # several, or another value: nothing is guessed
    (["1.9 0.4", "-"], [], 2),
    (["1.9 0.4 -"], [], 2),
    (["1.9 0.4", "-annullato"], [], 2),
    (["0.4", "-1.9"], [], 1),
    (["1.9 0.4", "-2.5"], [], 2),
    # which the day sent again, or a clear cancellation, settles
    (["1.9 0.4", "-", "1.9 0.4"], [0.4, 1.9], 0),
    (["1.9 0.4", "-", "-0.4"], [1.9], 0),
    (["0.4", "-1.9", "0.4"], [0.4], 0),
    # a file that holds measurements of the day says what holds
    (["0.4 -1.9"], [0.4], 0),
    (["-1.9 0.4"], [0.4], 0),
    (["-1.9", "0.4"], [0.4], 0),
    (["-0.4 0.4"], [0.4], 0),
    # a file of cancellations alone does not hold fewer
    (["1.9 0.4 2.5", "-2.5"], [0.4, 1.9], 0),
]


@FORMS
def test_a_cancellation_of_a_day_takes_back_the_value_that_it_states_or_the_only_one(
    tmp_path: Path, form: str, site: str
) -> None:
    header = "patient_id,collected_at,status," + ("Neutrofili\n" if form == "wide" else "unit,test_code,value\n")
    same = "" if form == "wide" else "10*9/L,751-8,"
    sent = {f"2024-0{month}/lab_results.csv": header for month in (2, 3, 4)}
    for day, (files, _, _) in enumerate(CANCELLATIONS, start=1):
        for place, said in zip(sent, files, strict=False):
            for one in said.split():
                status = "cancelled" if one.startswith("-") else ""
                sent[place] += f"P1,2024-01-{day:02d},{status},{same}{one.lstrip('-')}\n"
    row = "SELECT judged_date FROM intermediate.int_row_disposition JOIN staging.stg_lab_result "
    anc, contested, reasons = asked(
        home_of(tmp_path, site, sent),
        "SELECT collected_on, CAST(anc_10e9_l AS DOUBLE) FROM fct_anc ORDER BY ALL",
        f"{row} USING (file_no, record_number) WHERE is_contested",
        "SELECT disposition, reasons, count(*) FROM meta.contested GROUP BY ALL ORDER BY ALL",
    )
    for day, (files, left, n_contested) in enumerate(CANCELLATIONS, start=1):
        on = dt.date(2024, 1, day)
        assert [value for collected_on, value in anc if collected_on == on] == left, files
        assert contested.count((on,)) == n_contested, files
    assert reasons == [("superseded", "not_in_later_file", 1), ("superseded", "unclear_cancellation", 9)]


def test_a_cancelled_draw_of_a_day_takes_back_the_tests_of_its_own_draw(tmp_path: Path) -> None:
    site = "wide: {lab_results: {tests: {Neu: {code: anc, unit: 10^9/L}, Leu: {code: wbc, unit: 10^9/L}}}}\n"
    cases = [
        ("0.4,", [1.9], [5.0]),  # the draw of 0.4 had no leukocytes
        ("1.9,", [0.4], []),
        ("1.9,5.0", [0.4], []),
        (",5.0", [0.4], []),
        (",", [], []),  # two neutrophil counts: which is not said; one leukocyte count
        ("2.5,", [], [5.0]),
    ]
    first = later = "patient_id,collected_at,Neu,Leu,status\n"
    for day, (cancelled, _, _) in enumerate(cases, start=1):
        on = f"P1,2024-01-{day:02d}"
        first += f"{on},1.9,5.0,\n{on},0.4,,\n"
        later += f"{on},{cancelled},cancelled\n"
    found = asked(
        home_of(tmp_path, site, {"2024-02/lab_results.csv": first, "2024-03/lab_results.csv": later}),
        "SELECT collected_on, CAST(anc_10e9_l AS DOUBLE) FROM fct_anc WHERE derivation = 'measured' ORDER BY ALL",
        "SELECT collected_date, canonical_value::DOUBLE FROM intermediate.int_blood_count WHERE analyte = 'wbc'",
    )
    for day, (cancelled, *expected) in enumerate(cases, start=1):
        on = dt.date(2024, 1, day)
        assert [[value for at, value in counts if at == on] for counts in found] == expected, cancelled


def test_units_and_marks_of_a_cancellation_may_differ_and_equal_values_are_told_apart_by_the_record(
    tmp_path: Path,
) -> None:
    first = [("1.9", "10*9/L", "A"), ("0.4", "10*9/L", "A"), ("0.4", "10*9/L", "B")]
    cases = [
        (("1900", "/uL", ""), [0.4, 0.4]),
        (("1.9", "", ""), [0.4, 0.4]),
        (("0.4", "10*9/L", "B"), [0.4, 1.9]),
        (("0.4", "10*9/L", ""), [1.9]),
    ]
    sent = later = "patient_id,test_code,collected_at,status,value,unit,specimen_id\n"
    for day, (cancelled, _) in enumerate(cases, start=1):
        sent += "".join(f"P1,751-8,2024-01-{day:02d},,{','.join(row)}\n" for row in first)
        later += f"P1,751-8,2024-01-{day:02d},cancelled,{','.join(cancelled)}\n"
    files = {"2024-02/lab_results.csv": sent, "2024-03/lab_results.csv": later}
    (anc,) = asked(
        home_of(tmp_path, LONG, files), "SELECT collected_on, CAST(anc_10e9_l AS DOUBLE) FROM fct_anc ORDER BY ALL"
    )
    for day, (cancelled, left) in enumerate(cases, start=1):
        assert [value for on, value in anc if on == dt.date(2024, 1, day)] == left, cancelled


@pytest.mark.parametrize(
    ("entity", "header", "first", "cancelled", "current"),
    [
        ("administrations", "patient_id,drug,administered_on,dose", ["300", "600"], "600.0", 1),
        ("administrations", "patient_id,drug,administered_on,dose", ["300", "600"], "", 0),
        ("administrations", "patient_id,drug,administered_on,dose", ["300"], "", 0),
        ("clinical_events", "patient_id,event_type,onset_date,code", ["J18", "N39"], "J18", 1),
        ("clinical_events", "patient_id,event_type,onset_date,code", ["J18", "N39"], "A41", 0),
    ],
)
def test_doses_and_events_of_a_day_are_taken_back_by_dose_and_code(
    tmp_path: Path, entity: str, header: str, first: list[str], cancelled: str, current: int
) -> None:
    site = f"keys: {{{entity}: [{', '.join(header.split(',')[:3])}]}}\n"
    same = "ocrelizumab,2024-01-20" if entity == "administrations" else "infection,2024-01-20"
    rows = [f"P1,{same},{text},\n" for text in first]
    files = {
        f"2024-03/{entity}.csv": f"{header},status\n" + "".join(rows),
        f"2024-04/{entity}.csv": f"{header},status\nP1,{same},{cancelled},cancelled\n",
    }
    (account,) = asked(
        home_of(tmp_path, site, files),
        f"SELECT rows_current FROM meta.reconciliation WHERE entity = '{entity}' AND delivery = '2024-03'",
    )
    assert account == [(current,)]


def test_a_slash_of_the_sites_own_is_no_number(tmp_path: Path) -> None:
    # keys "…/a\//2" and "…/a\\//2" are of parts "a/" and "2", and of the second measurement under "a\"
    site = "keys: {lab_results: [patient_id, collected_at, specimen_id, test_code]}\n"
    rows = [("a/", "2", "1"), ("a/", "2", "2"), ("b", "c\\", "1"), ("b", "c\\", "2")]
    text = "patient_id,specimen_id,test_code,value,unit,collected_at\n"
    text += "".join(f"P1,{specimen},{code},{value},10*9/L,{DAY}\n" for specimen, code, value in rows)
    (found,) = asked(
        home_of(tmp_path, site, {"2024-02/lab_results.csv": text}),
        "SELECT count(DISTINCT base_key), count(DISTINCT record_key) FROM staging.stg_lab_result",
    )
    # DuckDB's own reading: two base keys, four keys
    assert found == [(2, 4)]


@pytest.mark.parametrize(
    ("entity", "header", "rows"),
    [
        ("administrations", "patient_id,drug,administered_on,dose", ["ocrelizumab,2024-01-20,300"] * 2),
        ("clinical_events", "patient_id,event_type,onset_date,code", ["infection,2024-01-20,J18"] * 2),
    ],
)
def test_doses_and_events_of_one_day_are_numbered_too(
    tmp_path: Path, entity: str, header: str, rows: list[str]
) -> None:
    rows = [rows[0], rows[1] + "0"]
    site = f"keys: {{{entity}: [{', '.join(header.split(',')[:3])}]}}\n"
    text = header + "\n" + "".join(f"P1,{row}\n" for row in rows)
    (account,) = asked(
        home_of(tmp_path, site, {f"2024-03/{entity}.csv": text}),
        f"SELECT rows_current, rows_quarantined FROM meta.reconciliation WHERE entity = '{entity}' "
        "AND delivery = '2024-03'",
    )
    assert account == [(2, 0)]


def test_lines_of_one_key_contradict_each_other(tmp_path: Path) -> None:
    site = "keys: {treatments: [patient_id, drug, start_date]}\n"
    text = "patient_id,drug,start_date,end_date\nP1,ocrelizumab,2024-01-01,\nP1,ocrelizumab,2024-01-01,2024-02-01\n"
    (account,) = asked(
        home_of(tmp_path, site, {"2024-02/treatments.csv": text}),
        "SELECT rows_current, rows_quarantined FROM meta.reconciliation WHERE entity = 'treatments'",
    )
    assert account == [(0, 2)]


def test_date_and_time_of_two_columns_are_read_in_the_sites_own_formats(tmp_path: Path) -> None:
    site = (
        'csv: {date_formats: ["%d/%m/%Y", "%d/%m/%Y %H:%M"]}\n'
        "columns: {lab_results: {data: collected_at.date, ora: collected_at.time}}\n" + LONG
    )
    times = ["08:30", "9.15", "0945", "10h30", "", "mattina", "25:00"]
    text = "patient_id,test_code,value,unit,data,ora\n"
    text += "".join(f"P1,751-8,{n},10*9/L,{20 + n}/01/2024,{time}\n" for n, time in enumerate(times, start=1))
    home = home_of(tmp_path, site, {"2024-02/lab_results.csv": text}, "syn_italian")
    settings = compiled_project().build(home, up_to=[ANC, "int_row_disposition"])
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        anc = connection.execute(ANC).fetchall()
        held = connection.execute(
            "SELECT record_number, reasons FROM intermediate.int_row_disposition ORDER BY 1"
        ).fetchall()
    assert [time for time, _ in anc] == [
        "2024-01-21 08:30:00",
        "2024-01-22 09:15:00",
        "2024-01-23 09:45:00",
        "2024-01-24 10:30:00",
        "2024-01-25 00:00:00",
    ]
    assert held == [(6, "unparseable_date"), (7, "unparseable_date")]
