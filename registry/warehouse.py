"""The build file: made anew when what reads raw rows has changed, otherwise built upon.

Here: what surrounds dbt's work on warehouse.duckdb (freshness, environment, row counts, what failed). The models
are in dbt_project/; when they run is orchestration's.
"""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

from registry.disk import raise_if_no_room, writing
from registry.errors import UserError
from registry.fingerprint import build_generation
from registry.settings import Settings
from registry.vault import sweep_spilled


class BuildFailed(UserError):
    """A model or a data test failed: nothing may be published."""

    exit_code = 3


def prepare(settings: Settings) -> None:
    """Remove the build file where the code, seeds, profiles, key or engine that made it are not those now in force.

    Typed rows of files already read are kept between refreshes; they hold only as long as all that read them does.
    """
    sweep_spilled(settings)
    generation = build_generation(settings)
    path = settings.warehouse
    if path.exists() and _stored_generation(path) != generation:
        path.unlink()
        path.with_name(path.name + ".wal").unlink(missing_ok=True)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with writing(path), duckdb.connect(str(path)) as connection:
            connection.execute("CREATE SCHEMA build")
            connection.execute("CREATE TABLE build.generation AS SELECT ? AS generation", [generation])
        path.chmod(0o600)
    settings.temp.mkdir(parents=True, exist_ok=True, mode=0o700)


def _stored_generation(path: Path) -> str | None:
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            found = connection.execute("SELECT generation FROM build.generation").fetchone()
    except duckdb.Error:
        return None
    return found[0] if found else None


def dbt_environment(settings: Settings) -> dict[str, str]:
    """The variables that profiles.yml reads: paths and limits, no secret."""
    return {
        "REGISTRY_WAREHOUSE": str(settings.warehouse),
        "REGISTRY_VAULT": str(settings.raw_db),
        "REGISTRY_MEMORY_LIMIT": settings.memory_limit,
        "REGISTRY_THREADS": str(settings.threads),
        "REGISTRY_TEMP": str(settings.vault_temp),  # views over raw rows spill what identifies patients
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def row_counts(settings: Settings) -> dict[str, int]:
    """Rows of every table of the build file, by table name; empty where there is no build file yet."""
    if not settings.warehouse.exists():
        return {}
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        found = connection.execute(
            "SELECT table_name, estimated_size FROM duckdb_tables() WHERE NOT internal AND schema_name <> 'build'"
        ).fetchall()
    return {name: int(size) for name, size in found}


def raise_for_failures(target: Path, *, is_successful: bool) -> None:
    """Name what failed in the dbt invocation whose artefacts lie in `target`, without the engine's own message.

    Raises:
        BuildFailed: naming each failed model or test; the engine's text may quote a value, so it is not repeated.
    """
    if is_successful:
        return
    results = target / "run_results.json"
    failed: list[str] = []
    if results.exists():
        for result in json.loads(results.read_text())["results"]:
            if result["status"] in {"error", "fail"}:
                raise_if_no_room("the build file warehouse.duckdb", result.get("message") or "")
                failures = f" ({result['failures']} rows)" if result.get("failures") else ""
                failed.append(result["unique_id"].split(".", 2)[-1] + failures)
    named = ", ".join(failed) or "dbt ended before it ran a model"
    raise BuildFailed(f"the warehouse was not built: {named}; nothing was published")
