"""Shared by all calls of dbt in this process: flags, environment, and the root logger that dbt must not change."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from registry.paths import DBT_PROJECT


@contextmanager
def root_logger_kept() -> Iterator[None]:
    """Remove handlers that dbt and its imports add to the root logger: they would print later lines of others."""
    handlers, level = list(logging.root.handlers), logging.root.level
    try:
        yield
    finally:
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)


@contextmanager
def call_environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set our variables and remove the caller's DBT_ variables, which would change what dbt does."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("DBT_")]:
        del os.environ[name]
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def flags(log_folder: Path) -> list[str]:
    """Print and log nothing."""
    return ["--quiet", "--log-level", "none", "--log-path", str(log_folder), "--log-level-file", "none"]


def places() -> list[str]:
    """Where the project and its profile are."""
    return ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
