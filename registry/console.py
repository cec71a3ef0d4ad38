"""What a person sees in the terminal: progress of a refresh, tables of results, one line for a mistake."""

from __future__ import annotations

import csv
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.status import Status
from tabulate import tabulate

from registry.csv_cells import harmless

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def print_error(message: str) -> None:
    """One line on stderr: what, where, what to do."""
    errors.print(f"[bold red]error:[/bold red] {escape(message)}")


def print_summary(done: str, todo: Sequence[str]) -> None:
    """What was done and what is left to do by hand, on stderr: stdout is the result's."""
    errors.print(escape(done))
    errors.print(f"left to do by hand: {len(todo) or 'nothing that the files tell'}")
    for line in todo:
        errors.print(f"· {escape(line)}")


class ProgressHandler(logging.Handler):
    """Shows the registry's log lines on stderr as they come: a spinner in a terminal, plain lines elsewhere."""

    def __init__(self) -> None:
        super().__init__(level=logging.INFO)
        self._status: Status | None = None

    @contextmanager
    def status(self, first: str) -> Iterator[None]:
        """Keep a spinner turning while the body runs."""
        with errors.status(first) as self._status:
            yield
        self._status = None

    def emit(self, record: logging.LogRecord) -> None:
        """Show one line."""
        message = record.getMessage()
        if record.levelno >= logging.WARNING:
            errors.print(f"[yellow]{escape(message)}[/yellow]")
        else:
            errors.print(f"· {escape(message)}")


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]], form: str = "table") -> None:
    """Print a result as a table for eyes, or as CSV or JSON for programs."""
    if form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow([harmless(column) for column in columns])
        writer.writerows([harmless(cell) for cell in row] for row in rows)
    elif form == "json":
        records = [dict(zip(columns, row, strict=True)) for row in rows]
        sys.stdout.write(json.dumps(records, default=str, indent=1) + "\n")
    else:
        # never cut off: a wrapped line beats a lost figure
        cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
        print(tabulate(cells, headers=columns if any(columns) else (), tablefmt="plain", disable_numparse=True))
