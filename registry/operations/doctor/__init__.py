"""`registry doctor`: what is wrong and how to fix it, one line each. Changes nothing.

finding.py     one line of the output
machine.py     Python, packages, disk, the UI's address
vault.py       access, key, leftovers of killed processes
releases.py    releases, the gate's last result, the monthly refresh
deliveries.py  deliveries against the ledger, profiles
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from registry.errors import UserError
from registry.operations.doctor import deliveries, machine, releases, vault
from registry.operations.doctor.finding import Finding, wrong

if TYPE_CHECKING:
    from registry.config.settings import Settings

__all__ = ["Finding", "examine"]

Check = Callable[["Settings"], Iterator[Finding]]

CHECKS: tuple[tuple[str, Check], ...] = (
    ("python", machine.python),
    ("packages", machine.packages),
    ("disk", machine.disk),
    ("ui", machine.listening),
    ("dagster", machine.dagster_home),
    ("access", vault.access),
    ("key", vault.key),
    ("locks", vault.locks),
    ("left-overs", vault.left_overs),
    ("settings", deliveries.settings_read),
    ("deliveries", deliveries.deliveries),
    ("ledger", deliveries.ledger_against_deliveries),
    ("places", deliveries.places),
    ("release", releases.link),
    ("checksums", releases.checksums),
    ("gate", releases.gate),
    ("account", releases.not_used),
    ("refresh", releases.last_refresh),
)


def examine(settings: Settings) -> Iterator[Finding]:
    """Yield every finding in order; a check that can't run is a finding too, reported once."""
    told: set[str] = set()
    for subject, check in CHECKS:
        try:
            yield from (finding.about(subject) for finding in check(settings))
        except UserError as mistake:
            if str(mistake) not in told:
                yield wrong(str(mistake)).about(subject)
            told.add(str(mistake))
        except OSError as trouble:
            yield wrong(f"{trouble.filename or settings.home}: {trouble.strerror or 'not readable'}").about(subject)
