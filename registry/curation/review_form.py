"""The form of a chart review: an adjudications delivery of one site and one reviewer, with the verdicts left blank.

It contains the site's own patient ids, because it is delivered like any other file. They come from the vault, so the
form is readable only by its owner. Reasons for the rules below: docs/decisions/0016-two-readers-of-a-chart.md.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from registry.config.input_contract import ENTITIES
from registry.config.settings import Settings
from registry.config.site import SiteProfile, load_profile
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
"""First day of the span of onset dates that an adjudication of each of $episodes covers; the last day is the onset.

The span begins the day after the last normal count, so that a low count delivered late moves the onset within the span.
It also begins after any other episode of the patient under any definition, or after its onset if it has not ended.
The span is the same for all definitions with this onset.
"""


@dataclass(frozen=True)
class Form:
    """A form that was written.

    n_left_out: episodes of patients whose id a spreadsheet would read as a formula.
    """

    site: str
    n_episodes: int
    n_left_out: int
    is_snapshot: bool


def write_form(settings: Settings, found: ToReview, reader: str, out: Path) -> Form:
    """Write the episodes for one reviewer to adjudicate, in the site's own format.

    A row's key is derived from patient, onset and reviewer: the same if written again, different for another reviewer.

    Raises:
        UserError: if the episodes are of several sites; `out` is inside the deliveries (it would be loaded unfilled),
            exists, is not a .csv or can't be written; the site's folder is missing; the vault does not know the
            patients; or no patient's id can be written in a form.
    """
    sites = sorted(set(found.values("site")))
    if len(sites) != 1:
        raise UserError(f"a form is for one site: name it with --site ({', '.join(sites)})")
    if out.suffix.lower() != ".csv":
        raise UserError(f"{out}: the form is a CSV file; its name must end in .csv")
    if out.resolve().is_relative_to(settings.deliveries.resolve()):
        raise UserError(f"{out} is inside the deliveries, where it would be loaded unfilled: choose another folder")
    folder = settings.deliveries / sites[0]
    if not folder.is_dir():
        raise UserError(f"{folder} does not exist; name the folder with the exports with --deliveries")
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
            "would change: write the adjudications file by hand (docs/deliveries.md)"
        )
    _write(profile, rows, out)
    return Form(sites[0], len(rows), len(found.rows) - len(rows), profile.mode == "snapshot")


def key_of(patient_key: str, onset: date, reader: str) -> str:
    """The adjudication_id for a reviewer and an episode: the same for every definition with this onset."""
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
            f"{settings.raw_db} does not contain {missing} of the release's patients: the release was made "
            "from another "
            "vault, or they have been withdrawn; run registry refresh"
        )
    return known


def _write(profile: SiteProfile, rows: Sequence[dict[str, str]], out: Path) -> None:
    """Write the rows in the site's CSV format: delimiter, encoding, and its own column names where it has them."""
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
        raise UserError(f"{out} can't be written: a patient id can't be encoded in csv.encoding of site.yml") from None
    except OSError as error:
        raise UserError(f"{out} can't be written: {error.strerror}") from None
