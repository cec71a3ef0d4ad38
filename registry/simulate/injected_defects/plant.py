"""The list of stories, and their planting: each once if the cohort has room for it, then a few more at random."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from registry.config.input_contract import ENTITIES
from registry.simulate.injected_defects import arrivals, patients, versions
from registry.simulate.injected_defects.defects import CELL_DEFECTS, ROW_DEFECTS
from registry.simulate.injected_defects.ground import InjectionSite
from registry.simulate.injected_defects.rows import (
    FORMS,
    Story,
    cell_defect,
    damaged_line,
    forms_of,
    missing_key,
    row_defect,
)
from registry.simulate.site_files import DAMAGES

_ROWS_A_STORY = 400
"""About one row in this many is part of a further story; in a small cohort the first of each kind dominate."""


@dataclass
class Planted:
    """The number of stories planted of each kind, and the kinds for which there was no room."""

    n: Counter[str] = field(default_factory=Counter)
    no_room: list[str] = field(default_factory=list)


def plant_all(rng: random.Random, grounds: Sequence[InjectionSite], n_rows: int) -> Planted:
    """Plant every kind of story somewhere, beginning with those that need a whole patient."""
    planted = Planted()
    whole, single = _whole_patients(), _single_rows(rng)
    for name, story in {**whole, **single}.items():
        if not _plant_one(rng, grounds, name, story, planted):
            planted.no_room.append(name)
    further = list(single.items())
    for _ in range(n_rows // _ROWS_A_STORY):
        name, story = rng.choice(further)
        _plant_one(rng, grounds, name, story, planted)
    return planted


def _plant_one(rng: random.Random, grounds: Sequence[InjectionSite], name: str, story: Story, planted: Planted) -> bool:
    for ground in rng.sample(grounds, len(grounds)):
        if story(ground):
            planted.n[name] += 1
            return True
    return False


def _whole_patients() -> dict[str, Story]:
    """Stories that need a whole patient or a whole file; those with the fewest possible places first."""
    return {
        "patient_left_out_of_snapshot": patients.left_out_of_snapshot,
        "patient_unreadable": patients.unreadable,
        "patient_died": patients.died,
        "patient_never_delivered": patients.never_delivered,
        "patient_cancelled": patients.cancelled,
        "patient_contradicted": patients.contradicted,
        "patient_late": patients.late,
        **{f"cell_{defect.name}": cell_defect(defect) for defect in CELL_DEFECTS if defect.closes_patient},
        "file_again": arrivals.file_again,
    }


def _single_rows(rng: random.Random) -> dict[str, Story]:
    """Stories about one record."""
    stories: dict[str, Story] = {
        "corrected": versions.corrected,
        "a_b_a": versions.a_b_a,
        "sent_again": versions.sent_again,
        "twice_in_file": versions.twice_in_file,
        "became_text": versions.became_text,
        "recoded": versions.recoded,
        "old_form_late": arrivals.old_form_late,
    }
    for form in ("alone", "three", "with_defect", "after_sound", "mended"):
        stories[f"conflict_{form}"] = versions.conflict(form)
    for form in ("with_cells", "by_key", "same_file", "rubbish", "resumed"):
        stories[f"cancelled_{form}"] = versions.cancelled(form)
    for form in ("plain", "bare", "of_nobody", "became_count", "of_csf"):
        stories[f"unfollowed_{form}"] = versions.unfollowed(form)
    for form in ("gone", "held_back", "returned"):
        stories[f"withdrawn_{form}"] = arrivals.withdrawn(form)
    for defect in ROW_DEFECTS:
        stories[defect.name] = row_defect(defect, rng.choice(forms_of(defect)))
    for form in FORMS:
        fitting = [defect for defect in ROW_DEFECTS if form in forms_of(defect)]
        stories[f"defect_{form}"] = row_defect(rng.choice(fitting), form)
    for cell in CELL_DEFECTS:
        if not cell.closes_patient:
            stories[f"cell_{cell.name}"] = cell_defect(cell)
    entities = list(ENTITIES)
    for number, damage in enumerate(rng.sample(DAMAGES, len(DAMAGES))):
        stories[f"line_{damage}"] = damaged_line(damage, entities[number % len(entities)])
    for entity in entities:
        stories[f"missing_key:{entity}"] = missing_key(entity)
    return stories
