"""Deliveries → raw: find the files, read every format, keep every row as sent.

    deliveries.py   which files there are           ledger.py    which versions were loaded, which is current
    names.py        which file names are accepted   arrival.py   files that are still being written
    stream.py, records.py, excel.py, parquet.py     bytes → records
    header.py, wide.py              columns by their names, records → rows
    staging.py, bulk.py, loader.py  rows → raw, atomically

Nothing here decides whether a cell is valid: dbt does. No message contains a cell.
"""

from registry.ingest.arrival import looks, unsettled
from registry.ingest.deliveries import DeliveredFile, discover, find, load_profiles
from registry.ingest.ledger import future_months, ledger_fingerprint
from registry.ingest.loader import load_entity
from registry.ingest.pending import no_longer_there, not_yet_loaded
from registry.ingest.result import LoadResult
from registry.vault.config_tables import write_config
from registry.vault.database import connect_vault

__all__ = [
    "DeliveredFile",
    "LoadResult",
    "connect_vault",
    "discover",
    "find",
    "future_months",
    "ledger_fingerprint",
    "load_entity",
    "load_profiles",
    "looks",
    "no_longer_there",
    "not_yet_loaded",
    "unsettled",
    "write_config",
]
