"""One refresh: its plan, frozen before anything else, and its steps as plain functions over that plan.

    plan.py     settings, profiles and files as they were when the refresh began, in one row of the vault
    steps.py    load, build, statistics, gate, release: what Dagster's assets and the command line call, in this order
    trial.py    deliveries loaded and judged on a copy that is thrown away, for `registry check`

Here: what a refresh uses, and in what order. Not here: how a step does its work (registry/ingest,
registry/build/warehouse.py, registry/statistics, registry/release), and when it runs (orchestration).
"""

from registry.refresh.plan import NOT_PUBLISHED, Plan, is_behind, is_up_to_date, load_plan, make_plan, survey
from registry.refresh.steps import NotReady, build_warehouse, judge, load_entity, publish, run, write_statistics

__all__ = [
    "NOT_PUBLISHED",
    "NotReady",
    "Plan",
    "build_warehouse",
    "is_behind",
    "is_up_to_date",
    "judge",
    "load_entity",
    "load_plan",
    "make_plan",
    "publish",
    "run",
    "survey",
    "write_statistics",
]
