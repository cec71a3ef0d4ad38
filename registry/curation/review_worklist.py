"""Worklist of chart reviews, by pseudonym: episodes with no adjudication or only one, and orphaned adjudications.

A second reading is blind: neither the list nor the form shows the first adjudication, and episodes that it excluded
from the cases are listed like the others. The form to fill in: registry/curation/review_form.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from registry import release
from registry.config.settings import Settings
from registry.config.terminology import reviewer_roles
from registry.errors import UserError
from registry.release.query import query
from registry.vault.database import connect_vault

# `reviewer_roles` is one role if there is one reviewer; NULL is a reviewer whose role is missing or unknown.
_TO_REVIEW = """
SELECT
    episode_id, patient_key, episode.site, episode.onset_date, nadir_operator, nadir_anc_10e9_l, severity,
    attributed_drug, days_since_last_dose, other_suspect_drugs, infection, febrile, hospitalised, gcsf_treated
FROM main.mart_chart_review AS review
JOIN main.fct_neutropenia_episode AS episode USING (episode_id, definition_id, patient_key)
WHERE CASE WHEN $second THEN n_readers = 1 AND reviewer_roles IS DISTINCT FROM $reader ELSE n_readers = 0 END
    AND definition_id = $definition AND episode.site = coalesce($site, episode.site)
ORDER BY episode.site, episode.onset_date, episode_id
"""
_ORPHANED = """
SELECT
    verdict.site, patient_key, onset_from, onset_to, verdict, reviewed_on, reviewer_role, delivery, source_file AS file,
    record_number AS record
FROM meta.orphaned_verdict AS verdict
JOIN meta.input_file AS file ON verdict.source_file = file.file_id
WHERE verdict.site = coalesce($site, verdict.site)
ORDER BY verdict.site, onset_from, reviewed_on NULLS FIRST, source_file, record_number
"""
_NUMBERED = re.compile(r"(.+?)( [1-9])?")


@dataclass(frozen=True)
class Found:
    """The result of a query on a release; `rows` follow `columns`."""

    release_id: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def values(self, column: str) -> list[Any]:
        """One column, in order."""
        position = self.columns.index(column)
        return [row[position] for row in self.rows]


@dataclass(frozen=True)
class ToReview(Found):
    """Episodes to review under one definition, by site and onset."""

    definition_id: str


def reader_of(role: str) -> str:
    """The reviewer as a release names one: a known role, with a number if there is one (`neurologist 2`).

    Raises:
        UserError: for any other text, which may be a person's name.
    """
    known = reviewer_roles()
    split = _NUMBERED.fullmatch(role.strip().lower().replace("_", " "))
    if split is None or split[1] not in known:
        roles = ", ".join(sorted(set(known.values()))).replace("_", " ")
        raise UserError(
            f"--reader must be a known role: {roles}, with a number if several share it (neurologist 2), never a name"
        )
    return known[split[1]] + (split[2] or "")


def unreviewed(settings: Settings, definition_id: str | None = None, site: str | None = None) -> ToReview:
    """Case episodes of the current release without an adjudication; default: its primary definition, all sites.

    Raises:
        UserError: if nothing is published yet, or the release does not have this definition or site.
    """
    return _to_review(settings, definition_id, site, None)


def second_readings(
    settings: Settings, reader: str, definition_id: str | None = None, site: str | None = None
) -> ToReview:
    """Episodes that exactly one other reviewer has adjudicated, for a blind second reading by `reader`.

    A reviewer whose role is missing or unknown counts as another reviewer.

    Raises:
        UserError: as `unreviewed`.
    """
    return _to_review(settings, definition_id, site, reader)


def _to_review(settings: Settings, definition_id: str | None, site: str | None, second: str | None) -> ToReview:
    of = _release_that_knows(settings, site)
    _, definitions = query(settings, "SELECT definition_id FROM dim_case_definition ORDER BY is_primary DESC, 1", of)
    known = [name for (name,) in definitions]
    definition = definition_id or known[0]
    if definition not in known:
        raise UserError(f"--definition {definition} is unknown; use one of {', '.join(known)}")
    wanted = {"definition": definition, "site": site, "second": second is not None, "reader": second}
    columns, rows = query(settings, _TO_REVIEW, of, wanted)
    return ToReview(of, tuple(columns), tuple(rows), definition)


def orphaned(settings: Settings, site: str | None = None) -> Found:
    """Adjudications of the current release whose span contains no episode's onset, by file and record.

    File names come from the vault; a file that is no longer there is shown by its id.

    Raises:
        UserError: if nothing is published yet, the release does not have this site, or the vault is in use.
    """
    of = _release_that_knows(settings, site)
    columns, rows = query(settings, _ORPHANED, of, {"site": site})
    with connect_vault(settings, read_only=True) as connection:
        names = dict(connection.execute("SELECT file_id, path FROM main.input_file").fetchall())
    return Found(of, tuple(columns), tuple((*row[:-2], names.get(row[-2], row[-2]), row[-1]) for row in rows))


def _release_that_knows(settings: Settings, site: str | None) -> str:
    """Id of the current release; UserError if it does not have this site."""
    current = release.current(settings)
    if current is None:
        raise UserError("nothing is published yet: run registry refresh first")
    _, sites = query(settings, "SELECT DISTINCT site FROM meta.input_file ORDER BY 1", current.release_id)
    if site is not None and (site,) not in sites:
        raise UserError(f"--site {site} has delivered nothing; known: {', '.join(name for (name,) in sites)}")
    return current.release_id
