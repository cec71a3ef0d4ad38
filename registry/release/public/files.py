"""The folder of the public part: CSV for people, JSON for programs, README.txt with the rules, SHA256SUMS.

Contains nothing about a single patient, site, file or day: dates are given to the quarter, also in the folder's name
(a release id contains a month).
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
import shutil
import uuid
from pathlib import Path
from typing import Any

import psutil

from registry.config.settings import Settings
from registry.errors import UserError
from registry.release.files import verify, write_checksums
from registry.release.public.counts import Read, read
from registry.release.public.suppression import decide
from registry.release.public.tables import Table, tables
from registry.release.store import Release

_DRAFT = ".public-"
_README = """\
{study}: neutropenia under anti-CD20 treatment in multiple sclerosis
{label}
Aggregates only, overall and by drug, up to {through}. Case definition: {definition}.

  incidence.csv   patients, cases, risk in percent, person-years at risk, rate per 100 person-years
  cohort.csv      patients of the cohort by characteristic
  cases.csv       cases by characteristic, by the drug of their first case episode
  public.json     the same tables, with the settings and the definition

All intervals are exact, 95 %. A patient counts for each drug taken before the first case episode, so patients by drug
may add up to more than all; cases and person-years add up.

AN EMPTY CELL IS SUPPRESSED. It never means zero or "none".

  - A count is shown only if it is {k} or more, and the rest of its denominator is {k} or more as well.
  - A drug is shown alone only if that holds for it and for the remaining drugs, which are pooled, and if the patients
    who took drugs of several strata (the sum over the strata minus all patients) are none or many.
  - With a count, everything computed from it is suppressed: percentages, rates, intervals.
  - Characteristics of cases are shown by drug for all strata or for none.
  - Dates are given to the quarter. Sites, patients, days, medians and extremes are left out, and so are other case
    definitions: the difference between two nearly equal tables is a small count.

With these rules and all figures here, a suppressed count can't be narrowed to fewer than {k} numbers. This holds for
one public part. Two of the same study differ by the patients who came between them, so don't publish often.
"""


def write_public(settings: Settings, release: Release, out: Path | None = None) -> Path:
    """Write the public part of a release into a new folder; returns it.

    The threshold is the study's, as published in the release. Default folder: <home>/public/<quarter>-<digits>.

    Raises:
        UserError: if the release was modified after publication, or the folder is not empty or is inside the vault, the
            releases or the deliveries.

    """
    if verify(release.path):
        raise UserError(f"release {release.release_id} was modified after publication: see registry releases verify")
    study = release.manifest["study"]
    threshold = int(study["suppression_threshold"])
    through = quarter(max(release.manifest["cutoffs"].values()))
    public_id = f"{through}-{release.fingerprint[:10]}"
    folder = out or _default_place(settings) / public_id
    for closed in (settings.releases, settings.vault, settings.deliveries) if out else ():
        if folder.resolve().is_relative_to(closed.resolve()):
            raise UserError(f"{folder} is inside {closed}, which is for other files: name another folder with --out")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} exists already and is not overwritten; name another folder with --out")
    found = read(settings, release)
    made = tables(found, decide(found.counts, threshold))
    about = _about(release, found, public_id, through)
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.parent / f"{_DRAFT}{os.getpid()}-{uuid.uuid4().hex[:8]}"
    temporary.mkdir()
    try:
        for name, table in made.items():
            _write_csv(temporary / f"{name}.csv", table)
        text = json.dumps({**about, "tables": made}, indent=1, ensure_ascii=False, default=str)
        (temporary / "public.json").write_text(text + "\n", encoding="utf-8")
        (temporary / "README.txt").write_text(
            _README.format(
                study=about["study_id"],
                label="SYNTHETIC DATA: these figures are not about real patients.\n" if about["synthetic"] else "",
                through=through,
                definition=found.definition["label"],
                k=threshold,
            ),
            encoding="utf-8",
        )
        write_checksums(temporary)
        temporary.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def remove_leftovers(settings: Settings) -> None:
    """Remove leftovers of killed processes in the default folder."""
    for left in _default_place(settings).glob(f"{_DRAFT}*"):
        process = left.name.removeprefix(_DRAFT).partition("-")[0]
        if not process.isdigit() or not psutil.pid_exists(int(process)):
            shutil.rmtree(left, ignore_errors=True)


def _default_place(settings: Settings) -> Path:
    return settings.home / "public"


def quarter(day: str | None) -> str | None:
    """2025-03-31 as 2025-Q1; None stays None."""
    if day is None:
        return None
    date = dt.date.fromisoformat(day)
    return f"{date.year}-Q{(date.month + 2) // 3}"


def _about(release: Release, found: Read, public_id: str, through: str | None) -> dict[str, Any]:
    study = release.manifest["study"]
    left_out = {"is_primary", "source"}
    return {
        "public_id": public_id,
        "study_id": study["study_id"],
        "synthetic": release.manifest["synthetic"],
        "enrolment_start": quarter(study["enrolment_start"]),
        "enrolment_end": quarter(study["enrolment_end"]),
        "data_through": through,
        "suppression_threshold": study["suppression_threshold"],
        "withheld": "null: the figure is suppressed; never zero",
        "definition": {name: value for name, value in found.definition.items() if name not in left_out},
    }


def _write_csv(path: Path, table: Table) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, table[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
