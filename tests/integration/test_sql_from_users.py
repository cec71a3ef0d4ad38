"""SQL from users reads the release and reaches nothing else: the engine's own settings refuse, nobody reads the SQL."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from registry.config.settings import Settings, load_settings
from registry.errors import UserError
from registry.release import query as module
from registry.release.query import query
from registry.release.store import Release

# {release}: the folder of the release; {home}: the registry's home, with a file secret.csv and a folder tmp in it
REFUSED = [
    "COPY dim_patient TO '{home}/out.csv'",
    "COPY dim_patient TO '{home}/tmp/out.csv'",
    "COPY dim_patient TO '{release}/registry.duckdb'",
    "COPY dim_patient TO '{release}/registry.duckdb.wal'",
    "COPY dim_patient FROM '{home}/secret.csv'",
    "ATTACH '{home}/other.duckdb'",
    "ATTACH '{release}/registry.duckdb' AS again",
    "ATTACH ':memory:' AS scratch",
    "SELECT * FROM read_csv('{home}/secret.csv')",
    "SELECT * FROM '{home}/secret.csv'",
    "SELECT * FROM read_text('{home}/secret.csv')",
    "SELECT * FROM read_blob('{release}/registry.duckdb')",
    "SELECT * FROM read_json('{home}/secret.csv')",
    "SELECT * FROM read_parquet('http://127.0.0.1/x.parquet')",
    "SELECT * FROM parquet_metadata('{home}/secret.csv')",
    "SELECT * FROM sniff_csv('{home}/secret.csv')",
    "SELECT * FROM glob('{home}/*')",
    "SELECT * FROM query('FROM ''{home}/secret.csv''')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_csv('/dev/stdin')",
    "SELECT getenv('HOME')",
    "SELECT * FROM settings",  # a variable of this process
    "CREATE SECRET s (TYPE s3)",
    "INSTALL httpfs",
    "FORCE INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '{home}/evil.duckdb_extension'",
    "UPDATE EXTENSIONS",
    "EXPORT DATABASE '{home}/out'",
    "IMPORT DATABASE '{home}/out'",
    "SET enable_external_access = true",
    "SET GLOBAL disabled_filesystems = ''",
    "SET allowed_paths = ['/']",
    "SET lock_configuration = false",
    "SET memory_limit = '100GB'",
    "SET temp_directory = '{home}/tmp'",
    "RESET memory_limit",
    "PRAGMA enable_profiling",
    "SET profiling_output = '{home}/out.json'",
    "CALL enable_logging(storage = 'file', storage_path = '{home}/log')",
    "DELETE FROM dim_patient",
    "INSERT INTO dim_patient VALUES ('x')",
    "DROP TABLE dim_patient",
    "CREATE TABLE t AS SELECT 1",
    "CREATE VIEW v AS SELECT 1",
    "SELECT 1; SELECT 2",
    "SELEC 1",
]

ENDLESS = "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range + b.range < 0"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home with one small release in force, whose files could be written as far as access rights go."""
    folder = tmp_path / "releases" / "2024-03-a1a1a1a1a1"
    folder.mkdir(parents=True)
    (tmp_path / "tmp").mkdir()
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    with duckdb.connect(str(folder / "registry.duckdb")) as connection:
        connection.execute("CREATE TABLE dim_patient AS SELECT 'p' || range AS patient_key FROM range(1000)")
    monkeypatch.setattr(module, "current", lambda _: Release(folder.name, folder, {}))
    monkeypatch.setenv("REGISTRY_MEMORY_LIMIT", "100MB")
    return load_settings(home=tmp_path)


def everything(home: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}


@pytest.mark.parametrize("sql", REFUSED)
def test_it_reads_the_release_and_does_nothing_else(sql: str, settings: Settings) -> None:
    before = everything(settings.home)
    release = settings.releases / "2024-03-a1a1a1a1a1"
    with pytest.raises(UserError) as error:
        query(settings, sql.format(home=settings.home, release=release))
    assert "\n" not in str(error.value)
    assert everything(settings.home) == before
    assert query(settings, "SELECT count(*) FROM dim_patient")[1] == [(1000,)]


PROPOSED = {
    "SELECT patient FROM dim_patient": 'Referenced column "patient" not found in FROM clause. '
    'Candidate bindings: "patient_key"',
    "SELECT p.patient FROM dim_patient AS p": 'Table "p" does not have a column named "patient". '
    'Candidate bindings: "patient_key"',
    "SELECT x.patient_key FROM dim_patient AS p": 'Referenced table "x" not found. Candidate tables: "p"',
    "SELECT * FROM dim_patients": 'Table with name dim_patients does not exist. Did you mean: "dim_patient"',
    "SELECT datediffx(1, 2)": 'Scalar Function with name datediffx does not exist. Did you mean: "datediff"',
}


@pytest.mark.parametrize("sql", PROPOSED)
def test_an_unknown_name_is_answered_with_the_nearest_ones_in_the_same_line(sql: str, settings: Settings) -> None:
    with pytest.raises(UserError) as error:
        query(settings, sql)
    assert str(error.value).partition("Error: ")[2] == PROPOSED[sql]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT error('first' || chr(10) || 'Did you mean \"' || patient_key || '\"?') FROM dim_patient",
        "SELECT CAST('first' || chr(10) || 'Candidate bindings: ' || patient_key AS INTEGER) FROM dim_patient",
        "SELECT strptime(patient_key, '%Y') FROM dim_patient",
    ],
)
def test_later_lines_that_may_quote_a_value_are_left_out(sql: str, settings: Settings) -> None:
    with pytest.raises(UserError) as error:
        query(settings, sql)
    assert "\n" not in str(error.value)
    assert not any(word in str(error.value) for word in ("Did you mean", "Candidate", "Expected a number"))


def test_the_engine_tells_no_folder_but_that_of_the_release(settings: Settings) -> None:
    _, rows = query(settings, "SELECT name, value FROM duckdb_settings() WHERE value LIKE '%/%'")
    told = {name for name, value in rows}
    assert told <= {"allowed_paths", "duckdb_api", "TimeZone"}  # the first: the open database itself
    assert query(settings, "SELECT current_setting('temp_directory')")[1] == [("",)]
    assert query(settings, "SELECT * FROM duckdb_secrets()")[1] == []


def test_a_query_is_stopped_after_its_time(settings: Settings) -> None:
    started = time.monotonic()
    with pytest.raises(UserError, match=r"stopped after 0\.5 seconds; allow more with --timeout"):
        query(settings, ENDLESS, seconds=0.5)
    assert time.monotonic() - started < 20


def test_a_query_beyond_the_memory_limit_is_told_so(settings: Settings) -> None:
    with pytest.raises(UserError, match="needs more memory than 100MB: ask for less, or raise REGISTRY_MEMORY_LIMIT"):
        query(settings, "SELECT count(*) FROM (SELECT DISTINCT md5(CAST(range AS VARCHAR)) FROM range(5000000))")


# Ctrl-C while the query's thread is being started, which must not leave it running.
AT_ITS_START = """
import os, signal
from threading import Thread
start = Thread.start
def interrupted(self):
    start(self)
    os.kill(os.getpid(), signal.SIGINT)
Thread.start = interrupted
"""


@pytest.mark.parametrize("at_its_start", [False, True])
def test_ctrl_c_stops_a_query(settings: Settings, at_its_start: bool) -> None:
    code = (AT_ITS_START if at_its_start else "") + (
        # where the tests run in the background, SIGINT is ignored from the start
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "import sys; from pathlib import Path; from registry.config.settings import load_settings;"
        "from registry.release import query as q; from registry.release.store import Release;"
        "folder = next((Path(sys.argv[1]) / 'releases').iterdir());"
        "q.current = lambda _: Release(folder.name, folder, {});"
        "print('ready', flush=True);"
        f"q.query(load_settings(home=sys.argv[1]), '{ENDLESS}')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(settings.home)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    try:
        if not at_its_start:
            time.sleep(0.7)
            process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    finally:
        process.kill()
    assert "KeyboardInterrupt" in told
