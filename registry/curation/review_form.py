"""The form of a chart review: an adjudications delivery of one site and one reader, with the verdicts left blank.

It names each patient by the site's own id, else it could not be delivered: that id comes from the vault, and the form
is readable by its owner alone. What the rules below are for: docs/decisions/0016-two-readers-of-a-chart.md.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from registry.config.input_contract import ENTITIES
from registry.config.settings import Settings, SiteProfile, load_profile
from registry.curation.review_worklist import ToReview
from registry.errors import UserError
from registry.release.query import query
from registry.system.spreadsheet import harmless, is_formula
from registry.vault.database import connect_vault, private_files

ADJUDICATIONS = ENTITIES["adjudications"]

JUDGED_SPANS = """
WITH around AS (
    SELECT
        this.episode_id, this.onset_date,
        max(CASE WHEN other.onset_date = this.onset_date THEN other.last_normal_date END) AS last_normal,
        max(CASE
            WHEN other.end_date < this.onset_date THEN other.end_date
            WHEN other.onset_date < this.onset_date THEN other.onset_date
        END) AS other_episode
    FROM main.fct_neutropenia_episode AS this
    JOIN main.fct_neutropenia_episode AS other USING (patient_key)
    WHERE list_contains($episodes, this.episode_id)
    GROUP BY this.episode_id, this.onset_date
)
SELECT episode_id, CASE WHEN last_normal IS NULL THEN onset_date ELSE greatest(last_normal, other_episode) + 1 END
FROM around
"""
"""First day of the span that a verdict on each of $episodes is to speak of; its last day is the onset.

From the day after the last normal count, so that a low count that arrives late moves the onset within the span; and
from after any other episode of the patient, of whatever definition, or where that still goes on, from after its onset.
It is the same for all definitions that see this onset.
"""


@dataclass(frozen=True)
class Form:
    """A form that was written: for which site, how many episodes it holds and how many it can't, how the site delivers.

    n_left_out: episodes of patients whose id a spreadsheet would take for a formula.
    """

    site: str
    n_episodes: int
    n_left_out: int
    is_snapshot: bool


def write_form(settings: Settings, found: ToReview, reader: str, out: Path) -> Form:
    """Write the episodes for one reader to judge, in the site's own columns and marks.

    A row's key is made of patient, onset and reader: written again it is the same, and no other reader's.

    Raises:
        UserError: where the episodes are of several sites, `out` lies in the deliveries (it would be delivered as it
            is), exists, is no .csv or can't be written, the site's folder is not there, the vault does not know
            the patients, or no patient's id can stand in a form.
    """
    sites = sorted(set(found.values("site")))
    if len(sites) != 1:
        raise UserError(f"a form goes to one site: name it with --site ({', '.join(sites)})")
    if out.suffix.lower() != ".csv":
        raise UserError(f"{out}: a form is a CSV file; end its name in .csv")
    if out.resolve().is_relative_to(settings.deliveries.resolve()):
        raise UserError(f"{out} lies in the deliveries, where it would be loaded unfilled: choose another folder")
    folder = settings.deliveries / sites[0]
    if not folder.is_dir():
        raise UserError(f"{folder}: not there; name the folder of the exports with --deliveries")
    profile = load_profile(folder)
    ids = _patient_ids(settings, sites[0], set(found.values("patient_key")))
    _, spans = query(settings, JUDGED_SPANS, found.release_id, {"episodes": found.values("episode_id")})
    first_day: dict[str, date] = dict(spans)
    episodes = zip(found.values("episode_id"), found.values("patient_key"), found.values("onset_date"), strict=True)
    rows = [
        {
            "adjudication_id": key_of(patient, onset, reader),
            "patient_id": ids[patient],
            "onset_from": first_day[episode].isoformat(),
            "onset_to": onset.isoformat(),
            "reviewer_role": reader.replace("_", " "),
        }
        for episode, patient, onset in episodes
        if not is_formula(ids[patient])
    ]
    if not rows:
        raise UserError(
            f"every patient id of {sites[0]} to be reviewed begins like a formula (=, +, - or @), which a spreadsheet "
            "would change: write the verdicts into a file of adjudications by hand (docs/deliveries.md)"
        )
    _write(profile, rows, out)
    return Form(sites[0], len(rows), len(found.rows) - len(rows), profile.mode == "snapshot")


def key_of(patient_key: str, onset: date, reader: str) -> str:
    """The adjudication_id of a reader's verdict on an episode: the same for every definition that sees this onset."""
    return "review-" + hashlib.sha256(f"{patient_key}|{onset.isoformat()}|{reader}".encode()).hexdigest()[:32]


def _patient_ids(settings: Settings, site: str, keys: set[str]) -> dict[str, str]:
    """The site's own ids of these patients, by pseudonym."""
    with connect_vault(settings, read_only=True) as connection:
        known = dict(
            connection.execute(
                "SELECT patient_key, patient_id FROM main.patient_map "
                "WHERE site = $site AND list_contains($keys, patient_key)",
                {"site": site, "keys": sorted(keys)},
            ).fetchall()
        )
    if missing := len(keys - known.keys()):
        raise UserError(
            f"{settings.raw_db} does not know {missing} of the release's patients: the release was made from another "
            "vault, or they were withdrawn since; run registry refresh"
        )
    return known


def _write(profile: SiteProfile, rows: Sequence[dict[str, str]], out: Path) -> None:
    """The rows as the site writes its CSV: delimiter, encoding, its own names for the columns it has named."""
    theirs = profile.own_headers("adjudications")
    taken = profile.column_names("adjudications")
    columns = [column for column in ADJUDICATIONS.columns if column in theirs or column not in taken]
    encoding = "utf-8-sig" if profile.csv.encoding.lower().replace("_", "-") == "utf-8" else profile.csv.encoding
    try:
        with private_files(), out.open("x", encoding=encoding, newline="") as file:
            writer = csv.writer(file, delimiter=profile.csv.delimiter)
            writer.writerow([harmless(theirs.get(column, column)) for column in columns])
            writer.writerows([row.get(column, "") for column in columns] for row in rows)
    except FileExistsError:
        raise UserError(f"{out} exists already: name a new file") from None
    except UnicodeEncodeError:
        out.unlink()
        raise UserError(f"{out} can't be written: a patient id does not fit csv.encoding of site.yml") from None
    except OSError as error:
        raise UserError(f"{out} can't be written: {error.strerror}") from None
