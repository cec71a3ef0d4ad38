"""The job, the monthly schedule, and the sensors. Schedule and sensors run only where REGISTRY_AUTOMATION=on."""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from orchestration.guard import in_one_line
from orchestration.resources import RegistrySettings
from registry import alerts, ingest
from registry.errors import UserError
from registry.settings import Settings

REFRESH_JOB = "registry_refresh"

registry_refresh = dg.define_asset_job(
    REFRESH_JOB,
    selection=dg.AssetSelection.all() | dg.AssetSelection.all_asset_checks(),
    description="Load new deliveries, build the marts, let the gate audit the candidate, publish the release.",
)


def build_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """The third day of every month at 06:00 in the study's time zone."""
    return dg.ScheduleDefinition(
        name="monthly_registry_refresh",
        job_name=REFRESH_JOB,
        cron_schedule="0 6 3 * *",
        execution_timezone=settings.study.time_zone,
        default_status=_switched(settings),
        description="The monthly refresh: by the third day the sites' exports of the month before have arrived.",
    )


def build_sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """A sensor for new deliveries and one for failed runs."""

    @dg.sensor(
        name="new_delivery",
        job_name=REFRESH_JOB,
        minimum_interval_seconds=300,
        default_status=_switched_sensor(settings),
        description="Asks for a refresh when a delivered file is not loaded yet.",
    )
    def new_delivery(registry_settings: RegistrySettings) -> Iterator[dg.RunRequest | dg.SkipReason]:
        try:
            now = registry_settings.load()
            to_load = ingest.not_yet_loaded(now, ingest.discover(now), ingest.load_profiles(now))
        except UserError as mistake:
            yield dg.SkipReason(in_one_line(registry_settings, mistake, "new_delivery"))
            return
        except Exception as error:  # noqa: BLE001  told as in a step, and the tick fails: a fault is no reason to skip
            raise dg.Failure(in_one_line(registry_settings, error, "new_delivery"), allow_retries=False) from None
        if not to_load:
            yield dg.SkipReason("every delivered file is loaded")
            return
        yield dg.RunRequest(run_key="|".join(sorted(file.sha256[:12] for file in to_load)))

    @dg.run_failure_sensor(
        name="failed_refresh_alert",
        default_status=_switched_sensor(settings),
        description="Writes an alert to a file and, where REGISTRY_ALERT_WEBHOOK is set, posts it there, once a run.",
    )
    def failed_refresh_alert(context: dg.RunFailureSensorContext) -> None:
        run = context.dagster_run
        record = context.instance.get_run_record_by_id(run.run_id)
        began = record.create_timestamp.astimezone(UTC) if record else datetime.now(UTC)
        alerts.send(settings, alerts.kind_of_failure(settings, began), run.run_id, run.job_name)

    return [new_delivery, failed_refresh_alert]


def _switched(settings: Settings) -> dg.DefaultScheduleStatus:
    return dg.DefaultScheduleStatus.RUNNING if settings.automation else dg.DefaultScheduleStatus.STOPPED


def _switched_sensor(settings: Settings) -> dg.DefaultSensorStatus:
    return dg.DefaultSensorStatus.RUNNING if settings.automation else dg.DefaultSensorStatus.STOPPED
