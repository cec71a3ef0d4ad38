"""The text of a proposal while it is written: lines of YAML, comments, and what is left for a person to do."""

from __future__ import annotations

import json
from dataclasses import dataclass, field


def quoted(text: str) -> str:
    """A text as a YAML scalar in double quotes, on one line whatever it holds."""
    return json.dumps(text, ensure_ascii=False)


@dataclass
class Draft:
    """Lines of the file, and the things to do, in the order in which they are found."""

    lines: list[str] = field(default_factory=list)
    todo: list[str] = field(default_factory=list)

    def live(self, line: str, indent: int = 0, note: str = "") -> None:
        """A line that takes effect."""
        self.lines.append("  " * indent + line + (f"   # {note}" if note else ""))

    def comment(self, text: str, indent: int = 0) -> None:
        """A line that does not."""
        self.lines.append("  " * indent + f"# {text}".rstrip())

    def decide(self, text: str, indent: int = 0) -> None:
        """A comment that somebody has to act on."""
        self.comment(text, indent)
        self.todo.append(text)

    def section(self, key: str, inner: Draft, indent: int = 0) -> None:
        """A key with what belongs below it; nothing where that is nothing, a comment where it is comments alone."""
        if not inner.lines:
            return
        self.todo += inner.todo
        self.lines.append("  " * indent + f"{key}:")
        self.lines += ["  " * (indent + 1) + line for line in inner.lines]
