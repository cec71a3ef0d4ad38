"""registry retract: a place that counts nowhere, in every account, until the retraction is undone."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result
from integration.compiled_project import compiled_project

from registry import ingest
from registry.cli.main import main
from registry.config.settings import Settings, load_settings
from registry.system import event_log, lock

LABS = "result_id,patient_id,test_code,value,unit,collected_at\n"
PATIENTS = "patient_id,birth_date,sex\nP1,1980,F\n"
ACCOUNT = (
    "rows_delivered rows_current rows_superseded rows_duplicate rows_quarantined rows_not_mapped rows_retracted".split()
)


class Home:
    """One site, udine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def deliver_two_months(self) -> Home:
        """March corrects a result of February."""
        self.deliver("2024-02", "patients.csv", PATIENTS)
        self.deliver("2024-02", "lab_results.csv", f"{LABS}R1,P1,751-8,3.1,10*9/L,2024-02-01\n")
        self.deliver("2024-03", "lab_results.csv", f"{LABS}R1,P1,751-8,3.3,10*9/L,2024-02-01\n")
        self.deliver(
            "2024-03", "lab_results_b.csv", f"{LABS}R2,P1,751-8,3.4,10*9/L,2024-03-05\nR3,P1,XYZ,1,1,2024-03-05\n"
        )
        return self

    @property
    def settings(self) -> Settings:
        return load_settings(home=self.folder)

    def deliver(self, month: str, name: str, text: str) -> None:
        path = self.folder / "deliveries" / "udine" / month / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def build(self) -> Home:
        compiled_project().build(self.folder)
        return self

    def retract(self, *arguments: str, answer: str | None = None) -> Result:
        sure = [] if answer is not None else ["--yes"]
        return CliRunner().invoke(main, ["retract", *arguments, *sure, "--home", str(self.folder)], input=answer)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as connection:
            connection.execute(f"ATTACH '{self.settings.raw_db}' AS vault (READ_ONLY)")
            return connection.execute(sql).fetchall()

    def accounts(self) -> dict[str, tuple[int, ...]]:
        """Rows by file in the order of ACCOUNT; the rest is checked to add up."""
        rows = self.query(
            f"SELECT file.delivery || '/' || path, {', '.join(ACCOUNT)} FROM meta.reconciliation "
            "JOIN vault.main.input_file AS file ON source_file = file_id"
        )
        assert all(row[1] == sum(row[2:]) for row in rows)
        return {row[0]: row[1:] for row in rows}

    def counts(self) -> list[tuple[Any, ...]]:
        return self.query("SELECT CAST(anc_10e9_l AS DOUBLE) FROM main.fct_anc ORDER BY 1")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """With its two months built; to be copied."""
    return Home(tmp_path_factory.mktemp("built")).deliver_two_months().build()


@pytest.fixture
def home(built: Home, tmp_path: Path) -> Home:
    return Home(Path(shutil.copytree(built.folder, tmp_path / "home", symlinks=True)))


def test_a_retracted_month_is_as_if_it_were_not_delivered_but_in_the_accounts(home: Home) -> None:
    assert home.counts() == [(3.3,), (3.4,)]
    assert home.retract("udine/2024-03").exit_code == 0
    home.build()
    assert home.counts() == [(3.1,)]
    assert home.accounts() == {
        "2024-02/patients.csv": (1, 1, 0, 0, 0, 0, 0),
        "2024-02/lab_results.csv": (1, 1, 0, 0, 0, 0, 0),
        "2024-03/lab_results.csv": (1, 0, 0, 0, 0, 0, 1),
        "2024-03/lab_results_b.csv": (2, 0, 0, 0, 0, 0, 2),
    }
    assert home.query("SELECT max(observation_end)::VARCHAR FROM main.dim_patient") == [("2024-02-29",)]
    assert home.query("SELECT max(delivery) FROM meta.completeness") == [("2024-02",)]
    assert home.query("SELECT delivery, bool_and(is_retracted) FROM meta.input_file GROUP BY 1 ORDER BY 1") == [
        ("2024-02", False),
        ("2024-03", True),
    ]


def test_one_file_is_retracted_and_the_retraction_holds_whatever_bytes_come(home: Home) -> None:
    home.retract("udine/2024-03/lab_results.csv")
    home.deliver(
        "2024-03", "lab_results.csv", f"{LABS}R1,P1,751-8,9,10*9/L,2024-02-01\nR9,P1,751-8,9,10*9/L,2024-02-01\n"
    )
    home.build()
    assert home.counts() == [(3.1,), (3.4,)]
    assert home.accounts()["2024-03/lab_results.csv"] == (2, 0, 0, 0, 0, 0, 2)


def test_undone_everything_is_as_before(home: Home) -> None:
    fingerprint, accounts = ingest.ledger_fingerprint(home.settings), home.accounts()
    home.retract("udine/2024-03")
    assert ingest.ledger_fingerprint(home.settings) != fingerprint, "a retraction asks for a refresh"
    assert home.retract("--undo", "udine/2024-03").exit_code == 0
    assert ingest.ledger_fingerprint(home.settings) == fingerprint
    assert home.build().accounts() == accounts


def test_it_asks_shows_what_is_there_and_does_nothing_without_a_yes(home: Home) -> None:
    done = home.retract("udine/2024-03", answer="n\n")
    assert done.exit_code == 2
    assert "udine/2024-03/lab_results_b.csv: 2 rows of lab_results" in done.output
    assert "2 files; rows: 3 lab_results" in done.output
    assert home.retract("--list").output.strip() == "nothing is retracted"


def test_what_is_retracted_is_listed_and_recorded_with_counts_and_without_names_of_files(home: Home) -> None:
    home.retract("udine/2024-03/lab_results_b.csv")
    home.retract("udine/2024-02")
    listed = home.retract("--list").output
    assert "lab_results_b.csv" in listed
    assert "the whole month" in listed
    events = [entry for entry in event_log.entries(home.settings) if entry["event"] == "delivery_retracted"]
    assert [(e["site"], e["delivery"], e["whole_month"], e["files"], e["rows_lab_results"]) for e in events] == [
        ("udine", "2024-03", False, 1, 2),
        ("udine", "2024-02", True, 2, 1),
    ]
    assert "lab_results_b" not in home.settings.journal.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["udnie/2024-03"], "did you mean 'udine'?"),
        (["udine/2024-30"], "did you mean '2024-03'?"),
        (["udine/2024-03/lab_result.csv"], "did you mean 'lab_results.csv'?"),
        (["udine"], "write SITE/MONTH or SITE/MONTH/FILE"),
        (["udine/2024-03/a/b"], "write SITE/MONTH or SITE/MONTH/FILE"),
        ([], "give one place"),
        (["--undo", "udine/2024-02"], "is not retracted"),
        (["udine/2024-02", "--list"], "give one place"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(arguments: list[str], message: str, home: Home) -> None:
    done = home.retract(*arguments)
    assert done.exit_code == 2
    assert message in done.output
    assert len(done.output.splitlines()) == 1


def test_a_file_of_a_retracted_month_is_taken_back_with_its_month(home: Home) -> None:
    home.retract("udine/2024-03")
    assert "is retracted already" in home.retract("udine/2024-03").output
    done = home.retract("--undo", "udine/2024-03/lab_results.csv")
    assert (done.exit_code, "--undo udine/2024-03" in done.output) == (2, True)


def test_it_waits_for_no_refresh(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def in_use(*_: object, **__: object) -> bool:
        raise lock.InUse("another refresh is running")

    monkeypatch.setattr(lock, "acquire", in_use)
    assert home.retract("udine/2024-03").exit_code == 2
    assert "nothing is retracted" in home.retract("--list").output


def test_rows_of_a_forgotten_patient_in_a_retracted_file_are_erased_first(home: Home) -> None:
    home.retract("udine/2024-03")
    CliRunner().invoke(main, ["forget", "udine/P1", "--yes", "--home", str(home.folder)])
    home.build()
    assert home.query("SELECT sum(rows_erased), sum(rows_retracted) FROM meta.reconciliation") == [(5, 0)]


def test_a_vault_of_an_earlier_version_is_read_as_one_without_retractions(home: Home) -> None:
    with ingest.connect_vault(home.settings) as connection:
        connection.execute("DROP TABLE main.retraction")
    assert "nothing is retracted" in home.retract("--list").output
    assert home.retract("udine/2024-03").exit_code == 0
    assert "udine" in home.retract("--list").output
