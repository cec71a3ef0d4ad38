"""The Dagster instance of one home, shared by the UI and `registry refresh`, so that the UI shows all runs."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import dagster as dg
from sqlalchemy import event
from sqlalchemy.engine import Engine

from registry.config.settings import Settings
from registry.system.disk import group_folder, private_folder, require_plain_path

# No telemetry: hospitals block it, and nothing about the registry may leave the hospital. No sign-up dialog: it hides
# the page on the first visit. One run at a time: the build file allows only one writer. Output of steps is not stored:
# lines on stderr name files and headers.
DAGSTER_YAML = """\
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 1
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
"""


def prepare_dagster_home(settings: Settings) -> Path:
    """Create DAGSTER_HOME with its dagster.yaml if necessary, and set it for this process.

    Raises:
        UserError: if Dagster or dbt can't handle the path of this home.
    """
    require_plain_path(settings)
    home = settings.dagster_home
    group_folder(settings.home)
    private_folder(home)
    config = home / "dagster.yaml"
    if not config.exists():
        config.write_text(DAGSTER_YAML)
    elif "compute_logs:" not in config.read_text():
        config.write_text(config.read_text() + DAGSTER_YAML[DAGSTER_YAML.index("compute_logs:") :])
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    return home


@event.listens_for(Engine, "connect")
def _tune_sqlite(connection: Any, _record: object) -> None:
    """Let SQLite commit without waiting for the disk: a power failure loses at most the last events.

    Dagster commits every event separately, each through a new connection.
    """
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = NORMAL")


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """The instance of this home, to be used in a `with` statement."""
    return dg.DagsterInstance.from_config(str(prepare_dagster_home(settings)))
