"""The Dagster instance of one registry home: the UI and `registry refresh` share it, so either shows all runs."""

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

# Telemetry off: hospitals block it, and nothing of a patient's registry leaves the house. The sign-up dialog of a first
# visit hides the page. One run at a time: the build file has one writer. What steps print is not kept: lines
# on stderr name files and headers.
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
    """Create DAGSTER_HOME with its dagster.yaml where they are missing, and point this process at it.

    Raises:
        UserError: where Dagster or dbt misreads the path of this home.
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
    """Let SQLite commit without waiting for the disk: with its write-ahead log a loss of power costs the last events.

    Dagster commits each event by itself, through a connection of its own.
    """
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = NORMAL")


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """The instance of this home; close it with `with`."""
    return dg.DagsterInstance.from_config(str(prepare_dagster_home(settings)))
