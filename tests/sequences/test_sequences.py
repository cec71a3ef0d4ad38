"""Whatever is delivered, edited, run alone, cut off or taken back, a release is one that is built from nothing.

After each publication, and where a refresh says that nothing is new, the release in force is compared with one that is
built in a new home from the deliveries and settings of its plan. Or the step refused in one line. At the end one whole
refresh leads to the release that is built from nothing.

`make test` runs the first sequence, `make check` a few others, other ones each day; `pytest tests/sequences --sequences
300` runs hundreds. The gate lets everything pass or
refuses as the sequence says: that it judges right is the business of other tests.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from integration.compiled_project import compiled_project
from integration.known_builds import Builder
from sequences.actions import REFRESH, Action, Deliver, Step, WriteStudy, sequence
from sequences.from_nothing import FromNothing
from sequences.world import World

START: tuple[Action, ...] = (WriteStudy(28), Deliver("udine", "2025-01", 0.7), *REFRESH)
LAST: tuple[Action, ...] = (WriteStudy(60), Step("plan", accept_missing=True), *REFRESH[1:])
"""With settings that no sequence has, so that no pin holds."""


class Sequences:
    """Runs sequences, each in a copy of a home with one release."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._numbers = count(1)
        builder = Builder(compiled_project(), folder)
        self._start = World(folder / "start", builder, patch)
        for action in START:
            self._start.do(action)
        self._reference = FromNothing(self._start.settings().key_file.read_bytes(), builder)

    def run(self, actions: list[Action]) -> None:
        """All of a sequence, then one whole refresh."""
        world = self._start.copy(self._folder / f"home-{next(self._numbers)}", self._reference)
        try:
            for action in actions:
                world.do(action)
            before = world.n_compared
            for action in (*world.undone(), *LAST):
                world.do(action)
            assert world.n_compared > before, "the last refresh publishes"
        finally:
            shutil.rmtree(world.home)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequences]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REGISTRY_THREADS", "1")
        yield Sequences(tmp_path_factory.mktemp("sequences"), patch)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    others = metafunc.config.getoption("--sequences") - 1
    first = metafunc.config.getoption("--sample") * others
    metafunc.parametrize("seed", [0, *(pytest.param(first + n, marks=pytest.mark.deep) for n in range(1, others + 1))])


def test_a_release_is_one_that_is_built_from_nothing(run: Sequences, seed: int) -> None:
    actions = sequence(seed)
    print(*actions, sep="\n")  # shown where it fails
    run.run(actions)
