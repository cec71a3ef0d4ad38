"""Terminal output: progress of a refresh, tables of results, one line for an error."""

from __future__ import annotations

import csv
import json
import logging
import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from registry.system.spreadsheet import harmless

READER_GONE = 141
"""The exit code of a command whose output nobody reads to its end (`| head`): 128 + SIGPIPE, as of any other tool."""


class _Output(Console):
    """Standard output: if its reader has gone, the command ends quietly."""

    def on_broken_pipe(self) -> None:
        """Called by rich in place of the error."""
        stop_printing()
        raise SystemExit(READER_GONE)


class _Messages(Console):
    """Progress and errors on stderr: a reader who has gone does not stop a refresh."""

    def on_broken_pipe(self) -> None:
        """Called by rich in place of the error."""
        self.quiet = True


def stop_printing() -> None:
    """Let what is still buffered go nowhere: at its end Python would report the closed pipe."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


console = _Output(highlight=False, soft_wrap=True)
errors = _Messages(stderr=True, highlight=False, soft_wrap=True)


def print_error(message: str) -> None:
    """Print one line on stderr: what is wrong, where, and what to do."""
    errors.print(f"[bold red]error:[/bold red] {escape(message)}")


def print_summary(done: str, todo: Sequence[str]) -> None:
    """Print what was done and which manual steps remain, on stderr: stdout is for the result."""
    errors.print(escape(done))
    errors.print(f"manual steps remaining: {len(todo) or 'none'}")
    for line in todo:
        errors.print(f"· {escape(line)}")


class ProgressHandler(logging.Handler):
    """Show log lines on stderr with the seconds since the start; in a terminal also a spinner."""

    def __init__(self) -> None:
        super().__init__(level=logging.INFO)
        self._status: Status | None = None
        self._began = time.monotonic()

    @contextmanager
    def status(self, first: str) -> Iterator[None]:
        """Show a spinner while the body runs."""
        with errors.status(first) as self._status:
            yield
        self._status = None

    def emit(self, record: logging.LogRecord) -> None:
        """Show one log line."""
        message = record.getMessage()
        if record.levelno >= logging.WARNING:
            errors.print(f"[yellow]{escape(message)}[/yellow]")
        else:
            errors.print(f"· {time.monotonic() - self._began:3.0f} s  {escape(message)}")


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]], form: str = "table") -> None:
    """Print a result as a table for people, or as CSV or JSON for programs."""
    if form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow([harmless(column) for column in columns])
        writer.writerows([harmless(_as_cell(cell)) for cell in row] for row in rows)
    elif form == "json":
        names = _distinct(columns)
        records = [dict(zip(names, map(_as_json, row), strict=True)) for row in rows]
        sys.stdout.write(json.dumps(records, indent=1, allow_nan=False) + "\n")
    else:
        from tabulate import tabulate  # its import takes longer than most tables

        # never truncated: a wrapped line is better than a lost figure
        cells = [["" if cell is None else str(_as_cell(cell)) for cell in row] for row in rows]
        print(tabulate(cells, headers=columns if any(columns) else (), tablefmt="plain", disable_numparse=True))


def _distinct(columns: Sequence[str]) -> list[str]:
    """Number repeated column names (n, n_2): a JSON object has each name once."""
    names: list[str] = []
    for column in columns:
        number, name = 1, column
        while name in names or (number > 1 and name in columns):
            number += 1
            name = f"{column}_{number}"
        names.append(name)
    return names


def _as_cell(value: Any) -> Any:
    """A value as cell text: lists and structs as JSON, decimals without an exponent."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bytes):
        return value.hex()
    return json.dumps(_as_json(value), ensure_ascii=False) if isinstance(value, (list, tuple, dict)) else value


def _as_json(value: Any) -> Any:
    """A value for JSON: decimals become numbers, NaN and infinity null, anything else text."""
    if isinstance(value, dict):
        return {str(key): _as_json(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_json(one) for one in value]
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return value.hex()
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
