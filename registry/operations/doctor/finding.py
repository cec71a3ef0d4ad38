"""One line of `registry doctor`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Level = Literal["ok", "notice", "wrong"]


@dataclass(frozen=True)
class Finding:
    """`ok`; `notice`: worth knowing, nothing is blocked; `wrong`: must be fixed, with the remedy."""

    level: Level
    text: str
    subject: str = ""

    def about(self, subject: str) -> Finding:
        """The same finding with this subject."""
        return replace(self, subject=subject)


def ok(text: str) -> Finding:
    """Nothing to do."""
    return Finding("ok", text)


def look(text: str) -> Finding:
    """Worth knowing."""
    return Finding("notice", text)


def wrong(text: str) -> Finding:
    """Must be fixed."""
    return Finding("wrong", text)
