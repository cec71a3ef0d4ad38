"""The SQL of the dbt project's macros without dbt: for cheap tests of how a cell is read."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment

_MACROS = Path(__file__).resolve().parents[2] / "dbt_project" / "macros"


class _Adapter:
    """dbt's dispatch, for DuckDB."""

    def dispatch(self, name: str) -> Any:
        return getattr(_macros(), f"duckdb__{name}", None) or getattr(_macros(), f"default__{name}")


@cache
def _macros() -> Any:
    environment = Environment(extensions=["jinja2.ext.do"], autoescape=False)
    environment.globals.update({"return": lambda sql: sql, "adapter": _Adapter()})
    texts = [path.read_text(encoding="utf-8") for path in sorted(_MACROS.glob("*.sql"))]
    source = "\n".join(text for text in texts if "{% materialization" not in text)  # a tag of dbt's own
    return environment.from_string(source).make_module({})


def macro_sql(name: str, *arguments: str) -> str:
    """The SQL that a macro makes of these expressions."""
    return str(getattr(_macros(), name)(*arguments))
