"""Reads simulated deliveries for the tests, with a few lines of its own.

Nothing of the pipeline is used, so that simulator and pipeline cannot share a mistake.
"""

from __future__ import annotations

import csv
import hashlib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from registry.config.input_contract import ENTITIES
from registry.config.terminology import unit_form

SEEDS = Path(__file__).parents[2] / "dbt_project" / "seeds"
Row = dict[str, str]


def deliveries(out: Path) -> Iterator[tuple[str, str, str, list[Row]]]:
    """Site, month, entity and rows of every file, in the order of delivery."""
    for path in sorted(out.glob("*/*/*.csv"), key=lambda p: (p.parts[-2], p.parts[-3], p.name)):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        yield path.parts[-3], path.parts[-2], path.name.removesuffix("_synthetic.csv"), rows


def current(out: Path) -> dict[str, dict[tuple[str, str], Row]]:
    """The last row of every key, by entity."""
    tables: dict[str, dict[tuple[str, str], Row]] = {entity: {} for entity in ENTITIES}
    for site, _, entity, rows in deliveries(out):
        for row in rows:
            tables[entity][site, row[ENTITIES[entity].key]] = row
    return tables


def digests(out: Path) -> dict[str, str]:
    files = (path for path in sorted(out.rglob("*")) if path.is_file())
    return {str(p.relative_to(out)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@cache
def seed_rows(name: str) -> list[Row]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def counts_by_patient(out: Path) -> dict[str, dict[str, float]]:
    """Patient → day → lowest ANC in 10*9/L, measured or from leukocytes and neutrophils %."""
    scale = {row["unit"]: float(row["factor"] or "nan") for row in seed_rows("units")}
    samples: dict[tuple[str, str, str], dict[str, float]] = defaultdict(dict)
    for row in current(out)["lab_results"].values():
        place = row["patient_id"], row["specimen_id"], row["collected_at"][:10]
        value = float(row["value"].lstrip("<")) * scale[unit_form(row["unit"])]
        samples[place][row["test_code"]] = value
    counts: dict[str, dict[str, float]] = defaultdict(dict)
    for (patient, _, day), values in samples.items():
        derived = values["6690-2"] * values["770-8"] / 100
        anc = values.get("751-8", derived)
        assert anc == pytest.approx(derived, abs=0.02 if anc > 0.1 else 0.1)
        counts[patient][day] = min(anc, counts[patient].get(day, anc))
    return counts
