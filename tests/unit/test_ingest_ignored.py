"""Columns that a site ignores are stored nowhere, and what was stored of them is taken out again."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import duckdb
import pytest
from delivered import BOTH_WAYS, SMALL, Home
from workbooks import workbook

from registry.errors import UserError
from registry.ingest.staging import NOT_KEPT
from registry.vault.apply_tombstones import apply_tombstones

SITE = "columns: {lab_results: {Cognome: ignore, Nome: ignore, test_name: ignore}}\n"
HEADER = [
    "result_id",
    "patient_id",
    "test_code",
    "value",
    "unit",
    "collected_at",
    "COGNOME ",
    "Reparto",
    "Nome",
    "test_name",
]
ROW = ["1", "P1", "751-8", "1.5", "G/L", "2024-01-05", "SECRETNAME", "Ward", "SECRETNAME", "SECRETNAME"]
TABLE = [HEADER, ROW]
WIDE = "wide: {lab_results: {tests: {Neutrofili: {code: anc, unit: G/L}}}}\n"


def as_csv(rows: list[list[str]]) -> str:
    return "".join(",".join(row) + "\n" for row in rows)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def is_stored(home: Home) -> bool:
    apply_tombstones(home.settings)
    return any(b"SECRETNAME" in path.read_bytes() for path in home.settings.vault.rglob("*") if path.is_file())


@BOTH_WAYS
@pytest.mark.parametrize("kind", ["csv", "csv.gz", "xlsx", "parquet"])
def test_an_ignored_column_is_stored_nowhere_and_not_named_as_unknown(home: Home, kind: str, small_file: int) -> None:
    content: str | bytes = as_csv(TABLE)
    if kind == "csv.gz":
        content = gzip.compress(as_csv(TABLE).encode())
    elif kind == "xlsx":
        content = workbook([["Ospedale"], *TABLE])
    elif kind == "parquet":
        made = home.folder / "made.parquet"
        home.folder.joinpath("made.csv").write_text(as_csv(TABLE))
        duckdb.connect().execute(
            f"COPY (FROM read_csv('{home.folder}/made.csv', all_varchar = true)) TO '{made}' (FORMAT parquet)"
        )
        content = made.read_bytes()
    home.deliver("udine/site.yml", SITE)
    home.deliver(f"udine/2024-01/lab_results.{kind}", content)
    assert home.load(small_file=small_file).unknown_columns == {("udine", "Reparto")}
    assert home.rows(columns=("value", "extra", "test_name")) == [("1.5", {"Reparto": "Ward"}, None)]
    [(columns,)] = home.query("SELECT columns FROM input_file")
    assert "ognome" not in columns.casefold()
    assert not is_stored(home)


@BOTH_WAYS
def test_a_record_that_cannot_be_split_is_not_kept_where_a_column_is_ignored(home: Home, small_file: int) -> None:
    home.deliver("udine/site.yml", SITE)
    home.deliver("udine/2024-01/lab_results.csv", as_csv([HEADER, ROW, ["2", "SECRETNAME"], ["3", '"SECRETNAME']]))
    assert home.load(small_file=small_file).n_malformed == 2
    assert home.rows(columns=("malformed",)) == [(None,), (NOT_KEPT,), (NOT_KEPT,)]
    assert not is_stored(home)


def test_an_ignored_column_of_a_wide_table_and_of_one_with_composed_keys(home: Home) -> None:
    home.deliver("udine/site.yml", SITE + WIDE + "keys: {lab_results: [patient_id, collected_at, test_code]}\n")
    home.deliver(
        "udine/2024-01/lab_results_a.csv",
        "patient_id,collected_at,Neutrofili,Cognome\nP1,2024-01-05,1,SECRETNAME\nSECRETNAME\n",
    )
    home.deliver("udine/2024-01/lab_results_b.csv", as_csv([row[1:] for row in [*TABLE, ["", "SECRETNAME"]]]))
    home.load()
    assert home.rows(columns=("extra", "malformed")) == [
        (None, None),
        (None, NOT_KEPT),
        ({"Reparto": "Ward"}, None),
        (None, NOT_KEPT),
    ]
    assert not is_stored(home)


@BOTH_WAYS
def test_what_was_stored_is_purged_from_files_gone_and_earlier_versions_too(home: Home, small_file: int) -> None:
    gone = home.deliver("udine/2024-01/lab_results.csv", as_csv([*TABLE, ["2", "SECRETNAME"]]))
    home.deliver("udine/2024-02/lab_results.csv", as_csv(TABLE))
    home.load(small_file=small_file)
    gone.unlink()
    home.deliver("udine/2024-02/lab_results.csv", as_csv([HEADER, ["9", *ROW[1:]]]))
    home.load(small_file=small_file)
    assert is_stored(home)
    home.deliver("udine/site.yml", SITE)
    assert home.load(small_file=small_file).n_files_purged == 3
    assert home.load(small_file=small_file).n_files_purged == 0
    assert not is_stored(home)
    assert home.rows(columns=("result_id", "extra", "test_name", "malformed")) == [
        ("1", {"Reparto": "Ward"}, None, None),
        (None, None, None, NOT_KEPT),
        ("1", {"Reparto": "Ward"}, None, None),
        ("9", {"Reparto": "Ward"}, None, None),
    ]
    assert home.query("SELECT count(*) FROM main.not_yet_purged") == [(0,)]


def test_a_column_is_ignored_in_its_own_entity_alone(home: Home) -> None:
    home.deliver("udine/site.yml", SITE)
    home.deliver("udine/2024-01/patients.csv", "patient_id,Cognome\nP1,Rossi\n")
    home.load("patients")
    assert home.rows("patients", columns=("extra",)) == [({"Cognome": "Rossi"},)]


def test_a_test_of_a_wide_table_that_is_ignored_later_loses_its_values(home: Home) -> None:
    home.deliver("udine/site.yml", WIDE.replace("}}}}", "}, Altro: {code: wbc, unit: G/L}}}}"))
    home.deliver("udine/2024-01/lab_results.csv", "patient_id,collected_at,Neutrofili,Altro\nP1,2024-01-05,1,77.125\n")
    home.load()
    (home.folder / "deliveries/udine/2024-01/lab_results.csv").unlink()
    home.deliver("udine/site.yml", "columns: {lab_results: {Altro: ignore}}\n" + WIDE)
    home.load()
    assert home.rows(columns=("test_code", "value")) == [("anc", "1"), ("wbc", None)]


@pytest.mark.parametrize(
    ("columns", "what"),
    [
        ("lab_results: {value: ignore}", "value can't be ignored"),
        ("lab_results: {Patient_ID: ignore}", "patient_id can't be ignored"),
        ("patients: {patient_id: ignore}", "patient_id can't be ignored"),
        ("lab_results: {result_id: ignore}", "result_id can't be ignored"),
        ("lab_results: {data: collected_at.date}", "collected_at.date without collected_at.time"),
        ("treatments: {data: start_date.date}", "unknown column of treatments"),
    ],
)
def test_what_no_row_can_do_without_is_not_ignored(home: Home, columns: str, what: str) -> None:
    home.deliver("udine/site.yml", f"columns:\n  {columns}\n")
    home.deliver("udine/2024-01/lab_results.csv", as_csv(TABLE))
    with pytest.raises(UserError, match=r"site\.yml, line 2: columns") as refused:
        home.load()
    assert what in str(refused.value)


def test_a_required_column_under_another_header_may_be_ignored_under_its_own(home: Home) -> None:
    home.deliver("udine/site.yml", "columns: {lab_results: {Esito: value, value: ignore}}\n")
    home.deliver("udine/2024-01/lab_results.csv", as_csv([["Esito", *HEADER[:6]], ["7", *ROW[:6]]]))
    home.load(small_file=SMALL)
    assert home.rows(columns=("value",)) == [("7",)]
    assert json.loads(home.query("SELECT columns FROM input_file")[0][0])["Esito"] == "value"
