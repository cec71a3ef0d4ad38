"""The state of a home in a few lines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from registry import ingest, refresh, release
from registry.config.inputs import no_deliveries
from registry.config.settings import Settings
from registry.curation import account, retraction
from registry.errors import UserError
from registry.system import event_log, lock
from registry.system.text import counted
from registry.vault.database import connect_vault


def describe(settings: Settings) -> tuple[list[tuple[str, str]], UserError | None]:
    """Label and text of each line, and the mistake in a profile or name because of which deliveries can't be read.

    Changes nothing.
    """
    lines = [("home", str(settings.home)), ("deliveries", str(settings.deliveries))]
    mistake: UserError | None = None
    try:
        lines += _delivered(settings)
    except UserError as error:
        mistake = error
        lines.append(("delivered", "can't be read: see the error at the end"))
    with _reading(settings):
        lines += _loaded(settings)
    return lines, mistake


@contextmanager
def _reading(settings: Settings) -> Iterator[None]:
    """Open the vault once for all that is read inside; where it can't be opened, each of them says so itself."""
    with ExitStack() as opened:
        with suppress(UserError):
            opened.enter_context(connect_vault(settings, read_only=True))
        yield


def _loaded(settings: Settings) -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    current = release.current(settings)
    if current is None:
        lines.append(("current release", "none yet"))
    else:
        lines.append(("current release", f"{current.release_id}, published {current.manifest['created_at']}"))
        failed = sum(not check["passed"] for check in current.manifest["checks"])
        lines.append(("gate", f"{len(current.manifest['checks'])} checks, {counted(failed, 'warning')}"))
        lines += [("", line) for line in account.told(account.of_release(settings, with_codes=True))]
    retracted = retraction.listed(settings)
    if retracted:
        lines.append(("retracted", f"{counted(len(retracted), 'place')}; to list them: registry retract --list"))
    if future := ingest.future_months(settings):
        lines.append(("in the future", f"{', '.join(future)}; to retract: registry retract {future[0]}"))
    decision = release.last_decision(settings)
    if decision is not None and decision.status == "refused":
        refused = counted(len(decision.audit.blocking), "check")
        lines.append(("last refresh", f"refused by the gate, {refused}; to list them: registry gate --failed"))
    lines.append(("running refresh", lock.describe_holder(settings) if lock.is_held(settings) else "no"))
    return lines


def _delivered(settings: Settings) -> list[tuple[str, str]]:
    if not settings.deliveries.is_dir():
        return [("delivered", f"nothing: {no_deliveries(settings.home, settings.deliveries)}")]
    plan = refresh.survey(settings)  # hashes every file: the vault is not kept open meanwhile
    files = plan.files
    with _reading(settings):
        to_load = plan.to_load()
        is_behind = bool(files) and not to_load and refresh.is_behind(plan)
    months = sorted({file.delivery for file in files})
    sites = sorted({file.site for file in files})
    span = f", {months[0]} to {months[-1]}" if months else ""
    lines = [
        ("delivered", f"{counted(len(files), 'file')} of {counted(len(sites), 'site')}{span}"),
        ("not loaded yet", counted(len(to_load), "file") + ("; run: registry refresh" if to_load else "")),
    ]
    if is_behind:
        lines.append(("not published yet", f"{refresh.NOT_PUBLISHED}; run: registry refresh"))
    return lines


def timings(settings: Settings) -> list[tuple[str, float, float]]:
    """The steps of the last run in the event log, each with its seconds and its seconds of CPU."""
    steps = [entry for entry in event_log.entries(settings) if entry.get("event") == "step_ended"]
    last = steps[-1]["run"] if steps else None
    return [(one["step"], one["seconds"], one["cpu_seconds"]) for one in steps if one["run"] == last]
