"""The plan of a refresh: settings, profiles and files as they were when it began, in one row of the vault.

Every later step reads that row, so a file edited in the meantime belongs to the next refresh. The row is kept: the next
plan is compared with it, and a step that is run alone uses it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from registry import ingest, release
from registry.build.fingerprint import build_generation, joined, settings_hash
from registry.config.inputs import STUDY_NAME, last_inputs
from registry.config.settings import Settings
from registry.config.site import PROFILE_NAME, SiteProfile
from registry.config.study import Study
from registry.errors import UserError
from registry.refresh import cleanup
from registry.refresh.inputs import remember_inputs
from registry.system import event_log
from registry.vault.apply_tombstones import apply_tombstones
from registry.vault.database import connect_vault

log = logging.getLogger(__name__)

ACCEPT_MISSING = "--accept-missing"
NOT_PUBLISHED = "the release was made from other files or settings, or by another version of the registry"


@dataclass(frozen=True)
class Plan:
    """The inputs of one refresh.

    `settings` has the study settings of the plan, even if registry.yml has changed since.
    """

    run_id: str
    settings: Settings
    profiles: Mapping[str, SiteProfile]
    files: tuple[ingest.DeliveredFile, ...]

    @property
    def generation(self) -> str:
        """Hash of what typed rows depend on, apart from their files."""
        return build_generation(self.settings, self.profiles)

    def fingerprint(self) -> str:
        """The fingerprint of a release made now from the loaded files under this plan."""
        return joined(self.generation, ingest.ledger_fingerprint(self.settings))

    def inputs_hash(self) -> str:
        """A hash of files and settings only: it changes when a person or a site changes something."""
        files = sorted("\x1f".join((*file.place, file.entity, file.sha256)) for file in self.files)
        return joined(settings_hash(self.settings.study, self.profiles), *files)

    def to_load(self) -> list[ingest.DeliveredFile]:
        """Its files that the vault does not contain yet with the same content and reading settings."""
        return ingest.not_yet_loaded(self.settings, self.files, self.profiles)


def survey(settings: Settings, run_id: str = "", *, accept_missing: bool = False) -> Plan:
    """Read profiles and files once, each file hashed once. Writes nothing.

    Raises:
        UserError: for a mistake in a site.yml, a folder or file name, and if settings or all files of the last refresh
            are gone, unless `accept_missing`.
    """
    profiles = ingest.load_profiles(settings)
    files = tuple(ingest.discover(settings, profiles))
    before = _stored(settings)
    if not accept_missing:
        _refuse_missing(settings, files, before)
    if before is not None:
        folders = {path.name for path in settings.deliveries.iterdir() if path.is_dir()}
        # a site whose folder is gone keeps its rows, and so its settings
        profiles |= {site: profile for site, profile in _profiles(before).items() if site not in folders}
    return Plan(run_id, settings, profiles, files)


def is_up_to_date(plan: Plan) -> bool:
    """Whether the current release was made from this plan: nothing to load or build."""
    in_force = release.current(plan.settings)
    return in_force is not None and not plan.to_load() and release.is_current_for(plan.settings, plan.fingerprint())


def is_behind(plan: Plan) -> bool:
    """Whether the current release can be read and was not made from this plan."""
    with suppress(UserError):
        return not is_up_to_date(plan)
    return False


def make_plan(settings: Settings, run_id: str, *, accept_missing: bool = False) -> Plan:
    """Remove leftovers, read everything once, and write the plan into the vault. The caller holds the refresh lock.

    Args:
        settings: as read when the refresh began.
        run_id: identifies the refresh.
        accept_missing: continue although settings or all files of the last refresh are gone.

    Raises:
        UserError: for a mistake in the deliveries, or if settings or all files are gone; nothing is changed.
    """
    plan = survey(settings, run_id, accept_missing=accept_missing)
    refuse_to_mix(settings, is_synthetic=settings.study.synthetic)
    remember_inputs(settings)
    cleanup.remove_leftovers(settings)
    apply_tombstones(settings)
    # in one transaction: dbt and the steps read the same settings
    ingest.write_config(settings, plan.profiles, also=lambda connection: _store(plan, connection))
    n_to_load = len(plan.to_load())
    log.info("%d files delivered, %d to load", len(plan.files), n_to_load)
    event_log.record(settings, "deliveries_found", run=run_id, files=len(plan.files), files_to_load=n_to_load)
    return plan


def load_plan(settings: Settings) -> Plan:
    """The last plan.

    Raises:
        UserError: if there is none yet.
    """
    stored = _stored(settings)
    if stored is None:
        raise UserError(
            f"{settings.home}: nothing has been loaded yet; materialize `deliveries`, or run registry refresh"
        )
    files = tuple(
        ingest.DeliveredFile(**{**file, "absolute": Path(file["absolute"])}) for file in json.loads(stored["files"])
    )
    study = Study.model_validate_json(stored["study"])
    return Plan(stored["run_id"], replace(settings, study=study), _profiles(stored), files)


def _store(plan: Plan, connection: duckdb.DuckDBPyConnection) -> None:
    row = {
        "run_id": plan.run_id,
        "study": plan.settings.study.model_dump_json(),
        "profiles": json.dumps(
            {site: one.model_dump(mode="json", exclude_defaults=True) for site, one in sorted(plan.profiles.items())}
        ),
        "files": json.dumps([{**asdict(file), "absolute": str(file.absolute)} for file in plan.files]),
        "has_study_file": plan.settings.config is not None,
        "sites_with_profile": [site for site in sorted(plan.profiles) if _profile_path(plan.settings, site).exists()],
    }
    connection.execute("DELETE FROM config.plan")
    connection.execute("INSERT INTO config.plan BY NAME SELECT " + ", ".join(f"${name} AS {name}" for name in row), row)


def _stored(settings: Settings) -> dict[str, Any] | None:
    """The row of the last plan; None if there is none, or if the last refresh was by an earlier version."""
    if not settings.raw_db.exists():
        return None
    with connect_vault(settings, read_only=True) as connection:
        try:
            cursor = connection.execute("SELECT * FROM config.plan")
        except duckdb.CatalogException:
            return None
        names = [column[0] for column in cursor.description]
        row = cursor.fetchone()
    return dict(zip(names, row, strict=True)) if row else None


def _profiles(stored: Mapping[str, Any]) -> dict[str, SiteProfile]:
    return {site: SiteProfile.model_validate(one) for site, one in json.loads(stored["profiles"]).items()}


def _profile_path(settings: Settings, site: str) -> Path:
    return settings.deliveries / site / PROFILE_NAME


def _refuse_missing(
    settings: Settings, files: tuple[ingest.DeliveredFile, ...], before: Mapping[str, Any] | None
) -> None:
    """Raise UserError if settings or all files are gone since the plan `before`, as with an unmounted share."""
    if settings.config is None and _had_study_file(settings, before):
        last = last_inputs(settings.home, or_none=True).deliveries or settings.deliveries
        raise UserError(
            f"{last / STUDY_NAME} was read by the last refresh and is not in {settings.deliveries}: restore it (is the "
            f"share mounted?), or continue with the defaults: registry refresh {ACCEPT_MISSING}"
        )
    gone = [
        site
        for site in (before["sites_with_profile"] if before else ())
        if _profile_path(settings, site).parent.is_dir() and not _profile_path(settings, site).exists()
    ]
    if gone:
        raise UserError(
            f"{_profile_path(settings, gone[0])} was there in the last refresh and is gone: restore it, or continue "
            f"with the defaults: registry refresh {ACCEPT_MISSING}"
        )
    is_known = before is not None and not json.loads(before["files"])
    if files or is_known or (settings.deliveries / STUDY_NAME).exists() or not _holds_files(settings):
        return
    if not ingest.find(replace(settings, through=None)):
        raise UserError(
            f"{settings.deliveries} contains no files, although files were loaded from it: is the share "
            f"mounted? If they are meant to be gone, continue with what is loaded: registry refresh {ACCEPT_MISSING}"
        )


def _had_study_file(settings: Settings, before: Mapping[str, Any] | None) -> bool:
    """Whether the last refresh read a registry.yml; by an earlier version, whether its release has other settings."""
    if before is not None:
        return bool(before["has_study_file"])
    with suppress(UserError):  # a damaged one is moved aside later
        in_force = release.current(settings)
        default = Study().model_dump(mode="json")
        return in_force is not None and any(
            default.get(name, value) != value for name, value in in_force.manifest["study"].items()
        )
    return False


def _holds_files(settings: Settings) -> bool:
    if not settings.raw_db.exists():
        return False
    with connect_vault(settings, read_only=True) as connection:
        return connection.execute("SELECT 1 FROM main.input_file LIMIT 1").fetchone() is not None


def refuse_to_mix(settings: Settings, *, is_synthetic: bool) -> None:
    """Refuse to mix simulated and real patients in one home.

    Raises:
        UserError: if the vault has one kind and the deliveries have the other (`is_synthetic`).
    """
    if not settings.raw_db.exists():
        return
    with connect_vault(settings, read_only=True) as connection:
        held = connection.execute(
            "SELECT s.is_synthetic FROM config.study AS s WHERE EXISTS (SELECT 1 FROM main.input_file)"
        ).fetchone()
    if held is not None and bool(held[0]) != is_synthetic:
        kind, other = ("synthetic", "real") if held[0] else ("real", "synthetic")
        raise UserError(
            f"{settings.home} contains {kind} patients, but {settings.deliveries} contains {other} ones; "
            "choose another folder with --home"
        )
