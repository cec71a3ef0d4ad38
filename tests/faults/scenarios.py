"""Faults of other kinds than a kill at a point, each on a home that is put back first: problems found, if any."""

from __future__ import annotations

import ctypes
import datetime as dt
import os
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
from faults.world import Ended, World, state

from registry import ingest, release
from registry.release import publication
from registry.system import lock

Scenario = Callable[[World], list[str]]
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
CLONE_NEWNS = 0x20000
KILLS_IN_A_ROW = 4


def killed_again_and_again(world: World) -> list[str]:
    """Kills in a row, spread over all stages; only then may a refresh come to its end."""
    world.reset()
    problems = []
    for step in range(KILLS_IN_A_ROW):
        ended = world.refresh(kill_at=(2 * step + 1) * len(world.points) // (2 * KILLS_IN_A_ROW))
        if ended.code != -9:
            problems.append(f"kill {step}: {ended.told}")
        problems += world.seen_halfway()
    return problems + mended(world)


def a_full_disk(world: World) -> list[str]:
    """No file may grow beyond some size: as where the disk is full, at several moments."""
    world.reset()
    problems = []
    for size in (2**12, 3 * 2**20):

        def fill(size: int = size) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

        problems += [f"{size} bytes: {problem}" for problem in refused(world, world.refresh(first=fill), "written")]
    return problems + mended(world)


def a_home_that_is_read_only(world: World) -> list[str]:
    """The folder is mounted read-only for the refresh alone."""
    world.reset()

    def remount() -> None:
        libc, home = ctypes.CDLL(None, use_errno=True), str(world.home).encode()
        done = [
            libc.unshare(CLONE_NEWNS),
            libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None),
            libc.mount(home, home, None, MS_BIND, None),
            libc.mount(None, home, None, MS_REMOUNT | MS_BIND | MS_RDONLY, None),
        ]
        if any(done):
            os._exit(77)

    ended = world.refresh(first=remount)
    if ended.code == 77:
        return ["skipped: this user may not mount"]
    return refused(world, ended, "Read-only")


def a_clock_set_back(world: World) -> list[str]:
    """The new release is older, by the clock, than those before it."""
    world.reset()
    long_ago = SimpleNamespace(now=lambda _: dt.datetime(2001, 1, 1, tzinfo=dt.UTC))

    def set_back() -> None:
        publication.dt = SimpleNamespace(datetime=long_ago, UTC=dt.UTC)  # type: ignore[assignment]

    ended = world.refresh(first=set_back)
    return [ended.told] * (ended.code != 0) + world.differs() + mended(world)


def a_damaged_release(world: World) -> list[str]:
    """The release in force is torn: its manifest with a month to come, then that and other files with nothing new."""
    world.reset()
    problems = []
    for name in ("manifest.json", "manifest.json", "registry.duckdb", "parquet/fct_anc.parquet"):
        damaged = world.home / "releases" / "current" / name
        torn = damaged.read_bytes()[:200]
        damaged.unlink()  # the copy that the home is put back from may share the file
        damaged.write_bytes(torn)
        ended = world.refresh()
        current = release.current(world.settings) if ended.code == 0 else None
        if current is None or release.verify(current.path) or current.content_hashes != world.whole.hashes:
            problems.append(f"{name}: not mended: {ended.told}")
    return problems


def a_reader_of_a_release_that_is_removed(world: World) -> list[str]:
    """Who holds the oldest release open goes on reading while the next is published and this one is removed."""
    world.reset()
    removed = next(iter(set(world.old) - set(world.whole.releases)))
    path: Path = world.home / "releases" / removed / "registry.duckdb"
    with duckdb.connect(str(path), read_only=True, config={"threads": 1}) as reader:
        before = reader.execute("SELECT count(*) FROM main.dim_patient").fetchall()
        problems = mended(world)
        if path.exists():
            problems.append("it was not removed")
        if reader.execute("SELECT count(*), count(patient_key) FROM main.dim_patient").fetchall()[0][:1] != before[0]:
            problems.append("the reader reads something else")
    return problems


def a_file_replaced_while_it_is_read(world: World) -> list[str]:
    """Between finding and reading, half an upload takes the place of a delivered file."""
    world.reset()
    last = sorted((world.home / "deliveries").glob("*/*/lab_results*"))[-1]
    whole = last.read_bytes()

    def replace_it() -> None:
        load = ingest.load_entity

        def replaced(*arguments: Any, **named: Any) -> Any:
            last.write_bytes(whole[: len(whole) // 2])
            return load(*arguments, **named)

        ingest.load_entity = replaced

    problems = refused(world, world.refresh(first=replace_it), "changed while it was being read")
    last.write_bytes(whole)
    return problems + mended(world)


def two_refreshes_at_once(world: World) -> list[str]:
    """The second is told who is at work, and the first ends as if alone."""
    world.reset()
    first = world.start()
    while lock.describe_holder(world.settings) == "holder unknown":
        time.sleep(0.01)
    os.kill(first, signal.SIGSTOP)
    problems = refused(world, world.refresh(), "another refresh is running")
    os.kill(first, signal.SIGCONT)
    ended = world.end(first)
    return problems + [ended.told] * (ended.code != 0) + world.differs()


def an_interrupted_rollback(world: World) -> list[str]:
    """Going back to the first release is killed at each of its points; the next month is published all the same.

    Whether the release left behind is kept then depends on whether the kill came before or after the switch.
    """
    world.reset()
    oldest = min(world.old)

    def go_back(*_: object) -> str:
        return release.rollback(world.settings, oldest).release_id

    problems: list[str] = []
    points = world.end(world.start(work=go_back)).points
    world.expect_done(world.refresh())
    gone_back = state(world.settings)
    seen: list[set[tuple[str, str]]] = []
    for at in range(len(points)):
        world.reset()
        ended = world.end(world.start(kill_at=at, work=go_back))
        if ended.code != -9:
            problems.append(f"{points[at]}: not killed: {ended.told}")
        found = world.seen_halfway()
        left = {(path.name, os.path.realpath(path)) for path in world.settings.releases.iterdir()}
        if left not in seen:  # what an earlier kill left is not tried again
            seen.append(left)
            world.expect_done(world.refresh())
            found += min(world.differs(), world.differs(gone_back), key=len)
        problems += [f"{points[at]}: {problem}" for problem in found]
    return problems


def refused(world: World, ended: Ended, word: str) -> list[str]:
    """One clear line, exit code 2, and nothing to be seen by a reader."""
    is_clear = ended.code == 2 and word in ended.told and "\n" not in ended.told
    return [*([] if is_clear else [f"exit code {ended.code}: {ended.told[-600:]}"]), *world.seen_halfway()]


def mended(world: World) -> list[str]:
    """An undisturbed refresh comes to its end, and leaves what it would have left in the first place."""
    ended = world.refresh()
    return [f"not mended: {ended.told}"] if ended.code != 0 else world.differs()


SCENARIOS: tuple[Scenario, ...] = (
    killed_again_and_again,
    a_full_disk,
    a_home_that_is_read_only,
    a_clock_set_back,
    a_damaged_release,
    a_reader_of_a_release_that_is_removed,
    a_file_replaced_while_it_is_read,
    two_refreshes_at_once,
    an_interrupted_rollback,
)
