"""Names of files and folders that people delivered: which are not theirs, which can't be kept, how one is shown.

A place in the ledger is a text that is written into tables, JSON and a terminal. So a name is UTF-8, in its composed
form (NFC), without characters that nobody sees; two names of one place are refused, since one would replace the other.
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
"""Bytes of a name; a disk takes 255, and what is made of a file is named after it, with a word more."""
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's categories of control and format characters, lone surrogates and line ends."""


def is_passed_over(name: str) -> bool:
    """Is this hidden, a note, or what an office program, a file system or a NAS keeps for itself?"""
    return _NOT_DELIVERED.fullmatch(name) is not None


def shown(name: str) -> str:
    """A name fit for one line of text, whatever bytes it holds."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(
        char.encode("unicode_escape").decode() if unicodedata.category(char) in _UNSEEN else char for char in text
    )


def as_place(name: str) -> str:
    """The name as it is kept: composed, so that it is the same whichever system wrote it."""
    return unicodedata.normalize("NFC", name)


def refuse_unreadable(names: Sequence[str], where: str) -> None:
    """UserError for a name that is not UTF-8, holds what nobody sees or is too long, and for two of one place."""
    places: dict[str, str] = {}
    for name in names:
        try:
            os.fsencode(name).decode("utf-8")
        except UnicodeDecodeError:
            raise UserError(f"{where}: the name '{shown(name)}' is not UTF-8: rename it") from None
        if shown(name) != name:
            raise UserError(f"{where}: the name '{shown(name)}' holds characters that can't be seen: rename it")
        if len(as_place(name).encode()) > _LONGEST:
            raise UserError(f"{where}: the name '{name}' is longer than {_LONGEST} bytes: rename it")
        other = places.setdefault(as_place(name), name)
        if other != name:
            raise UserError(
                f"{where}: '{as_place(name)}' is there twice, its accents written in two ways ('{_ascii(other)}' and "
                f"'{_ascii(name)}'): rename or remove one of them"
            )


def _ascii(name: str) -> str:
    return name.encode("ascii", "backslashreplace").decode()
