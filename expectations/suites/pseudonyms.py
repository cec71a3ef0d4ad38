"""Nothing in a release identifies a person or leads back to a hospital's own record."""

from __future__ import annotations

from expectations.check import Check
from expectations.check_types import no_rows

# Columns of the input contract that would identify a person or lead back to a hospital's own record.
IDENTIFYING_COLUMNS = (
    "patient_id",
    "patient_no",
    "birth_date",
    "result_id",
    "specimen_id",
    "treatment_id",
    "administration_id",
    "event_id",
    "adjudication_id",
    "path",
    "file_name",
    "file_no",
    "salt",
)
_names = ", ".join(f"'{name}'" for name in IDENTIFYING_COLUMNS)

CHECKS: tuple[Check, ...] = (
    no_rows(
        "no_identifying_column",
        "main.dim_patient",
        f"""
        SELECT schema_name, table_name, column_name FROM duckdb_columns()
        WHERE database_name = current_database() AND schema_name IN ('main', 'meta')
            AND lower(column_name) IN ({_names})
            AND (SELECT count(*) FROM main.dim_patient) >= 0
        """,
        description="No published table has a column for an identifier, a birth date, a source key or a file name.",
        source="Output contract: releases are pseudonymous",
        finds="columns",
        names_offenders=True,
    ),
    no_rows(
        "patient_key_is_a_pseudonym",
        "main.dim_patient",
        "SELECT patient_key FROM main.dim_patient WHERE NOT regexp_full_match(patient_key, '[0-9a-f]{64}')",
        description="A patient is identified only by a keyed hash of 64 hexadecimal digits.",
        source="Output contract: releases are pseudonymous",
    ),
)
