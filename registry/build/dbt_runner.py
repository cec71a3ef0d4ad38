"""Run dbt in this process, on the parsed project.

dbt's own messages quote the values that a model or test failed on, so its log stays in the vault.
"""

from __future__ import annotations

import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from registry.build.dbt_call import call_environment, flags, places, root_logger_kept
from registry.build.dbt_project import parsed_project
from registry.errors import UserError
from registry.system import memory
from registry.system.disk import raise_if_no_room
from registry.vault.database import private_files

if TYPE_CHECKING:
    from registry.config.settings import Settings

PRODUCTION = ("--exclude", "resource_type:unit_test", "resource_type:test,path:seeds")
"""Unit tests check the SQL and tests of seeds check the checkout: `make test` runs both, a refresh neither."""
_RUNS_KEPT = 3


class BuildFailed(UserError):
    """A model or a data test failed: nothing is published."""

    exit_code = 3


@dataclass(frozen=True)
class NodeResult:
    """The result of one node: dbt's status, failing rows, seconds."""

    node: str
    kind: str
    status: str
    failures: int
    seconds: float


@root_logger_kept()
def run(
    settings: Settings,
    command: Sequence[str],
    run_id: str,
    *,
    on_result: Callable[[NodeResult], None] = lambda _: None,
) -> list[NodeResult]:
    """Run a dbt command (`build` or `test`, with its selection) on the registry of these settings.

    Args:
        settings: the registry.
        command: dbt's command and its options.
        run_id: name of the folder in the vault for dbt's log.
        on_result: called with each node when it has ended.

    Raises:
        BuildFailed: names each failed model or test; dbt's own text may quote a value and is not repeated.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner
    from dbt.contracts.graph.manifest import Manifest

    project = parsed_project()
    target = _run_folder(settings, run_id)
    manifest = Manifest.from_msgpack(project.manifest.read_bytes())
    manifest.build_flat_graph()

    def heard(event: Any) -> None:
        if event.info.level == "error":  # dbt's own log would format thousands of unused lines
            with (target / "dbt.log").open("a", encoding="utf-8", errors="backslashreplace") as log:
                log.write(event.info.msg + "\n")
        if event.info.name == "NodeFinished":
            info = event.data.node_info
            kind = "test" if info.resource_type == "test" else info.resource_type
            result = event.data.run_result
            on_result(
                NodeResult(
                    info.unique_id, kind, str(result.status), int(result.num_failures), float(result.execution_time)
                )
            )

    arguments = [*flags(target), *command, "--no-write-json", "--target-path", str(target), *places()]
    with (
        call_environment(environment(settings)),
        private_files(),
        (target / "stdout.log").open("w", encoding="utf-8", errors="backslashreplace") as printed,
        redirect_stdout(printed),
        _stopped_by_keyboard_interrupt(),
    ):
        try:
            outcome = dbtRunner(manifest=manifest, callbacks=[heard]).invoke(arguments)
        finally:
            DuckDBConnectionManager.close_all_connections()
    if outcome.exception is not None and not isinstance(outcome.exception, Exception):
        raise outcome.exception  # an interruption
    found = [_result(one) for one in getattr(outcome.result, "results", None) or ()]
    if not outcome.success:
        _raise_failed(outcome, found, target, settings.memory_limit)
    return found


def environment(settings: Settings) -> dict[str, str]:
    """The variables that profiles.yml reads: paths and limits, no secrets."""
    return {
        "REGISTRY_WAREHOUSE": str(settings.warehouse),
        "REGISTRY_VAULT": str(settings.raw_db),
        "REGISTRY_MEMORY_LIMIT": settings.memory_limit,
        "REGISTRY_THREADS": str(settings.threads),
        "REGISTRY_TEMP": str(settings.vault_temp),  # views over raw rows spill data that identify patients
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def _raise_failed(outcome: Any, found: list[NodeResult], target: Path, limit: str) -> None:
    messages = [str(one.message or "") for one in getattr(outcome.result, "results", None) or ()]
    messages.append(str(outcome.exception or ""))
    with private_files():
        (target / "messages.txt").write_text("\n".join(messages), encoding="utf-8", errors="backslashreplace")
    for message in messages:
        raise_if_no_room("the build file warehouse.duckdb", message)
        if memory.ran_out(message):
            raise BuildFailed(f"{memory.line('warehouse', message, limit)}; nothing was published")
    failed = [
        one.node.split(".", 2)[-1] + (f" ({one.failures} rows)" if one.failures else "")
        for one in found
        if one.status in {"error", "fail"}
    ]
    named = ", ".join(failed) or f"dbt stopped before it ran a model ({type(outcome.exception).__name__})"
    raise BuildFailed(f"the build failed: {named}; nothing was published")


def _result(result: Any) -> NodeResult:
    node = result.node
    return NodeResult(
        node.unique_id, str(node.resource_type), str(result.status), int(result.failures or 0), result.execution_time
    )


@contextmanager
def _stopped_by_keyboard_interrupt() -> Iterator[None]:
    """Make Ctrl-C and SIGTERM raise KeyboardInterrupt, on which dbt stops; it would ignore Dagster's exception."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {which: signal.signal(which, signal.default_int_handler) for which in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)


def _run_folder(settings: Settings, run_id: str) -> Path:
    """The folder of one invocation in the vault; the last three earlier ones are kept."""
    settings.dbt_runs.mkdir(mode=0o700, exist_ok=True)
    earlier = [path for path in settings.dbt_runs.iterdir() if path.is_dir() and path.name != run_id]
    for path in sorted(earlier, key=lambda folder: folder.stat().st_mtime)[:-_RUNS_KEPT]:
        shutil.rmtree(path, ignore_errors=True)
    target = settings.dbt_runs / run_id
    target.mkdir(mode=0o700, exist_ok=True)
    return target
