"""A release is of what was built, and what was built is of one plan, whatever is edited or run meanwhile."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import duckdb
import pytest
from integration.known_builds import shared_builder
from integration.plan_runs import Registry, published_study

from registry import ingest, refresh, release
from registry.config import yaml_file
from registry.config.settings import load_settings
from registry.config.site import SiteProfile
from registry.config.study import Study
from registry.errors import UserError
from registry.ingest import deliveries
from registry.refresh import NotReady
from registry.refresh import plan as plans
from registry.vault.database import connect_vault

pytestmark = pytest.mark.usefixtures("open_gate", "known_statistics")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """A registry of one site with one month, not refreshed yet."""
    one = Registry(tmp_path / "home", shared_builder())
    one.write_settings(late_days=28)
    one.deliver("2025-01", anc=0.7)
    yield one
    one.release_lock()


def test_a_setting_edited_while_a_refresh_runs_belongs_to_the_next(registry: Registry) -> None:
    plan = registry.plan()
    refresh.load_entity(plan, "patients")
    registry.write_settings(late_days=200)
    outcome = refresh.run(refresh.load_plan(registry.settings()), run_dbt=registry.dbt)
    assert published_study(outcome.path) == (28, 28), "the manifest and the tables are of the plan"
    second = registry.refresh()
    assert second.status == "published"
    assert published_study(second.path) == (200, 200)


def test_a_site_yml_edited_while_a_refresh_runs_belongs_to_the_next(registry: Registry) -> None:
    registry.load()
    (registry.home / "deliveries" / "udine" / "site.yml").write_text("codes: {tests: {'NEU': anc}}\n")
    outcome = refresh.run(refresh.load_plan(registry.settings()), run_dbt=registry.dbt)
    assert not refresh.is_up_to_date(registry.plan())
    assert registry.refresh().release_id != outcome.release_id


def test_a_plan_that_is_cut_off_leaves_no_setting_of_its_own(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.plan()
    registry.write_settings(late_days=200)
    with monkeypatch.context() as patch:
        patch.setattr(plans, "_store", Mock(side_effect=RuntimeError))
        with pytest.raises(RuntimeError):
            registry.plan()
    plan = refresh.load_plan(registry.settings())
    with connect_vault(plan.settings, read_only=True) as connection:
        read_by_dbt = connection.execute(
            "SELECT late_days FROM config.case_definition WHERE definition_id = 'udine_2025'"
        ).fetchall()
    assert read_by_dbt == [(28,)]
    assert plan.settings.study.definitions[0].late_days == 28


def test_a_file_replaced_after_the_plan_was_made_stops_the_refresh(registry: Registry) -> None:
    plan = registry.plan()
    registry.deliver("2025-01", anc=0.2)
    with pytest.raises(UserError, match="changed while it was being read"):
        refresh.load_entity(plan, "lab_results")


def test_release_alone_after_raw_says_what_must_be_built_first(registry: Registry) -> None:
    first = registry.refresh()
    registry.deliver("2025-02", anc=0.3)
    plan = registry.load()
    for step in (refresh.publish, refresh.judge, refresh.write_statistics):
        with pytest.raises(NotReady, match="materialize all first"):
            step(plan)
    refresh.build_warehouse(plan, run_dbt=registry.dbt)
    with pytest.raises(NotReady, match="materialize the group statistics first"):
        refresh.publish(plan)
    refresh.write_statistics(plan)
    assert refresh.publish(plan).release_id != first.release_id


def test_what_was_loaded_and_not_built_is_built_by_the_next_refresh(registry: Registry) -> None:
    first = registry.refresh()
    registry.deliver("2025-02", anc=0.3)
    registry.load()
    assert not refresh.is_up_to_date(registry.plan())
    assert registry.refresh().release_id != first.release_id


def test_a_build_that_failed_half_way_is_not_published(registry: Registry) -> None:
    registry.refresh()
    registry.deliver("2025-02", anc=0.3)
    plan = registry.load()

    def fails(*_: object) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        refresh.build_warehouse(plan, run_dbt=fails)
    with pytest.raises(NotReady):
        refresh.publish(plan)


def test_models_alone_are_built_only_upon_a_whole_build_of_the_same_plan(registry: Registry) -> None:
    registry.refresh()
    plan = refresh.load_plan(registry.settings())
    built: list[object] = []
    refresh.build_warehouse(plan, ["fct_anc"], run_dbt=lambda *arguments: built.append(arguments[1]))
    assert built == [["fct_anc"]]
    assert refresh.publish(plan).status == "confirmed", "the rest of the build is as it was"
    registry.write_settings(late_days=100)
    changed = registry.plan()
    with pytest.raises(NotReady, match="single models can't be built"):
        refresh.build_warehouse(changed, ["fct_anc"], run_dbt=registry.dbt)
    with duckdb.connect(str(registry.settings().warehouse), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM main.fct_anc").fetchone() == (2,), "the build is left as it was"
    assert registry.refresh().status == "published", "what the message says to do"


def test_a_single_model_that_was_cut_off_leaves_no_build_to_publish(registry: Registry) -> None:
    registry.refresh()
    plan = refresh.load_plan(registry.settings())

    def fails(*_: object) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        refresh.build_warehouse(plan, ["fct_anc"], run_dbt=fails)
    for step in (refresh.judge, refresh.publish):
        with pytest.raises(NotReady, match="materialize all first"):
            step(plan)


def test_nothing_is_built_before_all_of_the_plan_is_loaded(registry: Registry) -> None:
    plan = registry.plan()
    refresh.load_entity(plan, "patients")
    with pytest.raises(NotReady, match="materialize the group raw first"):
        refresh.build_warehouse(plan, run_dbt=registry.dbt)


def test_a_registry_yml_that_is_gone_is_refused_until_it_is_meant(registry: Registry) -> None:
    registry.refresh()
    (registry.home / "deliveries" / "registry.yml").unlink()
    with pytest.raises(UserError, match=r"registry\.yml was read by the last refresh and is not in .*--accept-missing"):
        registry.plan()
    refresh.make_plan(registry.settings(), "meant", accept_missing=True)
    registry.plan()  # it is known to be gone now


def test_a_site_yml_that_is_gone_is_refused_until_it_is_meant(registry: Registry) -> None:
    profile = registry.home / "deliveries" / "udine" / "site.yml"
    profile.write_text("mode: snapshot\n")
    registry.refresh()
    profile.unlink()
    with pytest.raises(UserError, match=r"udine/site\.yml was there in the last refresh and is gone"):
        registry.plan()
    assert refresh.make_plan(registry.settings(), "meant", accept_missing=True).profiles["udine"].mode == "delta"


def test_a_site_whose_folder_is_gone_keeps_its_rows_and_settings(registry: Registry) -> None:
    (registry.home / "deliveries" / "udine" / "site.yml").write_text("mode: snapshot\n")
    registry.deliver("2025-01", anc=0.7, site="trieste")
    first = registry.refresh()
    shutil.rmtree(registry.home / "deliveries" / "udine")
    plan = registry.plan()
    assert plan.profiles["udine"].mode == "snapshot"
    assert refresh.is_up_to_date(plan)
    assert {site for site, _, _ in ingest.no_longer_there(plan.settings, plan.files)} == {"udine"}
    assert release.current(plan.settings) is not None
    assert first.path is not None


def test_an_empty_folder_where_files_were_loaded_is_refused_until_it_is_meant(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "home", shared_builder())
    registry.deliver("2025-01", anc=0.7)
    registry.refresh()
    shutil.rmtree(registry.home / "deliveries" / "udine")
    with pytest.raises(UserError, match=r"contains no files.*is the share mounted.*--accept-missing"):
        registry.plan()
    elsewhere = tmp_path / "registry.yml"
    elsewhere.write_text("study_id: elsewhere\n")
    with pytest.raises(UserError, match="contains no files"):
        refresh.make_plan(load_settings(home=registry.home, config=elsewhere), "settings lie elsewhere")
    assert refresh.is_up_to_date(refresh.make_plan(registry.settings(), "meant", accept_missing=True))
    registry.plan()  # they are known to be gone now
    registry.release_lock()


def test_a_refresh_hashes_each_file_once_and_reads_the_settings_once(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    parsed: list[Path] = []
    sha256, load_model = deliveries._sha256, yaml_file.load_model

    def hashing(file: ingest.DeliveredFile) -> str:
        hashed.append(file.where)
        return sha256(file)

    def parsing(path: Path, model: type[yaml_file.Model]) -> yaml_file.Model:
        parsed.append(path)
        return load_model(path, model)

    monkeypatch.setattr(deliveries, "_sha256", hashing)
    monkeypatch.setattr("registry.config.study.load_model", parsing)
    registry.refresh()
    assert sorted(hashed) == sorted(file.where for file in refresh.load_plan(registry.settings()).files)
    assert [path.name for path in parsed[:-1]] == ["registry.yml"], "the last is this test's own"


def test_a_workbook_of_several_entities_is_hashed_once_and_a_site_yml_read_once(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = registry.home / "deliveries" / "udine"
    (site / "site.yml").write_text("sheets: {export.xlsx: {Patients: patients, Results: lab_results}}\n")
    (site / "2025-01" / "export.xlsx").write_bytes(b"not read here")
    hashed: list[str] = []
    read: list[Path] = []
    sha256, load_profile = deliveries._sha256, deliveries.load_profile
    monkeypatch.setattr(deliveries, "_sha256", lambda file: hashed.append(file.path) or sha256(file))
    monkeypatch.setattr(deliveries, "load_profile", lambda folder: read.append(folder) or load_profile(folder))
    plan = refresh.survey(registry.settings())
    assert sum(file.path == "export.xlsx" for file in plan.files) == 2
    assert hashed.count("export.xlsx") == 1
    assert read == [site]


def test_a_plan_comes_back_from_the_vault_as_it_was_made(registry: Registry) -> None:
    (registry.home / "deliveries" / "udine" / "site.yml").write_text(
        """
        mode: snapshot
        csv: {decimal: ",", date_formats: ["%d/%m/%Y"]}
        codes: {tests: {"NEU": {count: anc, percent: neutrophils_pct}, "WBC#": wbc}, sex: {"1": M, "2": F}}
        missing: ["n.p."]
        flags: ["*"]
        columns: {lab_results: {data: collected_at.date, ora: collected_at.time, Cognome: ignore}}
        wide: {lab_results: {tests: {Neutrofili: {code: "NEU", unit: "%"}}, carry_down: [patient_id]}}
        """
    )
    plan = registry.plan()
    stored = refresh.load_plan(registry.settings())
    assert stored == plan
    assert stored.fingerprint() == plan.fingerprint()
    assert Study.model_validate_json(plan.settings.study.model_dump_json()) == plan.settings.study
    assert isinstance(stored.profiles["udine"], SiteProfile)


def test_a_damaged_candidate_is_judged_again(registry: Registry) -> None:
    plan = registry.load()
    refresh.build_warehouse(plan, run_dbt=registry.dbt)
    refresh.write_statistics(plan)
    judged = refresh.judge(plan)
    assert judged.audit.passed
    with judged.database.open("ab") as file:
        file.write(b"\0")
    outcome = refresh.publish(plan)
    assert outcome.status == "published"
    assert not judged.folder.exists()
    assert load_settings(home=registry.home).releases.is_dir()
