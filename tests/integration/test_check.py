"""`registry check` tells what a refresh would make of the deliveries, by the same rules, and changes nothing."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from integration.registry_home import load

from registry.cli.main import main
from registry.config.settings import load_settings
from registry.errors import UserError
from registry.operations.check import check
from registry.system import lock

PATIENTS = "patient_id,birth_date,sex\n" + "".join(f"SECRET-{n},1980-01-01,F\n" for n in range(1, 5))
HEADER = "result_id,patient_id,test_code,value,unit,collected_at,ward\n"
RESULTS = HEADER + "".join(
    f"R{n},SECRET-{n},{code},2.{n},{unit},2024-01-0{n},W\n"
    for n, code, unit in [
        (1, "751-8", "10*9/L"),
        (2, "751-8", "bushel"),
        (3, "751-8", "bushel"),
        (4, "751-8", "bushel"),
    ]
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with one site's month, of which nothing is loaded."""
    deliver(tmp_path / "home", "2024-01", patients=PATIENTS, lab_results=RESULTS)
    return tmp_path / "home"


def deliver(home: Path, month: str, site: str = "udine", **files: str) -> None:
    folder = home / "deliveries" / site / month
    folder.mkdir(parents=True, exist_ok=True)
    for entity, text in files.items():
        (folder / f"{entity}.csv").write_text(text)


def told(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["check", "--home", str(home), *arguments])


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "refresh.lock"
    }


def test_a_spelling_that_several_patients_have_is_named_and_no_patient_is(home: Path) -> None:
    done = told(home, "--format", "json")
    assert done.exit_code == 0, done.output
    (unit,) = [row for row in json.loads(done.stdout) if row["what"] == "unit_unknown"]
    assert (unit["column"], unit["spelling"], unit["rows"]) == ("unit", "751-8: bushel", 3)
    assert "codes.units" in unit["what to do"]
    table = told(home).output
    assert "ward" in table, "a header that is not used"
    assert "SECRET" not in done.output + table
    assert "2.3" not in table


def test_it_changes_nothing_and_a_home_that_was_not_there_is_not_made(home: Path, tmp_path: Path) -> None:
    load(home)
    deliver(home, "2024-02", lab_results=HEADER + "R9,SECRET-1,751-8,1.1,10*9/L,2024-02-01,W\n")
    before = digest(home)
    assert check(load_settings(home=home)).n_to_load == 1
    assert digest(home) == before
    assert told(tmp_path / "new", "--deliveries", str(home / "deliveries")).exit_code == 0
    assert not (tmp_path / "new").exists()


def test_rows_whose_file_is_gone_count_as_in_a_refresh(home: Path) -> None:
    load(home)
    (home / "deliveries" / "udine" / "2024-01" / "patients.csv").unlink()
    assert "unknown_patient" not in {finding.what for finding in check(load_settings(home=home)).findings}


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_checked(home: Path) -> None:
    deliver(home, "2024-02", lab_results="patient,what\n1,2\n", treatments="nothing\nhere\n")
    done = told(home)
    assert done.exit_code == 0
    assert done.stderr.count("error:") == 2
    assert "udine/2024-02/lab_results.csv" in done.stderr
    assert "udine/2024-02/treatments.csv" in done.stderr
    assert "bushel" in done.stdout


def test_one_site_alone_is_checked_and_an_unknown_one_is_refused(home: Path) -> None:
    deliver(home, "2024-01", site="trieste", patients=PATIENTS, lab_results=RESULTS)
    assert {table.site for table in check(load_settings(home=home), "trieste").tables} == {"trieste"}
    with pytest.raises(UserError, match="no such site; known: trieste, udine"):
        check(load_settings(home=home), "gorizia")


def test_it_does_not_run_beside_a_refresh(home: Path) -> None:
    settings = load_settings(home=home)
    check(settings)
    with lock.FileLock(settings.lock_file):
        done = told(home)
    assert done.exit_code == 2
    assert "another refresh is running" in done.stderr
