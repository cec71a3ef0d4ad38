"""Nothing outside the vault tells who a patient is: every identifier is looked for in everything that was written.

One home goes through a good refresh with rows held back, a refused one, and one that crashes on a value.
"""

from __future__ import annotations

import csv
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from e2e.conftest import run_registry
from e2e.identifiers import decoded, found_in

from orchestration.automation import REFRESH_JOB
from orchestration.definitions import build_definitions
from orchestration.instance import open_instance
from orchestration.resources import RegistrySettings
from registry.config.input_contract import ENTITIES
from registry.config.settings import load_settings
from registry.simulate import simulate_udine
from registry.system import lock

Record = Callable[[str, object], None]

pytestmark = pytest.mark.xdist_group("identifiers")

PATIENT = "ROSSI-MARIO-1971"
FILE = "ROSSI-FILE"
HEADER = "SENTINEL-HEADER"
# a sound row of each entity; every column of the contract that is not named here is free to hold anything
SOUND = {
    "patients": {"patient_id": PATIENT, "birth_date": "1971-03-09", "sex": "M"},
    "treatments": {"patient_id": PATIENT, "drug": "ocrelizumab", "start_date": "2024-01-08"},
    "administrations": {"patient_id": PATIENT, "drug": "ocrelizumab", "administered_on": "2024-01-08"},
    "lab_results": {
        "patient_id": PATIENT, "test_code": "751-8", "value": "0.7", "unit": "10*9/L", "collected_at": "2025-03-02",
    },
    "clinical_events": {"patient_id": PATIENT, "event_type": "infection", "onset_date": "2025-03-04"},
    "adjudications": {
        "patient_id": PATIENT, "onset_from": "2025-03-01", "onset_to": "2025-03-09", "verdict": "confirmed",
    },
}  # fmt: skip


def plant(deliveries: Path) -> set[str]:
    """Deliver rows that hold a text of their own in each column of the contract in turn; all identifiers of the cohort.

    Where the column is free the row is sound; elsewhere the text is what a cast, a code or a date fails on.
    """
    delivery = deliveries / "udine" / "2025-03"
    found = {PATIENT, "1971-03-09", FILE, HEADER, "sentinel cell"}
    for entity in ENTITIES.values():
        path = delivery / f"{entity.name}_{FILE}.csv"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, [*entity.columns, HEADER])
            writer.writeheader()
            if entity.name == "patients":
                writer.writerow(SOUND["patients"])
            for number, column in enumerate(entity.columns):
                text = f"SENTINEL-{entity.name}-{column}"
                row = SOUND[entity.name] | {entity.key: f"KEY-ROSSI-{number}", HEADER: "sentinel cell", column: text}
                writer.writerow(row)
                found |= {text, row[entity.key]}
            file.write(f"KEY-ROSSI-99,{PATIENT},too,few\n")
    for path in deliveries.rglob("patients_*.csv"):
        with path.open() as file:
            for row in csv.DictReader(file):
                cells = (row["patient_id"], row["birth_date"])
                found |= {cell for cell in cells if len(cell or "") >= 10}
    return found - {""}


@pytest.fixture(scope="module")
def needles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, set[str]]:
    """Deliveries, and the identifiers in them."""
    deliveries = tmp_path_factory.mktemp("delivered")
    simulate_udine(deliveries)
    planted = plant(deliveries)
    assert len(planted) > 300
    return deliveries, planted


@pytest.fixture(scope="module")
def home(
    tmp_path_factory: pytest.TempPathFactory, needles: tuple[Path, set[str]]
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A home after a good refresh, and what that printed. The tests take it on, in their order."""
    home = tmp_path_factory.mktemp("home")
    return home, run_registry("refresh", "--home", home, "--deliveries", needles[0])


def test_no_identifier_is_found_after_a_good_refresh_that_held_rows_back(
    home: tuple[Path, subprocess.CompletedProcess[str]], needles: tuple[Path, set[str]], record_property: Record
) -> None:
    folder, done = home
    assert done.returncode == 0, done.stderr
    _, held_back = run_sql(folder, "select distinct reason from meta.quarantine_summary")
    assert len(held_back) >= 6
    search(folder, needles[1], record_property)
    written = {path.suffix for path in folder.rglob("*")}
    assert {".parquet", ".db", ".duckdb", ".json"} <= written
    printed = done.stdout + done.stderr
    assert [needle for needle in needles[1] - {HEADER} if needle in printed] == []


def test_no_identifier_is_found_after_a_refusal(
    home: tuple[Path, subprocess.CompletedProcess[str]], needles: tuple[Path, set[str]], record_property: Record
) -> None:
    settings = load_settings(home=home[0], deliveries=needles[0])
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("UPDATE main.fct_anc SET anc_10e9_l = 250")
    resource = RegistrySettings(home=str(home[0]), deliveries=str(needles[0]))
    job = build_definitions(resource).resolve_job_def(REFRESH_JOB)
    try:
        with open_instance(settings) as instance, pytest.raises(dg.Failure, match="the gate refused"):
            job.execute_in_process(instance=instance, asset_selection=[dg.AssetKey("release")])
    finally:
        lock.release(settings)
    search(home[0], needles[1], record_property)


def test_no_identifier_is_found_after_a_crash_on_a_value(
    home: tuple[Path, subprocess.CompletedProcess[str]], needles: tuple[Path, set[str]], record_property: Record
) -> None:
    """Reading the birth dates fails inside dbt, and DuckDB says on which patient."""
    settings = load_settings(home=home[0], deliveries=needles[0])
    settings.warehouse.unlink(missing_ok=True)
    columns = ", ".join(f'"{column}" VARCHAR' for column in ENTITIES["patients"].columns if column != "birth_date")
    with duckdb.connect() as connection:
        connection.execute(
            f"""
            ATTACH '{settings.raw_db}' AS vault;
            USE vault;
            SET VARIABLE while_planting = '1';
            ALTER TABLE raw.patients RENAME TO sound;
            CREATE TABLE raw.patients (
                file_no INTEGER, record_number BIGINT, {columns}, extra MAP(VARCHAR, VARCHAR), malformed VARCHAR,
                birth_date VARCHAR GENERATED ALWAYS AS (
                    CAST(CAST(coalesce(getvariable('while_planting'), patient_id) AS INTEGER) AS VARCHAR)
                )
            );
            INSERT INTO raw.patients BY NAME SELECT * EXCLUDE (birth_date) FROM raw.sound;
            """
        )
    with (needles[0] / "registry.yml").open("a") as file:
        file.write("\nanc_interval_days: 100\n")
    done = run_registry("refresh", "--home", home[0], "--deliveries", needles[0])
    assert done.returncode == 3, done.stdout + done.stderr
    assert "the build failed: " in done.stderr
    in_the_vault = "".join(path.read_text() for path in settings.dbt_runs.rglob("dbt.log"))
    assert "Could not convert string" in in_the_vault
    search(home[0], needles[1], record_property)
    assert [needle for needle in needles[1] - {HEADER} if needle in done.stdout + done.stderr] == []


def search(home: Path, identifiers: set[str], record_property: Record) -> None:
    """None is outside the vault; what was looked for, and where, goes into the table of docs/reliability.md."""
    leaks = found_in(home, identifiers)
    record_property("identifiers_looked_for", len(identifiers))
    record_property("files_searched", sum(path.is_file() for path in home.rglob("*")))
    record_property("identifiers_found", len(leaks))
    assert leaks == set()


def run_sql(home: Path, query: str) -> tuple[str, list[str]]:
    """Header and lines of an answer."""
    header, *lines = run_registry("sql", "--home", home, "--format", "csv", query).stdout.splitlines()
    return header, lines


def test_the_search_itself_finds_what_is_there(tmp_path: Path, needles: tuple[Path, set[str]]) -> None:
    """The vault holds every identifier, and the same search finds them there."""
    from integration.registry_home import load

    home = tmp_path / "home"
    home.mkdir()
    shutil.copytree(needles[0], home / "deliveries")
    settings = load(home)
    text = "\n".join(decoded(settings.raw_db))
    assert [needle for needle in needles[1] if needle not in text] == []
