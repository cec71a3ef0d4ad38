"""What chart reviews say of an episode: the verdict in force, who has spoken, whether they agree."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from .codes import ROLES
from .history import History
from .model import Adjudication


def verdicts(history: History, onset: date) -> list[Adjudication]:
    """The adjudications whose span holds an onset, the one that prevails last.

    They order by day of review, blank first, then by key.
    """
    holding = [a for a in history.adjudications if a.onset_from <= onset <= a.onset_to]
    return sorted(holding, key=lambda a: (a.reviewed_on or date.min, a.adjudication_id))


def verdict(history: History, onset: date) -> str | None:
    """The adjudication in force for an onset."""
    spoken = verdicts(history, onset)
    return spoken[-1].verdict if spoken else None


def known_role(adjudication: Adjudication) -> str | None:
    """The reader's role where it is one that may be shown."""
    return ROLES.get((adjudication.reviewer_role or "").lower())


def summary(spoken: Sequence[Adjudication]) -> dict[str, Any]:
    """The columns of mart_chart_review on the verdicts."""
    said = {a.verdict for a in spoken}
    roles = {known_role(a) or a.reviewer_role.lower() for a in spoken if a.reviewer_role}
    known = sorted({role for a in spoken if (role := known_role(a))})
    status = "disagreement" if len(said) > 1 else next(iter(said), "unreviewed")
    return {
        "review_status": status,
        "verdict": spoken[-1].verdict if spoken else None,
        "n_reviews": len(spoken),
        "n_reviewer_roles": len(roles),
        "reviewer_roles": ", ".join(known) or None,
        "verdicts_agree": len(said) == 1 if len(spoken) > 1 else None,
        "reviewed_on": max((a.reviewed_on for a in spoken if a.reviewed_on), default=None),
    }


def pairs(spoken: Sequence[Adjudication]) -> list[tuple[str, str, str, str, str]]:
    """(comparison, first reading, second reading, first verdict, second verdict) of one episode.

    The first verdict with the second; and of any two known roles the last verdicts, the roles in alphabetical order.
    """
    found = []
    if len(spoken) > 1:
        found.append(("order", "first verdict", "second verdict", spoken[0].verdict, spoken[1].verdict))
    last = {role: a.verdict for a in spoken if (role := known_role(a))}
    roles = sorted(last)
    for position, one in enumerate(roles):
        found += [("role", one, other, last[one], last[other]) for other in roles[position + 1 :]]
    return found
