"""Write one hospital's deliveries in its dialect: text with any marks and encoding, Parquet, Excel.

A row's line may be damaged (`DAMAGES`): cut short, a cell too many, shifted by a blank cell, broken quotes, a byte of
another encoding. Each damage makes exactly one record unreadable, whatever its neighbours.
"""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from registry.config.input_contract import ENTITIES
from registry.simulate.dialects import Dialect
from registry.simulate.spelling import DAYS, NUMBERS, TIMES, spell, typed
from registry.simulate.wide import has_place_for
from registry.simulate.workbook import write_workbook

DAMAGES = ("cut", "extra_cell", "shifted", "broken_quote", "open_quote", "foreign_byte", "stray_cell")
_STRAY = "see note"
_NO_BYTES = {"utf-8": b"\xe8", "utf-8-sig": b"\xe8", "cp1252": b"\x81"}
"""A byte that is invalid in the encoding: a Latin-1 "è" in a file that should be UTF-8."""


class Line(Protocol):
    """A row to be written: native cells by column, and how its line is damaged (or "")."""

    cells: dict[str, str]
    damage: str


def damages_of(dialect: Dialect) -> tuple[str, ...]:
    """The damages that a line of this dialect can have."""
    if dialect.format == "parquet":
        return ()
    if dialect.format == "xlsx":
        return ("stray_cell",)
    # A quote that never closes runs up to the next quote in the file: it is one record only if there is no other.
    text = ("cut", "extra_cell", "shifted", "broken_quote") + (() if dialect.quotes else ("open_quote",))
    return text + (("foreign_byte",) if dialect.encoding in _NO_BYTES else ())


def can_hold(dialect: Dialect, cells: dict[str, str]) -> bool:
    """Whether the dialect's typed columns or wide table can hold these native cells; text and Excel always can."""
    if dialect.wide and "test_code" in cells:
        return has_place_for(dialect.wide, cells)
    if not _is_told_apart(dialect, cells):
        return False
    if dialect.format != "parquet":
        return True
    return all(
        not cell or not isinstance(typed(column, cell), str)
        for column, cell in cells.items()
        if column in DAYS or column in TIMES or column in NUMBERS
    )


def _is_told_apart(dialect: Dialect, cells: dict[str, str]) -> bool:
    """Whether a local code of two analytes means this one with this unit; with the other's unit it would mean that."""
    code, analyte = dialect.tests.get(cells.get("test_code", ""), ("", ""))
    n_analytes = sum(local == code for local, _ in dialect.tests.values())
    return n_analytes < 2 or (cells["unit"] == "%") == analyte.endswith("_pct") or cells["unit"] in ("", "g/L")


def write_file(path: Path, dialect: Dialect, entity: str, lines: Sequence[Line]) -> None:
    """Write one file of an entity; a missing folder is created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if dialect.format == "parquet":
        _write_parquet(path, entity, lines)
    elif dialect.format == "xlsx":
        _write_excel(path, dialect, entity, lines)
    else:
        data = _text(dialect, entity, lines)
        path.write_bytes(gzip.compress(data, mtime=0) if dialect.format == "csv.gz" else data)


def _text(dialect: Dialect, entity: str, lines: Sequence[Line]) -> bytes:
    columns = dialect.columns(entity)
    # UTF-16 with the same byte order on every machine, and a byte order mark.
    encoding = "utf-16-le" if dialect.encoding == "utf-16" else dialect.encoding.removesuffix("-sig")
    mark = {"utf-16": codecs.BOM_UTF16_LE, "utf-8-sig": codecs.BOM_UTF8}.get(dialect.encoding, b"")
    extra = [dialect.extra_column] if dialect.extra_column else []
    data = [mark, (_joined(dialect, dialect.header(entity) + extra) + dialect.line_end).encode(encoding)]
    for number, line in enumerate(lines):
        cells = [spell(dialect, _kind(dialect, column), line.cells.get(column, "")) for column in columns]
        if extra:
            cells.append(f"W{number % 4 + 1}")
        # a file's only record, if shifted, would count as the file's normal form
        damage = "extra_cell" if line.damage == "shifted" and len(lines) == 1 else line.damage
        text = _damaged(dialect, cells, damage) if damage else _joined(dialect, cells)
        encoded = text.encode(encoding)
        if line.damage == "foreign_byte":
            encoded += _NO_BYTES[dialect.encoding]
        data.append(encoded + dialect.line_end.encode(encoding))
    return b"".join(data)


def _kind(dialect: Dialect, column: str) -> str:
    """The contract's column with the same kind of cells: for a wide table's tests, `value`."""
    return "value" if column in dialect.wide else column


def _joined(dialect: Dialect, cells: Sequence[str]) -> str:
    """One record. If every cell is quoted, a delimiter follows the last one, as in some exports."""
    marks = (dialect.delimiter, '"', "\n", "\r")
    written = [
        '"' + cell.replace('"', '""') + '"' if dialect.quotes or any(mark in cell for mark in marks) else cell
        for cell in cells
    ]
    return dialect.delimiter.join(written) + (dialect.delimiter if dialect.quotes else "")


def _damaged(dialect: Dialect, cells: list[str], damage: str) -> str:
    if damage == "cut":
        return _joined(dialect, cells[: len(cells) // 2]).rstrip(dialect.delimiter)
    if damage == "extra_cell":
        return _joined(dialect, [*cells, _STRAY])
    if damage == "shifted":
        return _joined(dialect, [cells[0], "", *cells[1:]])
    joined = [_joined(dialect, [cell]).rstrip(dialect.delimiter) for cell in cells]
    if damage == "broken_quote":
        joined[1] = '"left" open'
    elif damage == "open_quote":
        joined[1] = '"left open'
    return dialect.delimiter.join(joined)


def _write_excel(path: Path, dialect: Dialect, entity: str, lines: Sequence[Line]) -> None:
    columns = dialect.columns(entity)
    rows = [
        [typed(_kind(dialect, column), line.cells.get(column, "")) for column in columns]
        + (["", _STRAY] if line.damage == "stray_cell" else [])
        for line in lines
    ]
    write_workbook(path, entity, [dialect.header(entity), *rows])


def _write_parquet(path: Path, entity: str, lines: Sequence[Line]) -> None:
    import duckdb
    import pandas as pd

    columns = ENTITIES[entity].columns
    table = pd.DataFrame(
        [[str(line.cells.get(column, "")) for column in columns] for line in lines], columns=list(columns), dtype=object
    )
    types = {**dict.fromkeys(DAYS, "DATE"), **dict.fromkeys(TIMES, "TIMESTAMP"), **dict.fromkeys(NUMBERS, "DOUBLE")}
    selected = ", ".join(
        f'CAST(nullif("{column}", \'\') AS {types.get(column, "VARCHAR")}) AS "{column}"' for column in columns
    )
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("cells", table)
        connection.execute(
            f"COPY (SELECT {selected} FROM cells) TO '{str(path).replace(chr(39), chr(39) * 2)}' (FORMAT parquet)"
        )
