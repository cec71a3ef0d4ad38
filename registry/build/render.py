"""The dbt project's SQL rendered and run without dbt, for `registry check`: dbt takes seconds to import and start.

Models, macros and seeds are those of dbt_project, and their order is dbt's own (`dbt_project.py`). Only the rendering
is done here, with the part of dbt's context that the project uses; a test compares every model and seed with dbt's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import duckdb
from jinja2 import Environment, StrictUndefined

from registry.build.dbt_project import Node, parsed_project
from registry.paths import DBT_PROJECT
from registry.system.sql import identifier, literal

_MACRO = re.compile(r"{%-?\s*macro\s+(\w+).*?{%-?\s*endmacro\s*-?%}", re.DOTALL)
_EXTENSIONS = ["jinja2.ext.do", "jinja2.ext.loopcontrols"]
_NOT_RENDERED = ("materializations.sql", "generate_schema_name.sql")
"""How dbt writes a model, and where."""
_queried: ContextVar[duckdb.DuckDBPyConnection] = ContextVar("queried")
"""What macros query: jinja keeps the names that a macro saw first."""


def build_in_memory(connection: duckdb.DuckDBPyConnection, names: Iterable[str]) -> None:
    """Build models, and the seeds and models that they are made from, in the connection's own database.

    The vault must be attached as `vault`. A view is a view, everything else a table.

    Raises:
        KeyError: if no model has one of these names.
    """
    for node in _ancestry(names):
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(node.schema)}")
        if node.kind == "seed":
            _load_seed(connection, node)
        else:
            sql, kind = render(node, connection)
            connection.execute(f"CREATE {kind} {_relation(node)} AS {sql}")


def render(node: Node, connection: duckdb.DuckDBPyConnection) -> tuple[str, str]:
    """The SQL of a model as dbt compiles it for a build from nothing, and TABLE or VIEW.

    Macros may query what is built already in the connection, as they do in dbt.
    """
    config: dict[str, Any] = {}
    model = _environment().from_string((DBT_PROJECT / node.path).read_text(encoding="utf-8"))
    token = _queried.set(connection)
    try:
        sql = model.render(this=_relation(node), config=lambda **given: config.update(given) or "")
    finally:
        _queried.reset(token)
    return sql, "VIEW" if config.get("materialized") == "view" else "TABLE"


def _ancestry(names: Iterable[str]) -> list[Node]:
    """The nodes with these names and what they are made from, each after those it refers to."""
    nodes = parsed_project().nodes
    by_name = {node.name: unique_id for unique_id, node in nodes.items() if node.kind in ("model", "seed")}
    ordered: dict[str, Node] = {}

    def visit(unique_id: str) -> None:
        node = nodes.get(unique_id)
        if node is None or node.kind == "source" or unique_id in ordered:
            return
        for parent in node.depends_on:
            visit(parent)
        ordered[unique_id] = node

    for name in names:
        visit(by_name[name])
    return list(ordered.values())


def _relation(node: Node) -> str:
    return f"{identifier(node.schema)}.{identifier(node.name)}"


def _load_seed(connection: duckdb.DuckDBPyConnection, node: Node) -> None:
    """All columns as text, then those with a type in the YAML as that."""
    typed = [f"CAST({identifier(name)} AS {of}) AS {identifier(name)}" for name, (of, _) in node.columns.items() if of]
    replaced = f" REPLACE ({', '.join(typed)})" if typed else ""
    connection.execute(
        f"CREATE TABLE {_relation(node)} AS SELECT *{replaced} "
        f"FROM read_csv({literal(DBT_PROJECT / node.path)}, header = true, all_varchar = true)"
    )


def _run_query(sql: str) -> SimpleNamespace:
    return SimpleNamespace(rows=_queried.get().execute(sql).fetchall())


class _Return(Exception):
    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


@cache
def _environment() -> Environment:
    """Every macro of the project, and what they use of dbt's context.

    Macros see each other as globals, whatever file they are in, as in dbt.
    """
    environment = Environment(extensions=_EXTENSIONS, undefined=StrictUndefined)  # noqa: S701  renders SQL
    nodes = parsed_project().nodes.values()
    relations = {node.name: _relation(node) for node in nodes if node.kind in ("model", "seed")}
    sources = {tuple(node.unique_id.split(".")[-2:]): _relation(node) for node in nodes if node.kind == "source"}
    environment.globals |= _dispatching(environment) | {
        "execute": True,
        "run_query": _run_query,
        "flags": SimpleNamespace(WHICH="build"),
        "modules": SimpleNamespace(re=re),
        "target": SimpleNamespace(database="memory", type="duckdb"),
        "ref": relations.__getitem__,
        "source": lambda schema, table: f"vault.{sources[schema, table]}",
        "is_incremental": lambda: False,
        "api": SimpleNamespace(Relation=SimpleNamespace(create=_created)),
        "dbt": _dbts_own(),
    }
    _add_macros(
        environment, (path for path in (DBT_PROJECT / "macros").glob("*.sql") if path.name not in _NOT_RENDERED)
    )
    return environment


def _dbts_own() -> SimpleNamespace:
    """The portable macros of dbt itself, from its installed files; nothing of it is imported."""
    found = find_spec("dbt")
    environment = Environment(extensions=_EXTENSIONS, undefined=StrictUndefined)  # noqa: S701
    types = SimpleNamespace(translate_type={"string": "TEXT"}.__getitem__)
    environment.globals |= _dispatching(environment) | {"api": SimpleNamespace(Column=types)}
    for folder in ("global_project", "duckdb"):
        for place in (found.submodule_search_locations if found else None) or ():
            _add_macros(environment, Path(place, "include", folder, "macros", "utils").glob("*.sql"))
    environment.globals["dbt"] = own = SimpleNamespace(**environment.globals)
    return own


def _dispatching(environment: Environment) -> dict[str, Any]:
    def dispatch(name: str, _package: str = "") -> Callable[..., Any]:
        own = environment.globals.get(f"duckdb__{name}")
        return cast("Callable[..., Any]", own or environment.globals[f"default__{name}"])

    return {"return": _leave, "adapter": SimpleNamespace(dispatch=dispatch)}


def _add_macros(environment: Environment, paths: Iterable[Path]) -> None:
    """Each a template of its own, so that one finds another as a global and `return` leaves that one alone."""
    for path in sorted(paths):
        for found in _MACRO.finditer(path.read_text(encoding="utf-8")):
            environment.globals[found[1]] = _macro(environment.from_string(found[0]), found[1])


def _macro(template: Any, name: str) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        try:
            return getattr(template.module, name)(*arguments, **named)
        except _Return as left:
            return left.value

    return call


def _leave(value: Any) -> None:
    raise _Return(value)


def _created(**names: str) -> str:
    return identifier(f"{names['schema']}.{names['identifier']}")
