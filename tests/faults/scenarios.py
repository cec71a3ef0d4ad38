"""Faults of other kinds than a kill at a point, each on a home that is put back first: problems found, if any."""

from __future__ import annotations

import ctypes
import datetime as dt
import os
import resource
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import duckdb
from faults.world import Ended, World

from registry import release
from registry.release import publication

Scenario = Callable[[World], list[str]]
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
CLONE_NEWNS = 0x20000


def killed_again_and_again(world: World) -> list[str]:
    """A dozen kills in a row, spread over all stages; only then may a refresh come to its end."""
    world.reset()
    problems = []
    for step in range(12):
        ended = world.refresh(kill_at=(2 * step + 1) * len(world.points) // 24)
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


def a_torn_manifest(world: World) -> list[str]:
    """The release in force has half a manifest: refused in a line; by its advice the refresh goes on without it."""
    world.reset()
    folder = (world.home / "releases" / "current").resolve()
    manifest = folder / "manifest.json"
    torn = manifest.read_bytes()[:200]
    manifest.unlink()
    manifest.write_bytes(torn)
    ended = world.refresh()
    problems = [] if ended.code == 2 and "manifest.json can't be read" in ended.told else [f"told: {ended.told}"]
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()
    ended = world.refresh()
    current = release.current(world.settings) if ended.code == 0 else None
    if current is None or current.content_hashes != world.whole.hashes:
        problems.append(f"not mended: {ended.told}")
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
    a_torn_manifest,
    a_reader_of_a_release_that_is_removed,
)
