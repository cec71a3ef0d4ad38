"""Time two alternating jobs, and compute the ratio of their times."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Wall-clock and CPU seconds of a job, each from its fastest turn."""

    seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class Comparison:
    """A job of the registry compared with its baseline."""

    name: str
    rows: int
    rounds: int
    goal: float
    """The highest acceptable ratio."""
    subject: Timing
    baseline: Timing
    ratio: float
    """Wall-clock: subject / baseline."""
    cpu_ratio: float


def compare(
    name: str, rows: int, rounds: int, goal: float, subject: Callable[[int], None], baseline: Callable[[int], None]
) -> Comparison:
    """Run both jobs `rounds` times, alternating; each is called with the number of its turn."""
    ours, theirs = [], []
    for turn in range(rounds):
        theirs.append(_time(baseline, turn))
        ours.append(_time(subject, turn))
    best, reference = _best(ours), _best(theirs)
    return Comparison(
        name,
        rows,
        rounds,
        goal,
        best,
        reference,
        ratio=best.seconds / reference.seconds,
        cpu_ratio=best.cpu_seconds / reference.cpu_seconds,
    )


def _time(job: Callable[[int], None], turn: int) -> Timing:
    wall, cpu = time.perf_counter(), _cpu()
    job(turn)
    return Timing(time.perf_counter() - wall, _cpu() - cpu)


def _best(timings: list[Timing]) -> Timing:
    return Timing(min(t.seconds for t in timings), min(t.cpu_seconds for t in timings))


def _cpu() -> float:
    times = os.times()
    return times.user + times.system
