"""Nothing outside the vault tells who a patient is: every identifier is looked for in everything that was written."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from e2e.conftest import run_registry
from e2e.identifiers import decoded

from registry.simulate import simulate_udine

pytestmark = pytest.mark.xdist_group("identifiers")

SENTINELS = {
    "specimen_id": "SENTINEL-SPECIMEN",
    "test_name": "sentinel test name of Mario Rossi",
    "description": "sentinel description of Mario Rossi",
    "comment": "sentinel comment of Mario Rossi",
    "value": "sentinel value clotted",
    "unknown": "sentinel unknown column",
}


def write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def plant(deliveries: Path) -> set[str]:
    """Deliver rows whose identifying cells hold sentinels, good and bad; all identifiers of the cohort."""
    delivery = deliveries / "udine" / "2025-03"
    patient = "ROSSI-MARIO-1971"
    write(delivery / "patients_ROSSI-FILE.csv", [{"patient_id": patient, "birth_date": "1971-03-09", "sex": "M"}])
    result = {
        "result_id": "KEY-ROSSI-1", "patient_id": patient, "specimen_id": SENTINELS["specimen_id"],
        "test_code": "751-8",
        "test_name": SENTINELS["test_name"], "value": "0.7", "unit": "10*9/L", "collected_at": "2025-03-02",
        "surname": SENTINELS["unknown"],
    }  # fmt: skip
    write(
        delivery / "lab_results_ROSSI-FILE.csv",
        [
            result,
            {**result, "result_id": "KEY-ROSSI-2", "value": SENTINELS["value"]},
            {**result, "result_id": "KEY-ROSSI-3", "collected_at": "1960-01-01"},
        ],
    )
    with (delivery / "lab_results_ROSSI-FILE.csv").open("a") as file:
        file.write(f"KEY-ROSSI-4,{patient},too,few\n")
    write(
        delivery / "clinical_events_ROSSI-FILE.csv",
        [{"event_id": "KEY-ROSSI-5", "patient_id": patient, "event_type": "infection", "onset_date": "2025-03-04",
          "description": SENTINELS["description"]}],
    )  # fmt: skip
    write(
        delivery / "adjudications_ROSSI-FILE.csv",
        [{"adjudication_id": "KEY-ROSSI-6", "patient_id": patient, "onset_from": "2025-03-01", "onset_to": "2025-03-09",
          "verdict": "confirmed", "comment": SENTINELS["comment"]}],
    )  # fmt: skip
    found = {patient, "1971-03-09", "ROSSI-FILE", "KEY-ROSSI", *SENTINELS.values()}
    for path in deliveries.rglob("patients_*.csv"):
        with path.open() as file:
            for row in csv.DictReader(file):
                found |= {row["patient_id"], *([row["birth_date"]] if len(row["birth_date"] or "") == 10 else [])}
    return found


def test_no_identifier_is_found_outside_the_vault(tmp_path: Path) -> None:
    deliveries = tmp_path / "deliveries"
    simulate_udine(deliveries)
    needles = plant(deliveries)
    assert len(needles) > 300
    home = tmp_path / "home"
    done = run_registry("refresh", "--home", home, "--deliveries", deliveries)
    assert done.returncode == 0, done.stderr
    held_back = run_registry(
        "sql", "--home", home, "--format", "csv", "select sum(n_rows) from meta.quarantine_summary"
    )
    assert int(held_back.stdout.split()[1]) >= 3

    pattern = re.compile("|".join(re.escape(needle) for needle in sorted(needles)))
    files = [
        path for path in home.rglob("*")
        if path.is_file() and not path.is_symlink() and (home / "vault") not in path.parents
    ]  # fmt: skip
    assert any(path.suffix == ".parquet" for path in files)
    assert any(path.suffix == ".db" for path in files)
    leaks = {
        (str(path.relative_to(home)), match.group())
        for path in files
        for text in decoded(path)
        for match in [pattern.search(text)]
        if match
    }
    assert leaks == set()
    printed = done.stdout + done.stderr
    assert not pattern.search(printed)


def test_the_search_itself_finds_what_is_there(tmp_path: Path) -> None:
    """The vault holds every identifier, and the same search finds them there."""
    deliveries = tmp_path / "deliveries"
    simulate_udine(deliveries)
    needles = plant(deliveries)
    from integration.registry_home import load

    home = tmp_path / "home"
    home.mkdir()
    (home / "deliveries").symlink_to(deliveries)
    settings = load(home)
    text = "\n".join(decoded(settings.raw_db))
    assert [needle for needle in needles if needle not in text] == []
