"""Messy deliveries: repeatable, labelled, every kind of defect in a small cohort, each dialect read as it was meant."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest
import yaml
from simulated import digests, seed_rows

from registry.config.site import load_profile
from registry.errors import UserError
from registry.simulate.dialects import ITALIAN
from registry.simulate.injected_defects import ENOUGH_MONTHS, ENOUGH_PATIENTS, simulate_messy
from registry.simulate.spelling import AsWritten, spell


def key_of(out: Path) -> dict[str, Any]:
    answers: dict[str, Any] = json.loads((out / "answer_key.json").read_text(encoding="utf-8"))
    return answers


@pytest.fixture(scope="module")
def messy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("messy") / "deliveries"
    simulate_messy(out, patients=120, months=8, seed=3)
    return out


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        simulate_messy(tmp_path / name, patients=24, months=4, seed=9)
    simulate_messy(tmp_path / "other", patients=24, months=4, seed=10)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    assert digests(tmp_path / "one") != digests(tmp_path / "other")


@pytest.mark.parametrize("seed", range(5))
def test_a_small_cohort_has_room_for_every_kind_of_defect(tmp_path: Path, seed: int) -> None:
    summary = simulate_messy(tmp_path / "out", patients=ENOUGH_PATIENTS, months=ENOUGH_MONTHS, seed=seed)
    key = key_of(tmp_path / "out")
    reasons = {reason for row in key["rows"] for reason in row["reasons"]}
    assert not summary.no_room_for
    # no simulated hospital leaves its keys to the registry
    assert reasons == {row["reason"] for row in seed_rows("quarantine_reasons")} - {"unclear_cancellation"}
    assert {row["disposition"] for row in key["rows"]} == {"superseded", "duplicate", "quarantined", "not_mapped"}
    assert max(len(row["reasons"]) for row in key["rows"]) >= 4
    assert len(key["contested"]) >= 5
    assert {cell["column"] for cell in key["emptied_cells"]} == set(
        "birth_date sex ms_phenotype ms_onset_date last_contact_date death_date duffy_null status end_date end_reason "
        "dose reference_low reference_high reviewed_on".split()
    )


def test_a_cohort_that_is_too_small_says_so(tmp_path: Path) -> None:
    summary = simulate_messy(tmp_path / "out", patients=3, months=1)
    assert "withdrawn_gone" in summary.no_room_for
    assert key_of(tmp_path / "out")["no_room_for"] == sorted(summary.no_room_for)


def test_the_rest_is_sound_so_that_a_large_cohort_is_believable(tmp_path: Path) -> None:
    simulate_messy(tmp_path / "out", patients=600, months=6)
    files = [
        file for file in key_of(tmp_path / "out")["files"] if not file["file"].startswith(("syn_excel", "syn_wide"))
    ]
    delivered = sum(file["delivered"] for file in files)
    assert 0.85 < sum(file["current"] for file in files) / delivered < 0.98


def test_the_key_counts_every_row_once_and_holds_no_cell(messy: Path) -> None:
    key = key_of(messy)
    of_file: dict[str, Counter[str]] = {}
    for row in key["rows"]:
        assert row["reasons"] == sorted(row["reasons"])
        assert bool(row["reasons"]) == (row["disposition"] == "quarantined")
        of_file.setdefault(row["file"], Counter())[row["disposition"]] += 1
    for file in key["files"]:
        counts = of_file.get(file["file"], Counter())
        assert all(file[name] == counts[name] for name in ("superseded", "duplicate", "quarantined", "not_mapped"))
        assert file["delivered"] == file["current"] + counts.total()
    assert {file["file"] for file in key["files"]} == {
        str(path.relative_to(messy)) for path in messy.glob("*/*/*_synthetic.*")
    }
    assert "SYN-" not in (messy / "answer_key.json").read_text(encoding="utf-8")


def test_everything_is_labelled_and_simulating_again_replaces_it(messy: Path, tmp_path: Path) -> None:
    assert yaml.safe_load((messy / "registry.yml").read_text(encoding="utf-8"))["synthetic"] is True
    assert all("_synthetic." in path.name for path in messy.glob("*/*/*"))
    out = tmp_path / "out"
    simulate_messy(out, patients=24, months=3, seed=1)
    simulate_messy(out, patients=12, months=2, seed=2)
    simulate_messy(tmp_path / "fresh", patients=12, months=2, seed=2)
    assert digests(out) == digests(tmp_path / "fresh")


@pytest.mark.parametrize("foreign", ["syn_native/site.yml", "answer_key.json", "syn_native/2024-01/patients.xlsx"])
def test_a_folder_with_other_data_is_left_alone(tmp_path: Path, foreign: str) -> None:
    path = tmp_path / foreign
    path.parent.mkdir(parents=True) if not path.parent.exists() else None
    path.write_text("mode: delta\n", encoding="utf-8")
    with pytest.raises(UserError, match="other data"):
        simulate_messy(tmp_path, patients=5, months=1)


@pytest.mark.parametrize(
    ("column", "native", "italian"),
    [
        ("value", "0.38", "0,38"),
        ("value", "<0.1", "<0,1"),
        ("value", "4120", "4.120"),
        ("value", "clotted", "coagulato"),
        ("value", AsWritten("3.9"), "3.9"),
        ("collected_at", "2024-12-31T08:31:00", "31/12/2024 08:31"),
        ("collected_at", "2024-12-31T08:30:00", "31/12/2024"),
        ("end_date", "2024-02-30", "30/02/2024"),
        ("birth_date", "1980-04", "1980-04"),
        ("unit", "10*3/uL", "mila/mmc"),
        ("unit", "bottles", "bottles"),
        ("test_code", "751-8", "NEU#"),
        ("sex", "F", "Donna"),
        ("material", "", "Sangue"),
        ("material", "csf", "Liq."),
        ("status", "cancelled", "annullato"),
        ("drug", "ocrelizumab", "OCREVUS 300MG FL"),
    ],
)
def test_a_cell_is_written_as_an_italian_hospital_does(column: str, native: str, italian: str) -> None:
    assert spell(ITALIAN, column, native) == italian


def test_each_hospital_writes_in_its_own_way(messy: Path) -> None:
    def first(pattern: str) -> Path:
        return sorted(messy.glob(pattern))[0]

    italian = first("syn_italian/*/lab_results_synthetic.csv").read_bytes().decode("latin-1")
    assert italian.startswith("id_esame;codice_paziente;id_campione;esame;descrizione;materiale;risultato;")
    assert ";Granulociti neutrofili;Sangue;" in italian
    assert ";NEU#;Granulociti neutrofili;" in italian
    assert ";Donna;" in first("syn_italian/*/patients_synthetic.csv").read_bytes().decode("latin-1")
    assert ";mila/mmc;" in italian
    windows = first("syn_windows/*/lab_results_synthetic.csv").read_bytes()
    assert "RESULT_ID\tPATIENT_ID" in windows.decode("cp1252", "replace")

    everything = b"".join(path.read_bytes() for path in sorted(messy.glob("syn_windows/*/*")))
    assert b"\tStorno\r\n" in everything
    assert b" -\t" in everything
    assert b"\tn. u.\t" in everything
    assert "751-8^^LN" in first("syn_utf16/*/lab_results_synthetic.csv").read_bytes().decode("utf-16")
    assert windows.endswith(b"\r\n")
    assert first("syn_utf16/*/patients_synthetic.csv").read_bytes().startswith(b"\xff\xfe")
    quoted = first("syn_quoted/*/lab_results_synthetic.csv").read_bytes()
    assert quoted.startswith(b'\xef\xbb\xbf"result_id",')
    assert b'"Neutrophils,\nabsolute count"' in quoted
    packed = gzip.decompress(first("syn_gzip/*/lab_results_synthetic.csv.gz").read_bytes()).decode()
    assert ",ward\n" in packed
    assert ",NEU,Neutrophils," in packed
    assert ",NEU,Neutrophils %," in packed
    assert "+01:00," in packed or "+02:00," in packed
    types = duckdb.sql(
        f"DESCRIBE FROM read_parquet('{first('syn_parquet/*/lab_results_synthetic.parquet')}')"
    ).fetchall()
    assert {name: kind for name, kind, *_ in types}["collected_at"] == "TIMESTAMP"
    assert {name: kind for name, kind, *_ in types}["value"] == "DOUBLE"
    sheet = openpyxl.load_workbook(first("syn_excel/*/patients_synthetic.xlsx")).active
    assert sheet is not None
    cells = {str(head.value): cell for head, cell in zip(sheet[1], sheet[2], strict=False)}
    assert cells["ms_onset_date"].is_date
    assert load_profile(messy / "syn_excel").mode == "snapshot"
