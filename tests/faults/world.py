"""A small registry with two releases and a third month to come; refreshes of it, each in a process of its own.

One process imports everything once and forks for each refresh, so that a refresh costs its work alone.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import lifelines  # noqa: F401
import statsmodels.duration.survfunc
import statsmodels.stats.proportion
import statsmodels.stats.rates  # noqa: F401
from faults import driver
from faults.points import Points
from integration.compiled_project import CompiledProject

import expectations.gx  # noqa: F401
from expectations import Audit
from registry import release
from registry.config.settings import Settings, load_settings
from registry.errors import UserError
from registry.release import publication
from registry.release.query import query
from registry.simulate import simulate

MONTHS = ("2024-01", "2024-02", "2024-03")
# What a process does to a home; it tells the stages that it enters.
Work = Callable[[Path, CompiledProject, Callable[[str], None]], str]
RECONCILIATION = "SELECT * FROM meta.reconciliation ORDER BY ALL"


@dataclass(frozen=True)
class Ended:
    """How a refresh ended: its exit code (negative: the signal), what it said, and the points that it passed."""

    code: int
    told: str = ""
    points: tuple[str, ...] = ()


@dataclass(frozen=True)
class State:
    """What an undisturbed refresh leaves: files, content, and what became of each delivered row."""

    paths: frozenset[str]
    current: str
    releases: tuple[str, ...]
    hashes: dict[str, str]
    reconciliation: list[tuple[Any, ...]]
    decision: str


class World:
    """The home before the refresh that is to be disturbed, and the state after it where nothing disturbs it.

    The gate itself is asked by one refresh, the undisturbed; the others take its word. `audit` None asks it.
    """

    def __init__(self, folder: Path, project: CompiledProject, patients: int = 10) -> None:
        self.before = folder / "before"
        self.home = folder / "home"
        self.project = project
        self.audit: Audit | None = Audit(())
        deliveries = self.home / "deliveries"
        simulate(deliveries, patients=patients, months=len(MONTHS), end=MONTHS[-1])
        with (deliveries / "registry.yml").open("a") as study:
            study.write("keep_releases: 2\n")
        for month in MONTHS[:-1]:
            self.expect_done(self.refresh(through=month))
        shutil.copytree(self.home, self.before, symlinks=True)
        self.audit = None
        self.expect_done(self.refresh())
        decided = release.last_decision(self.settings)
        assert decided is not None
        self.audit = Audit(decided.audit.checks[:-1])  # the last is told by publish itself
        self.whole = state(self.settings)
        self.reset()
        started = time.monotonic()
        undisturbed = self.refresh()  # by the gate's word, as those that are killed
        self.seconds = time.monotonic() - started
        self.expect_done(undisturbed)
        assert state(self.settings) == self.whole
        self.points = undisturbed.points
        self.old = [path.name for path in self.before.joinpath("releases").glob("2*")]

    @property
    def settings(self) -> Settings:
        """Of the home that is disturbed."""
        return load_settings(home=self.home)

    def reset(self) -> None:
        """Put the home back to what it was before the refresh."""
        shutil.rmtree(self.home)
        shutil.copytree(self.before, self.home, symlinks=True)

    def refresh(
        self,
        *,
        kill_at: int | None = None,
        kill_after: float | None = None,
        through: str = "",
        first: Callable[[], None] = lambda: None,
    ) -> Ended:
        """Refresh in a process of its own; killed at a point, or after some seconds. `first` runs in it before."""
        pid = self.start(kill_at=kill_at, through=through, first=first)
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(pid, signal.SIGKILL)
        return self.end(pid)

    def start(
        self,
        *,
        kill_at: int | None = None,
        through: str = "",
        first: Callable[[], None] = lambda: None,
        work: Work = driver.run,
    ) -> int:
        """Begin a refresh, or other work on the home, in a process of its own; its number."""
        pid = os.fork()
        if pid == 0:
            self._in_child(kill_at, through, first, work)
        return pid

    def end(self, pid: int) -> Ended:
        """Wait for a process that was begun."""
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        report = self._report(pid)
        told = json.loads(report.read_text()) if report.exists() else {}
        report.unlink(missing_ok=True)
        return Ended(code, told.get("told", ""), tuple(told.get("points", ())))

    def _report(self, pid: int) -> Path:
        return self.home.parent / f"report-{pid}.json"

    def _in_child(self, kill_at: int | None, through: str, first: Callable[[], None], work: Work) -> None:
        code, told = 1, ""
        points = Points(self.home, kill_at)
        try:
            os.environ.update(REGISTRY_THREADS="1", REGISTRY_MEMORY_LIMIT="1GB", REGISTRY_THROUGH=through)
            known = self.audit
            if known is not None:
                publication.audit = lambda *_, **__: known  # type: ignore[assignment]
            first()
            points.watch()
            told, code = work(self.home, self.project, points.enter), 0
        except UserError as mistake:
            told, code = str(mistake), 2
        except OSError as trouble:  # as orchestration/__main__.py has it
            told, code = f"{trouble.filename}: {trouble.strerror}", 2
        except BaseException:  # noqa: BLE001  it is told, and the process ends
            told = traceback.format_exc()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            self._report(os.getpid()).write_text(json.dumps({"told": told, "points": points.seen}))
            os._exit(code)

    def expect_done(self, ended: Ended) -> None:
        """It came to its end."""
        assert ended.code == 0, ended.told

    def seen_halfway(self) -> list[str]:
        """What a reader would find wrong now: `current` absent or damaged, a release that is not whole."""
        settings = self.settings
        problems = []
        try:
            current = release.current(settings)
            if current is None or current.release_id not in {*self.old, self.whole.current}:
                problems.append("current leads to no release")
            listed = release.list_releases(settings)
            problems += [
                f"{one.release_id}: {name} is not whole" for one in listed for name in release.verify(one.path)
            ]
            if current and query(settings, "SELECT release_id FROM meta.release")[1] != [(current.release_id,)]:
                problems.append("sql answers from another release")
        except Exception as error:  # noqa: BLE001  whatever a reader would meet
            problems.append(f"{type(error).__name__}: {error}")
        return problems

    def differs(self, whole: State | None = None) -> list[str]:
        """In what the home is not as an undisturbed refresh leaves it, or not in another state."""
        now, whole = state(self.settings), whole or self.whole
        problems = [f"left behind: {path}" for path in sorted(now.paths - whole.paths)]
        problems += [f"missing: {path}" for path in sorted(whole.paths - now.paths)]
        for name in ("current", "releases", "hashes", "reconciliation", "decision"):
            if getattr(now, name) != getattr(whole, name):
                problems.append(f"{name} differs")
        return problems

    def rows_astray(self) -> int:
        """Delivered rows lost or counted twice."""
        now = state(self.settings).reconciliation
        return len(set(now) ^ set(self.whole.reconciliation)) + abs(len(now) - len(set(now)))


def state(settings: Settings) -> State:
    """The state of a home after a refresh."""
    current = release.current(settings)
    assert current is not None
    decided = release.last_decision(settings)
    with duckdb.connect(str(current.database), read_only=True) as connection:
        rows = connection.execute(RECONCILIATION).fetchall()
    return State(
        paths=frozenset(str(path.relative_to(settings.home)) for path in settings.home.rglob("*")),
        current=current.release_id,
        releases=tuple(one.release_id for one in release.list_releases(settings)),
        hashes=current.content_hashes,
        reconciliation=rows,
        decision=decided.release_id if decided else "",
    )
