"""What happened to one invented patient: events clustered so that the rules collide.

Every event lies a telling number of days (0, 14, 15, 28, 30, 90, 91, 365, 366 ...) from another,
and counts sit on the bounds of the grades. Nothing here is a defect; defects.py makes those.
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal

from .delivery import Fact
from .model import Site

LAST_DAY = date(2025, 3, 31)
LOW_VALUES = ("0", "0.05", "0.1", "0.4", "0.499999", "0.5", "0.6", "0.8", "0.999999", "1.0")
HIGH_VALUES = ("1.2", "1.499999", "1.5", "1.5", "2.1", "7.68")
OTHER_COUNTS = {  # LOINC: values at and beside the bounds of the scales, lower limits of normal
    "6690-2": ("0 0.012 0.999999 1 1.5 1.999999 2 2.5 2.999999 3 3.4 3.5 6", "2.8 3 3.5 4"),
    "731-0": ("0 0.001 0.199999 0.2 0.35 0.5 0.6 0.65 0.799999 0.8 0.9 1 1.8 1200", "0.7 0.8 1"),
    "777-3": ("0 0.25 9.999999 10 25 49.999999 50 74 75 100 125 140 150 250 250000", "60 75 130 150"),
}
MISLABELLED = (  # under the sign %: fractions, counts, or low shares that are what they say
    [("770-8", "0.61"), ("736-9", "0.3")],
    [("770-8", "0.5"), ("736-9", "0.25")],
    [("NEUF", "0.5"), ("736-9", "86")],
    [("NEUF", "0.5"), ("LYMF", "0.25")],
    [("NEUF", "0.6")],
    [("770-8", "2.1"), ("736-9", "0.9"), ("6690-2", "3.2")],
    [("770-8", "0.9"), ("736-9", "86")],
)
NEAR = (0, 1, 2, 6, 7, 8, 13, 14, 15)
FAR = (27, 28, 29, 30, 31, 42, 43, 89, 90, 91, 92)
FARTHEST = (168, 182, 183, 252, 273, 274, 364, 365, 366)
CLASS_DRUGS = ("ocrelizumab", "rituximab", "ofatumumab", "ublituximab", "obinutuzumab")
OTHER_DRUGS = ("natalizumab", "ozanimod", "fingolimod")
SUSPECTS = ("alemtuzumab", "cladribine", "clozapine", "docetaxel", "metamizole", "sulfamethoxazole and trimethoprim")
BEFORE_ONSET = (-1, 0, 1, 45, 89, 90, 91, 92)
ROLES = (
    *("", "", "neurologist", "Neurologo", "Neurologist 2", "haematologist", "EMATOLOGA", "data manager"),
    *("Dr Verdi", "dr verdi", "dr verdi 2"),
)
GCSF = ("filgrastim", "pegfilgrastim", "sargramostim")
NOTHING = ("0 mg", "0 mg (sospeso)", "0/600 mg", "Zero", "nessuna", "0 mg - not given", "nil", "0,0 of 300 mg", "none.")
"""Doses of nothing."""
UNREADABLE = ("-1", "half", "#FORMULA", "0-300 mg", "0-0-1", ">0 mg", "NULL", "300/600 mg", "sospeso")
"""Amounts that are emptied; their doses count."""


class Life:
    """Makes the facts of one patient, each event a telling number of days from another."""

    def __init__(self, rng: random.Random, patient_id: str, site: Site) -> None:
        self.rng, self.patient_id, self.site = rng, patient_id, site
        self.made: list[Fact] = []
        self.start = date(2021, 1, 1) + timedelta(days=rng.randrange(900))
        self.anchors = [self.start]
        self.lab_days: list[date] = []
        self.count = 0

    def facts(self) -> list[Fact]:
        """All facts up to the last day of any delivery, and none after a death."""
        if self.rng.random() < 0.92:
            self._treat()
        for _ in range(self.rng.randint(0, 4)):
            self._burst()
        self._suspects()
        self._events()
        self._adjudicate()
        death = None
        if self.rng.random() < 0.2:
            death = self._near_some(self.anchors)
        known = [f for f in self.made if f.day is None or (f.day <= LAST_DAY and (death is None or f.day <= death))]
        return [self._patient(death), *known]

    def _add(self, entity: str, day: date | None, **cells: str) -> None:
        self.count += 1
        key = f"{self.patient_id}-{entity[:3]}{self.count}"
        self.made.append(Fact(entity, key, day, {"patient_id": self.patient_id} | cells))

    def _offset(self, *choices: tuple[int, ...]) -> timedelta:
        return timedelta(days=self.rng.choice(self.rng.choice(choices)))

    def _near_some(self, days: list[date]) -> date:
        return self.rng.choice(days) + self._offset(NEAR, FAR)

    def _patient(self, death: date | None) -> Fact:
        rng = self.rng
        born = rng.choice(
            (
                "1980-05-17",
                "1975-02",
                "1990",
                "1966-12-31",
                "2001-01-01",
                "00.00.1980",
                "05/1966",
                "1971-XX-XX",
                "Mai 1985",
            )
        )
        cells = {
            "birth_date": born if rng.random() < 0.94 else "",
            "sex": rng.choice("FFFMX") if rng.random() < 0.95 else "",
            "ms_phenotype": rng.choice(("RRMS", "SPMS", "PPMS", "CIS", "")),
            "duffy_null": {"3": "yes", "7": "no"}.get(self.patient_id[-1], ""),
            "death_date": self._as_known(death) if death and death <= LAST_DAY else "",
        }
        if rng.random() < 0.4:
            contact = self._near_some(self.anchors)
            if contact <= LAST_DAY and (death is None or contact <= death):
                cells["last_contact_date"] = contact.isoformat()
        return Fact("patients", self.patient_id, None, cells)

    def _drug(self, name: str) -> str:
        if name == "ocrelizumab" and self.rng.random() < 0.2:
            local = sorted(d for d, ours in self.site.drugs.items() if ours == name)
            return self.rng.choice([*local, "L04AA36", "L04AG08", "Ocrelizumab"])
        return name

    def _line(self, drug: str, start: date, end: date | None) -> None:
        reason = self.rng.choice(("", "adverse_event", "inefficacy", "other"))
        ends = {"end_date": self._as_known(end), "end_reason": reason} if end else {}
        self._add("treatments", start, drug=self._drug(drug), start_date=self._as_known(start), **ends)

    def _as_known(self, day: date) -> str:
        """Mostly the day, now and then its month or year alone."""
        if self.rng.random() < 0.88:
            return day.isoformat()
        return day.strftime(self.rng.choice(("%Y-%m", "%m/%Y", "%Y-%m-00", "00.%m.%Y", "%Y", "%m/??/%Y", "%Y-00-00")))

    def _dose(self, drug: str, day: date) -> None:
        given: dict[str, str] = {}
        if self.rng.random() < 0.2:
            given["dose"] = self.rng.choice(("300", "300 mg", "30MU", "0", "0,0", "0 mg", "-1"))
            given["dose"] = {"0 mg": NOTHING, "-1": UNREADABLE}.get(given["dose"], [given["dose"]] * 9)[day.day % 9]
        if self.rng.random() < 0.03:
            given["status"] = "not_given"
        if self.rng.random() < 0.2:
            until = day + timedelta(days=self.rng.choice((0, 1, 2, 13, 14, 20, -1)))
            given["administered_until"] = until.isoformat()
        self._add("administrations", day, drug=self._drug(drug), administered_on=day.isoformat(), **given)
        if self.rng.random() < 0.05:  # two records of one dose
            self._add("administrations", day, drug=drug, administered_on=day.isoformat())
        if drug in CLASS_DRUGS:
            self.anchors.append(day)

    def _treat(self) -> None:
        """One to three lines in or out of class, with or without doses, ends and overlaps."""
        rng, day = self.rng, self.start
        for number in range(rng.choice((1, 1, 2, 2, 3))):
            if number and rng.random() < 0.3:
                self._line(rng.choice(OTHER_DRUGS), day, None)
                day += self._offset(NEAR, FAR)
                continue
            drug = rng.choice(CLASS_DRUGS[:3] if rng.random() < 0.8 else CLASS_DRUGS)
            start, recorded = day, rng.random() < 0.75
            interval = 28 if drug == "ofatumumab" else 182
            for _ in range(rng.randint(1, 4) if recorded else 0):
                self._dose(drug, day)
                if rng.random() < 0.08:
                    self._dose(rng.choice(CLASS_DRUGS), day)
                shift = rng.choice((-14, 0, 0, 0, 1, 14, 91, 92, interval // 2 + 1))
                day += timedelta(days=max(1, interval + shift))
            self.anchors.append(start)
            if not recorded or rng.random() < 0.8:
                lead = rng.choice((0, 0, 0, 1, 30, 31)) if recorded else 0
                end = None
                if rng.random() < 0.5:
                    end = rng.choice((day, start)) + self._offset(NEAR, FAR)
                self._line(drug, start - timedelta(days=lead), end)
                if rng.random() < 0.08:
                    self._line(drug, start - timedelta(days=lead), None)
            day = rng.choice((day, self._near_some(self.anchors)))

    def _burst(self) -> None:
        """A run of samples from a telling distance after a dose, with G-CSF among them."""
        rng = self.rng
        day = rng.choice(self.anchors) + rng.choice((-1, 1, 1, 1)) * self._offset(NEAR, FAR, FARTHEST)
        value = rng.choice(LOW_VALUES)
        for _ in range(rng.randint(1, 7)):
            for _ in range(2 if rng.random() < 0.15 else 1):
                self._sample(day, value)
            self.lab_days.append(day)
            if rng.random() < 0.3:
                given = day - timedelta(days=rng.choice((-1, 0, 0, 1, 13, 14, 15, 30)))
                if rng.random() < 0.7:
                    self._dose(rng.choice(GCSF), given)
                else:
                    length = rng.choice((None, 0, 1, 12, 13, 14, 30))
                    self._line(rng.choice(GCSF), given, None if length is None else given + timedelta(days=length))
            if rng.random() < 0.12:
                self._dose(rng.choice(CLASS_DRUGS[:3]), day)
            if rng.random() < 0.08:
                self._line(rng.choice((*CLASS_DRUGS[:3], *OTHER_DRUGS)), day, None)
            day += self._offset(NEAR[1:], NEAR[1:], FAR, FAR if rng.random() < 0.7 else FARTHEST)
            value = rng.choice(LOW_VALUES if rng.random() < 0.5 else HIGH_VALUES)

    def _sample(self, day: date, value: str) -> None:
        """An ANC, mostly measured, sometimes given by its parts, now and then beside other counts."""
        rng = self.rng
        time = rng.choice(("", "T07:30", "T07:30:00", " 08:15", "T22:05"))
        specimen = rng.choice(("", f"S{day:%j}{rng.randint(1, 2)}"))
        at = {"collected_at": day.isoformat() + time, "specimen_id": specimen}
        if rng.random() < 0.3:
            self._other_count(day, at)
        if rng.random() < 0.25:
            self._parts(day, at)
            if rng.random() < 0.8:
                return
        operator = rng.choice(("<", "<=", ">", ">=")) if rng.random() < 0.15 else ""
        if operator == "<" and Decimal(value) == 0:  # below nothing: no value is allowed
            operator = ""
        unit = rng.choice(("10*9/L", "10^9/L", "x10^9/L", "G/L", "K/uL", "/uL", "cells/µL", "/mm3"))
        if unit in ("/uL", "cells/µL", "/mm3"):
            value = f"{(Decimal(value) * 1000).normalize():f}"
        elif self.site.units and rng.random() < 0.2:
            unit = "mila/mmc"
        local = [code for code, analyte in self.site.tests.items() if analyte == "anc"]
        code = rng.choice(["751-8", "751-8", "26499-4", *local])
        low = rng.choice(("", "", "1.5", "1.8", "1.2")) if "/L" in unit else ""
        self._add(
            "lab_results",
            day,
            test_code=code,
            value=operator + value,
            unit=unit,
            reference_low=low,
            **at,
        )

    def _other_count(self, day: date, at: dict[str, str]) -> None:
        """Leukocytes, lymphocytes or platelets, where a grade begins or ends; some against their unit."""
        rng = self.rng
        code = rng.choice(sorted(OTHER_COUNTS))
        values, limits = OTHER_COUNTS[code]
        value, low = Decimal(rng.choice(values.split())), rng.choice(["", *limits.split()])
        operator = rng.choice(("<", "<=", ">", ">=")) if value and rng.random() < 0.25 else ""
        unit = rng.choice(("10*9/L", "G/L", "10*3/uL", "/uL"))
        if unit == "/uL":
            value *= 1000
            low = low and f"{(Decimal(low) * 1000).normalize():f}"
        cells = {"value": f"{operator}{value.normalize():f}", "unit": unit, "reference_low": low}
        self._add("lab_results", day, test_code=code, **cells, **at)

    def _parts(self, day: date, at: dict[str, str]) -> None:
        """Some parts of a differential: often enough for an ANC, not always."""
        rng = self.rng
        parts: list[tuple[str, str, str]] = []
        if rng.random() < 0.85:
            parts.append(("6690-2", rng.choice(("3.2", "1.7", "0.9", "10", "0")), "10*9/L"))
        if rng.random() < 0.1:
            parts.append(("6690-2", rng.choice(("2.9", "<3", "4.1")), "10*9/L"))
        if rng.random() < 0.75:
            parts.append(("770-8", rng.choice(("0", "12.5", "33.333333", "60", "<5")), "%"))
        if rng.random() < 0.3:
            parts.append(("SEG%", rng.choice(("0", "11", "47.2")), "%"))
        if rng.random() < 0.4:
            parts.append(("26508-2", rng.choice(("0", "3", "8.25")), "%"))
        if rng.random() < 0.4:
            parts.append(("736-9", rng.choice(("0", "55")), "%"))
        if rng.random() < 0.1:  # of another draw of the day
            parts.append(("770-8", rng.choice(("14.5", "60.5")), "%"))
        if rng.random() < 0.15:
            parts += [(code, value, "10*9/L" if code == "6690-2" else "%") for code, value in rng.choice(MISLABELLED)]
        if rng.random() < 0.05:
            parts.append(("NEUF", rng.choice(("0.005", "0.61")), "1"))
        if rng.random() < 0.2:
            parts.append(("768-2", rng.choice(("0.4", "0.9", "1.1")), "10*9/L"))
            if rng.random() < 0.7:
                parts.append(("26507-4", rng.choice(("0", "0.1", "<0.2")), "10*9/L"))
        if rng.random() < 0.2:
            parts.append(("718-7", "13.1", "g/dL"))
        if rng.random() < 0.2:
            parts.append(("99999-9", rng.choice(("1.0", "", "pending")), ""))
        for code, value, unit in parts:
            # some laboratories give the specimen to counts alone
            place = at | {"specimen_id": ""} if unit == "%" and day.day % 4 == 0 else at
            self._add("lab_results", day, test_code=code, value=value, unit=unit, **place)

    def _events(self) -> None:
        rng, days = self.rng, self.lab_days or self.anchors
        for _ in range(rng.randint(0, 5)):
            kind = rng.choice(("infection", "febrile_neutropenia", "hospitalisation", "relapse", "relapse", "other"))
            after = (-1, 0, 89, 90, 91) if kind == "relapse" else (-8, -7, 0, 3, 14, 15, 29)
            day = rng.choice(days) + timedelta(days=rng.choice(after))
            self._add("clinical_events", day, event_type=kind, onset_date=day.isoformat())

    def _suspects(self) -> None:
        """Other drugs that lower neutrophils, given or ended a telling number of days before a sample."""
        rng = self.rng
        for _ in range(rng.choice((0, 0, 1, 2, 3)) if self.lab_days else 0):
            day = rng.choice(self.lab_days) - timedelta(days=rng.choice(BEFORE_ONSET))
            drug = rng.choice((*SUSPECTS, *OTHER_DRUGS))
            fate = rng.random()
            if fate < 0.5:
                self._dose(drug, day)
            elif fate < 0.9:  # over, or begun, on that day
                length = timedelta(days=rng.choice((0, 1, 60, 400)))
                self._line(drug, *((day - length, day) if rng.random() < 0.6 else (day, day + length)))
            else:
                self._line(drug, day, None)

    def _adjudicate(self) -> None:
        """Overlapping verdicts around sampling days, some with no date or the same date, by all sorts of readers."""
        rng = self.rng
        first = last = LAST_DAY
        for number in range(rng.choice((0, 0, 0, 1, 2, 3, 4)) if self.lab_days else 0):
            if number == 0 or rng.random() < 0.5:
                first = rng.choice(self.lab_days) - timedelta(days=rng.choice((0, 0, 5)))
                last = first + timedelta(days=rng.choice((0, 30, 400)))
            self._add(
                "adjudications",
                None,
                onset_from=first.isoformat(),
                onset_to=last.isoformat(),
                verdict=rng.choice(("confirmed", "other_cause", "lab_error")),
                reviewed_on=rng.choice(("", "2023-06-10", "2023-06-10", "2023-06-20")),
                reviewer_role=rng.choice(ROLES),
            )
