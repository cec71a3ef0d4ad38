"""Simulated deliveries: repeatable, within the contract, labelled, and believable.

Codes, units and drug names must resolve in the registry's seeds.
"""

from __future__ import annotations

import calendar
import re
from pathlib import Path

import pytest
import yaml
from simulated import Row, counts_by_patient, current, deliveries, digests, seed_rows

from registry.config.input_contract import ENTITIES
from registry.config.terminology import unit_form
from registry.errors import UserError
from registry.simulate import simulate, simulate_udine, writer


def month_end(month: str) -> str:
    year, number = map(int, month.split("-"))
    return f"{month}-{calendar.monthrange(year, number)[1]}"


@pytest.fixture(scope="module")
def general(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("general") / "deliveries"
    simulate(out, patients=300, months=18, seed=5)
    return out


@pytest.fixture(scope="module")
def udine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("udine") / "deliveries"
    simulate_udine(out)
    return out


@pytest.fixture(params=["general", "udine"])
def cohort(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue(request.param)
    return path


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        simulate(tmp_path / name, patients=40, months=6, seed=9)
        simulate_udine(tmp_path / f"udine_{name}", seed=9)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    assert digests(tmp_path / "udine_one") == digests(tmp_path / "udine_two")


def test_another_seed_makes_other_patients(tmp_path: Path) -> None:
    simulate(tmp_path / "one", patients=20, months=6, seed=1)
    simulate(tmp_path / "two", patients=20, months=6, seed=2)
    one, two = current(tmp_path / "one")["patients"], current(tmp_path / "two")["patients"]
    assert {r["birth_date"] for r in one.values()} != {r["birth_date"] for r in two.values()}


def test_a_patient_is_the_same_in_a_cohort_of_any_size(tmp_path: Path) -> None:
    def rows_of_the_first(out: Path) -> list[tuple[str, str, str, Row]]:
        return [
            (site, month, entity, row)
            for site, month, entity, rows in deliveries(out)
            for row in rows
            if row["patient_id"] <= "SYN-0000080"
        ]

    simulate(tmp_path / "small", patients=80, months=12, seed=3)
    simulate(tmp_path / "large", patients=200, months=12, seed=3)
    assert rows_of_the_first(tmp_path / "small") == rows_of_the_first(tmp_path / "large")


def test_files_do_not_depend_on_how_often_memory_is_emptied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulate(tmp_path / "at_once", patients=30, months=6)
    monkeypatch.setattr(writer, "_ROWS_IN_MEMORY", 50)
    simulate(tmp_path / "often", patients=30, months=6)
    assert digests(tmp_path / "at_once") == digests(tmp_path / "often")


def test_every_file_and_row_is_labelled_synthetic(cohort: Path) -> None:
    study = yaml.safe_load((cohort / "registry.yml").read_text(encoding="utf-8"))
    assert study["synthetic"] is True
    assert "synthetic" in study["study_id"]
    assert all(p.name.endswith("_synthetic.csv") for p in cohort.glob("*/*/*"))
    for _, _, _, rows in deliveries(cohort):
        assert all(row["patient_id"].startswith("SYN-") for row in rows)


def test_nothing_is_dated_after_its_delivery(cohort: Path) -> None:
    for _, month, entity, rows in deliveries(cohort):
        for column in (c for c in ENTITIES[entity].columns if re.search("_(on|at|date)$", c)):
            assert max((row[column][:10] for row in rows), default="") <= month_end(month), column


def test_every_row_keeps_the_contract(cohort: Path) -> None:
    seen: set[tuple[str, str]] = set()
    for site, _, entity, rows in sorted(deliveries(cohort), key=lambda d: (d[1], d[2] != "patients")):
        contract = ENTITIES[entity]
        assert tuple(rows[0]) == contract.columns
        keys = [row[contract.key] for row in rows]
        assert len(set(keys)) == len(keys), "a key twice in one file"
        for row in rows:
            assert len(row) == len(contract.columns)
            assert None not in row.values()
            assert all(row[column] for column in contract.required), row
            assert row["status"] in {"final", "corrected"}
            if entity == "patients":
                seen.add((site, row["patient_id"]))
            assert (site, row["patient_id"]) in seen, "a row before its patient"


def test_codes_units_and_drugs_resolve_in_the_seeds(cohort: Path) -> None:
    drugs = {row["name"] for row in seed_rows("drug_names")}
    tests = {row["test_code"]: row["analyte"] for row in seed_rows("test_codes")}
    dimension = {row["analyte"]: row["dimension"] for row in seed_rows("analytes")}
    units = {row["unit"]: row["dimension"] for row in seed_rows("units")}
    tables = current(cohort)
    for entity in ("treatments", "administrations"):
        assert {row["drug"].lower() for row in tables[entity].values()} <= drugs
    for row in tables["lab_results"].values():
        assert units[unit_form(row["unit"])] == dimension[tests[row["test_code"]]]
        assert re.fullmatch(r"<?\d+(\.\d+)?", row["value"])
        if row["unit"] in {"/uL", "cells/uL"}:
            assert row["value"].isdigit()


def test_dates_follow_the_order_of_life(cohort: Path) -> None:
    tables = current(cohort)
    people = {row["patient_id"]: row for row in tables["patients"].values()}
    spans = {
        "treatments": ("start_date", "end_date"),
        "administrations": ("administered_on", "administered_on"),
        "lab_results": ("collected_at", "collected_at"),
        "clinical_events": ("onset_date", "end_date"),
        "adjudications": ("onset_from", "onset_to"),
    }
    for entity, (first, last) in spans.items():
        for row in tables[entity].values():
            person = people[row["patient_id"]]
            start, end = row[first][:10], row[last][:10] or row[first][:10]
            assert person["birth_date"] < person["ms_onset_date"] or not person["birth_date"]
            assert start <= end
            if entity != "adjudications":
                assert end <= (person["death_date"] or "9999")
            if entity == "treatments":
                assert person["ms_onset_date"] <= start


def test_the_general_cohort_has_what_registries_meet(tmp_path: Path) -> None:
    simulate(tmp_path / "out", patients=2500, months=24, seed=0)
    tables = current(tmp_path / "out")
    labs = tables["lab_results"].values()
    low = [p for p, counts in counts_by_patient(tmp_path / "out").items() if min(counts.values()) < 1]
    assert len({site for site, _ in tables["patients"]}) == 4
    assert 10 <= len(low) <= 75, "first neutropenias: about 1 in 100 person-years"
    assert {"10*9/L", "/uL", "K/uL", "G/L", "g/L", "g/dL", "mg/dL"} <= {r["unit"] for r in labs}
    assert any(row["status"] == "corrected" for row in labs)
    assert any(row["death_date"] for row in tables["patients"].values())
    assert {r["verdict"] for r in tables["adjudications"].values()} == {"confirmed", "other_cause"}
    injected = {r["patient_id"] for r in tables["treatments"].values() if r["drug"] == "Kesimpta"}
    recorded = {row["patient_id"] for row in tables["administrations"].values() if row["drug"] == "Kesimpta"}
    assert recorded < injected, "most home injections leave no record"


def test_simulating_again_replaces_the_earlier_simulation(tmp_path: Path) -> None:
    simulate(tmp_path / "out", patients=30, months=12)
    simulate_udine(tmp_path / "out")
    simulate_udine(tmp_path / "fresh")
    assert digests(tmp_path / "out") == digests(tmp_path / "fresh")


@pytest.mark.parametrize("foreign", ["registry.yml", "udine/2024-01/patients.csv"])
def test_a_folder_with_other_data_is_left_alone(tmp_path: Path, foreign: str) -> None:
    path = tmp_path / foreign
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("study_id: ours\n", encoding="utf-8")
    with pytest.raises(UserError, match="other data"):
        simulate_udine(tmp_path)
    assert digests(tmp_path).keys() == {foreign}


@pytest.mark.parametrize(
    "wrong", [{"patients": 0}, {"months": 0}, {"months": 9999}, {"end": "2025-13"}, {"end": "now"}]
)
def test_impossible_requests_are_refused_before_anything_is_written(
    tmp_path: Path, wrong: dict[str, int | str]
) -> None:
    with pytest.raises(UserError):
        simulate(tmp_path / "out", **wrong)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_the_summary_and_progress_count_what_was_written(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    summary = simulate(tmp_path / "out", patients=70, months=6, progress=lambda *done: calls.append(done))
    files = [rows for _, _, _, rows in deliveries(tmp_path / "out")]
    assert summary.files == len(files)
    assert sum(summary.rows.values()) == sum(map(len, files))
    assert summary.patients == len(current(tmp_path / "out")["patients"]) == 70
    assert calls[-1] == (70, 70)
