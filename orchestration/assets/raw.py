"""Deliveries → raw: the plan, and one asset per entity that loads its rows into the vault as sent."""

import logging

import dagster as dg

from orchestration.redaction import redact_errors
from orchestration.resources import DATA_TEAM, RegistrySettings
from orchestration.runs import begin_plan
from registry import ingest, refresh
from registry.config.input_contract import ENTITIES
from registry.system import event_log


@dg.asset(
    name="deliveries",
    group_name="deliveries",
    owners=[DATA_TEAM],
    kinds={"python", "file"},
    description=(
        "The plan of the refresh: the files found in the deliveries folder, each with its hash, the site profiles and "
        "the study settings, read once. Every later step uses it; later edits wait for the next refresh."
    ),
)
def deliveries(context: dg.AssetExecutionContext, registry_settings: RegistrySettings) -> dg.MaterializeResult:
    with redact_errors(registry_settings, "deliveries") as timer:
        plan = begin_plan(context, registry_settings)
        return dg.MaterializeResult(
            metadata={
                "files": len(plan.files),
                "files_to_load": len(plan.to_load()),
                "sites": len({file.site for file in plan.files}),
                "last_delivery": max((file.delivery for file in plan.files), default="none"),
                "months_by_site": dg.MetadataValue.md(_months_table(plan.files)),
                **timer.seconds(),
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
        with redact_errors(registry_settings, f"loading of {entity}") as timer:
            plan = begin_plan(context, registry_settings)
            result = refresh.load_entity(plan, entity)
            if result.n_rows_new:
                log.info("%s rows of %s loaded", f"{result.n_rows_new:,}", entity)
            for line in _warnings(entity, result):
                log.warning(line)
            event_log.record(
                plan.settings,
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
                    "months_by_site": _months_by_site([file for file in plan.files if file.entity == entity]),
                    **timer.seconds(),
                }
            )

    return raw_entity


def _warnings(entity: str, result: ingest.LoadResult) -> list[str]:
    """What was not read or is no longer there, one line each."""
    lines = [
        f"{site}, {entity}: columns not in the contract, kept as sent but not used: {columns}"
        for site, columns in _by_site(result.unknown_columns).items()
    ]
    if result.n_files_purged:
        lines.append(f"{entity}: columns that site.yml ignores were removed from {result.n_files_purged} loaded files")
    lines += [f"{place}: sheet {sheet} has no {entity}; not read" for place, sheet in sorted(result.unread_sheets)]
    lines += [f"{place}: delivered earlier, no longer there; its rows remain in use" for place in result.missing_files]
    return lines


def _months_table(files: tuple[ingest.DeliveredFile, ...]) -> str:
    """Files by site and delivery month."""
    months: dict[tuple[str, str], int] = {}
    for file in files:
        months[file.site, file.delivery] = months.get((file.site, file.delivery), 0) + 1
    lines = [f"| {site} | {month} | {number} |" for (site, month), number in sorted(months.items())]
    return "\n".join(["| site | month | files |", "|---|---|---|", *lines])


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
