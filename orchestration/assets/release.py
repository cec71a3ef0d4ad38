"""Gate → release: publish the candidate that passed the gate; if run alone, run the gate first."""

from datetime import timedelta

import dagster as dg

from orchestration.assets.gate import GATE, table_of
from orchestration.redaction import redact_errors
from orchestration.resources import SAFETY_TEAM, RegistrySettings
from orchestration.runs import OUTCOME_TAG, RELEASE_TAG, continue_plan, note_refusal
from registry import refresh
from registry import release as releases
from registry.curation import account
from registry.release.headline_figures import figures
from registry.system import event_log

RELEASE = dg.AssetKey(["release"])


@dg.asset(
    name="release",
    group_name="release",
    owners=[SAFETY_TEAM],
    kinds={"python", "duckdb", "parquet"},
    deps=[GATE],
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(days=40)),
    description=(
        "The published, read-only version of the registry. Publishes the candidate that passed the gate (if the build "
        "has changed since, the gate runs again) and then switches `releases/current`."
    ),
)
def release(context: dg.AssetExecutionContext, registry_settings: RegistrySettings) -> dg.MaterializeResult:
    with redact_errors(registry_settings, "release") as timer:
        plan = continue_plan(context, registry_settings)
        try:
            outcome = refresh.publish(plan)
        except releases.GateRefused as refusal:
            note_refusal()
            context.instance.add_run_tags(context.run.run_id, {OUTCOME_TAG: "refused"})
            raise dg.Failure(
                description=str(refusal),
                metadata={"refused_by": dg.MetadataValue.md(table_of(refusal.audit.blocking))},
                allow_retries=False,
            ) from None
        settings = plan.settings
        context.instance.add_run_tags(
            context.run.run_id, {OUTCOME_TAG: outcome.status, RELEASE_TAG: outcome.release_id}
        )
        accounts = account.of_release(settings)
        lines = account.told(accounts)
        for line in lines:
            context.log.info(line)
        for one in accounts:
            event_log.record(settings, "account", site=one.site, **one.counts())
        found = figures(releases.load(settings, outcome.release_id))
        return dg.MaterializeResult(
            metadata={
                "status": outcome.status,
                "release": outcome.release_id,
                "path": dg.MetadataValue.path(str(outcome.path)),
                "patients": found.patients,
                "cases": found.cases,
                "new_severe_cases": found.new_severe_cases,
                "rows_quarantined_open": found.rows_open,
                "checks": len(outcome.audit.checks),
                "warnings": len(outcome.audit.warnings),
                "to_look_at": dg.MetadataValue.md(
                    table_of(outcome.audit.warnings) if outcome.audit.warnings else "Every expectation holds."
                ),
                "not_used": dg.MetadataValue.md("\n".join(f"    {line}" for line in lines) or "nothing new"),
                **timer.seconds(),
            }
        )
