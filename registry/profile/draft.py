"""The text of a proposal while it is written: YAML, comments, and the things left for a person to do."""

from __future__ import annotations

import json
from dataclasses import dataclass, field


def quoted(text: str) -> str:
    """A text as a YAML scalar in double quotes, always on one line."""
    return json.dumps(text, ensure_ascii=False)


@dataclass
class Draft:
    """Lines of the file, and the things to do, in the order found."""

    lines: list[str] = field(default_factory=list)
    todo: list[str] = field(default_factory=list)

    def live(self, line: str, indent: int = 0, note: str = "") -> None:
        """Add an active line."""
        self.lines.append("  " * indent + line + (f"   # {note}" if note else ""))

    def comment(self, text: str, indent: int = 0) -> None:
        """Add a comment."""
        self.lines.append("  " * indent + f"# {text}".rstrip())

    def decide(self, text: str, indent: int = 0) -> None:
        """Add a comment that requires action."""
        self.comment(text, indent)
        self.todo.append(text)

    def section(self, key: str, inner: Draft, indent: int = 0) -> None:
        """Add a key with its content; nothing if that is empty, a comment if it has only comments."""
        if not inner.lines:
            return
        self.todo += inner.todo
        self.lines.append("  " * indent + f"{key}:")
        self.lines += ["  " * (indent + 1) + line for line in inner.lines]
