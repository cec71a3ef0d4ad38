"""Marts → gate → release, and the gate's expectations shown as checks on the assets that they judge.

The release asset itself calls the audit, so that materialising it alone audits too. A check that blocked a mart from
here would be a circle, so the checks below only show what the audit found; on a refusal the release asset reports them
itself, since what stands behind a failed asset does not run.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

import dagster as dg

from expectations import CheckResult
from expectations.catalogue import CHECKS
from expectations.remedies import remedy_of
from orchestration.assets.statistics import STATISTICS
from orchestration.guard import guarded
from orchestration.resources import SAFETY_TEAM, RegistrySettings, is_unchanged
from orchestration.runs import enter
from registry import account, journal
from registry import release as releases
from registry.fingerprint import refresh_fingerprint
from registry.release.content import AGAINST_PREVIOUS
from registry.settings import Settings

PUBLISHED = [dg.AssetKey([name]) for name in STATISTICS]
RELEASE = dg.AssetKey(["release"])


def check_target(table: str) -> dg.AssetKey:
    """The asset key of a table named `main.table` or `meta.table`; of one that the release writes, the release."""
    return RELEASE if table in AGAINST_PREVIOUS else dg.AssetKey(table.removeprefix("main.").split("."))


def build_release_assets(
    warehouse: dg.AssetsDefinition,
) -> tuple[dg.AssetsDefinition, dg.AssetChecksDefinition]:
    """The release asset and the gate's checks, behind every published table of the warehouse."""
    published = [key for key in warehouse.keys if len(key.path) == 1 or key.path[0] == "meta"]
    judged = {*published, *PUBLISHED, RELEASE}
    shown = [check for check in CHECKS if check_target(check.table) in judged]
    known = {check.check_id for check in shown}

    @dg.asset(
        name="release",
        group_name="release",
        owners=[SAFETY_TEAM],
        kinds={"python", "duckdb", "parquet"},
        deps=[*sorted(published), *PUBLISHED],
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(days=40)),
        description=(
            "The published, read-only version of the registry. Builds the candidate, lets Great Expectations audit "
            "exactly that file, and switches `releases/current` only if every critical expectation holds."
        ),
    )
    def release(context: dg.AssetExecutionContext, registry_settings: RegistrySettings) -> dg.MaterializeResult:
        with guarded(registry_settings, "release"):
            settings = enter(context, registry_settings)
            if is_unchanged(context.run.run_id):
                releases.remove_old(settings)
                current = releases.current(settings)
                return dg.MaterializeResult(
                    metadata={"status": "confirmed, same id", "release": current.release_id if current else "none"}
                )
            try:
                outcome = releases.publish(settings, refresh_fingerprint(settings))
            except releases.GateRefused as refusal:
                _tell(settings, refusal.outcome)
                for evaluation in _as_evaluations(refusal.audit.checks, known):
                    context.instance.report_runless_asset_event(evaluation)
                raise dg.Failure(
                    description=str(refusal),
                    metadata={
                        "refused_by": [check.check_id for check in refusal.audit.blocking],
                    },
                    allow_retries=False,
                ) from None
            _tell(settings, outcome)
            accounts = account.of_release(settings)
            lines = account.told(accounts)
            for line in lines:
                context.log.info(line)
            for one in accounts:
                journal.record(settings, "account", site=one.site, **one.counts())
            return dg.MaterializeResult(
                metadata={
                    "status": outcome.status,
                    "release": outcome.release_id,
                    "path": dg.MetadataValue.path(str(outcome.path)),
                    "checks": len(outcome.audit.checks),
                    "warnings": len(outcome.audit.warnings),
                    "not_used": dg.MetadataValue.md("\n".join(f"    {line}" for line in lines) or "nothing new"),
                }
            )

    @dg.multi_asset_check(
        name="gate",
        can_subset=True,  # the release alone brings its own checks with it
        specs=[
            dg.AssetCheckSpec(
                check.check_id,
                asset=check_target(check.table),
                description=f"{check.description} ({check.severity}; {check.source}) What to do: "
                + remedy_of(check.check_id).action,
                additional_deps=[] if check_target(check.table) == RELEASE else [RELEASE],
            )
            for check in shown
        ],
    )
    def gate(
        context: dg.AssetCheckExecutionContext, registry_settings: RegistrySettings
    ) -> Iterator[dg.AssetCheckResult]:
        with guarded(registry_settings, "gate"):
            stored = releases.last_decision(registry_settings.load())
        for check in stored.audit.checks if stored else ():
            key = dg.AssetCheckKey(check_target(check.table), check.check_id)
            if key in context.selected_asset_check_keys:
                yield dg.AssetCheckResult(
                    asset_key=key.asset_key,
                    check_name=key.name,
                    passed=check.passed,
                    severity=_severity(check.severity),
                    metadata=_counts(check),
                )

    return release, gate


def _tell(settings: Settings, outcome: releases.Outcome) -> None:
    """What the gate decided, for the journal."""
    journal.record(
        settings,
        "gate",
        status=outcome.status,
        release=outcome.release_id,
        checks=len(outcome.audit.checks),
        warnings=[check.check_id for check in outcome.audit.warnings],
        refused_by=[check.check_id for check in outcome.audit.blocking],
    )


def _severity(severity: str) -> dg.AssetCheckSeverity:
    return dg.AssetCheckSeverity.ERROR if severity == "critical" else dg.AssetCheckSeverity.WARN


def _counts(check: CheckResult) -> dict[str, Any]:
    return {"unexpected": check.n_unexpected, "rows": check.n_rows, "detail": check.detail}


def _as_evaluations(checks: Iterable[CheckResult], known: set[str]) -> Iterator[dg.AssetCheckEvaluation]:
    for check in checks:
        if check.check_id in known:
            yield dg.AssetCheckEvaluation(
                asset_key=check_target(check.table),
                check_name=check.check_id,
                passed=check.passed,
                severity=_severity(check.severity),
                metadata={key: dg.MetadataValue.text(str(value)) for key, value in _counts(check).items()},
            )
