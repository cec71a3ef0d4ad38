"""Run dbt in this process, on a project that is parsed once for all homes of a checkout.

Parsing takes six seconds and depends only on the project's files: a home's paths are used when dbt connects. The result
is stored in dbt_project/target under the hash of everything that was parsed, with what Dagster needs to know about the
models. dbt's messages quote the values that a model or test failed on, so its log stays in the vault.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
import signal
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from registry.errors import UserError
from registry.paths import DBT_PROJECT
from registry.system import memory
from registry.system.disk import raise_if_no_room
from registry.vault.database import private_files

if TYPE_CHECKING:
    from registry.config.settings import Settings

log = logging.getLogger(__name__)

PARSED = DBT_PROJECT / "target" / "parsed"
PRODUCTION = ("--exclude", "resource_type:unit_test", "resource_type:test,path:seeds")
"""Unit tests check the SQL and tests of seeds check the checkout: `make test` runs both, a refresh neither."""
_SOURCES = {".sql", ".yml", ".csv"}
_HEADER = re.compile(r"/\*(.*?)\*/", re.DOTALL)
_RUNS_KEPT = 3


class BuildFailed(UserError):
    """A model or a data test failed: nothing is published."""

    exit_code = 3


@dataclass(frozen=True)
class Node:
    """A seed, model, source or data test of the dbt project; `columns` holds types and descriptions.

    `meta` and `column_meta` hold what its YAML promises of the table and of its columns, as written there.
    """

    unique_id: str
    name: str
    kind: str
    schema: str
    folder: str
    description: str
    depends_on: tuple[str, ...]
    columns: Mapping[str, tuple[str, str]]
    path: str
    meta: Mapping[str, Any]
    column_meta: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class NodeResult:
    """The result of one node: dbt's status, failing rows, seconds."""

    node: str
    kind: str
    status: str
    failures: int
    seconds: float


@dataclass(frozen=True)
class ParsedProject:
    """The parsed project: its nodes by unique id, and the file that dbt reads."""

    nodes: Mapping[str, Node]
    manifest: Path


@cache
def parsed_project() -> ParsedProject:
    """The parsed project; parses it if necessary.

    Raises:
        UserError: if dbt can't parse the project or can't use its path.
    """
    if "'" in str(DBT_PROJECT):
        raise UserError(f"{DBT_PROJECT}: dbt can't read seeds if the path contains an apostrophe: move the checkout")
    name = _sources_hash()
    for folder in _folders():
        manifest, nodes = folder / f"{name}.msgpack", folder / f"{name}.json"
        if manifest.exists() and nodes.exists():
            return ParsedProject(_read_nodes(nodes), manifest)
    return _parse(name)


@contextmanager
def _root_logger_kept() -> Iterator[None]:
    """Remove handlers that dbt and its imports add to the root logger: they would print later lines of others."""
    handlers, level = list(logging.root.handlers), logging.root.level
    try:
        yield
    finally:
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)


@_root_logger_kept()
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

    arguments = [*_flags(target), *command, "--no-write-json", "--target-path", str(target), *_places()]
    with (
        _environment(environment(settings)),
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
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set our variables and remove the caller's DBT_ variables, which would change what dbt does."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("DBT_")]:
        del os.environ[name]
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


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


def _flags(log_folder: Path) -> list[str]:
    return ["--quiet", "--log-level", "none", "--log-path", str(log_folder), "--log-level-file", "none"]


def _places() -> list[str]:
    return ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]


def _run_folder(settings: Settings, run_id: str) -> Path:
    """The folder of one invocation in the vault; the last three earlier ones are kept."""
    settings.dbt_runs.mkdir(mode=0o700, exist_ok=True)
    earlier = [path for path in settings.dbt_runs.iterdir() if path.is_dir() and path.name != run_id]
    for path in sorted(earlier, key=lambda folder: folder.stat().st_mtime)[:-_RUNS_KEPT]:
        shutil.rmtree(path, ignore_errors=True)
    target = settings.dbt_runs / run_id
    target.mkdir(mode=0o700, exist_ok=True)
    return target


def _folders() -> Iterator[Path]:
    """Folders for a parsed project: in the checkout or, if that is not writable, in the user's cache."""
    yield PARSED
    yield Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "anti-cd20-registry" / "parsed"


def _sources_hash() -> str:
    kept = [field.name for field in fields(Node)]
    digest = hashlib.sha256(f"{DBT_PROJECT}\0{sys.version_info[:2]}\0{kept}\0".encode())
    for package in ("dbt-core", "dbt-duckdb", "duckdb"):
        digest.update(f"{package}=={version(package)}\0".encode())
    for path in sorted(DBT_PROJECT.rglob("*")):
        if path.suffix in _SOURCES and "target" not in path.relative_to(DBT_PROJECT).parts:
            digest.update(str(path.relative_to(DBT_PROJECT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _parse(name: str) -> ParsedProject:
    folder = next((place for place in _folders() if _is_writable(place)), None)
    if folder is None:
        raise UserError(
            f"neither {PARSED} nor the user's cache can be written: make one of them writable, or run make setup"
        )
    log.info("parsing the dbt project, once for all homes of this checkout")
    draft = folder / f".{uuid.uuid4().hex[:8]}"
    draft.mkdir()
    try:
        manifest = _parsed_by_dbt(draft)
        nodes = _nodes_of(manifest)
        written = {name: asdict(node) for name, node in nodes.items()}
        (draft / "nodes.json").write_text(json.dumps(written), encoding="utf-8")
        (draft / "manifest.msgpack").write_bytes(manifest.to_msgpack())
        for old in folder.glob("[0-9a-f]*.*"):
            old.unlink(missing_ok=True)
        (draft / "manifest.msgpack").replace(folder / f"{name}.msgpack")
        (draft / "nodes.json").replace(folder / f"{name}.json")
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return ParsedProject(nodes, folder / f"{name}.msgpack")


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


@_root_logger_kept()
def _parsed_by_dbt(folder: Path) -> Any:
    from dbt.cli.main import dbtRunner

    anywhere = {"REGISTRY_WAREHOUSE": str(folder / "warehouse.duckdb"), "REGISTRY_VAULT": str(folder / "raw.duckdb")}
    arguments = [*_flags(folder), "--no-write-json", "parse", "--no-partial-parse"]
    with _environment({**anywhere, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}):
        outcome = dbtRunner().invoke([*arguments, "--target-path", str(folder), *_places()])
    if not outcome.success:
        raise UserError(f"dbt can't parse {DBT_PROJECT}: run 'dbt parse' there to see where")
    return outcome.result


def _nodes_of(manifest: Any) -> dict[str, Node]:
    """Seeds, models, sources and data tests of a parsed manifest."""
    found = {}
    for node in [*manifest.nodes.values(), *manifest.sources.values()]:
        kind = str(node.resource_type)
        if kind in {"seed", "model", "source", "test"}:
            found[node.unique_id] = Node(
                unique_id=node.unique_id,
                name=node.name,
                kind=kind,
                schema=node.schema,
                folder=node.fqn[1] if kind == "model" else "seeds" if kind == "seed" else "",
                description=_description(node),
                depends_on=tuple(getattr(getattr(node, "depends_on", None), "nodes", ())),
                columns={name: (column.data_type or "", column.description) for name, column in node.columns.items()},
                path=node.original_file_path,
                meta=dict(node.config.meta or {}),
                column_meta={name: dict(column.meta) for name, column in node.columns.items() if column.meta},
            )
    return found


def _description(node: Any) -> str:
    """The description in a node's YAML, else the comment at the head of its SQL."""
    if node.description:
        return str(node.description)
    header = _HEADER.search(getattr(node, "raw_code", "") or "")
    return " ".join(header[1].split()) if header else ""


def _read_nodes(path: Path) -> dict[str, Node]:
    return {
        unique_id: Node(
            **{
                **node,
                "depends_on": tuple(node["depends_on"]),
                "columns": {name: tuple(column) for name, column in node["columns"].items()},
            }
        )
        for unique_id, node in json.loads(path.read_text(encoding="utf-8")).items()
    }


if __name__ == "__main__":
    parsed_project()
