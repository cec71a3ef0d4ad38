"""Small nasty cohorts from a seed: a few patients at a few sites, and the study they belong to.

`generate(seed)` gives files and study. What happened to patients is made in life.py; how it is
delivered (months, corrections, snapshots) in delivery.py, in the words of its site in dress.py, what
is wrong with it (`messy`) in defects.py.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from .defects import spoil
from .delivery import Fact, deliver
from .dress import dress
from .life import LAST_DAY, Life
from .model import CaseDefinition, File, Site, Study

MONTHS = ("2023-06", "2024-02", "2024-09", "2025-03")
LOCAL_PARTS = {"SEG%": "segs_pct", "NEUF": "neutrophils_pct", "LYMF": "lymphocytes_pct"}
"""Local codes of parts; two of them send fractions alone."""
SITES = {
    "aviano": Site(
        time_zone="Europe/Rome",
        tests={**LOCAL_PARTS, "NEU#": "anc"},
        units={"mila/mmc": "10*3/uL"},
    ),
    "bolzano": Site(mode="snapshot", tests=LOCAL_PARTS, neutrophils_pct_includes_bands=True),
    "cles": Site(
        drugs={"OCREVUS 300MG FL": "ocrelizumab"},
        tests=LOCAL_PARTS,
        keys={
            "lab_results": ("patient_id", "collected_at", "test_code"),
            "administrations": ("patient_id", "drug", "administered_on"),
        },
    ),
    "dolo": Site(
        tests={**LOCAL_PARTS, "GB": "wbc"},
        told={"NEU": {"count": "anc", "percent": "neutrophils_pct"}},
        words={
            "sex": {"Sig.ra": "F", "1": "M"},
            "status": {"annullato": "cancelled", "definitivo": "final"},
            "event_type": {"ricovero": "hospitalisation", "ricaduta": "relapse"},
            "end_reason": {"inefficace": "inefficacy"},
            "verdict": {"altra causa": "other_cause"},
            "material": {"Liq.": "other", "prov. viola": "blood"},
        },
        missing=("n.p.", "non eseguito"),
        flags=("*", "L", "-"),
        constant_units={"GB": "10*9/L"},
    ),
}


@dataclass(frozen=True)
class Cohort:
    """Deliveries and the study they belong to."""

    seed: int
    files: tuple[File, ...]
    study: Study


def generate(seed: int, messy: bool = False, patients: int = 18) -> Cohort:
    """A cohort of `patients` patients at two or three sites; the same seed gives the same."""
    rng = random.Random(seed)
    names = sorted(rng.sample(sorted(SITES), rng.choice((2, 3))))
    study = _study(rng, {name: SITES[name] for name in names})
    files: list[File] = []
    for number, name in enumerate(names):
        count = patients // len(names) + (number < patients % len(names))
        facts: list[Fact] = []
        for patient in range(1, count + 1):  # the same ids at every site: they are others
            facts += Life(rng, f"P{patient:02d}", study.site(name)).facts()
        months = MONTHS if rng.random() < 0.7 else MONTHS[: rng.choice((2, 3))]
        delivered = deliver(rng, name, study.site(name), facts, months)
        files += dress(rng, delivered, study.site(name)) if study.site(name).words else delivered
    if messy:
        files = spoil(rng, files)
        study = replace(study, retracted=_retracted(random.Random(f"{seed} retracted"), files))
    return Cohort(seed, tuple(files), study)


def _retracted(rng: random.Random, files: list[File]) -> frozenset[tuple[str, str, str | None]]:
    """A file, and the last delivery of the first site, as if it lay in the wrong month."""
    file = rng.choice([file for file in files if file.entity == "lab_results" and file.rows])
    site = min(file.site for file in files)
    last = max(file.delivery for file in files if file.site == site)
    return frozenset({(file.site, file.delivery, file.name), (site, last, None)})


def _study(rng: random.Random, sites: dict[str, Site]) -> Study:
    """Study settings: usually a cut-off and an enrolment window, always one odd definition."""
    odd = CaseDefinition(
        "odd",
        rng.choice(("ctcae_v6", "daids_2_1", "ctcae_v5")),
        onset_below=Decimal("0.8"),
        recovery_at=Decimal("1.2"),
        onset_inclusive=rng.random() < 0.5,
        max_gap_days=rng.choice((30, 91)),
        gcsf_days=rng.choice((0, 7, 21)),
        attribution_days=rng.choice((182, 400)),
        late_days=rng.choice((21, 29)),
    )
    return Study(
        enrolment_start=date(2021, 3, 1) if rng.random() < 0.7 else None,
        enrolment_end=date(2023, 2, 1) if rng.random() < 0.7 else None,
        data_cutoff=rng.choice((None, date(2024, 11, 30), LAST_DAY)),
        primary_definition=rng.choice(("udine_2025", "udine_2025", "udine_2025", "any_grade")),
        definitions=(odd,),
        sites=sites,
    )
