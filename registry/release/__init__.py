"""Releases: how a build becomes a published version, and how versions are found, queried and rolled back.

`candidate.py` the copy that the gate checks · `judgement.py` the gate's result for it · `new_cases.py` its table of
changes against the previous release · `publication.py` audit and switch · `content.py` content hashes · `manifest.py`,
`dictionary.py` content of a release folder · `store.py` the releases on disk · `figures.py` the main figures of a
release · `damage.py` releases modified after publication · `pin.py` rollback · `retention.py` how many are kept ·
`diff/` compares two releases · `gate_record.py` the gate's last result · `query.py` SQL on a release ·
`public/` the part that may be shared.

Imports no Dagster; Great Expectations only when an audit runs.
"""

from registry.release.damage import refuse_damaged
from registry.release.files import verify
from registry.release.gate_record import Decision
from registry.release.gate_record import last as last_decision
from registry.release.judgement import Judged
from registry.release.pin import is_current_for, lift_if_over, pinned, rollback
from registry.release.publication import GateRefused, Outcome, judge, publish
from registry.release.retention import remove_old
from registry.release.store import Release, current, current_id, folder, list_releases, load

__all__ = [
    "Decision",
    "GateRefused",
    "Judged",
    "Outcome",
    "Release",
    "current",
    "current_id",
    "folder",
    "is_current_for",
    "judge",
    "last_decision",
    "lift_if_over",
    "list_releases",
    "load",
    "pinned",
    "publish",
    "refuse_damaged",
    "remove_old",
    "rollback",
    "verify",
]
