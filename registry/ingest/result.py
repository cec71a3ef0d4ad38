"""What a load tells of itself, file by file and at its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from registry.ingest.deliveries import DeliveredFile

Progress = Callable[[DeliveredFile, int], None]
"""Called with each file once it is dealt with, and the rows that were loaded of it (0 where it was known)."""


@dataclass
class LoadResult:
    """What one call of `load_entity` did. Names of files and columns, and counts; no cell.

    A file at a place that had one already counts as replaced, whether its bytes are new, those of an earlier
    version, or read again because the site's profile changed. `unknown_columns` are (site, header) pairs of the
    files that were loaded now, `unread_sheets` (place, number of the sheet) pairs of workbooks. `n_files_purged`: files
    and earlier versions out of which a column was taken that site.yml now ignores.
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
        """Did the call change what counts?"""
        return self.n_files_new + self.n_files_replaced > 0
