"""Chart reviews to do: the case episodes that nobody has judged, and the form that a site fills in.

The list knows pseudonyms alone. The form names each patient by the site's own id, else it could not be delivered: that
id comes from the vault, and the form is readable by its owner alone.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry import release
from registry.contract import ENTITIES
from registry.csv_cells import harmless
from registry.errors import UserError
from registry.release.query import query
from registry.settings import Settings, SiteProfile, load_profile
from registry.vault import connect_vault, private_files

ADJUDICATIONS = ENTITIES["adjudications"]

_UNREVIEWED = """
SELECT
    episode_id, patient_key, episode.site, episode.onset_date, nadir_operator, nadir_anc_10e9_l, severity,
    attributed_drug, days_since_last_dose, other_suspect_drugs, infection, febrile, hospitalised, gcsf_treated
FROM main.mart_chart_review AS review
JOIN main.fct_neutropenia_episode AS episode USING (episode_id, definition_id, patient_key)
WHERE review_status = 'unreviewed' AND definition_id = $definition AND episode.site = coalesce($site, episode.site)
ORDER BY episode.site, episode.onset_date, episode_id
"""


@dataclass(frozen=True)
class ToReview:
    """Unreviewed case episodes of one definition in one release, by site and onset; `rows` follow `columns`."""

    release_id: str
    definition_id: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def values(self, column: str) -> list[Any]:
        """One column, in order."""
        position = self.columns.index(column)
        return [row[position] for row in self.rows]


@dataclass(frozen=True)
class Form:
    """A form that was written: for which site, how many episodes, and whether that site delivers snapshots."""

    site: str
    n_episodes: int
    is_snapshot: bool


def unreviewed(settings: Settings, definition_id: str | None = None, site: str | None = None) -> ToReview:
    """Case episodes of the release in force without a verdict, by default of its primary definition and every site.

    Raises:
        UserError: if nothing is published yet, or the release knows no such definition or site.
    """
    current = release.current(settings)
    if current is None:
        raise UserError("nothing is published yet: run registry refresh first")
    of = current.release_id
    _, definitions = query(settings, "SELECT definition_id FROM dim_case_definition ORDER BY is_primary DESC, 1", of)
    known = [name for (name,) in definitions]
    definition = definition_id or known[0]
    if definition not in known:
        raise UserError(f"--definition {definition}: unknown; use one of {', '.join(known)}")
    _, sites = query(settings, "SELECT DISTINCT site FROM meta.input_file ORDER BY 1", of)
    if site is not None and (site,) not in sites:
        raise UserError(f"--site {site}: has delivered nothing; known: {', '.join(name for (name,) in sites)}")
    columns, rows = query(settings, _UNREVIEWED, of, {"definition": definition, "site": site})
    return ToReview(current.release_id, definition, tuple(columns), tuple(rows))


def write_form(settings: Settings, found: ToReview, out: Path) -> Form:
    """Write the episodes as an adjudications delivery with the verdict left blank, in the site's own columns and marks.

    A row's key is made of the episode's id: written again it is the same, and no other row's.

    Raises:
        UserError: where the episodes are of several sites, `out` lies in the deliveries (it would be delivered as it
            is), exists, is no .csv or can't be written, the site's folder is not there, or the vault does not know
            the patients.
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
    keys = zip(found.values("episode_id"), found.values("patient_key"), found.values("onset_date"), strict=True)
    rows = [
        {
            "adjudication_id": f"review-{episode}",
            "patient_id": ids[patient],
            "onset_from": onset.isoformat(),
            "onset_to": onset.isoformat(),
        }
        for episode, patient, onset in keys
    ]
    _write(profile, rows, out)
    return Form(sites[0], len(rows), profile.mode == "snapshot")


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
            writer.writerows([harmless(row.get(column, "")) for column in columns] for row in rows)
    except FileExistsError:
        raise UserError(f"{out} exists already: name a new file") from None
    except UnicodeEncodeError:
        out.unlink()
        raise UserError(f"{out} can't be written: a patient id does not fit csv.encoding of site.yml") from None
    except OSError as error:
        raise UserError(f"{out} can't be written: {error.strerror}") from None
