"""Turn a patient's history into the rows that a hospital delivers.

The columns are those of the input contract. A row goes into the first delivery that covers its day, in the form known
then; if more is known later (a line has ended, a patient has died, a result was corrected), the same key is sent again.
No field contains a comma or a quote.

`panels.py` makes laboratory results; a `Sink` (`writer.py`) receives the rows.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

from registry.simulate.days import DeliveryCalendar, iso, year_of
from registry.simulate.history import History, Person
from registry.simulate.panels import Panels
from registry.simulate.sites import drug_as_written
from registry.simulate.writer import Sink


def deliver(rng: random.Random, history: History, calendar: DeliveryCalendar, sink: Sink) -> None:
    """Send a patient's whole history, in the deliveries that report it."""
    _Export(rng, history, calendar, sink).send()


class _Export:
    """Sends one patient's rows."""

    def __init__(self, rng: random.Random, history: History, calendar: DeliveryCalendar, sink: Sink) -> None:
        self._rng = rng
        self._history = history
        self._calendar = calendar
        self._sink = sink
        self._id = history.person.patient_id
        self._site = history.person.site

    def send(self) -> None:
        self._send_patient()
        self._send_lines()
        self._send_doses()
        self._send_events()
        self._send_reviews()
        Panels(self._rng, self._history).send(self._calendar, self._sink)

    def _send_versions(self, entity: str, versions: Iterable[tuple[int, str]]) -> None:
        """Send a key's versions (day known, row): the last one known at each delivery."""
        latest = {self._delivery(known): row for known, row in versions}
        for delivery, row in latest.items():
            self._sink.take(self._site.name, delivery, entity, [row])

    def _delivery(self, day: int) -> int:
        """The delivery that reports a day: never before the patient's first one."""
        return self._calendar.covering(max(day, self._history.entry))

    def _send_patient(self) -> None:
        history, person = self._history, self._history.person
        duffy = str(person.duffy_null).lower() if person.duffy_tested else ""
        fixed = f"{self._id},{_birth(person)},{person.sex},{person.phenotype},{iso(person.ms_onset)}"

        def row(contact: int, death: str = "") -> str:
            return f"{fixed},{iso(contact)},{death},{duffy},final"

        versions = [(history.entry, row(history.entry))]
        versions += [(draw.day, row(draw.day)) for draw in history.draws if draw.immunology]
        if history.death is not None:
            contact = history.draws[-1].day if history.draws else history.entry
            versions.append((history.death, row(contact, iso(history.death))))
        self._send_versions("patients", versions)

    def _send_lines(self) -> None:
        for number, line in enumerate(self._history.lines, 1):
            head = f"{self._id}-T{number},{self._id},{self._drug(line.drug, line.start)}"
            head += f",{iso(line.start)}"
            versions = [(line.start, f"{head},,,final")]
            if line.end is not None:
                versions.append((line.end, f"{head},{iso(line.end)},{line.reason},final"))
            self._send_versions("treatments", versions)

    def _send_doses(self) -> None:
        for number, dose in enumerate(sorted(self._history.doses, key=lambda d: (d.day, d.drug)), 1):
            row = (
                f"{self._id}-A{number},{self._id},{self._drug(dose.drug, dose.day)},"
                f"{iso(dose.day)},,{dose.amount},{dose.unit},{dose.route},final"
            )
            self._sink.take(self._site.name, self._delivery(dose.day), "administrations", [row])

    def _send_events(self) -> None:
        for number, event in enumerate(self._history.events, 1):
            head = f"{self._id}-E{number},{self._id},{event.event_type},{iso(event.onset)}"
            tail = f"{event.code},{event.description},final"
            versions = [(event.onset, f"{head},,{tail}")]
            if event.end is not None and event.end <= self._history.until:
                versions.append((event.end, f"{head},{iso(event.end)},{tail}"))
            self._send_versions("clinical_events", versions)

    def _send_reviews(self) -> None:
        for number, review in enumerate(self._history.reviews, 1):
            row = (
                f"{self._id}-J{number},{self._id},{iso(review.onset_from)},{iso(review.onset_to)},"
                f"{review.verdict},{iso(review.reviewed_on)},{review.role},"
                "synthetic chart review,final"
            )
            delivery = self._delivery(review.reviewed_on)
            self._sink.take(self._site.name, delivery, "adjudications", [row])

    def _drug(self, substance: str, day: int) -> str:
        return drug_as_written(self._site, substance, year_of(day))


def _birth(person: Person) -> str:
    if person.birth is None:
        return ""
    length = {"day": 10, "month": 7, "year": 4}[person.site.birth_precision]
    return iso(person.birth)[:length]
