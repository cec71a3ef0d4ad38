"""When the sensor and the schedule ask for a refresh, and when they confirm the release instead."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from integration.known_builds import shared_builder
from integration.plan_runs import Registry

from orchestration.automation import build_schedule, build_sensors
from orchestration.instance import open_instance
from orchestration.resources import RegistrySettings
from orchestration.runs import TRIGGER_TAG
from registry.operations import status
from registry.operations.doctor import examine
from registry.release import gate_record

pytestmark = pytest.mark.usefixtures("open_gate", "known_statistics")

RELEASE = dg.AssetKey("release")


class Daemon:
    """What asks for refreshes of one registry, tick by tick."""

    def __init__(self, registry: Registry, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self._resources = {"registry_settings": RegistrySettings(home=str(registry.home))}
        self._settings = registry.settings()
        self._cursor: str | None = None

    def tick(self) -> Any:
        """One tick of the sensor."""
        (sensor,) = [one for one in build_sensors(self._settings) if one.name == "new_delivery"]
        with dg.build_sensor_context(self.instance, cursor=self._cursor, resources=self._resources) as context:
            found = sensor.evaluate_tick(context)
        self._cursor = found.cursor or self._cursor
        return found

    def asked(self) -> list[str | None]:
        """The keys of the runs that a tick asks for."""
        return [request.run_key for request in self.tick().run_requests or ()]

    def skipped(self) -> str:
        """Why a tick asks for none."""
        found = self.tick()
        assert not found.run_requests
        return str(found.skip_message)

    def scheduled(self) -> list[dg.RunRequest]:
        """What the schedule asks for on the third of the month."""
        with dg.build_schedule_context(
            self.instance, scheduled_execution_time=datetime(2025, 3, 3, tzinfo=UTC), resources=self._resources
        ) as context:
            return list(build_schedule(self._settings).evaluate_tick(context).run_requests or ())

    def confirmations(self) -> int:
        """How often the release asset shows that nothing was new."""
        return len(self.instance.fetch_materializations(RELEASE, limit=100).records)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """A registry with one month delivered an hour ago."""
    one = Registry(tmp_path / "home", shared_builder())
    one.write_settings(late_days=28)
    one.deliver("2025-01", anc=0.7)
    settle(one)
    yield one
    one.release_lock()


@pytest.fixture
def daemon(registry: Registry) -> Iterator[Daemon]:
    with open_instance(registry.settings()) as instance:
        yield Daemon(registry, instance)


def settle(registry: Registry) -> None:
    """Let every delivered file be an hour old."""
    an_hour_ago = time.time() - 3600
    for path in (registry.home / "deliveries").rglob("*.*"):
        os.utime(path, (an_hour_ago, an_hour_ago))


def deliver(registry: Registry, anc: float) -> None:
    registry.deliver("2025-01", anc=anc)
    settle(registry)


def test_a_file_that_goes_back_and_forth_is_asked_for_each_time(registry: Registry, daemon: Daemon) -> None:
    keys = []
    for anc in (1.9, 0.3, 1.9):
        deliver(registry, anc)
        if keys:
            assert "may still be written" in daemon.skipped(), "a change waits one tick"
        keys += daemon.asked()
        assert "has already been requested" in daemon.skipped()
        registry.refresh()
        assert "nothing is new" in daemon.skipped()
    assert len(set(keys)) == 3
    assert keys == sorted(keys, key=lambda key: int(key or 0))


def test_settings_mended_after_a_failed_load_are_asked_for(registry: Registry, daemon: Daemon) -> None:
    (first,) = daemon.asked()
    assert "has already been requested" in daemon.skipped(), "the run failed, and nobody has changed anything"
    (registry.home / "deliveries" / "udine" / "site.yml").write_text("codes: {tests: {NEU: anc}}\n")
    (second,) = daemon.asked()
    assert second != first


def test_a_setting_that_changed_alone_is_asked_for(registry: Registry, daemon: Daemon) -> None:
    registry.refresh()
    assert "nothing is new" in daemon.skipped()
    registry.write_settings(late_days=100)
    assert len(daemon.asked()) == 1


def test_a_cursor_that_is_lost_repeats_no_key(registry: Registry, daemon: Daemon) -> None:
    (first,) = daemon.asked()
    daemon._cursor = None
    time.sleep(1.1)
    (second,) = daemon.asked()
    assert int(second or 0) > int(first or 0)


def test_a_month_waits_while_a_file_is_young_and_while_it_grows(registry: Registry, daemon: Daemon) -> None:
    registry.deliver("2025-01", anc=0.5)  # written just now
    assert "udine/2025-01" in daemon.skipped()
    settle(registry)
    path = registry.home / "deliveries" / "udine" / "2025-01" / "lab_results.csv"
    path.write_text(path.read_text() + "R9,SYN-1,751-8,0.2,10*9/L,2025-01-28\n")
    settle(registry)
    assert "may still be written" in daemon.skipped(), "it has grown since the last tick, whatever its date"
    assert len(daemon.asked()) == 1


def test_a_mistake_is_told_and_asked_for_once_it_is_mended(registry: Registry, daemon: Daemon) -> None:
    profile = registry.home / "deliveries" / "udine" / "site.yml"
    profile.write_text("csv: {delimitr: ';'}\n")
    assert "delimitr" in daemon.skipped()
    profile.write_text("csv: {delimiter: ','}\n")
    assert len(daemon.asked()) == 1


def test_the_schedule_starts_a_run_where_something_is_new_and_else_confirms(registry: Registry, daemon: Daemon) -> None:
    (request,) = daemon.scheduled()
    assert request.tags[TRIGGER_TAG] == "schedule"
    registry.refresh()
    assert daemon.scheduled() == []
    assert daemon.confirmations() == 1


@pytest.mark.parametrize("gone", ["registry.yml", "udine/site.yml", "everything"])
def test_what_is_gone_since_the_last_refresh_is_told_and_confirms_nothing(
    registry: Registry, daemon: Daemon, gone: str
) -> None:
    deliveries = registry.home / "deliveries"
    (deliveries / "udine" / "site.yml").write_text("mode: delta\n")
    if gone == "everything":  # with default settings: only then is an empty folder like the release
        (deliveries / "registry.yml").unlink()
    registry.refresh()
    if gone == "everything":
        shutil.rmtree(deliveries / "udine")
    else:
        (deliveries / gone).unlink()
    assert "--accept-missing" in daemon.skipped()
    assert len(daemon.scheduled()) == 1, "its run fails and sends the alert"
    assert daemon.confirmations() == 0
    _, mistake = status.describe(registry.settings())
    assert "--accept-missing" in str(mistake)
    found = {finding.text for finding in examine(registry.settings()) if finding.level == "wrong"}
    assert any("--accept-missing" in text for text in found)


def test_what_the_command_found_unchanged_is_shown_by_the_next_tick_once(registry: Registry, daemon: Daemon) -> None:
    registry.refresh()
    daemon.tick()
    assert daemon.confirmations() == 0
    gate_record.confirm(registry.settings())
    daemon.tick()
    daemon.tick()
    assert daemon.confirmations() == 1
