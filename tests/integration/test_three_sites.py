"""Three sites tell one story: the same histories, exported in three ways, give the same episodes, doses and counts.

The Udine-shaped cohort's cases and some of its other patients are written natively (long CSV, deltas), as an Italian
laboratory does, and as monthly Excel snapshots with one row a draw.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from integration.compared import ANC, CASE, DOSE, EPISODE, PATIENT, Compared
from integration.compiled_project import compiled_project
from integration.test_against_reference import Warehouse

from registry.simulate import udine
from registry.simulate.book import SiteRows
from registry.simulate.days import DeliveryCalendar, month_number
from registry.simulate.dialects import ITALIAN, NATIVE, WIDE, Dialect, wide_columns
from registry.simulate.folder import prepare
from registry.simulate.render import deliver
from registry.simulate.sites import UDINE

LABORATORY = UDINE.laboratories[:1]
DIALECTS = [replace(d, site=replace(d.site, laboratories=LABORATORY)) for d in (NATIVE, ITALIAN)]
DIALECTS.append(replace(WIDE, site=replace(WIDE.site, laboratories=LABORATORY), wide=wide_columns(LABORATORY[0])))
OTHER_PATIENTS = 12


def write_site(out: Path, dialect: Dialect, calendar: DeliveryCalendar) -> None:
    """The same patients as at every other site, in this one's way."""
    book = SiteRows(dialect, calendar)
    others = 0
    for rng, history in udine.patients(seed=7):
        is_case = any(draw.anc < 1 for draw in history.draws)
        others += not is_case
        if is_case or others <= OTHER_PATIENTS:
            history.person.site = dialect.site
            deliver(rng, history, calendar, book)
    assert len(list(book.write(out))) > 10


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    home = tmp_path_factory.mktemp("three_sites")
    calendar = DeliveryCalendar([month_number(name, what="a delivery") for name in udine.DELIVERIES])
    study: dict[str, object] = {
        "study_id": "three_sites_synthetic",
        "data_cutoff": udine.DATA_CUTOFF,
        "synthetic": True,
    }
    prepare(home / "deliveries", study)
    for dialect in DIALECTS:
        write_site(home / "deliveries", dialect, calendar)
    found = Warehouse(compiled_project().build(home))
    yield found
    found.connection.close()


# The Italian laboratory leaves the time of some samples out, and a wide table has no place for each result's limits,
# on which CTCAE 5.0 depends between 1.5 and the lower limit: days are compared, and the grades that need no limit.
NOT_SAID_BY_ALL = ("collected_at", "lln_10e9_l", "ctcae_v5_grade", "below_cutoff_but_within_reference_range")


@pytest.mark.parametrize(
    ("table", "columns", "at_least"),
    [
        ("main.fct_neutropenia_episode", EPISODE, 6),
        ("main.mart_case_listing", CASE, 6),
        ("main.fct_anc", [column for column in ANC if column not in NOT_SAID_BY_ALL], 100),
        ("main.fct_dose", DOSE, 100),
        ("main.dim_patient", PATIENT, 6 + OTHER_PATIENTS),
    ],
)
def test_three_sites_tell_one_story(warehouse: Warehouse, table: str, columns: list[str], at_least: int) -> None:
    stories: dict[str, list[str]] = {dialect.name: [] for dialect in DIALECTS}
    for site, *story in warehouse.query(Compared(table, table, columns).query()):
        stories[site].append(repr(story))
    native, *others = (sorted(story) for story in stories.values())
    assert len(native) >= at_least
    for other in others:
        assert other == native


def test_nothing_of_the_three_is_held_back(warehouse: Warehouse) -> None:
    counts = warehouse.query(
        "SELECT site, sum(rows_quarantined), sum(rows_not_mapped), sum(rows_current) FROM meta.reconciliation "
        "GROUP BY site"
    )
    assert len(counts) == len(DIALECTS)
    assert len({row[1:] for row in counts}) == 1
    assert counts[0][1:3] == (0, 0)
