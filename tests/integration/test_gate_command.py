"""After a refusal: every failed check is printed with its deliveries, and the refused build can be queried."""

from __future__ import annotations

import json
from functools import partial

import duckdb
import pytest
from click.testing import CliRunner, Result
from integration.publishing import BROKEN, FIRST, SECOND
from integration.synthetic_warehouse import alter

from expectations import Audit, CheckResult, audit
from expectations.catalogue import queried
from registry import release
from registry.cli.gate import print_refused
from registry.cli.main import main
from registry.config.settings import Settings
from registry.operations.concerned import deliveries_concerned
from registry.release import gate_record, publication
from registry.system import lock
from registry.vault.database import connect_vault

ASKED = ("anc_possible", "anc_plausible", "anc_of_whole_cells", "site_silent_in_latest_month", "incidence_drug_known")
SILENT = """
UPDATE meta.completeness SET status = 'no_delivery', files_received = 0, rows_received = 0
WHERE delivery = (SELECT max(delivery) FROM meta.completeness) AND site = 'udine'
"""
STAGES = (
    "CREATE SCHEMA build",
    f"CREATE TABLE build.stage AS SELECT unnest(['warehouse', 'statistics']) AS stage, '{FIRST}' AS fingerprint",
    "CREATE SCHEMA staging",
    "CREATE TABLE staging.stg_patient AS SELECT 'MRN 1' AS patient_id",
)


@pytest.fixture
def refused(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home whose gate has refused its first build: impossible counts, and a silent site."""
    monkeypatch.setattr(publication, "audit", partial(audit, checks=[c for c in queried() if c.check_id in ASKED]))
    alter(settings.warehouse, *STAGES, BROKEN, SILENT)
    with pytest.raises(release.GateRefused):
        release.publish(settings, FIRST)
    return settings


def run(settings: Settings, *arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments, "--home", str(settings.home)])


def test_a_refusal_shows_blocking_checks_then_warnings_with_the_files_by_name(
    refused: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with duckdb.connect(str(refused.warehouse), read_only=True) as connection:
        files = connection.execute("SELECT DISTINCT source_file FROM meta.lineage").fetchall()
    with connect_vault(refused) as vault:
        for number, (file_id,) in enumerate(files):
            vault.execute(
                "INSERT INTO input_file (file_no, file_id, site, delivery, path) VALUES (?, ?, 's', 'm', ?)",
                [number, file_id, f"lab_{number}.csv"],
            )
    print_refused(refused)
    shown = capsys.readouterr().out
    assert shown.index("refused anc_possible on main.fct_anc: 560 of 560 rows\n") < shown.index(
        "warning site_silent_in_latest_month on meta.completeness: 1 site (udine 2024-03)\n"
    )
    of_rows, of_sites = shown[: shown.index("warning site_silent")], shown[shown.index("warning site_silent") :]
    assert "expected: No ANC is below 0" in of_rows
    assert "registry team: No delivery can cause this." in of_rows
    named = next(line for line in of_rows.splitlines() if line.startswith("    in: "))
    assert {place.split("/")[0] for place in named.removeprefix("    in: ").split(", ")} == {"udine", "trieste"}
    assert all(f" lab_{number}.csv" in named for number in range(len(files)))
    assert "    in: " not in of_sites[: of_sites.index("site (its data manager")]
    assert "registry gate" in shown
    assert "registry sql --refused" in shown
    assert "3200" not in shown
    assert "lab_0.csv" not in gate_record.path_of(refused).read_text()


def test_more_than_five_files_are_counted_and_without_the_vault_they_have_their_ids(refused: Settings) -> None:
    alter(
        refused.warehouse,
        """
        CREATE OR REPLACE TABLE meta.lineage AS
        SELECT * REPLACE (file.file_id AS source_file) FROM meta.lineage AS lineage
        JOIN (SELECT file_id, row_number() OVER (ORDER BY file_id) AS n FROM meta.input_file) AS file
            ON file.n = lineage.record_number % 8 + 1
        """,
    )
    last = release.last_decision(refused)
    assert last is not None
    found = deliveries_concerned(refused, last.audit.blocking)["anc_possible"]
    assert found.endswith(" and 3 more")
    assert len(found.split(", ")) == 5


@pytest.mark.parametrize(
    "check_id", ["episode_nadir_is_low", "dose_within_observation", "treatment_within_observation"]
)
def test_episodes_and_lines_lead_to_files_too(check_id: str, refused: Settings) -> None:
    alter(
        refused.warehouse,
        "UPDATE main.fct_neutropenia_episode SET nadir_anc_10e9_l = 5",
        "UPDATE main.dim_patient SET observation_end = DATE '2020-01-01'",
        "UPDATE main.fct_treatment SET start_date = DATE '2050-01-01'",
    )
    check = next(one for one in queried() if one.check_id == check_id)
    result = CheckResult.of(check, passed=False, n_unexpected=1, n_rows=1)
    assert "/20" in deliveries_concerned(refused, [result])[check_id]


def test_the_command_lists_every_check_or_the_failed_ones(refused: Settings) -> None:
    done = run(refused, "gate")
    assert done.exit_code == 0, done.output
    head, _, *rows = done.output.splitlines()
    assert head.startswith("2024-03-a1a1a1a1a1: refused, 20")
    assert head.endswith("; 6 checks, 1 refused, 2 warned")
    assert len(rows) == 6
    failed = json.loads(run(refused, "gate", "--failed", "--format", "json").output)
    assert [(row["result"], row["check"]) for row in failed] == [
        ("refused", "anc_possible"),
        ("warning", "anc_plausible"),
        ("warning", "site_silent_in_latest_month"),
    ]
    assert failed[2]["found"] == "1 site"
    assert failed[2]["offenders"] == "udine 2024-03"
    assert failed[2]["what to do"].startswith("Ask the site")


def test_a_decision_of_an_earlier_version_is_still_read(refused: Settings) -> None:
    path = gate_record.path_of(refused)
    content = json.loads(path.read_text())
    for check in content["audit"]["checks"]:
        del check["finds"]
    path.write_text(json.dumps(content))
    done = run(refused, "gate", "--failed")
    assert done.exit_code == 0
    assert "560 of 560 rows" in done.output


def test_without_a_decision_there_is_nothing_to_show(settings: Settings) -> None:
    done = run(settings, "gate")
    assert (done.exit_code, "run registry refresh first" in done.output) == (2, True)


def test_the_refused_build_is_queried_as_a_release_is(refused: Settings) -> None:
    asked = "SELECT min(anc_10e9_l)::INTEGER AS anc FROM fct_anc WHERE site IN (SELECT site FROM meta.input_file)"
    done = run(refused, "sql", "--refused", asked, "--format", "csv")
    assert (done.exit_code, done.output) == (0, "anc\n3200\n"), done.output
    for query, said in {
        "UPDATE main.fct_anc SET site = 'x'": "read-only",
        "SELECT * FROM read_csv('/etc/passwd')": "disabled",
        "SELECT * FROM staging.stg_patient": "staging.stg_patient is not published",
        "WITH x AS (FROM staging.stg_patient) FROM x": "staging.stg_patient is not published",
        "SELECT * FROM mart_new_cases": "only written at publication",
        "SELECT * FROM no_such_table": "no_such_table does not exist",
    }.items():
        done = run(refused, "sql", "--refused", query)
        assert done.exit_code == 2, query
        assert said in done.output, done.output
        assert done.output.startswith("error: refused build: ")
        assert len(done.output.splitlines()) == 1


def test_what_is_no_refused_build_is_not_queried(refused: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = partial(run, refused, "sql", "--refused", "SELECT 1")
    assert "exclude each other" in ask("--release", "2024-03-a1a1a1a1a1").output
    with monkeypatch.context() as patch:
        patch.setattr(lock, "is_held_by_other", lambda _: True)
        assert "a refresh is running" in ask().output
    alter(refused.warehouse, f"UPDATE build.stage SET fingerprint = '{SECOND}'")
    assert "has changed since the gate refused" in ask().output
    gate_record.record(refused, "x", FIRST, "published", Audit(()))
    assert "the gate did not refuse the last one" in ask().output
    assert ask().exit_code == 2
