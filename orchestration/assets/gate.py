"""Marts → gate: the candidate is copied from the build file, and Great Expectations checks exactly that file.

One asset check per table, with its expectations as a table: result, what was found, meaning, what to do. A critical one
that fails blocks the release. `Execute` on a check runs it on the current build.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import dagster as dg

from expectations import Audit, CheckResult
from expectations.catalogue import every_check
from expectations.remedies import remedy_of
from orchestration.redaction import redact_errors
from orchestration.resources import SAFETY_TEAM, RegistrySettings
from orchestration.runs import OUTCOME_TAG, continue_plan, note_refusal
from registry import refresh
from registry.config.settings import Settings
from registry.release import Judged
from registry.system import event_log

GATE = dg.AssetKey(["gate"])


def check_name(table: str) -> str:
    """Name of the asset check of a table: `fct_anc`, `meta_input_file`."""
    return table.removeprefix("main.").replace(".", "_")


def judged_tables() -> dict[str, list[str]]:
    """The ids of the expectations on each checked table."""
    tables: dict[str, list[str]] = {}
    for check in every_check():
        tables.setdefault(check.table, []).append(check.check_id)
    return tables


def build_gate(built: Iterable[dg.AssetKey]) -> dg.AssetsDefinition:
    """The gate as an asset downstream of every published table."""
    specs = [
        dg.AssetCheckSpec(
            check_name(table),
            asset=GATE,
            blocking=True,
            description=f"{len(ids)} expectations on {table.removeprefix('main.')}: {', '.join(ids)}.",
        )
        for table, ids in sorted(judged_tables().items())
    ]
    tables = {check_name(table): table for table in judged_tables()}

    @dg.multi_asset(
        name="gate",
        specs=[
            dg.AssetSpec(
                GATE,
                deps=sorted(built),
                group_name="release",
                owners=[SAFETY_TEAM],
                kinds={"python", "greatexpectations", "duckdb"},
                description=(
                    "The candidate of a release, copied from the build file, and the results of Great Expectations. A "
                    "critical expectation that fails blocks its publication."
                ),
            )
        ],
        check_specs=specs,
        can_subset=True,
    )
    def gate(context: dg.AssetExecutionContext, registry_settings: RegistrySettings) -> Iterator[Any]:
        with redact_errors(registry_settings, "gate") as timer:
            plan = continue_plan(context, registry_settings)
            judged = refresh.judge(plan)
            seconds = timer.seconds()
        record(plan.settings, judged)
        if not judged.audit.passed:
            note_refusal()
            context.instance.add_run_tags(context.run.run_id, {OUTCOME_TAG: "refused"})
        if GATE in context.selected_asset_keys:
            yield dg.MaterializeResult(asset_key=GATE, metadata={**_summary(judged), **seconds})
        by_table = _by_table(judged.audit)
        for key in context.selected_asset_check_keys:
            yield _shown(key, by_table.get(tables[key.name], []))

    return gate


def record(settings: Settings, judged: Judged) -> None:
    """Record the gate's results in the event log."""
    event_log.record(
        settings,
        "gate",
        status="passed" if judged.audit.passed else "refused",
        release=judged.release_id,
        checks=len(judged.audit.checks),
        warnings=[check.check_id for check in judged.audit.warnings],
        refused_by=[check.check_id for check in judged.audit.blocking],
    )


def table_of(results: Iterable[CheckResult]) -> str:
    """Expectations as a Markdown table, failed ones first."""
    lines = [
        f"| {_word(one)} | {one.check_id} | {one.found} | {_cell(one.description)} | "
        f"{_cell(remedy_of(one.check_id).action)} | {_cell(one.detail)} |"
        for one in sorted(results, key=lambda one: (not one.blocks, one.passed))
    ]
    head = "| result | expectation | found | what is expected | what to do | detail |"
    return "\n".join([head, "|---|---|---|---|---|---|", *lines])


def _word(result: CheckResult) -> str:
    return "passed" if result.passed else "**refused**" if result.blocks else "**warning**"


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")


def _by_table(audit: Audit) -> Mapping[str, list[CheckResult]]:
    found: dict[str, list[CheckResult]] = {}
    for check in audit.checks:
        found.setdefault(check.table, []).append(check)
    return found


def _shown(key: dg.AssetCheckKey, results: list[CheckResult]) -> dg.AssetCheckResult:
    """The check result of one table. A table without results was not checked: it does not pass."""
    is_blocked = not results or any(one.blocks for one in results)
    return dg.AssetCheckResult(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=bool(results) and all(one.passed for one in results),
        severity=dg.AssetCheckSeverity.ERROR if is_blocked else dg.AssetCheckSeverity.WARN,
        metadata={
            "expectations": len(results),
            "failed": sum(not one.passed for one in results),
            "rows_at_fault": sum(one.n_unexpected for one in results if one.finds == "rows"),
            "rows": max((one.n_rows for one in results), default=0),
            "results": dg.MetadataValue.md(table_of(results)),
        },
    )


def _summary(judged: Judged) -> dict[str, Any]:
    audit = judged.audit
    failed = [check for check in audit.checks if not check.passed]
    return {
        "status": "passed" if audit.passed else "refused",
        "candidate": judged.release_id,
        "checks": len(audit.checks),
        "warnings": len(audit.warnings),
        "refused_by": len(audit.blocking),
        "to_look_at": dg.MetadataValue.md(table_of(failed) if failed else "Every expectation holds."),
    }
