"""What Dagster sees: the exact assets, the job, the schedule; and the release asset that audits when it runs alone."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import dagster as dg
import duckdb
import pytest
import yaml
from e2e.conftest import digest

from expectations.catalogue import every_check
from orchestration.assets.gate import GATE, check_name
from orchestration.automation import REFRESH_JOB
from orchestration.definitions import build_definitions
from orchestration.instance import open_instance
from orchestration.models import TESTS
from orchestration.resources import RegistrySettings
from orchestration.runs import PROCESS_TAG, fail_dead_runs
from registry import release
from registry.config.input_contract import ENTITIES
from registry.config.settings import load_settings
from registry.paths import CHECKOUT, DBT_PROJECT
from registry.statistics.marts import MARTS
from registry.system import lock

pytestmark = pytest.mark.xdist_group("demo")
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    return build_definitions(RegistrySettings(home=str(tmp_path_factory.mktemp("empty"))))


def test_exactly_the_assets_of_every_stage_are_defined(definitions: dg.Definitions) -> None:
    root = DBT_PROJECT / "models"
    expected = {dg.AssetKey([path.stem]) for path in (root / "marts").rglob("*.sql")}
    expected |= {dg.AssetKey(["meta", path.stem]) for path in (root / "meta").rglob("*.sql")}
    expected |= {dg.AssetKey(["raw", entity]) for entity in ENTITIES}
    stages = ("deliveries", "seeds", "staging", "intermediate", "counts", "gate", "release")
    expected |= {dg.AssetKey([name]) for name in (*stages, *MARTS)}
    graph = definitions.resolve_asset_graph()
    assert graph.get_all_asset_keys() == expected
    for key in expected:
        assert graph.get(key).description, key
        assert graph.get(key).owners, key


def test_every_expectation_of_the_gate_is_in_the_check_of_its_table(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    gate = [key for key in graph.asset_check_keys if key.asset_key == GATE]
    descriptions = {key.name: graph.get_check_spec(key).description or "" for key in gate}
    assert [c.check_id for c in every_check() if c.check_id not in descriptions[check_name(c.table)]] == []
    assert all(graph.get_check_spec(key).blocking for key in gate)


def test_every_published_table_shows_its_columns_and_every_stage_its_models(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for path in (DBT_PROJECT / "models" / "marts").rglob("*.sql"):
        assert graph.get(dg.AssetKey([path.stem])).metadata["dagster/column_schema"].columns
    assert "int_episode" in (graph.get(dg.AssetKey(["intermediate"])).description or "")


def test_dg_and_the_workspace_load_the_same_definitions() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["dg"]["project"]
    workspace = yaml.safe_load((CHECKOUT / "workspace.yaml").read_text())["load_from"][0]["python_module"]
    assert project["code_location_target_module"] == workspace["module_name"] == build_definitions.__module__
    assert project["code_location_name"] == workspace["location_name"]


def test_every_asset_links_to_its_source(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        links = graph.get(key).metadata["dagster/code_references"].code_references
        assert links, key
        assert all(Path(link.file_path).is_file() for link in links), key
    fct_anc = graph.get(dg.AssetKey(["fct_anc"])).metadata["dagster/code_references"].code_references
    assert Path(fct_anc[0].file_path) == DBT_PROJECT / "models" / "marts" / "fct_anc.sql"


def test_the_schedule_asks_on_the_third_at_six_and_only_where_automation_is_on(
    definitions: dg.Definitions, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    schedule = definitions.resolve_schedule_def("monthly_registry_refresh")
    assert schedule.cron_schedule == "0 6 3 * *"
    assert schedule.job_name == REFRESH_JOB
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    assert definitions.resolve_sensor_def("new_delivery").default_status == dg.DefaultSensorStatus.STOPPED
    monkeypatch.setenv("REGISTRY_AUTOMATION", "on")
    switched_on = build_definitions(RegistrySettings(home=str(tmp_path)))
    assert (
        switched_on.resolve_schedule_def("monthly_registry_refresh").default_status == dg.DefaultScheduleStatus.RUNNING
    )
    assert {sensor.default_status for sensor in switched_on.sensors or ()} == {dg.DefaultSensorStatus.RUNNING}


@pytest.mark.parametrize(
    ("defect", "refused_by"),
    [
        (
            "UPDATE main.fct_anc SET anc_10e9_l = 250 WHERE anc_key = (SELECT min(anc_key) FROM main.fct_anc)",
            "anc_possible",
        ),
        (
            "UPDATE main.fct_neutropenia_episode SET end_date = onset_date - 3 WHERE end_status = 'recovered'",
            "fct_neutropenia_episode_nadir_date_to_end_date",
        ),
    ],
)
def test_the_release_asset_alone_audits_what_it_publishes(
    demo_home: Path, tmp_path: Path, defect: str, refused_by: str
) -> None:
    home = tmp_path / "home"
    shutil.copytree(demo_home, home, symlinks=True)
    settings = load_settings(home=home)
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(defect)
    before = digest(home / "releases")
    job = build_definitions(RegistrySettings(home=str(home))).resolve_job_def(REFRESH_JOB)
    try:
        with open_instance(settings) as instance, pytest.raises(dg.Failure, match="the gate refused"):
            job.execute_in_process(instance=instance, asset_selection=[dg.AssetKey("release")], run_config=QUIET)
    finally:
        lock.release(settings)
    decision = release.last_decision(settings)
    assert decision is not None
    assert refused_by in {check.check_id for check in decision.audit.blocking}
    assert digest(home / "releases") == before


def test_one_check_alone_judges_what_is_built_now_and_publishes_nothing(demo_home: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(demo_home, home, symlinks=True)
    settings = load_settings(home=home)
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("UPDATE main.fct_anc SET anc_10e9_l = 250")
    before = digest(home / "releases")
    key = dg.AssetCheckKey(GATE, "fct_anc")
    definitions = build_definitions(RegistrySettings(home=str(home)))
    try:
        with open_instance(settings) as instance:
            result = (
                definitions.resolve_implicit_global_asset_job_def()
                .get_subset(asset_selection=set(), asset_check_selection={key})
                .execute_in_process(instance=instance, run_config=QUIET, raise_on_error=False)
            )
    finally:
        lock.release(settings)
    (evaluation,) = result.get_asset_check_evaluations()
    assert not evaluation.passed
    assert evaluation.severity == dg.AssetCheckSeverity.ERROR
    table = evaluation.metadata["results"].value
    assert "anc_possible" in table
    assert "**refused**" in table
    assert digest(home / "releases") == before


@pytest.mark.parametrize(
    ("defect", "rows_at_fault"),
    [
        ("UPDATE main.fct_anc SET source_unit = NULL", 0),
        ("INSERT INTO intermediate.int_row_disposition SELECT * FROM intermediate.int_row_disposition LIMIT 3", 3),
    ],
)
def test_dbts_tests_of_an_asset_run_alone_and_build_nothing(
    demo_home: Path, tmp_path: Path, defect: str, rows_at_fault: int
) -> None:
    home = tmp_path / "home"
    shutil.copytree(demo_home, home, symlinks=True)
    settings = load_settings(home=home)
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(defect)
        before = connection.execute("SELECT count(*), count(source_unit) FROM main.fct_anc").fetchone()
    key = dg.AssetCheckKey(dg.AssetKey(["intermediate"]), TESTS)
    definitions = build_definitions(RegistrySettings(home=str(home)))
    job = definitions.resolve_implicit_global_asset_job_def()
    try:
        with open_instance(settings) as instance:
            result = job.get_subset(asset_selection=set(), asset_check_selection={key}).execute_in_process(
                instance=instance, run_config=QUIET, raise_on_error=False
            )
    finally:
        lock.release(settings)
    (evaluation,) = result.get_asset_check_evaluations()
    assert evaluation.passed == (rows_at_fault == 0)
    assert evaluation.metadata["tests"].value >= 1
    assert evaluation.metadata["rows_at_fault"].value == rows_at_fault
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        assert connection.execute("SELECT count(*), count(source_unit) FROM main.fct_anc").fetchone() == before


def test_a_run_left_behind_by_a_killed_process_is_marked_failed(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path)

    @dg.job
    def left_behind() -> None: ...

    with open_instance(settings) as instance:
        dead = instance.create_run_for_job(left_behind, status=dg.DagsterRunStatus.STARTED, tags={PROCESS_TAG: "1:0"})
        assert fail_dead_runs(instance) == [dead.run_id]
        record = instance.get_run_by_id(dead.run_id)
        assert record is not None
        assert record.status == dg.DagsterRunStatus.FAILURE
