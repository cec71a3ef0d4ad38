"""The ledger of files: what was loaded is known, what replaces it counts, and a file is whole or absent."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from delivered import LAB_HEADER, LARGE, SMALL, Home

from registry import ingest
from registry.errors import UserError
from registry.ingest.deliveries import DeliveredFile
from registry.vault.database import connect_vault

BOTH_WAYS = pytest.mark.parametrize("small_file", [SMALL, LARGE], ids=["python", "duckdb"])
A, B, C = "udine/2024-01/lab_results_a.csv", "udine/2024-01/lab_results_b.csv", "udine/2024-02/lab_results_a.csv"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def lab(value: str) -> str:
    return f"{LAB_HEADER}\nr1,P1,c,{value},u,d\n"


def current(home: Home) -> list[str]:
    return [
        value
        for (value,) in home.query(
            "SELECT value FROM raw.lab_results INNER JOIN main.input_file USING (file_no) "
            "WHERE is_current ORDER BY value"
        )
    ]


@BOTH_WAYS
def test_the_same_bytes_at_the_same_place_are_loaded_once(home: Home, small_file: int) -> None:
    home.deliver(A, lab("1"))
    assert home.load(small_file=small_file).n_files_new == 1
    again = home.load(small_file=small_file)
    assert (again.changed, again.n_rows_new) == (False, 0)
    assert len(home.rows()) == 1


@BOTH_WAYS
def test_new_bytes_replace_the_version_before_which_stays_in_raw(home: Home, small_file: int) -> None:
    home.deliver(A, lab("1"))
    home.load(small_file=small_file)
    home.deliver(A, lab("2"))
    assert home.load(small_file=small_file).n_files_replaced == 1
    assert current(home) == ["2"]
    assert len(home.rows()) == 2


@BOTH_WAYS
def test_an_earlier_version_sent_again_counts_again_without_being_doubled(home: Home, small_file: int) -> None:
    for value in ("1", "2", "1"):
        home.deliver(A, lab(value))
        home.load(small_file=small_file)
    assert current(home) == ["1"]
    assert len(home.rows()) == 2


@BOTH_WAYS
def test_the_same_bytes_elsewhere_are_another_file(home: Home, small_file: int) -> None:
    for place in (A, B, C):
        home.deliver(place, lab("1"))
    assert home.load(small_file=small_file).n_files_new == 3
    ids = home.query("SELECT DISTINCT file_id FROM main.input_file")
    assert len(ids) == 3
    assert all(len(file_id) == 16 for (file_id,) in ids)


def test_a_file_that_disappeared_is_reported_and_still_counts(home: Home) -> None:
    home.deliver(A, lab("1"))
    home.deliver(C, lab("2"))
    home.load()
    for place in (A, C):
        (home.folder / "deliveries" / place).unlink()
    before = ingest.ledger_fingerprint(home.settings)
    result = home.load()
    assert result.missing_files == (A, C)
    assert not result.changed
    assert current(home) == ["1", "2"]
    assert ingest.ledger_fingerprint(home.settings) == before
    assert home.load(through="2024-01").missing_files == (A,)


@BOTH_WAYS
def test_a_corrected_profile_reads_the_old_file_anew(home: Home, small_file: int) -> None:
    home.deliver(A, f"{LAB_HEADER},soglia\nr1,P1,c,1,u,d,1.8\n")
    home.load(small_file=small_file)
    before = ingest.ledger_fingerprint(home.settings)
    home.deliver("udine/site.yml", "columns: {lab_results: {soglia: reference_low}}")
    assert home.load(small_file=small_file).n_files_replaced == 1
    assert home.rows(columns=("reference_low", "extra")) == [("1.8", None)]
    assert ingest.ledger_fingerprint(home.settings) != before
    assert not home.load(small_file=small_file).changed


@BOTH_WAYS
def test_an_unreadable_file_keeps_nothing_of_itself_and_all_before_it(home: Home, small_file: int) -> None:
    home.deliver(A, lab("1"))
    home.deliver(B, b"")
    home.deliver(C, lab("3"))
    with pytest.raises(UserError, match=B):
        home.load(small_file=small_file)
    assert current(home) == ["1"]
    home.deliver(B, lab("2"))
    home.load(small_file=small_file)
    assert current(home) == ["1", "2", "3"]


@BOTH_WAYS
def test_a_file_changed_between_finding_and_reading_is_refused(home: Home, small_file: int) -> None:
    home.deliver(A, lab("1"))
    files = ingest.discover(home.settings)
    home.deliver(A, lab("2"))
    with pytest.raises(UserError, match="changed while it was being read"):
        ingest.load_entity(home.settings, "lab_results", files, small_file=small_file)
    assert home.rows() == []


def test_a_load_that_is_cut_off_leaves_no_rows(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.deliver(A, lab("1"))

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("registry.ingest.loader.add_patients", stop)
        with pytest.raises(KeyboardInterrupt):
            home.load(small_file=LARGE)
    assert home.rows() == []
    assert home.load().n_files_new == 1


def test_what_a_killed_load_left_in_the_vault_is_swept(home: Home) -> None:
    home.deliver(A, lab("1"))
    left_behind = home.folder / "vault/tmp/load-killed/piece.csv"
    left_behind.parent.mkdir(parents=True)
    left_behind.write_text("r1,P1")
    home.load()
    assert list((home.folder / "vault/tmp").iterdir()) == []


@BOTH_WAYS
def test_no_error_of_duckdb_brings_a_cell_into_the_message(
    home: Home, small_file: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    import duckdb

    home.deliver(A, lab("Rossi Mario"))

    def fail(*_: object) -> None:
        raise duckdb.ConversionException("could not convert 'Rossi Mario'")

    monkeypatch.setattr("registry.ingest.ledger.enter", fail)
    with pytest.raises(UserError, match="could not be written to the vault") as caught:
        home.load(small_file=small_file)
    assert "Rossi" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_the_fingerprint_knows_no_order_of_loading(tmp_path: Path) -> None:
    homes = [Home(tmp_path / "forwards"), Home(tmp_path / "backwards")]
    for home, order in zip(homes, [(A, B, C), (C, B, A)], strict=True):
        for place in order:
            home.deliver(place, lab(place))
            home.load()
    first, second = (ingest.ledger_fingerprint(home.settings) for home in homes)
    assert first == second
    homes[0].deliver(B, lab("other"))
    homes[0].load()
    assert ingest.ledger_fingerprint(homes[0].settings) != first


def test_the_ledger_tells_columns_counts_and_format(home: Home) -> None:
    home.deliver(A, f"{LAB_HEADER},Reparto\nr1,P1,c,1,u,d,onco\nbroken\n")
    home.load()
    [(columns, n_rows, n_malformed, kind)] = home.query("SELECT columns, n_rows, n_malformed, format FROM input_file")
    assert (n_rows, n_malformed, kind) == (2, 1, "csv")
    assert json.loads(columns)["Reparto"] is None
    assert json.loads(columns)["value"] == "value"


def test_progress_is_told_of_every_file(home: Home) -> None:
    home.deliver(A, lab("1"))
    home.deliver(B, lab("2") + "r2,P2,c,2,u,d\n")
    seen: list[tuple[str, int]] = []

    def progress(file: DeliveredFile, n_rows: int) -> None:
        seen.append((file.where, n_rows))

    files = ingest.discover(home.settings)
    for _ in range(2):
        ingest.load_entity(home.settings, "lab_results", files, progress=progress)
    assert seen == [(A, 1), (B, 2), (A, 0), (B, 0)]


def test_the_config_schema_says_what_the_settings_say(home: Home) -> None:
    home.deliver(
        "registry.yml",
        "data_cutoff: 2025-03-31\ntime_zone: Europe/Rome\n"
        "definitions: [{definition_id: strict, onset_below: 0.7, recovery_at: 1.0}]\n",
    )
    home.deliver(
        "udine/site.yml",
        'mode: snapshot\ncsv: {decimal: ",", thousands: ".", date_formats: ["%d/%m/%Y", "%d/%m/%Y %H:%M"]}\n'
        'codes: {tests: {" NEU# ": anc}, units: {"mila/mmc": "10*3/uL"}, drugs: {"OCREVUS FL": Ocrevus}}\n',
    )
    (home.folder / "deliveries/trieste").mkdir()
    for _ in range(2):  # rewritten, not added to
        ingest.write_config(home.settings, ingest.load_profiles(home.settings))
    assert home.query("SELECT * EXCLUDE (flags_before, flags_behind) FROM config.site ORDER BY site") == [
        ("trieste", "delta", "Europe/Rome", ".", None, False),
        ("udine", "snapshot", "Europe/Rome", ",", ".", False),
    ]
    assert home.query("SELECT * FROM config.date_format ORDER BY ordinal") == [
        ("udine", 1, "%d/%m/%Y"),
        ("udine", 2, "%d/%m/%Y %H:%M"),
    ]
    assert home.query("SELECT site, kind, local_code, target FROM config.code_map ORDER BY kind") == [
        ("udine", "drug", "OCREVUS FL", "ocrelizumab"),
        ("udine", "test", "NEU#", "anc"),
        ("udine", "unit", "mila/mmc", "10*3/uL"),
    ]
    assert home.query("SELECT definition_id, onset_below::VARCHAR, gcsf_days FROM config.case_definition") == [
        ("strict", "0.700000", 14)
    ]
    assert home.query("SELECT study_id, data_cutoff::VARCHAR, is_synthetic FROM config.study") == [
        ("registry", "2025-03-31", False)
    ]


def test_a_site_whose_folder_is_gone_keeps_its_profile(home: Home) -> None:
    home.deliver(A, lab("1"))
    home.deliver("udine/site.yml", 'csv: {decimal: ",", thousands: "."}')
    home.deliver("trieste/site.yml", "mode: snapshot")
    home.load()
    profiles = ingest.load_profiles(home.settings)
    ingest.write_config(home.settings, profiles)
    ingest.write_config(home.settings, {})
    assert home.query("SELECT site, decimal_mark FROM config.site") == [("udine", ",")]


def test_a_vault_in_use_is_said_in_one_line(home: Home) -> None:
    home.deliver(A, lab("1"))
    home.load()
    with connect_vault(home.settings) as connection, ThreadPoolExecutor(1) as other:
        with connect_vault(home.settings, read_only=True) as inner:
            assert inner is connection, "the connection that is open is used"
        with pytest.raises(UserError, match=r"raw\.duckdb"):
            other.submit(connect_vault(home.settings).__enter__).result()
