"""What is wrong and how to mend it, one line each: looks at everything, changes nothing.

finding.py    one line of it
machine.py    Python, packages, disk, the UI's address
private.py    the vault: access, key, what a killed process left
published.py  releases, the gate's last word, the monthly refresh
delivered.py  deliveries against the ledger, profiles
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from registry.doctor import delivered, machine, private, published
from registry.doctor.finding import Finding, wrong
from registry.errors import UserError

if TYPE_CHECKING:
    from registry.settings import Settings

__all__ = ["Finding", "examine"]

Check = Callable[["Settings"], Iterator[Finding]]

CHECKS: tuple[tuple[str, Check], ...] = (
    ("python", machine.python),
    ("packages", machine.packages),
    ("disk", machine.disk),
    ("ui", machine.listening),
    ("dagster", machine.dagster_home),
    ("access", private.access),
    ("key", private.key),
    ("locks", private.locks),
    ("left-overs", private.left_overs),
    ("settings", delivered.settings_read),
    ("deliveries", delivered.deliveries),
    ("ledger", delivered.ledger_against_deliveries),
    ("places", delivered.places),
    ("release", published.link),
    ("checksums", published.checksums),
    ("gate", published.gate),
    ("account", published.not_used),
    ("refresh", published.last_refresh),
)


def examine(settings: Settings) -> Iterator[Finding]:
    """Every finding, in order, as it is made; a check that can't be carried out is a finding too, told once."""
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
