"""What Dagster sees: the exact assets, the job, the schedule; and the release asset that audits when it runs alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from e2e.conftest import digest

from expectations.catalogue import CHECKS
from orchestration.assets.release import check_target
from orchestration.assets.statistics import STATISTICS
from orchestration.automation import REFRESH_JOB
from orchestration.definitions import build_definitions
from orchestration.instance import open_instance
from orchestration.resources import RegistrySettings
from orchestration.runs import PROCESS_TAG, fail_dead_runs
from registry import lock, release
from registry.contract import ENTITIES
from registry.paths import DBT_PROJECT
from registry.settings import load_settings

pytestmark = pytest.mark.xdist_group("demo")
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    return build_definitions(RegistrySettings(home=str(tmp_path_factory.mktemp("empty"))))


def test_exactly_the_assets_of_every_stage_are_defined(definitions: dg.Definitions) -> None:
    root = DBT_PROJECT / "models"
    models = {(path.relative_to(root).parts[0], path.stem) for path in root.rglob("*.sql")} | {
        ("seeds", path.stem) for path in (DBT_PROJECT / "seeds").glob("*.csv")
    }
    expected = {dg.AssetKey([name] if folder == "marts" else [folder, name]) for folder, name in models}
    expected |= {dg.AssetKey(["raw", entity]) for entity in ENTITIES}
    expected |= {dg.AssetKey([name]) for name in ("deliveries", *STATISTICS, "release")}
    graph = definitions.resolve_asset_graph()
    assert graph.get_all_asset_keys() == expected
    for key in expected:
        assert graph.get(key).description, key
        assert graph.get(key).owners, key


def test_every_check_of_the_gate_shows_on_the_table_it_judges(definitions: dg.Definitions) -> None:
    keys = definitions.resolve_asset_graph().asset_check_keys
    missing = [
        check.check_id
        for check in CHECKS
        if dg.AssetCheckKey(check_target(check.table), check.check_id) not in keys and "meta" not in check.table
    ]
    assert missing == []


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


@pytest.mark.parametrize(
    ("defect", "refused_by"),
    [
        (
            "UPDATE main.fct_anc SET anc_10e9_l = 250 WHERE anc_key = (SELECT min(anc_key) FROM main.fct_anc)",
            "anc_possible",
        ),
        (
            "UPDATE main.fct_neutropenia_episode SET end_date = onset_date - 3 WHERE end_status = 'recovered'",
            "episode_nadir_before_end",
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
        with open_instance(settings) as instance:
            with pytest.raises(dg.Failure, match="the gate refused"):
                job.execute_in_process(instance=instance, asset_selection=[dg.AssetKey("release")], run_config=QUIET)
            key = dg.AssetCheckKey(check_target(next(c.table for c in CHECKS if c.check_id == refused_by)), refused_by)
            shown = instance.event_log_storage.get_latest_asset_check_execution_by_key([key])
    finally:
        lock.release(settings)
    decision = release.last_decision(settings)
    assert decision is not None
    assert refused_by in {check.check_id for check in decision.audit.blocking}
    assert shown[key].event.dagster_event.asset_check_evaluation_data.passed is False
    assert digest(home / "releases") == before


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
