"""The key `columns` of a proposal: the meaning of each header, and the headers that a person must decide."""

from __future__ import annotations

from registry.config.input_contract import ENTITIES, TIMED_COLUMNS
from registry.errors import UserError
from registry.ingest.header import read_header
from registry.profile.columns import Matched, columns_named
from registry.profile.discretion import Privacy, looks_harmless
from registry.profile.draft import Draft, quoted
from registry.profile.header_names import PERSON_NAMES, TIMES, folded
from registry.profile.survey import Survey, Surveyed

_NO_PART_OF_A_KEY = ("value", "unit", "verdict")
"""Required columns whose value may change for the same record."""


def columns_section(survey: Survey) -> Draft:
    """The key `columns`, by entity."""
    draft = Draft()
    for entity in ENTITIES:
        inner = Draft()
        own_names: dict[str, str] = {}
        for table in survey.tables:
            if table.matched and table.matched.entity.name == entity:
                _columns_of(table, table.matched, own_names, survey.privacy, inner)
        draft.section(entity, inner)
    return draft


def _columns_of(table: Surveyed, matched: Matched, own_names: dict[str, str], privacy: Privacy, draft: Draft) -> None:
    entity, where = matched.entity, table.table.where
    unmatched = []
    for position, (name, target) in enumerate(zip(matched.names, matched.targets, strict=True)):
        shown = name if may_show(table, position, privacy) else None
        if target is None:
            if position not in table.tests:
                unmatched.append(position)
        elif name.casefold() != target and name.casefold() not in own_names:
            if shown is None:
                draft.decide(f"{where}: column {position + 1} may be {target}; its header can't be shown here")
                continue
            own_names[name.casefold()] = target
            draft.live(
                f"{quoted(name)}: {target}",
                note="recognised only by its cells: check" if position in matched.by_cells else "",
            )
    for position in unmatched:
        _unmatched(table, matched, position, privacy, draft)
    wide = {"result_id", "test_code", "value", "unit"} if table.tests else set()
    missing = [column for column in matched.missing if column not in wide]
    if missing:
        draft.decide(f"{where}: no column found for {', '.join(missing)} (required): name it here, or export it")
        if missing == [entity.key] and entity.name != "patients":
            parts = [c for c in entity.required if c not in (entity.key, *_NO_PART_OF_A_KEY)]
            draft.decide(f"or let the registry compose it:   keys: {{{entity.name}: [{', '.join(parts)}]}}")
    elif not wide:
        try:
            read_header(entity, matched.names, own_names, where)
        except UserError as mistake:
            draft.decide(str(mistake))


def _unmatched(table: Surveyed, matched: Matched, position: int, privacy: Privacy, draft: Draft) -> None:
    name = matched.names[position]
    if not name:
        return
    shown = quoted(name) if may_show(table, position, privacy) else f"column {position + 1}"
    if column := matched.doubtful.get(position):
        draft.decide(f"{shown}: {column}   # by its name, but its cells do not match ({table.table.where})")
    elif column := matched.rivals.get(position):
        draft.comment(f"{shown}: {column}   # another column is already {column}; not used")
    elif position == matched.key_like:
        draft.decide(f"{shown}: {matched.entity.key}   # all its cells differ: is it a key that never changes?")
    elif folded(name) in TIMES:
        draft.decide(_time_apart(table, matched, shown, privacy))
    elif folded(name) in PERSON_NAMES:
        draft.comment(f"{shown}: ignore   # if it contains names, so that it is never stored ({table.table.where})")
    else:
        draft.comment(f"{shown}: not used   # {table.table.where}")


def _time_apart(table: Surveyed, matched: Matched, shown: str, privacy: Privacy) -> str:
    """What to do with a column of times whose dates are in another column."""
    for column in TIMED_COLUMNS.get(matched.entity.name, ()):
        date = matched.position(column)
        if date is not None and may_show(table, date, privacy):
            both = f"{quoted(matched.names[date])}: {column}.date, {shown}: {column}.time"
            return f"{both}   # instead of {column} alone; otherwise the time is lost ({table.table.where})"
    return f"{shown}: join it with its date in the export; otherwise the time is lost ({table.table.where})"


def may_show(table: Surveyed, position: int, privacy: Privacy) -> bool:
    """Whether a header may be written: if it is the usual name of a column or test, or clearly a header.

    In a table without a patient column, the columns may be patients.
    """
    matched = table.matched
    name = table.header[position]
    if matched is None or position in table.hidden_headers or not looks_harmless(name):
        return False
    is_usual = position in table.tests or columns_named(matched.entity.name, name)
    return bool(is_usual) or (matched.position("patient_id") is not None and privacy.allows(name))
