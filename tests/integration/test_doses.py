"""Doses of nothing, and G-CSF given over several days."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from integration.compiled_project import compiled_project
from integration.one_site import ask

from expectations import audit
from expectations.suites import cohort_losses
from registry.config.settings import Settings

Rows = list[tuple[Any, ...]]
DOSES = "administration_id,patient_id,drug,administered_on,administered_until,dose,dose_unit,status\n"
LINES = "treatment_id,patient_id,drug,start_date,end_date\n"
ONSET, RECOVERED, AGAIN, AT_LAST = date(2024, 3, 1), date(2024, 3, 8), date(2024, 3, 15), date(2024, 4, 20)


def built(home: Path, doses: Iterable[str] = (), lines: Iterable[str] = ()) -> Settings:
    """A registry of one patient."""
    deliver(home, "lab", doses, lines)
    return compiled_project().build(home, up_to=BUILT)


def deliver(home: Path, site: str, doses: Iterable[str] = (), lines: Iterable[str] = ()) -> None:
    """A patient on rituximab whose counts fall, recover, fall again and recover; and these doses and lines."""
    folder = home / "deliveries" / site / "2024-06"
    folder.mkdir(parents=True)
    counts = zip((ONSET, RECOVERED, AGAIN, AT_LAST), ("0.4", "3.0", "0.6", "2.0"), strict=True)
    texts = {
        "patients": "patient_id,birth_date,sex\nP1,1980,F\n",
        "treatments": LINES + "".join(f"{line}\n" for line in lines),
        "administrations": DOSES + "A0,P1,rituximab,2023-12-01,,,,\n" + "".join(f"{dose}\n" for dose in doses),
        "lab_results": "result_id,patient_id,test_code,value,unit,collected_at\n"
        + "".join(f"{day},P1,751-8,{value},10*9/L,{day}\n" for day, value in counts),
    }
    for entity, text in texts.items():
        (folder / f"{entity}.csv").write_text(text)


def read(settings: Settings, *queries: str) -> list[Rows]:
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        return [connection.execute(query).fetchall() for query in queries]


GIVEN = (
    "SELECT drug, administered_on, dose_source FROM main.fct_dose ORDER BY administered_on, drug",
    """SELECT onset_date, n_gcsf_rebounds, gcsf_treated, gcsf_doses FROM main.fct_neutropenia_episode
    WHERE definition_id = 'udine_2025' ORDER BY 1""",
    "SELECT rows_current, rows_not_given FROM meta.reconciliation WHERE entity = 'administrations'",
    "SELECT column_name, reason, n_cells FROM meta.column_defect ORDER BY ALL",
)
BUILT = (*GIVEN, "dim_patient", "lineage", "fct_anc")
RITUXIMAB = ("rituximab", date(2023, 12, 1), "recorded")
TWO_EPISODES = [(ONSET, 0, False, 0), (AGAIN, 0, False, 0)]


NOTHING = [
    *("0,,", "0.0,,", '"0,0",,', "0 mg,,", "0MU,,", "0,mg,", "-0,,", ".0 µg/kg,,", "300,mg,not_given", ",,NOT_GIVEN"),
]
ENDS = [("2024-03-07", 3), ("", 1), ("soon", 1), ("2024-03-04", 1), ("2024-03-18", 14), ("2024-06-01", 14),
        ("2024-03", 1), ("2024-04", 14), ("2025-01-01", 1)]  # fmt: skip
STARTS = ["2024-03", "marzo 2024", "2024"]
UNTIL = [
    ("2024-03-07", 3, None),
    ("", 1, None),
    ("2024-03-05", 1, None),
    ("2024-05-01", 14, None),
    ("2024-03", 1, "unparseable_date"),
    ("2024-03-04", 1, "end_before_start"),
    ("2024-07-01", 1, "date_after_delivery"),
]
START = date(2024, 3, 5)


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """One build of the cases above, each a site named by its list and its place there."""
    home: Path = tmp_path_factory.mktemp("doses")
    for n, dose in enumerate(NOTHING):
        doses = [f"A1,P1,filgrastim,2024-03-06,2024-03-08,{dose}", f"A2,P1,ofatumumab,2023-06-01,,{dose}"]
        deliver(home, f"nothing_{n}", [*doses, f"A3,P1,rituximab,2024-06-20,,{dose}"])
    for n, (end, _) in enumerate(ENDS):
        deliver(home, f"end_{n}", lines=[f"T1,P1,filgrastim,{START},{end}"])
    for n, start in enumerate(STARTS):
        deliver(home, f"start_{n}", lines=[f"T1,P1,filgrastim,{start},2024-03-07"])
    for n, (until, _, _) in enumerate(UNTIL):
        deliver(home, f"until_{n}", [f"A1,P1,filgrastim,{START},{until},30,MU,"])
    return compiled_project().build(home, up_to=BUILT)


@pytest.mark.parametrize("dose", NOTHING)
def test_a_dose_of_nothing_is_none_and_is_counted(sites: Settings, dose: str) -> None:
    given, episodes, counted, defects, patient, lineage = ask(
        sites,
        f"nothing_{NOTHING.index(dose)}",
        *GIVEN,
        "SELECT index_date, first_drug, follow_up_end FROM main.dim_patient",
        "SELECT count(*) FROM meta.lineage WHERE record_of = 'dose'",
    )
    assert (given, episodes, counted, defects) == ([RITUXIMAB], TWO_EPISODES, [(4, 3)], [])
    assert patient == [(date(2023, 12, 1), "rituximab", AT_LAST)]
    assert lineage == [(1,)]


def test_a_cell_with_number_and_unit_is_a_number_and_other_text_is_none(tmp_path: Path) -> None:
    texts = ["300 mg", "30 MU", "5 µg/kg", "1e3", "375 mg/m²", "0.5 mg", ".05", "0.5/1 mg"]
    unreadable = ["half", "no", "sospeso", "NULL", "#FORMULA", "0-300 mg", "0 – 0 – 1", "0 ½", ">0 mg", "<5", "0.5.1"]
    amounts = [*texts, *unreadable, "-300 mg"]
    doses = [f"B{n},P1,filgrastim,2024-05-{n + 1:02},,{text},," for n, text in enumerate(amounts)]
    deliver(tmp_path, "lab", doses)
    settings = compiled_project().build(tmp_path)
    given, _, counted, defects = read(settings, *GIVEN)
    assert len(given) == 1 + len(amounts)
    assert counted == [(1 + len(amounts), 0)]
    assert defects == [("dose", "negative_value", 1), ("dose", "non_numeric_value", 1 + len(unreadable))]
    outcome = audit(settings.warehouse, checks=cohort_losses.CHECKS)
    (warning,) = [result for result in outcome.warnings if result.check_id == "dose_amounts_read"]
    assert outcome.passed
    assert warning.detail == f"lab {2 + len(unreadable)} doses"


def test_zero_in_words_or_with_a_remark_behind_it_is_a_dose_of_nothing(tmp_path: Path) -> None:
    texts = [
        *(
            "0 mg (sospeso)",
            "0/600 mg",
            "0 mg - not given",
            "0.0 of 300 mg",
            '"0,0: sospeso"',
            "\uff10 mg",
            "0\u00a0mg",
        ),
        *("Zero", "nil", "none", "None.", "NESSUNA", "non somministrato", "Keine", "néant", "no\u00a0dose"),
    ]
    doses = [f"Z{n},P1,filgrastim,2024-05-{n + 1:02},,{text},," for n, text in enumerate(texts)]
    # with the status the amount does not count, whatever it holds
    doses += ["N1,P1,filgrastim,2024-05-30,,half,,not_given", "N2,P1,filgrastim,2024-05-31,,#FORMULA,,not given"]
    given, _, counted, defects = read(built(tmp_path, doses), *GIVEN)
    assert (given, counted, defects) == ([RITUXIMAB], [(1 + len(doses), len(doses))], [])


def test_a_dose_of_nothing_beside_one_that_was_given_leaves_that(tmp_path: Path) -> None:
    doses = ["A1,P1,filgrastim,2024-03-06,,0,MU,", "A2,P1,filgrastim,2024-03-06,,30,MU,"]
    given, episodes, counted, _ = read(built(tmp_path, doses), *GIVEN)
    assert given == [RITUXIMAB, ("filgrastim", date(2024, 3, 6), "recorded")]
    assert (episodes, counted) == ([(ONSET, 1, True, 1)], [(3, 1)])


def test_not_given_is_a_status_of_doses_alone(tmp_path: Path) -> None:
    folder = tmp_path / "deliveries" / "lab" / "2024-06"
    folder.mkdir(parents=True)
    (folder / "patients.csv").write_text("patient_id,birth_date,sex\nP1,1980,F\n")
    (folder / "treatments.csv").write_text(
        LINES.replace("end_date", "status") + "T1,P1,rituximab,2023-01-01,not_given\n"
    )
    (held_back,) = read(
        compiled_project().build(tmp_path, up_to=["quarantine_summary"]),
        "SELECT reason, n_rows FROM meta.quarantine_summary",
    )
    assert held_back == [("invalid_code", 1)]


def days(first: date, n: int, source: str, drug: str = "filgrastim") -> Rows:
    return [(drug, first + timedelta(days=n), source) for n in range(n)]


@pytest.mark.parametrize(("end", "n_days"), ENDS)
def test_a_line_of_a_gcsf_is_given_on_each_of_its_days_up_to_fourteen(sites: Settings, end: str, n_days: int) -> None:
    given, episodes, _, _ = ask(sites, f"end_{ENDS.index((end, n_days))}", *GIVEN)
    assert given == [RITUXIMAB, *days(START, n_days, "course")]
    assert episodes == [(ONSET, 1, True, n_days)]


@pytest.mark.parametrize("start", STARTS)
def test_a_line_of_a_gcsf_of_which_no_day_is_known_gives_none_and_is_counted(sites: Settings, start: str) -> None:
    given, episodes, _, defects = ask(sites, f"start_{STARTS.index(start)}", *GIVEN)
    assert (given, episodes) == ([RITUXIMAB], TWO_EPISODES)
    assert defects == [("start_date", "unparseable_date", 1)]


@pytest.mark.parametrize(("until", "n_days", "defect"), UNTIL)
def test_an_administration_of_a_gcsf_may_say_until_when(
    sites: Settings, until: str, n_days: int, defect: str | None
) -> None:
    given, episodes, _, defects, traced, windows = ask(
        sites,
        f"until_{UNTIL.index((until, n_days, defect))}",
        *GIVEN,
        "SELECT administered_on, record_number FROM meta.lineage WHERE drug = 'filgrastim' ORDER BY 1",
        "SELECT within_gcsf_window FROM main.fct_anc WHERE collected_on = DATE '2024-03-08'",
    )
    assert given == [RITUXIMAB, ("filgrastim", START, "recorded"), *days(START, n_days, "course")[1:]]
    assert episodes == [(ONSET, 1, True, n_days)]
    assert defects == ([("administered_until", defect, 1)] if defect else [])
    assert traced == [(day, 2) for _, day, _ in days(START, n_days, "")]
    assert windows == [(True,)]


def test_until_is_not_read_of_other_drugs(tmp_path: Path) -> None:
    given, _, _, defects = read(
        built(tmp_path, ["A1,P1,rituximab,2024-06-02,2024-06-09,,,", "A2,P1,cladribine,2024-06-02,soon,,,"]), *GIVEN
    )
    second = date(2024, 6, 2)
    assert given == [RITUXIMAB, ("cladribine", second, "recorded"), ("rituximab", second, "recorded")]
    assert defects == []


def test_only_the_recorded_day_of_a_course_is_a_sign_of_life(tmp_path: Path) -> None:
    settings = built(
        tmp_path, ["A1,P1,filgrastim,2024-05-01,2024-05-10,30,MU,"], ["T1,P1,lenograstim,2024-05-03,2024-05-09"]
    )
    (contact,) = read(settings, "SELECT follow_up_end FROM main.dim_patient")
    assert contact == [(date(2024, 5, 3),)]


def test_a_day_that_is_recorded_and_in_a_course_is_one_dose(tmp_path: Path) -> None:
    settings = built(tmp_path, ["A1,P1,filgrastim,2024-03-06,,30,MU,"], [f"T1,P1,filgrastim,{START},2024-03-07"])
    given, episodes, _, _ = read(settings, *GIVEN)
    sources = ["course", "recorded", "course"]
    assert given == [
        RITUXIMAB,
        *(("filgrastim", START + timedelta(days=n), source) for n, source in enumerate(sources)),
    ]
    assert episodes == [(ONSET, 1, True, 3)]
