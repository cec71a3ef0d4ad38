"""Names of delivered files and folders: which are skipped, which are refused, how they are shown.

A place in the ledger is written into tables, JSON and a terminal. So names are UTF-8, in composed form (NFC), without
invisible characters. Two names for the same place are refused, because one would replace the other.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Sequence

from registry.errors import UserError

# Left by Excel, Windows, macOS, file systems and the NAS makers (Synology, QNAP, NetApp).
_NOT_DELIVERED = re.compile(
    r"""\..* | ~\$.* | readme(\.\w+)? | thumbs\.db(:.*)? | ehthumbs\.db | desktop\.ini | icon\r | __macosx
    | lost\+found | found\.\d{3} | system\ volume\ information | \$recycle\.bin | recycle[rd] | \$extend
    | @eadir | [#@]recycle | [#@~]snapshots? | @recently-snapshot | @tmp | @sharebin | \#sharesnap
    | network\ trash\ folder | temporary\ items | thevolumesettingsfolder""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_LONGEST = 200
"""Bytes of a name; a disk allows 255, and files derived from a delivered one get a longer name."""
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's categories of control and format characters, lone surrogates and line ends."""


def is_passed_over(name: str) -> bool:
    """Is this hidden, a note, or a file that an office program, a file system or a NAS made for itself?"""
    return _NOT_DELIVERED.fullmatch(name) is not None


def shown(name: str) -> str:
    """A name made printable on one line, whatever its bytes."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(
        char.encode("unicode_escape").decode() if unicodedata.category(char) in _UNSEEN else char for char in text
    )


def as_place(name: str) -> str:
    """The name as stored: in composed form, so that it is the same from every system."""
    return unicodedata.normalize("NFC", name)


def refuse_unreadable(names: Sequence[str], where: str) -> None:
    """Raise UserError for a name that is not UTF-8, has invisible characters or is too long, and for two equal ones."""
    places: dict[str, str] = {}
    for name in names:
        try:
            os.fsencode(name).decode("utf-8")
        except UnicodeDecodeError:
            raise UserError(f"{where}: the name '{shown(name)}' is not UTF-8: rename it") from None
        if shown(name) != name:
            raise UserError(f"{where}: the name '{shown(name)}' contains invisible characters: rename it")
        if len(as_place(name).encode()) > _LONGEST:
            raise UserError(f"{where}: the name '{name}' is longer than {_LONGEST} bytes: rename it")
        other = places.setdefault(as_place(name), name)
        if other != name:
            raise UserError(
                f"{where}: '{as_place(name)}' is there twice, with its accents encoded differently ('{_ascii(other)}' "
                f"and '{_ascii(name)}'): rename or remove one of them"
            )


def _ascii(name: str) -> str:
    return name.encode("ascii", "backslashreplace").decode()
