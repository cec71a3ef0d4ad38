"""Withdrawn consent: nothing of the patient is left, the accounts add up, nobody comes back, no kill stops it."""

from __future__ import annotations

import gzip
import json
import logging
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result
from integration.compiled_project import compiled_project
from integration.registry_home import load

from registry import release
from registry.build.fingerprint import build_generation
from registry.cli.main import main
from registry.config.settings import Settings, load_settings
from registry.paths import CHECKOUT
from registry.statistics import write_statistics
from registry.vault.apply_tombstones import apply_tombstones
from registry.vault.database import connect_vault
from registry.vault.keys import ensure_key
from registry.vault.pseudonyms import patient_key

GONE = "ZQXW-7731"
STAYS = "ZQXW-77310"
PATIENTS = f"patient_id,birth_date,sex,surname\n{GONE},1981-02-03,F,Zambelli\n{STAYS},1975-06-07,M,Bianchi\n"
LAB = f"""\
result_id,patient_id,test_code,value,unit,collected_at
R-1, {GONE} ,751-8,0.75,10*9/L,2025-01-03
R-2,{STAYS},751-8,3.2,10*9/L,2025-01-03
R-3,{GONE},751-8,clotted,10*9/L,2025-01-04
R-4,{GONE},too,few
R-5,{STAYS},too,few
"""
DOSES = f"""\
administration_id,patient_id,drug,administered_on
D-1,{GONE},ocrelizumab,2024-12-01
D-2,{STAYS},ocrelizumab,2024-12-01
"""
IDENTIFYING = re.compile(rb"ZQXW-7731(?!0)|Zambelli|1981-02-03|R-1\b|R-3\b|R-4\b|D-1\b")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sites with a patient of the same id, loaded and built."""
    home = tmp_path_factory.mktemp("built")
    for site in ("udine", "trieste"):
        deliver(home, site, "2025-01")
    compiled_project().build(home)
    return home


@pytest.fixture
def home(built: Path, tmp_path: Path) -> Path:
    """A copy of the built home."""
    return Path(shutil.copytree(built, tmp_path / "home"))


def deliver(home: Path, site: str, month: str) -> None:
    folder = home / "deliveries" / site / month
    folder.mkdir(parents=True)
    (folder / "patients.csv").write_text(PATIENTS)
    (folder / "lab_results.csv").write_text(LAB)
    (folder / "administrations.csv.gz").write_bytes(gzip.compress(DOSES.encode()))


def run(*arguments: object, text: str | None = None) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=text)


def forget(home: Path, patient: str = f"udine/{GONE}") -> Result:
    done = run("forget", patient, "--yes", "--home", home)
    assert done.exit_code == 0, done.output
    return done


def bytes_found(home: Path) -> set[str]:
    """Files of the home, deliveries apart, in which something of the patient of either site stands."""
    files = [path for path in home.rglob("*") if path.is_file() and home / "deliveries" not in path.parents]
    return {str(path.relative_to(home)) for path in files if IDENTIFYING.search(path.read_bytes())}


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def ids_in_vault(settings: Settings) -> set[tuple[str, str]]:
    """Site and patient of every row of raw, malformed ones too, and of the map."""
    with connect_vault(settings, read_only=True) as connection:
        return set(
            connection.execute(
                """
                SELECT site, patient_id FROM patient_map
                UNION SELECT f.site, trim(r.patient_id)
                FROM (SELECT file_no, patient_id FROM raw.lab_results UNION ALL SELECT file_no, patient_id
                      FROM raw.administrations UNION ALL SELECT file_no, patient_id FROM raw.patients) AS r
                JOIN input_file AS f USING (file_no) WHERE r.patient_id IS NOT NULL
                """
            ).fetchall()
        )


OTHERS = {("udine", STAYS), ("trieste", STAYS), ("trieste", GONE)}


def test_everything_of_the_patient_leaves_the_home_and_nothing_of_others(home: Path) -> None:
    settings = load_settings(home=home)
    shutil.rmtree(home / "deliveries" / "trieste")
    forget(home, f"trieste/{GONE}")
    assert bytes_found(home) == {"vault/raw.duckdb"}, "the namesake in Udine is another patient"
    forget(home)
    assert bytes_found(home) == set()
    assert ids_in_vault(settings) == {("udine", STAYS), ("trieste", STAYS)}
    assert not settings.warehouse.exists()
    assert {path.stat().st_mode & 0o777 for path in settings.vault.iterdir() if path.is_file()} == {0o600}


def test_the_accounts_still_add_up_and_the_rest_is_as_it_was(home: Path) -> None:
    settings = load_settings(home=home)
    key = patient_key(ensure_key(settings), "udine", GONE)
    assert query(settings.warehouse, f"SELECT count(*) FROM main.dim_patient WHERE patient_key = '{key}'") == [(1,)]
    forget(home)
    compiled_project().run(settings)
    assert query(settings.warehouse, f"SELECT count(*) FROM main.dim_patient WHERE patient_key = '{key}'") == [(0,)]
    assert query(settings.warehouse, "SELECT count(*) FROM main.dim_patient") == [(3,)]
    accounts = query(
        settings.warehouse,
        """
        SELECT site, entity, rows_delivered, rows_current, rows_quarantined, rows_erased,
            rows_delivered = rows_current + rows_superseded + rows_duplicate + rows_quarantined + rows_not_mapped
                + rows_erased
        FROM meta.reconciliation ORDER BY ALL
        """,
    )
    assert accounts == [
        ("trieste", "administrations", 2, 2, 0, 0, True),
        ("trieste", "lab_results", 5, 2, 3, 0, True),
        ("trieste", "patients", 2, 2, 0, 0, True),
        ("udine", "administrations", 2, 1, 0, 1, True),
        ("udine", "lab_results", 5, 1, 1, 3, True),
        ("udine", "patients", 2, 1, 0, 1, True),
    ]


def test_no_delivery_brings_the_patient_back(home: Path) -> None:
    settings = load_settings(home=home)
    forget(home)
    deliver(home, "udine", "2025-02")
    # a corrected site.yml has the old files read again; a file sent with other bytes replaces its earlier version
    (home / "deliveries" / "udine" / "site.yml").write_text("columns: {patients: {cognome: status}}\n")
    (home / "deliveries" / "udine" / "2025-01" / "lab_results.csv").write_text(LAB + f"R-1,{GONE},751-8,1,10*9/L,x\n")
    load(home)
    apply_tombstones(settings)
    assert ids_in_vault(settings) == OTHERS
    compiled_project().run(settings)
    erased = query(
        settings.warehouse,
        """
        SELECT delivery, entity, rows_erased FROM meta.reconciliation WHERE site = 'udine'
            AND rows_delivered = rows_current + rows_superseded + rows_duplicate + rows_quarantined + rows_erased
        ORDER BY ALL
        """,
    )
    assert erased == [
        ("2025-01", "administrations", 1), ("2025-01", "lab_results", 4), ("2025-01", "patients", 1),
        ("2025-02", "administrations", 1), ("2025-02", "lab_results", 3), ("2025-02", "patients", 1),
    ]  # fmt: skip
    shutil.rmtree(home / "deliveries")
    forget(home, f"trieste/{GONE}")
    assert bytes_found(home) == set()


def test_the_next_refresh_has_something_to_do(home: Path) -> None:
    settings = load_settings(home=home)
    before = build_generation(settings, {})
    forget(home)
    assert build_generation(settings, {}) != before


@pytest.mark.parametrize("copy", ["raw.duckdb", "forgotten.jsonl"])
def test_an_older_copy_of_the_vault_is_brought_in_line(home: Path, tmp_path: Path, copy: str) -> None:
    settings = load_settings(home=home)
    forget(home, f"trieste/{GONE}")
    shutil.copy(settings.vault / copy, tmp_path / copy)
    forget(home)
    shutil.copy(tmp_path / copy, settings.vault / copy)
    apply_tombstones(settings)
    assert ids_in_vault(settings) == {("udine", STAYS), ("trieste", STAYS)}
    assert len(settings.tombstones.read_text().splitlines()) == 2
    assert bytes_found(home) == set()


KILLED_AT = {
    "the tombstone stands, no row is erased": "registry.vault.apply_tombstones.erase_everywhere",
    "rows are erased, their bytes are not": "registry.vault.apply_tombstones.remove_build",
    "the build file is gone": "registry.vault.apply_tombstones.compact",
    "the new file is written and not in place": "registry.vault.compaction.sync",
}
KILLED = """
import os, signal, sys
from pkgutil import resolve_name
from registry import release
from registry.cli.main import main
module, _, name = sys.argv[1].rpartition(".")
setattr(resolve_name(module), name, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
main(["forget", sys.argv[2], "--yes", "--home", sys.argv[3]])
"""


@pytest.mark.parametrize("killed_at", KILLED_AT.values(), ids=KILLED_AT)
def test_one_that_was_killed_is_finished_by_the_next_refresh(home: Path, killed_at: str) -> None:
    settings = load_settings(home=home)
    shutil.rmtree(home / "deliveries")
    forget(home, f"trieste/{GONE}")
    compiled_project().run(settings)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, killed_at, f"udine/{GONE}", str(home)], cwd=CHECKOUT, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    apply_tombstones(settings)
    settings.warehouse.unlink(missing_ok=True)  # of another generation now: the build makes it anew
    assert ids_in_vault(settings) == {("udine", STAYS), ("trieste", STAYS)}
    assert bytes_found(home) == set()
    assert list(settings.vault_temp.iterdir()) == []


def test_it_says_what_remains_and_names_no_patient(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        said = forget(home).output
    assert "5 rows" in said
    assert "udine/2025-01/lab_results.csv" in said
    assert "registry refresh" in said
    journal = (home / "logs" / "registry.jsonl").read_text()
    assert [json.loads(line)["rows_erased"] for line in journal.splitlines()][-1] == 5
    for text in (said, caplog.text, journal, (home / "vault" / "forgotten.jsonl").read_text()):
        assert not IDENTIFYING.search(text.encode())
        assert patient_key(ensure_key(load_settings(home=home)), "udine", GONE) not in text
    again = run("forget", f"udine/{GONE}", "--home", home)
    assert (again.exit_code, "already forgotten" in again.output) == (0, True)


def test_the_patient_is_named_by_pseudonym_too_and_the_id_can_be_asked_for(home: Path) -> None:
    settings = load_settings(home=home)
    forget(home, patient_key(ensure_key(settings), "udine", GONE))
    done = run("forget", "--site", "trieste", "--yes", "--home", home, text=f"{GONE}\n")
    assert done.exit_code == 0
    assert GONE not in done.output
    assert ids_in_vault(settings) == {("udine", STAYS), ("trieste", STAYS)}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["udine/NOBODY-5"], "udine has delivered no patient with this id"),
        (["lucca/NOBODY-5"], "known: trieste, udine"),
        (["NOBODY-5"], "SITE/PATIENT_ID"),
        (["0" * 64], "no patient with this pseudonym"),
        ([f"udine/{GONE}"], "nothing was changed"),
        ([], "as a pseudonym or SITE/ID"),
    ],
)
def test_nothing_is_done_where_the_patient_is_not_clear_or_not_confirmed(
    home: Path, arguments: list[str], told: str
) -> None:
    done = run("forget", *arguments, "--home", home, text="n\n")
    assert done.exit_code == 2
    assert told in " ".join(done.output.split())
    assert "NOBODY" not in done.output
    assert ids_in_vault(load_settings(home=home)) == {*OTHERS, ("udine", GONE)}


def test_releases_made_under_an_earlier_key_are_named_among_what_remains(home: Path, open_gate: None) -> None:
    """The patient stands in them under a pseudonym that nobody can make out any more."""

    def publish(fingerprint: str) -> str:
        settings = compiled_project().build(home)
        write_statistics(settings)
        return release.publish(settings, fingerprint * 64).release_id

    earlier = publish("1")
    assert run("key", "rotate", "--yes", "--home", home).exit_code == 0
    later = publish("2")
    shutil.copytree(home / "releases" / later, home / "releases" / ".damaged-2025-01-3333333333")
    told = forget(home).output.splitlines()
    (known,) = [line for line in told if "contain the patient under a pseudonym" in line]
    assert (later in known, earlier in known) == (True, False)
    (unknown,) = [line for line in told if "can't be searched" in line]
    assert f": {earlier}, .damaged-2025-01-3333333333" in unknown
    assert "under an earlier key" in unknown
    assert unknown in forget(home).output, "asked again, the same remains"
