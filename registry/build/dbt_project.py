"""The dbt project as dbt parses it, kept for all homes of a checkout.

A parse takes dbt six seconds and depends only on the project's files: the paths of a home are needed only when dbt
connects. It is kept in dbt_project/target, named after a hash of everything that was parsed, with what Dagster and the
gate need to know about the models.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
import sys
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from registry.build.dbt_call import call_environment, flags, places, root_logger_kept
from registry.errors import UserError
from registry.paths import DBT_PROJECT

log = logging.getLogger(__name__)

PARSED = DBT_PROJECT / "target" / "parsed"
_SOURCES = {".sql", ".yml", ".csv"}
_HEADER = re.compile(r"/\*(.*?)\*/", re.DOTALL)


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


def _folders() -> Iterator[Path]:
    """Folders for a parsed project: in the checkout or, if that is not writable, in the user's cache."""
    yield PARSED
    yield Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "anti-cd20-registry" / "parsed"


def _sources_hash() -> str:
    kept = [field.name for field in fields(Node)]
    digest = hashlib.sha256(f"{DBT_PROJECT}\0{sys.version_info[:2]}\0{kept}\0".encode())
    digest.update(Path(__file__).read_bytes())
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


@root_logger_kept()
def _parsed_by_dbt(folder: Path) -> Any:
    from dbt.cli.main import dbtRunner

    anywhere = {"REGISTRY_WAREHOUSE": str(folder / "warehouse.duckdb"), "REGISTRY_VAULT": str(folder / "raw.duckdb")}
    arguments = [*flags(folder), "--no-write-json", "parse", "--no-partial-parse"]
    with call_environment({**anywhere, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}):
        outcome = dbtRunner().invoke([*arguments, "--target-path", str(folder), *places()])
    if not outcome.success:
        raise UserError(f"dbt can't parse {DBT_PROJECT}: run 'dbt parse' there to see where")
    return outcome.result


def _nodes_of(manifest: Any) -> dict[str, Node]:
    """Seeds, models, sources and data tests of a parsed manifest."""
    found = {}
    for node in [*manifest.nodes.values(), *manifest.sources.values()]:
        kind = str(node.resource_type)
        if kind in {"seed", "model", "source", "test"}:
            types = getattr(node.config, "column_types", {})  # of a seed
            found[node.unique_id] = Node(
                unique_id=node.unique_id,
                name=node.name,
                kind=kind,
                schema=node.schema,
                folder=node.fqn[1] if kind == "model" else "seeds" if kind == "seed" else "",
                description=_description(node),
                depends_on=tuple(getattr(getattr(node, "depends_on", None), "nodes", ())),
                columns={
                    name: (column.data_type or types.get(name, ""), column.description)
                    for name, column in node.columns.items()
                },
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
