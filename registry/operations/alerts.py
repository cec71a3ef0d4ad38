"""Alerts: one line in <home>/alerts.jsonl, and the same JSON posted to REGISTRY_ALERT_WEBHOOK if that is set.

An alert leaves the hospital. It contains the study's id, the kind of failure, the failed checks with their counts, and
a fixed sentence; no error message, no file name, nothing about a patient.
"""

from __future__ import annotations

import json
import logging
import urllib.error
import urllib.request
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from registry.errors import UserError
from registry.release.gate_record import last
from registry.system import event_log

if TYPE_CHECKING:
    from registry.config.settings import Settings

log = logging.getLogger(__name__)

Kind = Literal["refresh_failed", "gate_refused"]

MESSAGES: dict[Kind, str] = {
    "refresh_failed": "The refresh failed; the current release is unchanged. "
    "See registry doctor, and the run in Dagster.",
    "gate_refused": "The gate refused the refresh: nothing was published; the current release is unchanged. "
    "See registry gate --failed.",
}
TIMEOUT = 10
"""Seconds to wait for the webhook."""


def send(settings: Settings, kind: Kind, run_id: str, job: str) -> bool:
    """Send an alert, once per run; returns whether it was sent now.

    Does not raise if the file or the webhook can't be reached: a failed alert must not hide the original failure.
    """
    if already_sent(settings, run_id):
        return False
    alert: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "kind": kind,
        "study": settings.study.study_id,
        "job": job,
        "run": run_id,
        "message": MESSAGES[kind],
    }
    if kind == "gate_refused":
        alert["checks"] = _refused_by(settings)
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        with settings.alerts.open("a", encoding="utf-8") as file:
            file.write(json.dumps(alert) + "\n")
    except OSError as error:
        log.warning("%s can't be written: %s", settings.alerts, error.strerror)
    is_posted = _post(settings.alert_webhook, alert) if settings.alert_webhook else None
    event_log.record(settings, "alert", kind=kind, run=run_id, is_posted=is_posted)
    return True


def kind_of_failure(settings: Settings, began: datetime) -> Kind:
    """Whether the gate refused a refresh that began at `began`: the recorded refusal is more recent."""
    with suppress(UserError):
        decision = last(settings)
        if decision is not None and decision.status == "refused":
            return "gate_refused" if decision.is_since(began) else "refresh_failed"
    return "refresh_failed"


def already_sent(settings: Settings, run_id: str) -> bool:
    """Whether this run has an alert already: the daemon also watches runs for which the command sends alerts itself."""
    try:
        lines = settings.alerts.read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    for line in reversed(lines):
        with suppress(ValueError):
            if json.loads(line).get("run") == run_id:
                return True
    return False


def _refused_by(settings: Settings) -> list[dict[str, str]]:
    with suppress(UserError):
        decision = last(settings)
        return [
            {"check": check.check_id, "table": check.table, "found": check.found}
            for check in (decision.audit.blocking if decision else ())
        ]
    return []


def _post(address: str, alert: dict[str, Any]) -> bool:
    try:
        request = urllib.request.Request(
            address, data=json.dumps(alert).encode(), headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT):
            return True
    except (OSError, ValueError):
        log.warning("the alert webhook can't be reached, or refused the alert; the alert is in alerts.jsonl")
        return False
