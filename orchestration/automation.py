"""The job, the monthly schedule, and the sensors. Schedule and sensors are on only if REGISTRY_AUTOMATION=on."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime

import dagster as dg

from orchestration.redaction import in_one_line
from orchestration.resources import RegistrySettings
from orchestration.runs import TRIGGER_TAG
from registry import refresh, release
from registry.config.settings import Settings
from registry.errors import UserError
from registry.ingest import arrival
from registry.operations import alerts
from registry.release import gate_record

REFRESH_JOB = "registry_refresh"

registry_refresh = dg.define_asset_job(
    REFRESH_JOB,
    selection=dg.AssetSelection.all() | dg.AssetSelection.all_asset_checks(),
    description="Load new deliveries, build the marts, run the gate on the candidate, publish the release.",
)


@dataclass(frozen=True)
class Cursor:
    """The state of the sensor after its last tick.

    `counter`: the key of the next run request. Dagster accepts a key only once, so a new cursor starts with the time.
    `asked`: the hash of the files and settings for which a refresh was last requested.
    `looks`: size and date of each file at the last tick.
    """

    counter: int = field(default_factory=lambda: int(time.time()))
    asked: str = ""
    looks: dict[str, arrival.Look] | None = None

    @classmethod
    def read(cls, text: str | None) -> Cursor:
        """Read a cursor; a new one if there is none or it is from an earlier version."""
        with suppress(ValueError, TypeError):
            return cls(**json.loads(text or ""))
        return cls()

    def written(self) -> str:
        """The cursor as text."""
        return json.dumps(asdict(self))


def build_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """The third day of every month at 06:00 in the study's time zone."""

    @dg.schedule(
        name="monthly_registry_refresh",
        job_name=REFRESH_JOB,
        cron_schedule="0 6 3 * *",
        execution_timezone=settings.study.time_zone,
        default_status=_switched(settings),
        description="The monthly refresh: by the third day the sites' exports of the previous month have arrived. If "
        "nothing is new, the current release is confirmed and no run is started.",
    )
    def monthly_registry_refresh(
        context: dg.ScheduleEvaluationContext, registry_settings: RegistrySettings
    ) -> dg.RunRequest | dg.SkipReason:
        try:
            plan = refresh.survey(registry_settings.load())
            if refresh.is_up_to_date(plan):
                confirm(context.instance, plan.settings)
                return dg.SkipReason("nothing is new: the current release is confirmed")
        except UserError:
            pass  # the run will fail with this error and send an alert
        return dg.RunRequest(tags={TRIGGER_TAG: "schedule"})

    return monthly_registry_refresh


def build_sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """A sensor for new deliveries and one for failed runs."""

    @dg.sensor(
        name="new_delivery",
        job_name=REFRESH_JOB,
        minimum_interval_seconds=300,
        default_status=_switched_sensor(settings),
        description="Requests a refresh when deliveries or settings differ from those of the current release, once per "
        "change; waits while a file is still being written.",
    )
    def new_delivery(
        context: dg.SensorEvaluationContext, registry_settings: RegistrySettings
    ) -> dg.RunRequest | dg.SkipReason:
        seen = Cursor.read(context.cursor)
        try:
            confirm_what_the_command_found(context.instance, registry_settings.places())
            plan = refresh.survey(registry_settings.load())
            is_new = not refresh.is_up_to_date(plan)
            waiting = arrival.unsettled(plan.to_load(), time.time(), seen.looks) if is_new else {}
        except UserError as mistake:
            return dg.SkipReason(in_one_line(registry_settings, mistake, "new_delivery"))
        except Exception as error:  # noqa: BLE001  reported as in a step; the tick fails instead of being skipped
            raise dg.Failure(in_one_line(registry_settings, error, "new_delivery"), allow_retries=False) from None
        cursor = replace(seen, looks=arrival.looks(plan.files))
        if waiting:
            context.update_cursor(cursor.written())
            months = ", ".join(f"{'/'.join(month)} ({why})" for month, why in waiting.items())
            return dg.SkipReason(f"waiting for files that may still be written: {months}")
        state = plan.inputs_hash()
        is_asked = is_new and seen.asked == state
        if is_new and not is_asked:
            cursor = replace(cursor, counter=seen.counter + 1)
        context.update_cursor(replace(cursor, asked=state if is_new else "").written())
        if not is_new:
            return dg.SkipReason("nothing is new: deliveries and settings are those of the current release")
        if is_asked:
            return dg.SkipReason("a refresh of these deliveries and settings has already been requested")
        return dg.RunRequest(run_key=str(cursor.counter), tags={TRIGGER_TAG: "sensor"})

    @dg.run_failure_sensor(
        name="failed_refresh_alert",
        default_status=_switched_sensor(settings),
        description="Writes an alert to a file and, if REGISTRY_ALERT_WEBHOOK is set, posts it there, once per run.",
    )
    def failed_refresh_alert(context: dg.RunFailureSensorContext) -> None:
        run = context.dagster_run
        record = context.instance.get_run_record_by_id(run.run_id)
        began = record.create_timestamp.astimezone(UTC) if record else datetime.now(UTC)
        alerts.send(settings, alerts.kind_of_failure(settings, began), run.run_id, run.job_name)

    return [new_delivery, failed_refresh_alert]


def confirm(instance: dg.DagsterInstance, settings: Settings) -> None:
    """Report on the release asset that nothing was new, for its freshness policy."""
    current = release.current(settings)
    if current is not None:
        status = {"status": "confirmed, same id", "release": current.release_id}
        instance.report_runless_asset_event(dg.AssetMaterialization("release", metadata=status))


def confirm_what_the_command_found(instance: dg.DagsterInstance, settings: Settings) -> None:
    """Report a refresh from the command line that found nothing new: it does not start Dagster."""
    confirmed_at = gate_record.confirmed_at(settings)
    shown = instance.get_latest_materialization_event(dg.AssetKey("release"))
    if confirmed_at is not None and (shown is None or shown.timestamp < confirmed_at.timestamp()):
        confirm(instance, settings)


def _switched(settings: Settings) -> dg.DefaultScheduleStatus:
    return dg.DefaultScheduleStatus.RUNNING if settings.automation else dg.DefaultScheduleStatus.STOPPED


def _switched_sensor(settings: Settings) -> dg.DefaultSensorStatus:
    return dg.DefaultSensorStatus.RUNNING if settings.automation else dg.DefaultSensorStatus.STOPPED
