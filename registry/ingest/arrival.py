"""Files that are still being written: `registry refresh` refuses them, the sensor waits for the whole month.

A copy may keep the date of its original, and a program may set the size first, so both are checked, twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from registry.errors import UserError

if TYPE_CHECKING:
    from registry.ingest.deliveries import DeliveredFile

SETTLED_AFTER = 60
"""Seconds without a change after which the sensor considers a file complete."""
_SHOWN = 3

Look = tuple[int, int]
"""Size in bytes, and the time of the last change in nanoseconds."""


def refuse_growing(files: Iterable[DeliveredFile]) -> None:
    """Raise UserError if files have changed in size or date since they were found, or are gone."""
    changed = sorted({file.where for file in files if _look(file.absolute) != (file.size, file.modified_ns)})
    if changed:
        more = f" and {len(changed) - _SHOWN:,} more" if len(changed) > _SHOWN else ""
        raise UserError(
            f"{', '.join(changed[:_SHOWN])}{more}: still being written: wait until the copy is complete, then refresh "
            "again; a refresh ignores files whose name begins with a dot"
        )


def looks(files: Iterable[DeliveredFile]) -> dict[str, Look]:
    """Size and date of each file by its place, for `unsettled` at the sensor's next tick."""
    return {file.where: (file.size, file.modified_ns) for file in files}


def unsettled(
    files: Collection[DeliveredFile], now: float, seen: Mapping[str, Look | list[int]] | None
) -> dict[tuple[str, str], str]:
    """Return the site months that must wait as a whole, with the reason; file names are left out.

    Args:
        files: as `find` returns them.
        now: seconds since 1970.
        seen: sizes and dates at the previous tick (also as read back from JSON); None at the first tick. A new file
            counts as changed, because some programs give an unfinished copy an old date.

    A date more than `SETTLED_AFTER` seconds in the future (a file server's clock is wrong) does not make a file young.
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
    counts = ((n_grown, "new or changed since the last check"), (n_young, f"less than {SETTLED_AFTER} seconds old"))
    return ", ".join(f"{n:,} file{'' if n == 1 else 's'} {what}" for n, what in counts if n)


def _look(path: Path) -> Look | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
