"""Load laboratory results from one CSV file into raw, compared with DuckDB's `read_csv` into a table of text.

The registry does more: it hashes the file, numbers the records, separates malformed ones, updates the ledger and gives
every patient a pseudonym, all in one transaction.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb

from benchmarks.timing import Comparison, compare
from registry import ingest
from registry.config.settings import connect_options, load_settings

GOAL = 1.5
_PATIENTS = "patient_id,birth_date,sex\nSYN-1,1980-05-01,F\n"

# A patient has 200 results of five tests in turn, as in a differential; values follow no pattern.
_LAB_RESULTS = """
COPY (
    SELECT 'R' || i AS result_id, 'SYN-' || (i // 200 + 1) AS patient_id, 'S' || (i // 5) AS specimen_id,
        CASE i % 5 WHEN 0 THEN '26464-8' WHEN 1 THEN '751-8' WHEN 2 THEN '770-8' WHEN 3 THEN '731-0' ELSE '777-3' END
            AS test_code,
        CASE i % 5 WHEN 0 THEN 'Leukocytes' WHEN 1 THEN 'Neutrophils' WHEN 2 THEN 'Neutrophils %'
            WHEN 3 THEN 'Lymphocytes' ELSE 'Platelets' END AS test_name,
        (hash(i) % 9000 + 500) * 0.001 AS value,
        CASE i % 5 WHEN 2 THEN '%' ELSE '10*9/L' END AS unit,
        strftime(TIMESTAMP '2018-01-01' + to_hours((i // 5 * 37 % 60000)::INTEGER), '%Y-%m-%d %H:%M') AS collected_at,
        '2.0' AS reference_low, '8.0' AS reference_high, 'final' AS status
    FROM range($rows) AS r (i)
) TO '{path}' (FORMAT csv, HEADER)
"""


def load_lab_results(folder: Path, rows: int, rounds: int) -> Comparison:
    """Time both ways of loading `rows` synthetic results, in `folder`."""
    deliveries = folder / "deliveries"
    delivery = deliveries / "bench" / "2025-03"
    delivery.mkdir(parents=True)
    (delivery / "patients.csv").write_text(_PATIENTS)
    (deliveries / "registry.yml").write_text("synthetic: true\n")
    path = delivery / "lab_results.csv"
    duckdb.execute(_LAB_RESULTS.format(path=path), {"rows": rows})

    def into_raw(turn: int) -> None:
        home = folder / f"home_{turn}"
        settings = load_settings(home=home, deliveries=deliveries)
        result = ingest.load_entity(settings, "lab_results", ingest.discover(settings))
        assert result.n_rows_new == rows  # losing rows would be fast
        shutil.rmtree(home)

    def by_duckdb(turn: int) -> None:
        database = folder / f"text_{turn}.duckdb"
        settings = load_settings(home=folder / "none", deliveries=deliveries)
        with duckdb.connect(str(database), config=connect_options(settings)) as connection:
            connection.execute(
                "CREATE TABLE lab_results AS SELECT * FROM read_csv($path, all_varchar = true)", {"path": str(path)}
            )
        database.unlink()

    return compare("lab results into raw", rows, rounds, GOAL, into_raw, by_duckdb)
