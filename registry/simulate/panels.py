"""The laboratories' results for a patient's samples: blood counts, differentials, immunology.

Simulated quantities are cells in 10*9/L, hemoglobin and IgG in g/L, CD19 cells per uL. They are consistent: leukocytes
are the sum of neutrophils, lymphocytes and the rest, and percentages are of leukocytes.
"""

from __future__ import annotations

import random
from functools import cache
from math import exp, log
from typing import NamedTuple

from registry.simulate.days import YEAR, DeliveryCalendar, iso
from registry.simulate.history import Draw, History
from registry.simulate.sites import Assay, Laboratory
from registry.simulate.writer import Sink

_CORRECTED_SHARE = 0.01
"""Share of routine panels with one result that is corrected in a later delivery."""
_CORRECTED_AFTER_DAYS = 25
_OTHER_LABORATORY_SHARE = 0.12
_CLOCK = tuple(f"T{minute // 60:02d}:{minute % 60:02d}:00" for minute in range(24 * 60))


class _Form(NamedTuple):
    """The constant parts of an assay's row."""

    analyte: str
    code_and_name: str
    scale: float
    number: str
    unit: str
    rest: str


@cache
def _form(assay: Assay) -> _Form:
    return _Form(
        assay.analyte,
        f"{assay.loinc},{assay.name}",
        assay.scale,
        f"%.{assay.decimals}f",
        assay.unit,
        f"{assay.low},{assay.high}",
    )


@cache
def _forms(laboratory: Laboratory, immunology: bool) -> tuple[_Form, ...]:
    assays = laboratory.counts + (laboratory.immunology if immunology else ())
    return tuple(_form(assay) for assay in assays)


class Panels:
    """One patient's samples as rows of `lab_results`."""

    def __init__(self, rng: random.Random, history: History) -> None:
        self._rng = rng
        self._history = history
        self._laboratories = history.person.site.laboratories
        self._usual = rng.choice(self._laboratories)
        self._lymphocytes = exp(rng.gauss(log(1.6), 0.25))
        self._platelets = max(155.0, rng.gauss(245, 40))
        self._hemoglobin = rng.gauss(137 if history.person.sex == "F" else 150, 8)
        self._igg = max(6.0, rng.gauss(11, 1.8))
        self._cd19 = rng.uniform(110, 320)

    def send(self, calendar: DeliveryCalendar, sink: Sink) -> None:
        """Send every sample's rows to the delivery of its day."""
        history, site = self._history, self._history.person.site.name
        for number, draw in enumerate(history.draws, 1):
            rows = self._rows(draw, f"{history.person.patient_id}-S{number}")
            delivery = calendar.covering(draw.day)
            self._correct_later(rows, draw, delivery, calendar, sink)
            sink.take(site, delivery, "lab_results", rows)

    def _rows(self, draw: Draw, specimen: str) -> list[str]:
        rng = self._rng
        patient = self._history.person.patient_id
        laboratory = self._laboratory(draw)
        opens, closes = (360, 1320) if draw.urgent else (420, 630)
        at = iso(draw.day) + _CLOCK[opens + int((closes - opens) * rng.random())]
        quantities = self._quantities(draw)
        rows = []
        for form in _forms(laboratory, draw.immunology):
            value = form.number % (quantities[form.analyte] * form.scale)
            rows.append(
                f"{specimen}-{form.analyte},{patient},{specimen},{form.code_and_name},,{value},"
                f"{form.unit},{at},{form.rest},final"
            )
        limit = laboratory.detection_limit
        if limit is not None and draw.anc < limit:
            # In a laboratory that measures the neutrophil count, it is the first assay.
            rows[0] = rows[0].replace(f",{draw.anc:.2f},", f",<{limit},", 1)
        return rows

    def _laboratory(self, draw: Draw) -> Laboratory:
        """Emergencies go to the hospital's own laboratory, routine samples mostly to the usual one."""
        if draw.urgent:
            return self._laboratories[0]
        if self._rng.random() < _OTHER_LABORATORY_SHARE:
            return self._rng.choice(self._laboratories)
        return self._usual

    def _quantities(self, draw: Draw) -> dict[str, float]:
        noise = self._rng.random
        lymphocytes = self._lymphocytes * (0.8 + 0.4 * noise())
        leukocytes = draw.anc + lymphocytes + 0.35 + 0.4 * noise()
        quantities = {
            "ANC": draw.anc,
            "WBC": leukocytes,
            "NEP": 100 * draw.anc / leukocytes,
            "LYM": lymphocytes,
            "LYP": 100 * lymphocytes / leukocytes,
            "PLT": self._platelets * (0.9 + 0.2 * noise()),
            "HGB": self._hemoglobin * (0.96 + 0.08 * noise()),
        }
        if draw.immunology:
            quantities["CD19"], quantities["IGG"] = self._immunology(draw.day)
        return quantities

    def _immunology(self, day: int) -> tuple[float, float]:
        """CD19 cells per uL (0 while depleted, then slowly returning) and IgG (slowly falling)."""
        noise = self._rng.random()
        depleted = [span for span in self._history.depleted if span[0] < day]
        if not depleted:
            return self._cd19 * (0.85 + 0.3 * noise), self._igg * (0.95 + 0.1 * noise)
        since_start = day - depleted[0][0]
        since_end = day - max(last for _, last in depleted)
        returned = min(1.0, max(0.0, since_end / 240))
        cd19 = self._cd19 * returned * (0.85 + 0.3 * noise) + 3 * noise
        return cd19, self._igg * exp(-0.035 * since_start / YEAR) * (0.95 + 0.1 * noise)

    def _correct_later(
        self, rows: list[str], draw: Draw, delivery: int, calendar: DeliveryCalendar, sink: Sink
    ) -> None:
        """Occasionally send one normal result with a wrong value first, and the correct one later."""
        if draw.urgent or draw.anc < 2.0 or self._rng.random() >= _CORRECTED_SHARE:
            return
        known = draw.day + _CORRECTED_AFTER_DAYS
        if known > min(calendar.last_day, self._history.until):
            return
        later = calendar.covering(known)
        if later == delivery:
            return
        number = self._rng.randrange(len(rows))
        right = rows[number]
        fields = right.split(",")
        decimals = len(fields[6].partition(".")[2])
        fields[6] = f"{float(fields[6]) * 1.07:.{decimals}f}"
        rows[number] = ",".join(fields)
        corrected = right.removesuffix("final") + "corrected"
        sink.take(self._history.person.site.name, later, "lab_results", [corrected])
