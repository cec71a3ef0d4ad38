"""Which quarantined rows are open: their site still has to do something about them.

A row is closed once its record was delivered again: well, in whatever file, or in a later file that is quarantined
itself (that row is open instead). It is closed too where a later snapshot holds everything of its entity, where the
last file with measurements of its day lacks it, and where it is an unclear cancellation that holds nothing back any
more. Without a key nothing tells that a record came again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from .judge import Row
from .keys import file_of


def mark_open(rows: Sequence[Row], snapshots: set[str], dropped: Collection[str]) -> None:
    """Mark the open rows of one site and entity; `rows` are in order of delivery, file name and record number.

    `snapshots` are the deliveries that hold everything; `dropped` are keys that the last file of their day lacks.
    """
    later: dict[str, list[Row]] = {}
    for row in reversed(rows):
        key = "" if row.malformed else row.key
        again = later.setdefault(key, []) if key else []
        if row.reasons:
            was_delivered_again = any(not other.reasons or file_of(other) > file_of(row) for other in again)
            is_settled = row.reasons == ["unclear_cancellation"] and not row.holds_back
            in_snapshot = any(delivery > row.delivery for delivery in snapshots)
            row.is_open = not (was_delivered_again or is_settled or in_snapshot or (key and key in dropped))
        again.append(row)
