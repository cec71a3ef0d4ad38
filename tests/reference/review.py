"""What chart reviews say of an episode: the verdict in force, who has spoken, whether they agree."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from .codes import ROLES
from .history import History
from .model import Adjudication

Reader = tuple[object, ...]


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
    """The reader's role where it is one that may be shown, with the digit that tells two readers of it apart."""
    text = (adjudication.reviewer_role or "").lower()
    if len(text) > 2 and text[-2] == " " and text[-1] in "123456789" and text[:-2] in ROLES:
        return ROLES[text[:-2]] + text[-2:]
    return ROLES.get(text)


def reader(adjudication: Adjudication) -> Reader:
    """Who spoke, as far as it can be told: a role; without one, whoever said the same on the same day."""
    if adjudication.reviewer_role:
        return (known_role(adjudication) or adjudication.reviewer_role.lower(),)
    return (None, adjudication.reviewed_on, adjudication.verdict)


def first_words(spoken: Sequence[Adjudication]) -> list[str]:
    """What each reader said first, the readers in the order in which they spoke."""
    said: dict[Reader, str] = {}
    for adjudication in spoken:
        said.setdefault(reader(adjudication), adjudication.verdict)
    return list(said.values())


def orphaned(history: History, onsets: set[date], cutoff: date) -> list[Adjudication]:
    """Verdicts that speak of no episode, whatever the definition, of spans that end by the site's cut-off."""
    return [
        a
        for a in history.adjudications
        if a.onset_to <= cutoff and not any(a.onset_from <= onset <= a.onset_to for onset in onsets)
    ]


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
        "n_readers": len(first_words(spoken)),
        "n_reviewer_roles": len(roles),
        "reviewer_roles": ", ".join(known) or None,
        "verdicts_agree": len(said) == 1 if len(spoken) > 1 else None,
        "reviewed_on": max((a.reviewed_on for a in spoken if a.reviewed_on), default=None),
    }


def pairs(spoken: Sequence[Adjudication]) -> list[tuple[str, str, str, str, str]]:
    """(comparison, first reading, second reading, first verdict, second verdict) of one episode.

    What the first two readers said first; and of any two known roles the last verdicts, in alphabetical order.
    """
    found = []
    if len(words := first_words(spoken)) > 1:
        found.append(("order", "first verdict", "second verdict", words[0], words[1]))
    last = {role: a.verdict for a in spoken if (role := known_role(a))}
    roles = sorted(last)
    for position, one in enumerate(roles):
        found += [("role", one, other, last[one], last[other]) for other in roles[position + 1 :]]
    return found
