"""Releases: how a build becomes a published version, and how versions are found, queried and gone back to.

`candidate.py` the copy that is judged · `judgement.py` what the gate found on it · `new_cases.py` its table against the
release before · `publication.py` audit and switch · `content.py` content hashes · `manifest.py`,
`dictionary.py` what a release folder holds · `store.py` the versions on disk · `figures.py` the few figures of one ·
`damage.py` those no longer as they were sealed · `pin.py` going back · `retention.py` how many are kept ·
`diff/` two of them compared · `gate_record.py` the gate's last result · `query.py` SQL on one ·
`public/` what may leave the hospital.

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
