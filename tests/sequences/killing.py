"""Work that is cut off inside: an exception at a call of the product's code, as a signal raises it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from integration.known_builds import Killed

from registry.paths import CHECKOUT

_OURS = tuple(str(CHECKOUT / folder) for folder in ("registry", "expectations"))


@contextmanager
def killed_at(call: int, counts: dict[tuple[str, str], int], kind: tuple[str, str]) -> Iterator[None]:
    """Raise at this call of a function of the product (0: never); `counts` is given the most that there were."""
    count = 0

    def look(frame: Any, event: str, _: object) -> None:
        nonlocal count
        if event == "call" and frame.f_code.co_filename.startswith(_OURS):
            count += 1
            if count == call:
                raise Killed

    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(None)
        counts[kind] = max(count, counts.get(kind, 0))
        if call:
            gc.collect()  # whose frames held connections
