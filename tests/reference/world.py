"""A tiny language for hand-worked examples: one site, one delivery, patients by their days.

Days are counted from 1 January 2022 (day 0), so that windows can be read off the example.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from .compute import compute
from .model import KEYS, File, Site, Study

DAY0 = date(2022, 1, 1)
Row = dict[str, Any]


def on(day: int) -> date:
    """The date of a day number."""
    return DAY0 + timedelta(days=day)


class World:
    """Collects rows, delivers them at once in `month`, and computes the tables."""

    def __init__(self, month: str = "2024-12", site: Site | None = None) -> None:
        self.month = month
        self.site = site or Site()
        self.rows: dict[str, list[dict[str, str]]] = {entity: [] for entity in KEYS}
        self.study = Study()
        self.patient()

    def _add(self, entity: str, **cells: str) -> World:
        rows = self.rows[entity]
        rows.append({KEYS[entity]: f"{entity}-{len(rows):03d}", "patient_id": "P"} | cells)
        return self

    def patient(self, patient_id: str = "P", **cells: str) -> World:
        """Add or replace a patient, by default a woman born in 1980."""
        kept = [r for r in self.rows["patients"] if r["patient_id"] != patient_id]
        row = {"patient_id": patient_id, "birth_date": "1980-01-01", "sex": "F"} | cells
        self.rows["patients"] = [*kept, row]
        return self

    def dose(self, drug: str, *days: int) -> World:
        """Recorded administrations."""
        for day in days:
            self._add("administrations", drug=drug, administered_on=on(day).isoformat())
        return self

    def line(self, drug: str, start: int, end: int | None = None) -> World:
        """A treatment line."""
        cells = {"end_date": on(end).isoformat()} if end is not None else {}
        return self._add("treatments", drug=drug, start_date=on(start).isoformat(), **cells)

    def anc(self, *points: tuple[int, str], **cells: str) -> World:
        """Measured ANC in 10*9/L: (day, value with operator)."""
        for day, value in points:
            self.lab("751-8", value, "10*9/L", on(day).isoformat(), **cells)
        return self

    def lab(self, code: str, value: str, unit: str, at: str, **cells: str) -> World:
        """Any result."""
        return self._add("lab_results", test_code=code, value=value, unit=unit, collected_at=at, **cells)

    def event(self, event_type: str, day: int) -> World:
        """A clinical event."""
        return self._add("clinical_events", event_type=event_type, onset_date=on(day).isoformat())

    def adjudicate(self, first: int, last: int, verdict: str, reviewed: str = "", role: str = "") -> World:
        """A verdict over a span of onsets."""
        return self._add(
            "adjudications",
            onset_from=on(first).isoformat(),
            onset_to=on(last).isoformat(),
            verdict=verdict,
            reviewed_on=reviewed,
            reviewer_role=role,
        )

    def settings(self, **changes: Any) -> World:
        """Change study settings."""
        self.study = replace(self.study, **changes)
        return self

    def compute(self) -> dict[str, list[Row]]:
        """All tables."""
        files = [File("site", self.month, entity, f"{entity}.csv", tuple(rows)) for entity, rows in self.rows.items()]
        return compute(files, replace(self.study, sites={"site": self.site}))

    def table(self, name: str, definition: str = "udine_2025") -> list[Row]:
        """One table; where it goes by definition, that definition's rows."""
        return [r for r in self.compute()[name] if r.get("definition_id", definition) == definition]

    def episodes(self, definition: str = "udine_2025") -> list[Row]:
        """The episodes of a definition, in order."""
        return self.table("fct_neutropenia_episode", definition)

    def episode(self, definition: str = "udine_2025") -> Row:
        """The only episode of a definition."""
        (only,) = self.episodes(definition)
        return only
