"""Files that are still written: `registry refresh` refuses what changes before its eyes, the sensor waits for a month.

A copy may keep the date of its original, and a program may set the size first: so both are looked at, twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from registry.errors import UserError

if TYPE_CHECKING:
    from registry.ingest.deliveries import DeliveredFile

SETTLED_AFTER = 60
"""Seconds without a change after which the sensor takes a file for whole."""
_SHOWN = 3

Look = tuple[int, int]
"""Size in bytes, and the time of the last change in nanoseconds."""


def refuse_growing(files: Iterable[DeliveredFile]) -> None:
    """UserError for files whose size or date is not that of the first look, or that are gone."""
    changed = sorted({file.where for file in files if _look(file.absolute) != (file.size, file.modified_ns)})
    if changed:
        more = f" and {len(changed) - _SHOWN:,} more" if len(changed) > _SHOWN else ""
        raise UserError(
            f"{', '.join(changed[:_SHOWN])}{more}: still being written: wait until the copy is complete, then refresh "
            "again; a name that begins with a dot keeps an unfinished file out of a refresh"
        )


def looks(files: Iterable[DeliveredFile]) -> dict[str, Look]:
    """Size and date of each file by its place: what the next tick gives to `unsettled`."""
    return {file.where: (file.size, file.modified_ns) for file in files}


def unsettled(
    files: Collection[DeliveredFile], now: float, seen: Mapping[str, Look | list[int]] | None
) -> dict[tuple[str, str], str]:
    """The months of sites that must wait as a whole, and why, without a file's name.

    Args:
        files: as `find` returns them.
        now: seconds since 1970.
        seen: the looks of the tick before (as JSON gives them back, too); None where there was none. A file that was
            not there yet has grown: some programs give an unfinished copy an old date.

    A date in the future by more than `SETTLED_AFTER` (the clock of a file server is wrong) does not make a file young.
    """
    waiting: dict[tuple[str, str], tuple[set[str], set[str]]] = {}
    for file in files:
        is_young = abs(now - file.modified_ns / 1e9) < SETTLED_AFTER
        has_grown = seen is not None and tuple(seen.get(file.where, ())) != (file.size, file.modified_ns)
        if is_young or has_grown:
            young, grown = waiting.setdefault((file.site, file.delivery), (set(), set()))
            (grown if has_grown else young).add(file.where)
    return {month: _reason(len(young), len(grown)) for month, (young, grown) in sorted(waiting.items())}


def _reason(n_young: int, n_grown: int) -> str:
    counts = ((n_grown, "new or changed since the last look"), (n_young, f"less than {SETTLED_AFTER} seconds old"))
    return ", ".join(f"{n:,} file{'' if n == 1 else 's'} {what}" for n, what in counts if n)


def _look(path: Path) -> Look | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
