"""`python -m benchmarks`: run the benchmarks, print a table, write the figures as JSON.

Every figure is a ratio of two jobs that alternate in one run on one machine, because seconds from different runs on
shared, noisy machines are not comparable. The goals come from the design; nothing fails here, a person reads the table.
"""

from __future__ import annotations

import json
import platform
import tempfile
from dataclasses import asdict
from pathlib import Path

import click
import duckdb
from tabulate import tabulate

from benchmarks.load import load_lab_results
from benchmarks.timing import Comparison


@click.command()
@click.option("--rows", default=10_000_000, show_default=True, type=click.IntRange(min=1000), help="Lab results.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(min=1), help="Turns of each job.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("benchmarks/results/latest.json"),
    show_default=True,
    help="Output file.",
)
@click.option(
    "--work",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder for scratch files. [temporary]",
)
def main(rows: int, rounds: int, out: Path, work: Path | None) -> None:
    """Compare the registry's time with that of DuckDB alone for the same task."""
    with tempfile.TemporaryDirectory(dir=work, prefix="registry-bench-") as folder:
        comparisons = [load_lab_results(Path(folder), rows, rounds)]
    print(_table(comparisons))
    machine = {"python": platform.python_version(), "duckdb": duckdb.__version__, "machine": platform.machine()}
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"machine": machine, "benchmarks": [asdict(c) for c in comparisons]}, indent=1) + "\n")
    print(f"figures: {out}")


def _table(comparisons: list[Comparison]) -> str:
    columns = ["benchmark", "rows", "ratio", "by CPU", "goal", "seconds", "against", "rounds"]
    return tabulate(
        [
            [
                c.name,
                f"{c.rows:,}",
                f"{c.ratio:.2f}",
                f"{c.cpu_ratio:.2f}",
                f"at most {c.goal}",
                f"{c.subject.seconds:.1f}",
                f"{c.baseline.seconds:.1f}",
                c.rounds,
            ]
            for c in comparisons
        ],
        headers=columns,
        disable_numparse=True,
    )


if __name__ == "__main__":
    main()
