"""Promise one, on deliveries that hypothesis makes up: every row of every file has one fate, and the accounts add up.

Cells are good values, boundary values and any text whatever; keys and patients come from small pools, so that rows
correct, repeat and contradict each other across files; some records have too many cells, too few, or stray quotes.
"""

from __future__ import annotations

import csv
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from integration.compiled_project import compiled_project

from registry.config.input_contract import ENTITIES
from registry.config.settings import Settings
from registry.curation.quarantine import reasons

ACCOUNTS = ("reconciliation", "quarantine_summary", "column_defect", "contested")
KINDS = ("current", "superseded", "duplicate", "quarantined", "not_mapped", "erased")

_id = st.sampled_from(["", " ", "A1", "A2", "a2 ", "Ä-3", "x'y"])
_date = st.sampled_from(["", "2024-02-29", "2023-02-29", "2024-03-31 23:59", "31/12/2023", "1/2/23", "2031-01-01", "0"])
_number = st.sampled_from(["", "0", "-1", "0,5", "0.5", "<0.1", "1.234,5", "1e3", "99999999999999999999", "NaN", "≥2"])
_code = st.sampled_from(["", "751-8", "26464-8", "770-8", "NEU#", "ocrelizumab", "L04AG08", "final", "CANCELLED"])
_unit = st.sampled_from(["", "10*9/L", "/uL", "%", "G/L", "g/L", "mmol/L", "mila/mmc"])
_any_text = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\n\0"), max_size=8)
_STRATEGIES = {"unit": _unit, "value": _number, "reference_low": _number, "dose": _number}


def _cells(column: str) -> st.SearchStrategy[str]:
    if column.endswith(("_id", "_key")):
        return _id
    if column.endswith(("_date", "_on", "_at", "_from", "_to")):
        return st.one_of(_date, _any_text)
    usual = _STRATEGIES.get(column, _code)
    return st.one_of(usual, _any_text)


@dataclass(frozen=True)
class Delivered:
    """One file: its place and text, and the records that a reader must find in it."""

    site: str
    month: str
    name: str
    text: str
    n_records: int


def _record(cells: list[str], delimiter: str) -> str:
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter, lineterminator="").writerow(cells)
    return line.getvalue()


@st.composite
def _files(draw: st.DrawFn, site: str, delimiter: str) -> Delivered:
    entity = ENTITIES[draw(st.sampled_from(sorted(ENTITIES)))]
    row = st.tuples(*(_cells(column) for column in entity.columns)).map(list)
    sound = st.lists(row, max_size=6)
    records = [_record(cells, delimiter) for cells in draw(sound)]
    for odd in draw(st.lists(st.sampled_from(["too few", "too many", '"open', 'a"b', "trailing"]), max_size=2)):
        cells = [odd] if odd != "too many" else [odd] * (len(entity.columns) + 1)
        if odd == "trailing":
            cells = ["A1"] + [""] * len(entity.columns)
        records.insert(draw(st.integers(0, len(records))), delimiter.join(cells))
    lines = [delimiter.join(entity.columns), *records]
    # an open quote takes what follows up to the next quote into its record, so how many there are is not known
    is_certain = not any('"' in line for line in lines)
    n_records = sum(bool(line.strip(" \t\v\f\u00a0\x1a") or delimiter in line) for line in records)
    month = draw(st.sampled_from(["2023-12", "2024-02", "2024-03"]))
    suffix = draw(st.sampled_from(["", "_b"]))
    return Delivered(
        site, month, f"{entity.name}{suffix}.csv", "\n".join(lines) + "\n", n_records if is_certain else -1
    )


@st.composite
def _sites(draw: st.DrawFn, site: str) -> tuple[dict[str, object], list[Delivered]]:
    delimiter = draw(st.sampled_from([",", ";", "|"]))
    dialect = {"delimiter": delimiter, "decimal": draw(st.sampled_from([".", ","])), "date_formats": ["%d/%m/%Y"]}
    profile = {
        "mode": draw(st.sampled_from(["delta", "snapshot"])),
        "csv": dialect,
        "codes": {"tests": {"NEU#": "anc"}, "units": {"mila/mmc": "10*3/uL"}},
    }
    files = draw(st.lists(_files(site, delimiter), min_size=1, max_size=6))
    return profile, files


@given(sites=st.tuples(_sites("aosta"), _sites("bolzano")))
@settings(
    max_examples=settings().max_examples // 6,  # each is a build
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_any_delivery_is_accounted_for_row_by_row(
    sites: tuple[tuple[dict[str, object], list[Delivered]], ...],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        counts: dict[tuple[str, ...], int] = {}
        for profile, files in sites:
            for file in files:
                path = home / "deliveries" / file.site / file.month / file.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(file.text, encoding="utf-8", newline="")
                counts[file.site, file.month, file.name] = file.n_records
            (home / "deliveries" / files[0].site / "site.yml").write_text(yaml.safe_dump(profile))
        built = compiled_project().build(home, up_to=ACCOUNTS)
        _accounts_add_up(built, counts)


def _accounts_add_up(built: Settings, counts: dict[tuple[str, ...], int]) -> None:
    with duckdb.connect(str(built.warehouse), read_only=True) as connection:
        connection.execute(f"ATTACH '{built.raw_db}' AS vault (READ_ONLY)")

        def query(sql: str) -> list[tuple[object, ...]]:
            return connection.execute(sql).fetchall()

        columns = ", ".join(f"r.rows_{kind}" for kind in KINDS)
        accounts = query(
            f"SELECT f.site, f.delivery, f.path, r.rows_delivered, {columns} FROM meta.reconciliation AS r "
            "JOIN vault.main.input_file AS f ON f.file_id = r.source_file"
        )
        assert {row[:3] for row in accounts} == set(counts)
        assert len(accounts) == len(counts)
        for site, delivery, path, delivered, *by_kind in accounts:
            expected = counts[str(site), str(delivery), str(path)]
            assert delivered == expected or expected < 0, (site, delivery, path)
            assert all(int(str(count)) >= 0 for count in by_kind)
            assert sum(int(str(count)) for count in by_kind) == delivered

        assert not query(
            "SELECT 1 FROM intermediate.int_row_disposition GROUP BY file_no, record_number HAVING count(*) > 1"
        ), "a row has two fates"
        held_back = query("SELECT disposition, reasons FROM intermediate.int_row_disposition")
        known = set(reasons())
        for disposition, codes in held_back:
            assert (disposition == "quarantined") == (codes is not None)
            listed = str(codes).split(",") if codes else []
            assert set(listed) <= known
            assert len(listed) == len(set(listed)), "a reason is given twice"
