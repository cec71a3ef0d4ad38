"""Memory that ran out: how it is recognised, and the one line about it.

DuckDB keeps to REGISTRY_MEMORY_LIMIT and moves what is beyond it to its temp folder. What can't be moved ends in one of
these errors; engines between it and us (dbt, Great Expectations) hand on its text alone.
"""

from __future__ import annotations

import re

import duckdb

_OUT_OF_MEMORY = re.compile(
    r"out of memory|could not allocate block|failed to (?:allocate|pin|offload) |MemoryError", re.IGNORECASE
)
_NO_ROOM_TO_SPILL = "max_temp_directory_size"


def ran_out(error: BaseException | str) -> bool:
    """Whether an error, or an engine's message, is about memory."""
    return isinstance(error, (MemoryError, duckdb.OutOfMemoryException)) or (
        isinstance(error, (duckdb.Error, str)) and _OUT_OF_MEMORY.search(str(error)) is not None
    )


def line(stage: str, error: BaseException | str, limit: str | None = None) -> str:
    """The line for an error that `ran_out`: the stage, the limit, and what to do. The engine's text is not repeated."""
    if _NO_ROOM_TO_SPILL in str(error):
        return (
            f"{stage}: more memory is needed than REGISTRY_MEMORY_LIMIT{_is(limit)}, and the disk has no room for the "
            "rest: make room in the registry's home, or raise REGISTRY_MEMORY_LIMIT"
        )
    return (
        f"{stage}: more memory is needed than REGISTRY_MEMORY_LIMIT{_is(limit)} allows: raise it, lower "
        "REGISTRY_THREADS, or use a larger machine"
    )


def _is(limit: str | None) -> str:
    return f"={limit}" if limit else ""
