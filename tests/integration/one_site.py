"""Many cases in one build: each is a site of its own, and is asked as if its site were the registry."""

from __future__ import annotations

from typing import Any

import duckdb

from registry.config.settings import Settings

_COLUMNS = """
SELECT schema_name, table_name, list(column_name) FROM duckdb_columns()
WHERE database_name = 'built' AND schema_name IN ('main', 'meta') AND column_name IN ('site', 'patient_key')
GROUP BY schema_name, table_name
"""


def ask(settings: Settings, site: str, *queries: str) -> list[list[tuple[Any, ...]]]:
    """The answers from what is published of one site."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{settings.warehouse}' AS built (READ_ONLY)")
        connection.execute(f"ATTACH '{settings.raw_db}' AS vault (READ_ONLY)")
        connection.execute("CREATE SCHEMA meta")
        for schema, table, columns in connection.execute(_COLUMNS).fetchall():
            of_site = f"site = '{site}'"
            if "site" not in columns:
                of_site = f"patient_key IN (SELECT patient_key FROM vault.main.patient_map WHERE {of_site})"
            connection.execute(f"CREATE VIEW {schema}.{table} AS FROM built.{schema}.{table} WHERE {of_site}")
        return [connection.execute(query).fetchall() for query in queries]
