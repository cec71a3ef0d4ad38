"""The dbt project compiled once, then run many times: a build in a second or two instead of dbt's fifteen.

For tests over many random registries. What is run is the SQL that dbt compiled, in dbt's order, on a copy of a build
file that holds the seeds. Nothing is incremental, and a view is a table too: each use of a view plans it again, half of
a small build. A site's own date formats are part of the SQL, so only the sites below may have any. Whole builds through
dbt are tested elsewhere.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from typing import Any

import duckdb
from filelock import FileLock
from integration.registry_home import dbt, load, plan_of

from registry import refresh
from registry.build import warehouse
from registry.config.input_contract import ENTITIES
from registry.config.settings import Settings

DATE_FORMATS = {
    "aosta": ("%d/%m/%Y",),
    "bolzano": ("%d/%m/%Y",),
    "short_years": ("%d/%m/%Y", "%d/%m/%y"),
    "syn_italian": ("%d/%m/%Y", "%d/%m/%Y %H:%M"),
}
"""By site, as its site.yml may list them."""
_READ_AS_SITE = re.compile(rf"when \S+ = '({'|'.join(DATE_FORMATS)})' then coalesce\(")
_PATIENT = "patient_id,birth_date,sex\nSYN-1,1980-01-01,F\n"


@dataclass(frozen=True)
class Model:
    """One compiled model: its name, what it refers to, and its query, without date formats and with them."""

    name: str
    relation: str
    parents: frozenset[str]
    kind: str
    sql: str
    sql_with_formats: str


@dataclass(frozen=True)
class CompiledProject:
    """A build file with seeds alone, and every model, each after those it refers to."""

    seeded: Path
    models: tuple[Model, ...]

    def build(self, home: Path, up_to: Collection[str] = ()) -> Settings:
        """Load what lies under <home>/deliveries into the vault and build the warehouse of this home.

        up_to: only the models that these names or queries mention, and what those are made from.
        """
        settings = load(home)
        self.run(settings, up_to)
        return settings

    def run(self, settings: Settings, up_to: Collection[str] = (), *, with_views: bool = False) -> None:
        """Build the warehouse from the vault as it is; `with_views`: views stay views, as dbt builds them."""
        settings.temp.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.seeded, settings.warehouse)
        wanted = self._ancestry(up_to)
        with duckdb.connect(str(settings.warehouse), config={"threads": 1}) as connection:
            connection.execute(f"ATTACH '{settings.raw_db}' AS vault (READ_ONLY)")
            with_formats = has_formats(connection)
            for model in self.models:
                if model.name in wanted:
                    sql = model.sql_with_formats if with_formats else model.sql
                    kind = model.kind if with_views else "TABLE"
                    connection.execute(f"CREATE {kind} {model.relation} AS {sql}")

    def descendants(self, name: str) -> list[Model]:
        """A model and those that are made from it, in order."""
        found = {name}
        for model in self.models:
            if model.parents & found:
                found.add(model.name)
        return [model for model in self.models if model.name in found]

    def _ancestry(self, names: Collection[str]) -> set[str]:
        mentioned = {word for text in names for word in re.findall(r"\w+", text)}
        wanted = {model.name for model in self.models if not names or model.name in mentioned}
        assert wanted, f"no model is named in {names}"
        for model in reversed(self.models):
            if model.name in wanted:
                wanted |= model.parents
        return wanted


@cache
def compiled_project() -> CompiledProject:
    """Build a registry of one patient through dbt and keep what dbt made of the project.

    Once a test run: its workers share the first one's.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    home = Path(gettempdir()) / f"compiled-project-{run}" if run else Path(mkdtemp(prefix="compiled-project-"))
    manifest, seeded = home / "manifest.json", home / "seeded.duckdb"
    with FileLock(home.with_suffix(".lock")):
        if not seeded.exists():
            _compile(home, manifest, seeded)
    return CompiledProject(seeded, tuple(_in_order(json.loads(manifest.read_text()))))


def _compile(home: Path, manifest: Path, seeded: Path) -> None:
    """Write the manifest, and last the build file without the models."""
    for site in ("site", *DATE_FORMATS):
        delivery = home / "deliveries" / site / "2024-01"
        delivery.mkdir(parents=True)
        (delivery / "patients.csv").write_text(_PATIENT)
    for site, formats in DATE_FORMATS.items():
        (home / "deliveries" / site / "site.yml").write_text(f"csv: {{date_formats: {list(formats)}}}\n")
    plan = plan_of(home)
    for entity in ENTITIES:
        refresh.load_entity(plan, entity)
    settings = plan.settings
    warehouse.prepare(settings, plan.generation)
    done = dbt(settings, "build", "--exclude-resource-types", "unit_test", "test")  # whose manifest holds the SQL
    assert done.returncode == 0, done.stdout[-4000:]
    shutil.copy(settings.dbt_target / "manifest.json", manifest)
    with duckdb.connect(str(settings.warehouse)) as connection:
        for model in reversed(_in_order(json.loads(manifest.read_text()))):
            connection.execute(f"DROP {model.kind} {model.relation}")
    settings.warehouse.rename(seeded)


def has_formats(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether some site of this vault has date formats of its own; they must be in the compiled SQL."""
    found = connection.execute("SELECT site, list(format ORDER BY ordinal) FROM vault.config.date_format GROUP BY site")
    formats = dict(found.fetchall())
    unknown = {site for site, listed in formats.items() if tuple(listed) != DATE_FORMATS.get(site)}
    assert not unknown, f"their formats are not in the compiled SQL: {unknown}"
    return bool(formats)


def _without_formats(sql: str) -> str:
    """The SQL without the WHENs of the formats, which take DuckDB a fifth of a build to plan."""
    while found := _READ_AS_SITE.search(sql):
        end, depth = found.end(), 1
        while depth:
            depth += {"(": 1, ")": -1}.get(sql[end], 0)
            end += 1
        sql = sql[: found.start()] + sql[end:]
    return sql


def _in_order(manifest: dict[str, Any]) -> list[Model]:
    """The models, each after those it refers to."""
    nodes = {name: node for name, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    ordered: dict[str, Model] = {}

    def visit(unique_id: str) -> None:
        if unique_id not in nodes or unique_id in ordered:
            return
        node = nodes[unique_id]
        parents = node["depends_on"]["nodes"]
        for parent in parents:
            visit(parent)
        ordered[unique_id] = Model(
            name=node["name"],
            relation=node["relation_name"],
            parents=frozenset(nodes[parent]["name"] for parent in parents if parent in nodes),
            kind="VIEW" if node["config"]["materialized"] == "view" else "TABLE",
            sql=_without_formats(node["compiled_code"]),
            sql_with_formats=node["compiled_code"],
        )

    for unique_id in sorted(nodes):
        visit(unique_id)
    return list(ordered.values())
