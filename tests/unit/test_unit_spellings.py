"""What becomes of each spelling of a unit that was tried: `unit_spellings.csv`, through the model that reads them."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path

import duckdb
from reference.units import read_unit
from unit.macro_sql import model_sql

from registry.paths import SEEDS

Meaning = tuple[str, Decimal | None]
"""What a unit measures, and the factor to 10*9/L, % or g/L if something measured in it is followed."""

FOLLOWED = ("count", "percent", "mass")
NUMBERS = (
    "10 x10 ×10 10. ^ ** * E e e+0 exp ' ( ) { } [ ] 3 9 6 12 03 4 ³ - 1000 K k Thou Tsd. mila mil Mio million M G bil "
    "Gpt T ."
).split()
COUNTED = "cells {cells} # n n° WBC célula {thousand} %".split()
VOLUMES = "/ /L /l /uL /µL /mcL /UL /mL /ML /nL /dL /mm3 /mm^3 /cu.mm /mmc /litre L-1 mm-3".split()


def tried() -> dict[str, Meaning | None]:
    """Each spelling of the table → its meaning; None: unknown."""
    with Path(__file__).with_name("unit_spellings.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    meant = {row["spelling"]: _meaning(row["dimension"], row["factor"]) for row in rows}
    assert len(meant) == len(rows), "a spelling is in the table twice"
    return meant


def _meaning(dimension: str, factor: str) -> Meaning | None:
    return (dimension, Decimal(factor) if factor else None) if dimension else None


def looked_up(spellings: Iterable[str], own: Mapping[str, str] | None = None) -> dict[str, Meaning]:
    """What the model makes of units as delivered by a site with these aliases; without those that it does not know."""
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE lab_results AS SELECT 1 AS file_no, unnest($spellings) AS unit", {"spellings": [*spellings]}
        )
        connection.execute("CREATE TABLE stg_input_file AS SELECT 1 AS file_no, 'site' AS site")
        connection.execute("CREATE TABLE code_map (site TEXT, kind TEXT, local_code TEXT, target TEXT)")
        for local_code, target in (own or {}).items():
            connection.execute("INSERT INTO code_map VALUES ('site', 'unit', ?, ?)", [local_code, target])
        connection.execute(
            f"""CREATE TABLE units AS SELECT unit, ucum, dimension, CAST(factor AS DECIMAL(18, 9)) AS factor
            FROM read_csv('{SEEDS / "units.csv"}', all_varchar = true)"""
        )
        found = connection.execute(
            f"SELECT spelling, dimension, factor FROM ({model_sql('staging/stg_unit_spelling.sql')})"
        ).fetchall()
    return {spelling: (dimension, factor) for spelling, dimension, factor in found}


def of_reference(spelling: str) -> Meaning | None:
    """What the reference makes of a unit, as the model would say it."""
    read = read_unit(spelling)
    if read is None:
        return None
    return {"mass": "mass_concentration"}.get(read[0], read[0]), read[1] if read[0] in FOLLOWED else None


def test_each_spelling_has_the_meaning_of_the_table_or_none() -> None:
    expected = tried()
    found = looked_up(expected)
    assert {spelling: found.get(spelling) for spelling in expected} == expected


def test_the_reference_reads_each_spelling_of_a_followed_unit_alike() -> None:
    expected = {spelling: meaning for spelling, meaning in tried().items() if not meaning or meaning[1] is not None}
    assert {spelling: of_reference(spelling) for spelling in expected} == expected


def test_the_reference_reads_invented_spellings_of_a_count_alike() -> None:
    chance = random.Random(1)
    pieces = [*NUMBERS, *COUNTED, *VOLUMES, " ", " per ", "per cent", "µ", "\\S\\"]
    invented = ["".join(chance.choices(pieces, k=chance.randint(1, 5))).strip() for _ in range(1500)]
    for _ in range(1500):
        number = "".join(chance.choices(NUMBERS, k=chance.randint(0, 3)))
        invented.append(number + chance.choice([*COUNTED, "", ""]) + chance.choice(VOLUMES))
    spellings = set(invented) - {""}
    found = looked_up(spellings)
    assert len(found) > 150
    assert {text: found.get(text) for text in spellings} == {text: of_reference(text) for text in spellings}


def test_a_sites_own_spelling_stands_for_no_other_words_of_the_same_meaning() -> None:
    own = {"1000/uL": "/uL", "mil/uL": "10*3/uL"}
    found = looked_up(["1000/uL", "1000 /µL", "10*3/uL", "K/uL", "1000/mcL", "mil/µL", "MIL/uL"], own)
    per_ul, thousands = ("count", Decimal("0.001")), ("count", Decimal(1))
    assert found == {
        **dict.fromkeys(("1000/uL", "1000 /µL"), per_ul),
        **dict.fromkeys(("10*3/uL", "K/uL", "1000/mcL", "mil/µL"), thousands),
    }


def test_the_base_of_a_power_is_not_a_unit_of_its_own() -> None:
    found = looked_up(
        ["10", "x10", "10^6/L", "10^9/L^giga^UCUM", "10^3", "10^7/L"], {"10": "10*3/uL", "x10": "10*3/uL"}
    )
    assert found == {
        **dict.fromkeys(("10", "x10", "10^9/L^giga^UCUM"), ("count", Decimal(1))),
        "10^6/L": ("count", Decimal("0.001")),
    }
