"""The SQL of the dbt project's macros and models without dbt: for cheap tests of how a cell is read."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment

_PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"


class _Adapter:
    """dbt's dispatch, for DuckDB."""

    def dispatch(self, name: str) -> Any:
        return getattr(_macros(), f"duckdb__{name}", None) or getattr(_macros(), f"default__{name}")


@cache
def _environment() -> Environment:
    environment = Environment(extensions=["jinja2.ext.do"], autoescape=False)
    environment.globals.update({"return": lambda sql: sql, "adapter": _Adapter()})
    environment.globals.update({"ref": lambda name: name, "source": lambda _, name: name})
    return environment


@cache
def _macro_texts() -> str:
    texts = [path.read_text(encoding="utf-8") for path in sorted((_PROJECT / "macros").glob("*.sql"))]
    return "\n".join(text for text in texts if "{% materialization" not in text)  # a tag of dbt's own


@cache
def _macros() -> Any:
    return _environment().from_string(_macro_texts()).make_module({})


def macro_sql(name: str, *arguments: str) -> str:
    """The SQL that a macro makes of these expressions."""
    return str(getattr(_macros(), name)(*arguments))


def model_sql(path: str) -> str:
    """The SQL of a model (below `models/`); what it refers to goes by its name alone."""
    text = (_PROJECT / "models" / path).read_text(encoding="utf-8")
    return _environment().from_string(_macro_texts() + text).render()
