"""Dates of which only a part is known, names of months, and lines whose end nobody can read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from integration.compiled_project import compiled_project
from integration.registry_home import build

from registry.config.settings import Settings

Rows = list[tuple[Any, ...]]


def deliver(home: Path, files: Mapping[str, str], month: str = "2024-12", site: str = "") -> None:
    folder = home / "deliveries" / "lab" / month
    folder.mkdir(parents=True, exist_ok=True)
    for entity, text in files.items():
        (folder / f"{entity}.csv").write_text(text)
    if site:
        (home / "deliveries" / "lab" / "site.yml").write_text(site)


def built(home: Path, *queries: str) -> list[Rows]:
    """Build what the queries need, and ask them."""
    return read(compiled_project().build(home, up_to=queries), *queries)


def read(settings: Settings, *queries: str) -> list[Rows]:
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        connection.execute(f"ATTACH '{settings.raw_db}' AS vault (READ_ONLY)")
        return [connection.execute(query).fetchall() for query in queries]


# fmt: off
PARTIAL = {
    "1980": "1980", "1980-05": "1980-05", "05/1980": "1980-05", "5/1980": "1980-05", "05.1980": "1980-05",
    "05-1980": "1980-05", "1980/05": "1980-05", "1980.05": "1980-05", "00.00.1980": "1980", "1980-00-00": "1980",
    "00/05/1980": "1980-05", "1980-05-00": "1980-05", "05/00/1980": "1980-05", "1980-XX-XX": "1980",
    "xx.05.1980": "1980-05", "??/??/1980": "1980", "1980-00-00T00:00:00": "1980", "00.05.1980 00:00": "1980-05",
    "19800500": "1980-05", "00001980": "1980", "maggio 1980": "1980-05", "Mai 1980": "1980-05",
    "SEP. 1980": "1980-09", "sept-1980": "1980-09", "Août 1980": "1980-08", "AOUT 1980": "1980-08",
    "Jän. 1980": "1980-01", "März 1980": "1980-03", "mayo de 1980": "1980-05", "mag. - 1980": "1980-05",
    "dic/1980": "1980-12",
    "1980 ott": "1980-10", "00-MAY-1980": "1980-05", "UN UNK 1980": "1980", "UN-JUL-1980": "1980-07",
    "XX.XX.1980": "1980", "1980-00-15": "1980", "1980-XX-05": "1980", "1980/0/31": "1980", "15/00/1980": "1980",
    "15-UNK-1980": "1980", "00/15/1980": "1980", "31.XX.1980": "1980", "19800010": "1980", "15001980": "1980",
    "1980-00-15T00:00:00": "1980",
}
UNREADABLE = [
    "1980-13", "13/1980", "1980-00-32", "32/00/1980", "1980-13-15", "1980-02-30",
    "0000", "1899", "00.00.0000", "05/80", "maggio", "floréal 1980", "soon",
    "1X.05.1980", "30 maggio 1980", "19XX", "00.00.19XX", "198005",
]
# fmt: on


def test_a_birth_keeps_what_is_known_of_it(tmp_path: Path) -> None:
    sent = [*PARTIAL, *UNREADABLE]
    rows = "".join(f'P{n},"{text}"\n' for n, text in enumerate(sent))
    deliver(tmp_path, {"patients": "patient_id,birth_date\n" + rows})
    settings = compiled_project().build(tmp_path, up_to=["int_current_patient", "column_defect"])
    born, defects = read(
        settings,
        "SELECT patient_id, birth_date FROM intermediate.int_current_patient JOIN vault.patient_map USING (patient_no)",
        "SELECT column_name, reason, n_cells FROM meta.column_defect",
    )
    days = dict(born)
    assert {text: days[f"P{n}"] for n, text in enumerate(sent)} == {
        **{text: date(int(known[:4]), int(known[5:] or 1), 1) for text, known in PARTIAL.items()},
        **dict.fromkeys(UNREADABLE),
    }
    assert defects == [("birth_date", "unparseable_date", len(UNREADABLE))]


PATIENTS = "patient_id,birth_date,sex,ms_onset_date,last_contact_date,death_date\n"
LINES = "treatment_id,patient_id,drug,start_date,end_date\n"


def test_a_date_contradicts_another_only_where_all_of_it_does(tmp_path: Path) -> None:
    deliver(
        tmp_path,
        {
            "patients": PATIENTS
            + "P1,1980-05-17,F,1980,1980-05,2024\n"
            + "P2,1980-05-17,F,1979,2025-01,1979\n"
            + "P3,2025,F,,2024-03,2024-02\n"
            + "P4,1980,F,,,2024-06\n",
            "treatments": LINES
            + "T1,P4,natalizumab,2024-01,2024-06\n"
            + "T2,P4,natalizumab,2024-06,2024\n"
            + "T3,P4,natalizumab,2024-05-20,2024-05\n"
            + "T4,P4,natalizumab,2024-05-20,2024-04\n"
            + "T5,P4,natalizumab,2024-07,\n"
            + "T6,P1,natalizumab,1980-04,\n"
            + "T7,P1,natalizumab,1980,\n",
        },
    )
    dated, lines, defects, held_back, broken = built(
        tmp_path,
        "SELECT patient_id, birth_date, ms_onset_date, last_contact_date, death_date FROM staging.stg_patient "
        "JOIN vault.patient_map USING (patient_no) ORDER BY 1",
        "SELECT start_date, end_date, end_unknown FROM main.fct_treatment ORDER BY ALL",
        "SELECT column_name, reason, n_cells FROM meta.column_defect ORDER BY ALL",
        "SELECT reason, n_rows FROM meta.quarantine_summary ORDER BY ALL",
        "SELECT entity, rule FROM meta.staged_check WHERE n_broken > 0",
    )
    born = date(1980, 5, 17)
    assert dated == [
        ("P1", born, born, born, date(2024, 12, 31)),
        ("P2", born, None, None, None),
        ("P3", None, None, None, date(2024, 2, 29)),
        ("P4", date(1980, 1, 1), None, None, date(2024, 6, 30)),
    ]
    died = date(2024, 6, 30)
    assert lines == [
        (date(1980, 1, 1), None, False),
        (date(2024, 1, 1), died, False),
        (date(2024, 5, 20), date(2024, 5, 31), False),
        (date(2024, 5, 20), None, True),
        (date(2024, 6, 1), died, False),
    ]
    assert defects == [
        ("birth_date", "date_after_delivery", 1),
        ("death_date", "date_before_birth", 1),
        ("end_date", "end_before_start", 1),
        ("last_contact_date", "date_after_death", 1),
        ("last_contact_date", "date_after_delivery", 1),
        ("ms_onset_date", "date_before_birth", 1),
    ]
    assert held_back == [("date_after_death", 1), ("date_before_birth", 1)]
    assert broken == []


def test_a_partial_date_places_no_dose_result_event_or_review(tmp_path: Path) -> None:
    deliver(
        tmp_path,
        {
            "patients": PATIENTS + "P1,1980,F,,,\n",
            "administrations": "administration_id,patient_id,drug,administered_on\n1,P1,rituximab,2024-05\n",
            "lab_results": "result_id,patient_id,test_code,value,unit,collected_at\n1,P1,751-8,2.0,10*9/L,05/2024\n",
            "clinical_events": "event_id,patient_id,event_type,onset_date,end_date\n"
            "1,P1,infection,maggio 2024,\n2,P1,infection,2024-05-02,05/2024\n",
            "adjudications": "adjudication_id,patient_id,onset_from,onset_to,verdict\n1,P1,2024,2024,confirmed\n",
        },
    )
    held_back, ends = built(
        tmp_path,
        "SELECT entity, reason, n_rows FROM meta.quarantine_summary ORDER BY ALL",
        "SELECT end_date FROM staging.stg_clinical_event WHERE reasons IS NULL",
    )
    assert held_back == [
        (entity, "unparseable_date", 1)
        for entity in ("adjudications", "administrations", "clinical_events", "lab_results")
    ]
    assert ends == [(date(2024, 5, 31),)]


def of_ofatumumab(home: Path, *lines: str, contact: str = "2024-12-20") -> Settings:
    """A patient with these lines, one recorded dose of ofatumumab, and a late episode."""
    deliver(
        home,
        {
            "patients": PATIENTS + f"P1,1980-05-17,F,,{contact},\n",
            "treatments": LINES + "".join(line + "\n" for line in lines),
            "administrations": "administration_id,patient_id,drug,administered_on\n1,P1,ofatumumab,2024-01-10\n",
            "lab_results": "result_id,patient_id,test_code,value,unit,collected_at\n1,P1,751-8,0.4,10*9/L,2024-03-01\n",
        },
    )
    return compiled_project().build(home, up_to=[*OF_LINES, "mart_monitoring"])


OF_LINES = (
    "SELECT dose_source, count(*), max(administered_on) FROM main.fct_dose GROUP BY ALL ORDER BY ALL",
    "SELECT last_dose_date, treatment_action FROM main.fct_neutropenia_episode WHERE definition_id = 'udine_2025'",
    "SELECT end_date, end_unknown, n_doses FROM main.fct_treatment ORDER BY ALL",
    "SELECT reason, n_cells FROM meta.column_defect ORDER BY ALL",
)
RECORDED = ("recorded", 1, date(2024, 1, 10))
DOSED = date(2024, 1, 10)


@pytest.mark.parametrize(
    ("end", "reasons"),
    [
        ("kept", [("unparseable_date", 1)]),
        ("2024-13", [("unparseable_date", 1)]),
        ("2023-09", [("end_before_start", 1)]),
        ("1979-01-01", [("date_before_birth", 1), ("end_before_start", 1)]),
    ],
)
def test_nothing_is_assumed_from_a_line_whose_end_is_unknown(
    tmp_path: Path, end: str, reasons: list[tuple[str, int]]
) -> None:
    doses, episodes, lines, defects = read(of_ofatumumab(tmp_path, f"T1,P1,ofatumumab,2024-01-10,{end}"), *OF_LINES)
    assert (doses, lines, defects) == ([RECORDED], [(None, True, 1)], reasons)
    assert episodes == [(DOSED, "discontinued")]


@pytest.mark.parametrize("end", ["", "2025-03-01", "2025"])
def test_an_open_line_and_one_whose_end_is_planned_go_on(tmp_path: Path, end: str) -> None:
    doses, episodes, lines, _ = read(of_ofatumumab(tmp_path, f"T1,P1,ofatumumab,2024-01-10,{end}"), *OF_LINES)
    assert doses == [("assumed", 12, date(2024, 12, 11)), RECORDED]
    assert (episodes, lines) == ([(date(2024, 2, 7), "continued")], [(None, False, 13)])


def test_a_month_ends_a_line_with_its_last_day(tmp_path: Path) -> None:
    doses, episodes, lines, defects = read(of_ofatumumab(tmp_path, "T1,P1,ofatumumab,2024-01-10,2024-03"), *OF_LINES)
    assert doses == [("assumed", 2, date(2024, 3, 6)), RECORDED]
    assert (episodes, lines, defects) == ([(date(2024, 2, 7), "discontinued")], [(date(2024, 3, 31), False, 3)], [])


def test_of_two_lines_of_one_start_one_with_a_known_end_decides(tmp_path: Path) -> None:
    lines = ("T1,P1,ofatumumab,2024-01-10,kept", "T2,P1,ofatumumab,2024-01-10,2024-12-15")
    _, episodes, _, _ = read(of_ofatumumab(tmp_path, *lines), *OF_LINES)
    assert episodes == [(date(2024, 2, 7), "continued")]


def test_a_line_out_of_class_whose_end_is_unknown_is_suspect_at_its_start_alone_and_no_switch(tmp_path: Path) -> None:
    settings = of_ofatumumab(
        tmp_path,
        "T1,P1,ofatumumab,2024-01-10,",
        "T2,P1,cladribine,2023-10-01,kept",
        "T3,P1,metamizole,2023-12-02,kept",
        "T4,P1,natalizumab,2024-02-01,kept",
    )
    suspects, switches = read(
        settings,
        "SELECT other_suspect_drugs FROM main.fct_neutropenia_episode WHERE definition_id = 'udine_2025'",
        "SELECT switched_to, is_followed FROM main.mart_monitoring",
    )
    assert (suspects, switches) == ([("metamizole",)], [(None, True)])


def test_a_partial_start_adds_no_dose_before_one_that_is_recorded_in_it(tmp_path: Path) -> None:
    deliver(
        tmp_path,
        {
            "patients": PATIENTS + "P1,1980,F,,,\nP2,1980,F,,,\nP3,1980,F,,,\n",
            "treatments": LINES + "T1,P1,rituximab,2023,\nT2,P2,rituximab,05/2023,\nT3,P3,rituximab,2023,\n",
            "administrations": "administration_id,patient_id,drug,administered_on\n"
            "1,P1,rituximab,2023-06-15\n2,P2,rituximab,2023-07-01\n3,P3,rituximab,2024-01-30\n",
        },
    )
    (doses,) = built(
        tmp_path,
        "SELECT patient_id, dose_source, administered_on FROM main.fct_dose JOIN vault.patient_map USING (patient_key) "
        "ORDER BY ALL",
    )
    assert doses == [
        ("P1", "recorded", date(2023, 6, 15)),
        ("P2", "line_start", date(2023, 5, 1)),
        ("P2", "recorded", date(2023, 7, 1)),
        ("P3", "recorded", date(2024, 1, 30)),
    ]


SITE = """\
csv: {delimiter: ";", date_formats: ["%d/%m/%y", "%d %b %Y", "%d. %B %Y", "%d de %B de %Y", "%m/%y", "%b %y", "%m/%Y"]}
"""


def test_a_site_may_name_months_and_write_two_digits_of_a_year(tmp_path: Path) -> None:
    results = ["3 gen. 2024", "4 févr. 2024", "5. März 2024", "6 de abril de 2024", "7 MAY 2024", "8. Dezember 2024"]
    unread = ["9 floréal 2024", "05/2024", "05/24", "mai 24"]
    deliver(
        tmp_path,
        {
            "patients": PATIENTS.replace(",", ";")
            + "P1;15/06/60;F;01/02/65;15/06/24;\nP2;05/60;F;ago 66;12/24;\n"
            + "P3;15/06/24;F;;;\nP4;29/02/60;F;;15/06/60;\n",
            "lab_results": "result_id;patient_id;test_code;value;unit;collected_at\n"
            + "".join(f"{n};P1;751-8;2.0;10*9/L;{text}\n" for n, text in enumerate([*results, *unread])),
        },
        site=SITE,
    )
    dated, counted, held_back, defects = read(
        build(tmp_path),
        "SELECT birth_date, ms_onset_date, last_contact_date FROM staging.stg_patient ORDER BY patient_no",
        "SELECT collected_on FROM main.fct_anc ORDER BY 1",
        "SELECT reason, n_rows FROM meta.quarantine_summary",
        "SELECT column_name, reason, n_cells FROM meta.column_defect",
    )
    assert sorted(dated) == [
        (date(1960, 2, 29), None, None),
        (date(1960, 5, 1), date(1966, 8, 1), date(2024, 12, 1)),
        (date(1960, 6, 15), date(1965, 2, 1), date(2024, 6, 15)),
        (date(2024, 6, 15), None, None),
    ]
    assert counted == [(date(2024, month, day),) for month, day in ((1, 3), (2, 4), (3, 5), (4, 6), (5, 7), (12, 8))]
    assert held_back == [("unparseable_date", len(unread))]
    assert defects == [("last_contact_date", "date_after_delivery", 1)]
