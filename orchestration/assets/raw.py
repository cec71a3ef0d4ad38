"""Deliveries → raw: what was found, and one asset an entity that loads it into the vault as sent."""

import logging
import time

import dagster as dg

from orchestration.guard import guarded
from orchestration.resources import DATA_TEAM, UNCHANGED, RegistrySettings, is_unchanged, mark_unchanged
from orchestration.runs import enter
from registry import ingest, journal, refresh
from registry.contract import ENTITIES


@dg.asset(
    name="deliveries",
    group_name="deliveries",
    owners=[DATA_TEAM],
    kinds={"python", "file"},
    description=(
        "The files found in the deliveries folder, the site profiles and the study settings. Computes the fingerprint "
        "of the refresh: where it equals the current release's, every later step reports 'unchanged'."
    ),
)
def deliveries(context: dg.AssetExecutionContext, registry_settings: RegistrySettings) -> dg.MaterializeResult:
    with guarded(registry_settings, "deliveries"):
        settings = enter(context, registry_settings)
        plan = refresh.prepare(settings)
        if plan.is_unchanged:
            mark_unchanged(context.run.run_id)
        return dg.MaterializeResult(
            metadata={
                "status": "unchanged" if plan.is_unchanged else "new input",
                "files": len(plan.files),
                "files_to_load": plan.n_files_to_load,
                "sites": len({file.site for file in plan.files}),
                "last_delivery": max((file.delivery for file in plan.files), default="none"),
            }
        )


log = logging.getLogger("registry.orchestration")


def _raw_asset(entity: str) -> dg.AssetsDefinition:
    @dg.asset(
        name=entity,
        key_prefix="raw",
        group_name="raw",
        owners=[DATA_TEAM],
        kinds={"python", "duckdb"},
        deps=["deliveries"],
        description=f"Delivered `{entity}` rows, every cell as text exactly as sent, with file and record number. "
        "In the vault: never queried, never published.",
    )
    def raw_entity(context: dg.AssetExecutionContext, registry_settings: RegistrySettings) -> dg.MaterializeResult:
        with guarded(registry_settings, f"loading of {entity}"):
            if is_unchanged(context.run.run_id):
                return dg.MaterializeResult(metadata=UNCHANGED)
            started = time.monotonic()
            settings = enter(context, registry_settings)
            files = ingest.discover(settings)
            result = ingest.load_entity(settings, entity, files)
            for site, columns in _by_site(result.unknown_columns).items():
                log.warning("%s, %s: not in the contract, kept as sent and not used: %s", site, entity, columns)
            if result.n_files_purged:
                log.warning(
                    "%s: columns that site.yml ignores were taken out of %d files", entity, result.n_files_purged
                )
            for place, sheet in sorted(result.unread_sheets):
                log.warning("%s: sheet %d holds no %s; not read", place, sheet, entity)
            for place in result.missing_files:
                log.warning("%s: delivered earlier, no longer there; its rows stay in force", place)
            journal.record(
                settings,
                "rows_loaded",
                entity=entity,
                files_new=result.n_files_new,
                files_replaced=result.n_files_replaced,
                files_missing=len(result.missing_files),
                rows=result.n_rows_new,
                rows_malformed=result.n_malformed,
            )
            return dg.MaterializeResult(
                metadata={
                    "files_new": result.n_files_new,
                    "files_replaced": result.n_files_replaced,
                    "files_missing": len(result.missing_files),
                    "columns_not_used": len(result.unknown_columns),
                    "rows_new": result.n_rows_new,
                    "rows_malformed": result.n_malformed,
                    "sheets_not_read": len(result.unread_sheets),
                    "months_by_site": _months_by_site([file for file in files if file.entity == entity]),
                    "duration_s": round(time.monotonic() - started, 2),
                }
            )

    return raw_entity


def _by_site(unknown_columns: set[tuple[str, str]]) -> dict[str, str]:
    """The columns of each site, in one line."""
    columns: dict[str, list[str]] = {}
    for site, column in sorted(unknown_columns):
        columns.setdefault(site, []).append(f"'{column}'")
    return {site: ", ".join(names) for site, names in columns.items()}


def _months_by_site(files: list[ingest.DeliveredFile]) -> dict[str, int]:
    """How many delivery months each site has sent of this entity."""
    months: dict[str, set[str]] = {}
    for file in files:
        months.setdefault(file.site, set()).add(file.delivery)
    return {site: len(found) for site, found in sorted(months.items())}


raw_assets = [deliveries, *(_raw_asset(entity) for entity in ENTITIES)]
