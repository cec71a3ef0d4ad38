"""Withdrawal of a patient: find the patient, erase the rows, and list the copies that the registry can't change."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import duckdb

from registry import release
from registry.config.input_contract import BLANKS, ENTITIES
from registry.config.settings import A_FEW_ROWS
from registry.errors import UserError
from registry.release import damage
from registry.system import event_log
from registry.vault import tombstones
from registry.vault.apply_tombstones import apply_tombstones, remove_build
from registry.vault.database import connect_vault
from registry.vault.keys import ensure_keys, require_match
from registry.vault.pseudonyms import patient_key

if TYPE_CHECKING:
    from registry.config.settings import Settings

_PSEUDONYM = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Remains:
    """Copies that the registry only reads: delivered files (place: rows) and releases that contain the pseudonym.

    `unknown`: releases that can't be searched. Those made under an earlier key with files of the patient's site use
    another pseudonym; damaged ones that were moved aside are not read.
    """

    files: dict[str, int] = field(default_factory=dict)
    releases: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def n_rows(self) -> int:
        """Rows of all versions of those files."""
        return sum(self.files.values())


@dataclass(frozen=True)
class Subject:
    """The patient to forget; `repr` does not show the id."""

    site: str
    patient_id: str = field(repr=False)
    pseudonym: str
    is_forgotten: bool
    remains: Remains


def find(settings: Settings, patient: str) -> Subject:
    """Find the patient given as a pseudonym (64 hexadecimal digits) or `SITE/PATIENT_ID`, and all copies of their rows.

    Raises:
        UserError: if there is no such patient; the message does not repeat what was given.
    """
    keys = ensure_keys(settings)
    with connect_vault(settings) as connection:
        require_match(connection, settings, keys.pseudonym)
        known = tombstones.read(settings, keys.tombstone, connection)
        site, patient_id = _named(connection, patient)
        is_mapped = connection.execute(
            "SELECT count(*) FROM main.patient_map WHERE site = $site AND patient_id = $id",
            {"site": site, "id": patient_id},
        ).fetchone() != (0,)
        is_forgotten = known.covers(site, patient_id)
        if not is_mapped and not is_forgotten:
            raise UserError(
                f"{site} has delivered no patient with this id: check site and id (case matters); nothing was changed"
            )
        files = _files(connection, site, patient_id)
        loaded = {row[0] for row in connection.execute("SELECT file_id FROM main.input_file").fetchall()}
    pseudonym = patient_key(keys.pseudonym, site, patient_id)
    releases = release.list_releases(settings)
    earlier = [one for one in releases if _is_of_earlier_key(one, site, loaded)]
    remains = Remains(
        files,
        tuple(one.release_id for one in releases if one not in earlier and _holds(one, pseudonym)),
        (*(one.release_id for one in earlier), *damage.aside(settings)),
    )
    return Subject(site, patient_id, pseudonym, is_forgotten, remains)


def forget(settings: Settings, subject: Subject) -> int:
    """Remove the patient from vault and build file, and leave a tombstone; returns the number of rows erased.

    The caller holds the refresh lock. If the process is killed, the patient is either unchanged or is removed by the
    next refresh.
    """
    keys = ensure_keys(settings)
    with connect_vault(settings) as connection:
        known = tombstones.read(settings, keys.tombstone, connection)
    hashes = known.hashes | {known.of(subject.site, subject.patient_id)}
    tombstones.write(settings, tombstones.Tombstones(keys.tombstone, hashes))
    n_rows = apply_tombstones(settings)
    remove_build(settings)
    event_log.record(settings, "patient_forgotten", rows_erased=n_rows, patients_forgotten=len(hashes))
    return n_rows


def _named(connection: duckdb.DuckDBPyConnection, patient: str) -> tuple[str, str]:
    """Site and id, as the vault spells them."""
    if _PSEUDONYM.fullmatch(patient.strip().lower()):
        row = connection.execute(
            "SELECT site, patient_id FROM main.patient_map WHERE patient_key = $key", {"key": patient.strip().lower()}
        ).fetchone()
        if row is None:
            raise UserError(
                "the vault has no patient with this pseudonym: already forgotten, or the key was rotated since"
            )
        return str(row[0]), str(row[1])
    site, slash, patient_id = patient.partition("/")
    if not slash or not patient_id.strip(BLANKS):
        raise UserError(
            "give the patient as a pseudonym (64 hexadecimal digits) or SITE/PATIENT_ID; with --site SITE "
            "alone you are "
            "prompted for the id, which then stays out of the shell history"
        )
    sites = {row[0] for row in connection.execute("SELECT DISTINCT site FROM main.input_file").fetchall()}
    if site not in sites:
        raise UserError(f"this site has delivered nothing; known: {', '.join(sorted(sites)) or 'none'}")
    return site, patient_id.strip(BLANKS)


def _files(connection: duckdb.DuckDBPyConnection, site: str, patient_id: str) -> dict[str, int]:
    """Delivered files with rows of the patient in any version → number of rows."""
    branches = " UNION ALL ".join(
        f'SELECT file_no FROM raw."{entity}" WHERE trim(patient_id, $blanks) = $id' for entity in ENTITIES
    )
    found = connection.execute(
        f"""
        SELECT f.site || '/' || f.delivery || '/' || f.path, count(*)
        FROM ({branches}) AS r JOIN main.input_file AS f ON r.file_no = f.file_no
        WHERE f.site = $site GROUP BY 1 ORDER BY 1
        """,
        {"blanks": BLANKS, "id": patient_id, "site": site},
    ).fetchall()
    return dict(found)


def _is_of_earlier_key(one: release.Release, site: str, loaded: set[str]) -> bool:
    """Whether it has files of this site, none with an id that is loaded now: file ids depend on the key."""
    ids = {file["file_id"] for file in one.manifest["inputs"] if file["site"] == site}
    return bool(ids) and ids.isdisjoint(loaded)


def _holds(one: release.Release, pseudonym: str) -> bool:
    """Whether a release contains the patient; assumed if it can't be read."""
    try:
        with duckdb.connect(str(one.database), read_only=True, config=A_FEW_ROWS) as connection:
            found = connection.execute(
                "SELECT count(*) FROM main.dim_patient WHERE patient_key = $key", {"key": pseudonym}
            ).fetchone()
    except duckdb.Error:
        return True
    return found != (0,)
