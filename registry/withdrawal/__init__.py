"""Withdrawn consent: a patient's rows leave the vault, the build file and all future releases, and stay away.

    tombstones.py   who was forgotten, as keyed hashes: what a later load is held to
    erasure.py      taking the rows of forgotten patients out of raw, counted by file
    rewriting.py    the vault's file written anew, so that freed pages keep nothing
    settling.py     the vault brought in line with its tombstones
    patient.py      which patient is meant, and where copies remain that the registry doesn't touch

The tombstone is written first. Whatever is cut off after it is finished by the next refresh.
"""
