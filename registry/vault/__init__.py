"""The vault, with everything that identifies anyone: its database, the key, pseudonyms, and withdrawn patients.

    database.py    the vault's folder and its database    config_tables.py  settings as tables, for dbt
    keys.py        the key file    rotation.py  a new key    pseudonyms.py  everything derived from the key
    tombstones.py  forgotten patients as keyed hashes, which later loads must respect
    erasure.py     removes the rows of forgotten patients from raw
    compaction.py  rewrites the vault's file, so that no freed page contains them
    apply_tombstones.py  erases patients with a tombstone after a load or a restore

A withdrawal writes its tombstone first; if it is interrupted later, the next refresh completes it.
Not here: which patient a withdrawal refers to (curation), how rows get into the vault (ingest).
"""
