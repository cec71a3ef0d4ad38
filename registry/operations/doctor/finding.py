"""One line of what `registry doctor` says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Level = Literal["ok", "look", "wrong"]


@dataclass(frozen=True)
class Finding:
    """`ok`; `look`: worth knowing, nothing stands still; `wrong`: to be mended, and how."""

    level: Level
    text: str
    subject: str = ""

    def about(self, subject: str) -> Finding:
        """The same, of this subject."""
        return replace(self, subject=subject)


def ok(text: str) -> Finding:
    """All is well."""
    return Finding("ok", text)


def look(text: str) -> Finding:
    """Worth knowing."""
    return Finding("look", text)


def wrong(text: str) -> Finding:
    """To be mended."""
    return Finding("wrong", text)
