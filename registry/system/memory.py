"""Recognise errors about memory, and report them in one line.

DuckDB keeps to REGISTRY_MEMORY_LIMIT and spills to its temp folder. If it can't spill, it raises one of these errors;
dbt and Great Expectations pass on only its text.
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
    """The message for an error about memory: the stage, the limit, and what to do, without the engine's text."""
    if _NO_ROOM_TO_SPILL in str(error):
        return (
            f"{stage}: more memory is needed than REGISTRY_MEMORY_LIMIT{_is(limit)}, and the disk is too full for the "
            "rest: free up space in the registry's home, or raise REGISTRY_MEMORY_LIMIT"
        )
    return (
        f"{stage}: more memory is needed than REGISTRY_MEMORY_LIMIT{_is(limit)} allows: raise it, lower "
        "REGISTRY_THREADS, or use a larger machine"
    )


def _is(limit: str | None) -> str:
    return f"={limit}" if limit else ""
