"""Load progress and summary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from registry.ingest.deliveries import DeliveredFile

Progress = Callable[[DeliveredFile, int], None]
"""Called after each file, with the number of rows loaded from it (0 if it was known)."""


@dataclass
class LoadResult:
    """What one call of `load_entity` did: names of files and columns, and counts, but no cells.

    A file at a known place counts as replaced, whether its bytes are new, those of an earlier version, or read again
    because the site's profile changed. `unknown_columns`: (site, header) pairs of the files loaded by this call.
    `unread_sheets`: (place, sheet number) pairs of workbooks. `n_files_purged`: files and earlier versions from which
    a column was removed that site.yml now ignores.
    """

    n_files_new: int = 0
    n_files_replaced: int = 0
    n_rows_new: int = 0
    n_malformed: int = 0
    missing_files: tuple[str, ...] = ()
    unknown_columns: set[tuple[str, str]] = field(default_factory=set)
    unread_sheets: set[tuple[str, int]] = field(default_factory=set)
    n_files_purged: int = 0

    @property
    def changed(self) -> bool:
        """Did the call change any current file?"""
        return self.n_files_new + self.n_files_replaced > 0
