"""All that identifies anyone: the vault's database, the key, pseudonyms, and who has withdrawn.

    database.py    the vault's folder and its database    config_tables.py  settings as tables, for dbt
    keys.py        the key file    rotation.py  a new key    pseudonyms.py  what is derived from the key
    tombstones.py  who was forgotten, as keyed hashes: what a later load is held to
    erasure.py     takes the rows of forgotten patients out of raw
    compaction.py  rewrites the vault's file, so that no freed page keeps them
    apply_tombstones.py  brings the vault in line with its tombstones after a load

A withdrawal writes its tombstone first: whatever is cut off after it is finished by the next refresh.
Not here: which patient is meant by a withdrawal (curation), how rows get into the vault (ingest).
"""
