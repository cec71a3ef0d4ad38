"""Memory that runs out: how its errors are recognised and worded; no DuckDB opens without a limit and a temp folder."""

from __future__ import annotations

import ast
from pathlib import Path

import duckdb
import pytest

from registry.config.settings import load_settings
from registry.errors import UserError
from registry.operations import error_reports
from registry.paths import CHECKOUT
from registry.system import memory

PINNED = "Out of Memory Error: failed to pin block of size 256.0 KiB (95.3 MiB/95.3 MiB used)"
DISK = "Out of Memory Error: failed to offload data block. This limit was set by the 'max_temp_directory_size' setting."


@pytest.mark.parametrize(
    "error",
    [
        duckdb.OutOfMemoryException("x"),
        MemoryError(),
        PINNED,
        f"Runtime Error in model episode_trace (models/meta/episode_trace.sql)\n  {PINNED}",
        duckdb.TransactionException("Failed to commit: could not allocate block of size 256.0 KiB"),
    ],
)
def test_memory_that_ran_out_is_recognised(error: BaseException | str) -> None:
    assert memory.ran_out(error)


@pytest.mark.parametrize("error", [duckdb.IOException("No space left on device"), ValueError("out of memory"), "null"])
def test_other_errors_are_not_taken_for_it(error: BaseException | str) -> None:
    assert not memory.ran_out(error)


def test_the_line_names_stage_limit_and_remedy_and_no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_MEMORY_LIMIT", "100MB")
    line = error_reports.to_user_error(load_settings(home=tmp_path), duckdb.OutOfMemoryException(PINNED), "statistics")
    assert isinstance(line, UserError)
    assert str(line) == (
        "statistics: more memory is needed than REGISTRY_MEMORY_LIMIT=100MB allows: raise it, lower REGISTRY_THREADS, "
        "or use a larger machine"
    )


def test_a_disk_without_room_to_spill_has_another_remedy() -> None:
    assert "free up space in the registry's home" in memory.line("warehouse", DISK)


def test_every_connection_has_limits_of_its_own() -> None:
    """Without a configuration DuckDB takes most of the machine and spills beside the file that it reads."""
    bare = [
        f"{path.relative_to(CHECKOUT)}:{node.lineno}"
        for folder in ("registry", "expectations", "orchestration")
        for path in (CHECKOUT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "duckdb.connect"
        and "config" not in {keyword.arg for keyword in node.keywords}
    ]
    assert bare == []
