"""From the build file to a release: candidate, audit, and only then the switch.

Two steps: the gate checks a candidate (`judge`), and the one that passed is published (`publish`). No release changes
until the gate has passed on exactly the file that is then renamed into place. After a refusal, an error or a kill the
current release is the same, byte for byte. There is no override.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from expectations import Audit, CheckResult, audit
from expectations.catalogue import SAME_INPUTS_SAME_CONTENT
from registry.build.fingerprint import rules_hash
from registry.config.settings import Settings, connect_options
from registry.release import candidate, damage, files, gate_record, judgement, manifest, new_cases
from registry.release.content import NOT_COMPARED, TableContent, contents
from registry.release.dictionary import markdown
from registry.release.judgement import Judged
from registry.release.pin import is_current_for, lift_if_over, unpin
from registry.release.retention import remove_old
from registry.release.store import Release, current, point_current, sync
from registry.system.disk import writing

Finish = Callable[[Path], None]


@dataclass(frozen=True)
class Outcome:
    """The result for a candidate; `path` is the folder of the release, after a refusal of the current one."""

    release_id: str
    status: gate_record.Status
    audit: Audit
    path: Path | None


class GateRefused(Exception):
    """The gate refused a candidate: nothing was published. Contains the outcome with its audit."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.audit = outcome.audit
        failed = "; ".join(f"{r.check_id} on {r.table}: {r.found}" for r in outcome.audit.blocking)
        super().__init__(f"the gate refused release {outcome.release_id}: {failed}")


def judge(settings: Settings, fingerprint: str) -> Judged:
    """Copy the build file into a candidate and let the gate check exactly that file.

    A candidate that passed is kept for `publish`; after a refusal only the gate's record remains.

    Args:
        settings: where the build file and the releases are; the study as published in the manifest.
        fingerprint: what the build was made from (`registry.build.fingerprint`), in hexadecimal.

    Raises:
        UserError: if there is nothing to publish, the current release can't be read, or the disk is full.

    """
    with writing(settings.releases):
        candidate.remove_leftovers(settings)
        in_force = current(settings)
        database = candidate.build(settings)
        is_to_keep = False
        try:
            release_id = f"{candidate.last_delivery(database)}-{fingerprint[:10]}"
            compared_with = _compared_with(settings, in_force, fingerprint)
            new_cases.write(settings, database, compared_with)
            tables = contents(database, options=connect_options(settings))
            result = audit(
                database,
                compared_with.database if compared_with else None,
                options=connect_options(settings),
                rules_changed=compared_with is not None and compared_with.manifest.get("rules_version") != rules_hash(),
            ).with_result(_same_content(_known(settings, in_force, release_id), fingerprint, tables))
            judged = Judged(
                database.parent,
                release_id,
                fingerprint,
                compared_with.release_id if compared_with else None,
                result,
                tables,
            )
            is_to_keep = result.passed
            if is_to_keep:
                judgement.write(judged)
            gate_record.record(settings, release_id, fingerprint, "passed" if result.passed else "refused", result)
        finally:
            if not is_to_keep:
                shutil.rmtree(database.parent, ignore_errors=True)
    return judged


def publish(settings: Settings, fingerprint: str, *, finish: Finish | None = None) -> Outcome:
    """Publish what is built, if the gate passes.

    The gate runs now, unless it has already passed this candidate: same fingerprint, same bytes, compared with the same
    release.

    Args:
        settings: where the build file and the releases are; the study as published in the manifest.
        fingerprint: what the build was made from (`registry.build.fingerprint`), in hexadecimal.
        finish: called with the folder of a candidate that passed, to add files (the report) before it is sealed.

    Returns:
        `published`, or `confirmed` if the current release has the same inputs and the same content, or is the target of
        a rollback and the inputs have not changed since.

    Raises:
        GateRefused: if a critical check failed; nothing but the gate's record changed.
        UserError: if there is nothing to publish, the current release can't be read, or the disk is full.

    """
    with writing(settings.releases):
        in_force = current(settings)
        compared_with = _compared_with(settings, in_force, fingerprint)
        judged = judgement.find(settings, fingerprint, compared_with.release_id if compared_with else None) or judge(
            settings, fingerprint
        )
        try:
            return _publish(settings, in_force, judged, finish)
        finally:
            shutil.rmtree(judged.folder, ignore_errors=True)


def _publish(settings: Settings, in_force: Release | None, judged: Judged, finish: Finish | None) -> Outcome:
    release_id, fingerprint, result = judged.release_id, judged.fingerprint, judged.audit
    if not result.passed:
        raise GateRefused(Outcome(release_id, "refused", result, in_force.path if in_force else None))
    if in_force is not None and is_current_for(settings, fingerprint):
        outcome = Outcome(in_force.release_id, "confirmed", result, in_force.path)
        lift_if_over(settings, fingerprint)
        gate_record.record(settings, outcome.release_id, fingerprint, outcome.status, result)
    else:
        if _known(settings, in_force, release_id) is None:
            identity = manifest.Identity(
                release_id=release_id,
                fingerprint=fingerprint,
                last_delivery=release_id.rpartition("-")[0],
                previous_release_id=judged.compared_with,
                created_at=dt.datetime.now(dt.UTC),
            )
            judgement.remove(judged.folder)
            _complete(settings, judged.database, identity=identity, result=result, audited=judged.tables, finish=finish)
            judged.folder.rename(settings.releases / release_id)
            sync(settings.releases)
        # in this order: if killed before the switch, the next refresh repeats all of it; if killed after it, the pin
        # names a release that is no longer current, and has no effect
        gate_record.record(settings, release_id, fingerprint, "published", result)
        point_current(settings, release_id)
        unpin(settings)
        outcome = Outcome(release_id, "published", result, settings.releases / release_id)
    remove_old(settings)
    return outcome


def _known(settings: Settings, in_force: Release | None, release_id: str) -> Release | None:
    """The release with this id if it is intact; the current one was checked when the refresh began."""
    return in_force if in_force and in_force.release_id == release_id else damage.load_intact(settings, release_id)


def _compared_with(settings: Settings, in_force: Release | None, fingerprint: str) -> Release | None:
    """The release that a candidate is compared with.

    That is the current one or, if it has the same inputs, the one that it was itself compared with.
    """
    if in_force is None or in_force.fingerprint != fingerprint:
        return in_force
    before = in_force.manifest.get("previous_release_id")
    return damage.load_intact(settings, before) if before else None


def _same_content(known: Release | None, fingerprint: str, tables: dict[str, TableContent]) -> CheckResult:
    if known is None:
        return CheckResult.of(
            SAME_INPUTS_SAME_CONTENT,
            passed=True,
            n_rows=len(tables),
            detail="not applicable: no release has these inputs",
        )
    before = known.content_hashes
    now = {name: table.content_hash for name, table in tables.items()}
    changed = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    if known.fingerprint != fingerprint:
        changed = changed or ["fingerprint"]
    return CheckResult.of(
        SAME_INPUTS_SAME_CONTENT,
        passed=not changed,
        n_unexpected=len(changed),
        n_rows=len(now),
        detail=f"differs from {known.release_id}: {', '.join(changed)}" if changed else "",
    )


def _complete(
    settings: Settings,
    database: Path,
    *,
    identity: manifest.Identity,
    result: Audit,
    audited: dict[str, TableContent],
    finish: Finish | None,
) -> None:
    """Write the other files of a release next to its audited database, and seal it."""
    folder = database.parent
    manifest.write_tables(database, settings, identity, result)
    every = contents(database, only=NOT_COMPARED, options=connect_options(settings)) | audited
    files.write_parquet(settings, database, every, manifest.label(settings, identity.release_id))
    dictionary = markdown(identity.release_id, [every[name] for name in sorted(every)])
    (folder / "data_dictionary.md").write_text(dictionary, encoding="utf-8")
    files.write_manifest(
        folder, manifest.compose(database, settings, identity, result, [every[n] for n in sorted(every)])
    )
    if finish is not None:
        finish(folder)
    files.write_checksums(folder)
    files.seal(folder)
