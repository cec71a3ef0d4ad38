"""A registry to which actions happen, and what has to hold of it after each."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from pathlib import Path

import pytest
from integration.known_builds import Builder, Killed
from sequences.actions import Action, Retract, Step
from sequences.changes import change, retracted
from sequences.from_nothing import FromNothing, Input, Tree, content
from sequences.killing import killed_at

from expectations import Audit, CheckResult
from expectations.catalogue import SAME_INPUTS_SAME_CONTENT
from registry import refresh, release
from registry.config.settings import Settings, load_settings
from registry.errors import UserError
from registry.ingest import ledger
from registry.refresh import Plan
from registry.release import publication
from registry.vault.database import connect_vault

_REFUSES = CheckResult.of(SAME_INPUTS_SAME_CONTENT, passed=False, n_unexpected=1, n_rows=1, detail="refused")
_CALLS: dict[tuple[str, str], int] = {}


class World:
    """One home. `plan` is the tree of deliveries that the plan in force was made from."""

    def __init__(self, home: Path, builder: Builder, patch: pytest.MonkeyPatch) -> None:
        self.home = home
        self.n_compared = 0
        self._builder = builder
        self._reference: FromNothing | None = None
        self._patch = patch
        self._plan: Tree = {}
        self._bytes: dict[str, bytes] = {}
        self._read_by: dict[str, bytes | None] = {}
        self._counted: set[tuple[str, str, str]] = set()
        patch.setattr(publication, "audit", lambda *_, **__: Audit(()))

    def copy(self, home: Path, reference: FromNothing) -> World:
        """The same in another folder, from now on compared with what is built from nothing."""
        shutil.copytree(self.home, home, symlinks=True)
        other = copy(self)
        other.home, other._reference = home, reference
        other._bytes, other._read_by = dict(self._bytes), dict(self._read_by)
        return other

    def undone(self) -> list[Retract]:
        """What takes every retraction back."""
        places = [place.split("/") for place in sorted(retracted(self.settings()))]
        return [Retract(site, month, *(name.removesuffix(".csv") for name in names)) for site, month, *names in places]

    def settings(self) -> Settings:
        """As they are now."""
        return load_settings(home=self.home)

    @property
    def deliveries(self) -> Path:
        """The folder of deliveries."""
        return self.home / "deliveries"

    def do(self, action: Action) -> None:
        """Let one action happen; AssertionError where a release is not what it has to be."""
        if isinstance(action, Step):
            self._step(action)
            return
        try:
            change(action, self.settings())
        except UserError as line:
            _is_one_line(line)

    def _step(self, action: Step) -> None:
        run_id = str(uuid.uuid4())
        audit = Audit((_REFUSES,)) if action.gate_refuses else Audit(())
        self._patch.setattr(publication, "audit", lambda *_, **__: audit)
        call = 0
        if action.name in ("build", "models") and 0 <= action.killed < 500:
            self._builder.killed = 2 * action.killed
        elif action.killed >= 0:
            call = 1 + _CALLS.get((action.name, action.of), 100) * action.killed // 1000
        try:
            with self._watched(action, call):
                outcome = self._steps(run_id)[action.name](action)
        except UserError as line:
            _is_one_line(line)
            outcome = None
        except release.GateRefused:
            assert action.gate_refuses
            outcome = None
        except Killed:
            outcome = None
        self._builder.killed = -1
        self._look_at_the_plan(run_id)
        self._no_file_is_lost()
        if outcome is not None and outcome.status in ("published", "confirmed"):
            self._current_is_right()

    def _watched(self, action: Step, call: int) -> AbstractContextManager[None]:
        """Killed at this call. How many a step makes is counted once, as counting is slow."""
        kind = action.name, action.of
        return killed_at(call, _CALLS, kind) if call or kind not in _CALLS else nullcontext()

    def _steps(self, run_id: str) -> dict[str, Callable[[Step], release.Outcome | None]]:
        def load(action: Step) -> None:
            refresh.load_entity(self._in_force(), action.of)

        def plan(action: Step) -> None:
            refresh.make_plan(self.settings(), run_id, accept_missing=action.accept_missing)

        def build(action: Step) -> None:
            refresh.build_warehouse(self._in_force(), [action.of] if action.of else [], run_dbt=self._builder)

        def statistics(_: Step) -> None:
            refresh.write_statistics(self._in_force())

        def judge(_: Step) -> None:
            refresh.judge(self._in_force())

        def publish(_: Step) -> release.Outcome:
            return refresh.publish(self._in_force())

        return {
            "plan": plan, "load": load, "build": build, "models": build, "statistics": statistics, "judge": judge,
            "publish": publish,
        }  # fmt: skip

    def _in_force(self) -> Plan:
        return refresh.load_plan(self.settings())

    def _look_at_the_plan(self, run_id: str) -> None:
        """Where this step made the plan in force: what it was made from, and whether it is told to be up to date."""
        plan = self._in_force()
        if plan.run_id != run_id:
            return
        before, self._plan = self._plan, _tree(self.deliveries)
        folders = {name.split("/")[0] for name in self._plan if "/" in name}
        profiles = {name: text for name, text in before.items() if name.endswith("/site.yml")}
        # a site whose folder is gone keeps its settings
        self._plan |= {name: text for name, text in profiles.items() if name.split("/")[0] not in folders}
        for file in plan.files:
            text = self._plan[file.where]
            self._bytes[file.sha256] = text
            read_as = ledger.read_as(file, plan.profiles[file.site])
            self._read_by[read_as] = self._plan.get(f"{file.site}/site.yml")
        if refresh.is_up_to_date(plan):
            self._current_is_right()

    def _no_file_is_lost(self) -> None:
        """What was loaded once goes on counting, in whatever version."""
        counted = {place for place, *_ in self._ledger()}
        assert counted >= self._counted
        self._counted = counted

    def _current_is_right(self) -> None:
        settings = self.settings()
        in_force = release.current(settings)
        assert in_force is not None
        pin = release.pinned(settings)
        if pin is not None and pin.holds_back(self._in_force().fingerprint()):
            return
        if self._reference is None:
            return
        expected, study = self._reference.expected(self.input())
        found = content(in_force.database)
        assert {name for name in found | expected if found.get(name) != expected.get(name)} == set()
        self.n_compared += 1
        told = {name: value for name, value in in_force.manifest["study"].items() if name != "keep_releases"}
        assert told == json.loads(study)
        assert release.verify(in_force.path) == []

    def input(self) -> Input:
        """What counts now."""
        gone: dict[str, Tree] = {}
        for place, sha256, read_as in self._ledger():
            where = "/".join(place)
            if where not in self._plan:
                profile = self._read_by[read_as]
                tree = gone.setdefault(f"{place[0]} {read_as}", {f"{place[0]}/site.yml": profile} if profile else {})
                gone[f"{place[0]} {read_as}"] = {**tree, where: self._bytes[sha256]}
        return Input(
            tuple(sorted(self._plan.items())),
            tuple(tuple(sorted(gone[name].items())) for name in sorted(gone)),
            frozenset(retracted(self.settings())),
        )

    def _ledger(self) -> list[tuple[tuple[str, str, str], str, str]]:
        with connect_vault(self.settings(), read_only=True) as connection:
            rows = connection.execute(
                "SELECT site, delivery, path, sha256, read_as FROM main.input_file WHERE is_current ORDER BY ALL"
            ).fetchall()
        return [((site, delivery, path), sha256, read_as) for site, delivery, path, sha256, read_as in rows]


def _tree(folder: Path) -> Tree:
    files = {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    return files | {f"{path.name}/": b"" for path in sorted(folder.iterdir()) if path.is_dir()}


def _is_one_line(line: UserError) -> None:
    assert str(line)
    assert "\n" not in str(line)
