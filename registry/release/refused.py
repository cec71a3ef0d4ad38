"""The build that the gate refused last: whether it is still there to be looked into.

The candidate is removed after a refusal, the build file that it was copied from stays until the next refresh builds.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from registry.build import warehouse
from registry.config.settings import Settings
from registry.errors import UserError
from registry.release import gate_record
from registry.system import lock


def refused_build(settings: Settings) -> Path:
    """The build file, if the gate refused it last.

    Raises:
        UserError: if there is no refused build, or a refresh is running.

    """
    if lock.is_held_by_other(settings):
        raise UserError(f"a refresh is running ({lock.describe_holder(settings)}): wait until it has ended")
    decision = gate_record.read(settings)
    if decision is None or decision.status != "refused":
        raise UserError("there is no refused build: the gate did not refuse the last one; query the release instead")
    if not is_that_of(settings, decision):
        raise UserError(
            f"there is no refused build: {settings.warehouse} has changed since the gate refused; run registry refresh"
        )
    return settings.warehouse


def is_that_of(settings: Settings, decision: gate_record.Decision) -> bool:
    """Whether the build file is complete and the one that was decided on."""
    try:
        stages = warehouse.stages(settings)
    except duckdb.Error:
        return False
    return {stages.get(stage) for stage in ("warehouse", "statistics")} == {decision.fingerprint}
