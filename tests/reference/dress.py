"""The same deliveries in the words of their site: what every cell means stays as it was.

Words for codes, codes in other dress, flags beside values, words for no value, specimens, units left out where the site
names them.
"""

from __future__ import annotations

import random
from dataclasses import replace

from . import words
from .model import KEYS, File, Site

WORDED = ("sex", "ms_phenotype", "duffy_null", "status", "event_type", "end_reason", "verdict")
OPTIONAL = ("ms_phenotype", "last_contact_date", "end_date", "reference_low", "specimen_id", "reviewed_on")


def dress(rng: random.Random, files: list[File], site: Site) -> list[File]:
    """The files, rewritten here and there. A row that is told twice is mostly written alike, and stays a repeat."""
    told: dict[tuple[str, ...], dict[str, str]] = {}
    return [replace(file, rows=tuple(_row(rng, file.entity, row, site, told) for row in file.rows)) for file in files]


def _row(
    rng: random.Random, entity: str, row: dict[str, str], site: Site, told: dict[tuple[str, ...], dict[str, str]]
) -> dict[str, str]:
    known = (entity, *(f"{column}={row[column]}" for column in sorted(row)))
    if known in told and rng.random() < 0.8:
        return told[known]
    cells = dict(row)
    for column in WORDED:
        if cells.get(column) and rng.random() < 0.5:
            cells[column] = rng.choice(_spellings(column, cells[column], site))
    for column in OPTIONAL:
        if column in cells and not cells[column] and rng.random() < 0.2:
            cells[column] = rng.choice(site.missing).upper()
    if entity == "lab_results":
        _dress_result(rng, cells, site)
    told[known] = cells
    assert cells[KEYS[entity]] == row[KEYS[entity]]
    return cells


def _spellings(column: str, code: str, site: Site) -> list[str]:
    meanings = {**words.KNOWN.get(column, {}), **site.words.get(column, {})}
    spelled = [word for word, meaning in meanings.items() if meaning == code]
    if column == "sex":  # not one that makes M ambiguous: defects.py has those
        spelled = [word for word in spelled if word not in words.BESIDE_M]
    return [code, *spelled, *(f" {word.upper()} " for word in (code, *spelled)), f"{code}^{code}^L"]


def _dress_result(rng: random.Random, cells: dict[str, str], site: Site) -> None:
    code = cells["test_code"]
    if code == "751-8" and rng.random() < 0.4:
        cells["test_code"] = rng.choice(
            ("NEU", "neu", "751-8^Neutrophils^LN", "751\u20138", "loinc: 751-8", "NEU^Neutr.^L")
        )
    if code == "770-8" and cells["unit"] == "%" and rng.random() < 0.5:
        cells["test_code"] = rng.choice(("NEU", "770-8^Neutrophils^LN", "X^y^L^770-8"))
    if code == "6690-2" and cells["unit"] == "10*9/L" and rng.random() < 0.5:
        cells |= {"test_code": rng.choice(("GB", "gb")), "unit": rng.choice(("", "10*9/L"))}
    if rng.random() < 0.4:
        cells["material"] = rng.choice(("Sangue", "EDTA-Blut", "BLD^Blood^HL70487", "PROV. viola", "n.p."))
    if cells["value"][:1].isdigit() and rng.random() < 0.4:
        flag = rng.choice(("*", "L", "(L)", "[*]", "* L"))
        cells["value"] = rng.choice((f"{cells['value']} {flag}", f"{flag}{cells['value']}", f"{cells['value']} -"))
