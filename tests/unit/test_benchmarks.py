"""The benchmarks run, and say what they measured; how quick anything was is for a person to read."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from benchmarks.__main__ import main


def test_loading_is_measured_beside_duckdb_alone(tmp_path: Path) -> None:
    out = tmp_path / "results" / "figures.json"
    done = CliRunner().invoke(main, ["--rows", "2000", "--rounds", "1", "--work", str(tmp_path), "--out", str(out)])
    assert done.exit_code == 0, done.output
    (benchmark,) = json.loads(out.read_text())["benchmarks"]
    assert benchmark["rows"] == 2000
    assert benchmark["ratio"] > 0
    assert "lab results into raw" in done.output
    assert {path.name for path in tmp_path.iterdir()} == {"results"}, "scratch files are gone"
