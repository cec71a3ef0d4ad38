"""`make faults`: refreshes killed at sampled points and random moments; what came of them, as a table and as JSON.

Each is followed by an undisturbed refresh, after which nothing may tell that there ever was a kill.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from faults.scenarios import SCENARIOS
from faults.world import World
from integration.compiled_project import compiled_project

RESULTS = Path(__file__).parent / "results.json"
RANDOM_MOMENTS = 0.2


@dataclass
class Trial:
    """One refresh that was killed, and what was found afterwards."""

    at: str
    killed: bool = False
    half_releases: int = 0
    rows_astray: int = 0
    survived: bool = False
    problems: tuple[str, ...] = ()


def try_out(world: World, at: int | float) -> Trial:
    """Kill one refresh at a point (a number) or after some seconds, look as a reader would, refresh, compare."""
    world.reset()
    is_point = isinstance(at, int)
    trial = Trial(f"{at} {world.points[at]}" if isinstance(at, int) else f"after {at:.2f} s")
    ended = world.refresh(kill_at=at) if isinstance(at, int) else world.refresh(kill_after=at)
    trial.killed = ended.code == -9
    halfway = world.seen_halfway()
    trial.half_releases = len(halfway)
    again = world.refresh()
    if again.code != 0:
        trial.problems = (*halfway, f"not mended: {again.told}")
        return trial
    trial.rows_astray = world.rows_astray()
    trial.problems = (*halfway, *world.differs())
    if is_point and not trial.killed:
        trial.problems += (f"was not killed: {ended.told}",)
    trial.survived = not trial.problems
    return trial


def sample(world: World, number: int, rng: random.Random) -> list[int | float]:
    """Points spread over the refresh, all of them if there are few enough, and random moments."""
    moments = round(number * RANDOM_MOMENTS)
    points = len(world.points)
    chosen: list[int | float] = [*rng.sample(range(points), min(points, number - moments))]
    chosen += [rng.uniform(0, world.seconds) for _ in range(number - len(chosen))]
    rng.shuffle(chosen)  # so that a run that is cut off has tried all stages
    return chosen


def main() -> int:
    """Run the trials; 1 if any refresh did not survive."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resume", action="store_true", help="go on with the like run that was cut off")
    parser.add_argument("--scenarios", action="store_true", help="instead: the faults of scenarios.py")
    parser.add_argument("--project", type=Path, help="the compiled project, pickled")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    project = pickle.loads(options.project.read_bytes()) if options.project else compiled_project()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        world = World(Path(folder), project)
        if options.scenarios:
            found: dict[str, list[str]] = {}
            for scenario in SCENARIOS:
                found[scenario.__name__] = scenario(world)
                options.results.write_text(json.dumps(found, indent=2) + "\n")
            return 0
        chosen = sample(world, options.number, random.Random(options.seed))
        print(f"{len(world.points)} points in a refresh of {world.seconds:.1f} s; {len(chosen)} kills", flush=True)
        before = json.loads(options.results.read_text()) if options.resume else None
        if before:
            assert (before["asked"], before["points_of_a_refresh"]) == (len(chosen), len(world.points)), "another run"
        done = before["kills_at_points"] + before["kills_at_random_moments"] if before else 0
        trials = []
        started, used = time.monotonic(), os.times()
        for number, at in enumerate(chosen[done:], done + 1):
            trials.append(try_out(world, at))
            for problem in trials[-1].problems:
                print(f"  {trials[-1].at}: {problem}", flush=True)
            if number % 10 == 0:
                print(f"  {number} of {len(chosen)}", flush=True)
            write(options.results, world, trials, len(chosen), before)
        spent = os.times()
        cpu = sum(spent[:4]) - sum(used[:4])
        print(f"{time.monotonic() - started:.0f} s, {cpu / max(len(trials), 1):.1f} s of CPU a kill")
    return 0 if all(trial.survived for trial in trials) else 1


def write(path: Path, world: World, trials: list[Trial], asked: int, before: dict[str, Any] | None) -> None:
    """What `scripts/reliability.py` reads; after each trial, so that what was done counts, as it did before a cut."""
    stages = Counter(world.points[int(t.at.split()[0])].split(":")[0] for t in trials if not t.at.startswith("after"))
    counts = Counter(
        kills_at_points=sum(not trial.at.startswith("after") for trial in trials),
        kills_at_random_moments=sum(trial.at.startswith("after") for trial in trials),
        came_too_late=sum(not trial.killed for trial in trials),
        survived=sum(trial.survived for trial in trials),
        half_releases=sum(trial.half_releases for trial in trials),
        rows_lost_or_twice=sum(trial.rows_astray for trial in trials),
    )
    failed = [asdict(trial) for trial in trials if not trial.survived]
    if before:
        stages.update(before["by_stage"])
        counts.update({name: before[name] for name in counts})
        failed = [*before["failed"], *failed]
    found = {"asked": asked, "points_of_a_refresh": len(world.points), **counts, "by_stage": stages, "failed": failed}
    path.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
