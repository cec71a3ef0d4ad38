"""Alerts: in the file and at the webhook, once a run, with nothing of a patient and no file's name."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from delivered import Home

from expectations import Audit, CheckResult
from registry.config.settings import Settings
from registry.errors import UserError
from registry.operations import alerts
from registry.operations.run_record import recorded
from registry.release import gate_record
from registry.system import event_log
from registry.system.lock import InUse

REFUSED = CheckResult(
    "anc_possible", "main.fct_anc", "critical", passed=False, n_unexpected=7, n_rows=90,
    detail="ROSSI-MARIO", description="An ANC can't be that high.", source="domain",
)  # fmt: skip


class Receiver:
    """A web server on 127.0.0.1 that keeps what it is sent."""

    def __init__(self, status: int) -> None:
        self.received: list[dict[str, Any]] = []
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.headers["Content-Type"] == "application/json"
                received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/alert"


@pytest.fixture(params=[200, 500])
def receiver(request: pytest.FixtureRequest) -> Iterator[Receiver]:
    receiver = Receiver(request.param)
    thread = threading.Thread(target=receiver.server.serve_forever)
    thread.start()
    yield receiver
    receiver.server.shutdown()
    thread.join()
    receiver.server.server_close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home in which something is loaded."""
    home = Home(tmp_path)
    home.deliver("udine/2025-01/patients.csv", "patient_id,sex\nROSSI-MARIO,M\n")
    home.load("patients")
    return home.settings


def written(settings: Settings) -> list[dict[str, Any]]:
    return [json.loads(line) for line in settings.alerts.read_text().splitlines()]


def test_a_failed_refresh_is_told_to_file_and_webhook_whatever_the_error_says(
    settings: Settings, receiver: Receiver
) -> None:
    settings = replace(settings, alert_webhook=receiver.address)

    def refresh() -> None:
        with recorded(settings, "run-1") as run:
            run.begin("command")
            raise UserError("udine/2025-01/patients_ROSSI-MARIO.csv can't be read")

    with pytest.raises(UserError):
        refresh()
    assert receiver.received == written(settings)
    (alert,) = receiver.received
    assert (alert["kind"], alert["run"], alert["study"]) == ("refresh_failed", "run-1", settings.study.study_id)
    assert "the current release is unchanged" in alert["message"]
    ended = [entry for entry in event_log.entries(settings) if entry["event"] == "refresh_ended"]
    assert [entry["exit_code"] for entry in ended] == [2]
    assert "ROSSI" not in json.dumps(alert) + settings.journal.read_text()


def test_a_refusal_names_its_checks_and_their_counts_alone(settings: Settings, receiver: Receiver) -> None:
    settings = replace(settings, alert_webhook=receiver.address)
    with recorded(settings, "run-2") as run:
        gate_record.record(settings, "2025-01-aaaaaaaaaa", "a" * 64, "refused", Audit((REFUSED,)))
        run.exit_code = 3
    (alert,) = receiver.received
    assert alert["kind"] == "gate_refused"
    assert alert["checks"] == [{"check": "anc_possible", "table": "main.fct_anc", "found": "7 of 90 rows"}]
    assert "ROSSI" not in json.dumps(alert)


def test_a_refusal_of_an_earlier_refresh_is_not_told_again(settings: Settings) -> None:
    gate_record.record(settings, "2025-01-aaaaaaaaaa", "a" * 64, "refused", Audit((REFUSED,)))
    later = datetime.now(UTC) + timedelta(seconds=2)
    assert alerts.kind_of_failure(settings, later) == "refresh_failed"


def test_the_daemon_does_not_repeat_what_the_command_told(settings: Settings) -> None:
    assert alerts.send(settings, "refresh_failed", "run-3", "registry_refresh")
    assert not alerts.send(settings, "refresh_failed", "run-3", "registry_refresh")
    assert alerts.send(settings, "refresh_failed", "run-4", "registry_refresh")
    assert [alert["run"] for alert in written(settings)] == ["run-3", "run-4"]


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/nobody", "no address"])
def test_a_webhook_that_can_not_be_reached_stops_nothing(settings: Settings, address: str) -> None:
    assert alerts.send(replace(settings, alert_webhook=address), "refresh_failed", "run-5", "registry_refresh")
    assert len(written(settings)) == 1


@pytest.mark.parametrize("stopped_by", [KeyboardInterrupt(), InUse("another refresh is running")])
def test_no_alert_for_who_is_stopped_or_waits(settings: Settings, stopped_by: BaseException) -> None:
    with pytest.raises(type(stopped_by)), recorded(settings, "run-6"):
        raise stopped_by
    assert not settings.alerts.exists()


def test_a_refresh_that_somebody_stopped_has_its_end_in_the_journal(settings: Settings) -> None:
    with pytest.raises(KeyboardInterrupt), recorded(settings, "run-8"):
        raise KeyboardInterrupt
    assert [(entry["event"], entry["exit_code"]) for entry in event_log.entries(settings)] == [("refresh_ended", 130)]


def test_success_is_in_the_journal_and_no_alert(settings: Settings) -> None:
    with recorded(settings, "run-7") as run:
        run.begin("command")
        run.exit_code = 0
    assert not settings.alerts.exists()
    assert [entry["event"] for entry in event_log.entries(settings)] == ["refresh_started", "refresh_ended"]


def test_the_journal_is_cut_into_files_of_a_bounded_size(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "MAX_BYTES", 1000)
    for number in range(100):
        event_log.record(settings, "counted", number=number)
    kept = sorted(path.name for path in settings.journal.parent.iterdir())
    assert kept == ["registry.jsonl", *(f"registry.jsonl.{number}" for number in range(1, event_log.KEPT + 1))]
    assert all(path.stat().st_size <= 1000 for path in settings.journal.parent.iterdir())
    numbers = [entry["number"] for entry in event_log.entries(settings)]
    assert numbers == list(range(numbers[0], 100))
