"""Compare two releases: which episodes appeared, vanished or changed and why, and what else differs.

Only published rows and manifests are compared, so any two existing releases can be compared without the vault. Patients
appear only by pseudonym. How the reasons are found: `explain.py` and docs/decisions/0012-why-an-episode-differs.md.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

import duckdb

from registry.config.settings import Settings, connect_options
from registry.release.damage import refuse_damaged
from registry.release.diff.explain import Explanation, Reason, explain
from registry.release.store import Release
from registry.system.sql import attach, records

Status = Literal["appeared", "vanished", "changed"]
Kind = Literal["table", "input file", "definition", "grading scale", "setting", "code"]

_EPISODES = "main.fct_neutropenia_episode"
_OPEN = dt.date.max


@dataclass(frozen=True)
class EpisodeChange:
    """An episode that differs between the releases; `columns` are those that differ if it is in both.

    An onset that moved gives a new id: such a pair is one change, with the id of the later release.
    """

    status: Status
    definition_id: str
    patient_key: str
    episode_id: str
    onset_date: dt.date
    is_case_episode: bool
    columns: tuple[str, ...]
    reasons: tuple[Reason, ...]
    evidence: str


@dataclass(frozen=True)
class ManifestChange:
    """A table, input file, definition, scale or setting that differs, and how."""

    kind: Kind
    name: str
    change: str


@dataclass(frozen=True)
class Difference:
    """All that differs from one release to another."""

    episodes: tuple[EpisodeChange, ...]
    manifest: tuple[ManifestChange, ...]


def diff(settings: Settings, before: Release, after: Release) -> Difference:
    """Compare two releases; order matters: `appeared` means only in `after`.

    Raises:
        UserError: if one of them is damaged.

    """
    for release in (before, after):
        refuse_damaged(release)
    changes = tuple(_manifest_changes(before.manifest, after.manifest))
    with duckdb.connect(config=connect_options(settings)) as connection:
        for name, release in (("before", before), ("after", after)):
            attach(connection, release.database, name)
        found = _pair_moved_onsets(_only_in(connection, "before"), _only_in(connection, "after"))
        found += _changed(connection)
        explanations = explain(connection, before.manifest, after.manifest, {row["patient_key"] for _, row, _ in found})
    episodes = [_episode(status, row, columns, explanations) for status, row, columns in found]
    return Difference(tuple(sorted(episodes, key=lambda e: (e.definition_id, e.patient_key, e.onset_date))), changes)


_Found = tuple[Status, dict[str, Any], tuple[str, ...]]


def _episode(status: Status, row: dict[str, Any], columns: tuple[str, ...], explained: Explanation) -> EpisodeChange:
    reasons, evidence = explained.of(row["definition_id"], row["patient_key"])
    return EpisodeChange(
        status=status,
        definition_id=row["definition_id"],
        patient_key=row["patient_key"],
        episode_id=row["episode_id"],
        onset_date=row["onset_date"],
        is_case_episode=row["is_case_episode"],
        columns=columns,
        reasons=reasons,
        evidence=evidence,
    )


def _only_in(connection: duckdb.DuckDBPyConnection, name: str) -> list[dict[str, Any]]:
    other = "after" if name == "before" else "before"
    return records(
        connection,
        f"SELECT * FROM {name}.{_EPISODES} AS e WHERE NOT EXISTS "
        f"(SELECT 1 FROM {other}.{_EPISODES} AS o WHERE o.episode_id = e.episode_id) ORDER BY onset_date, episode_id",
    )


def _changed(connection: duckdb.DuckDBPyConnection) -> list[_Found]:
    """Episodes in both releases whose rows differ in a shared column."""
    # compares whole rows, whatever columns there are
    shared = _shared_columns(connection)
    pairs = "(SELECT {columns} FROM {name}." + _EPISODES + ")"
    listed = ", ".join(f'"{column}"' for column in shared)
    before, after = (pairs.format(columns=listed, name=name) for name in ("before", "after"))
    differing = (
        f"SELECT episode_id FROM ({after} EXCEPT {before}) WHERE episode_id IN (SELECT episode_id FROM {before})"
    )
    rows = {
        name: {
            row["episode_id"]: row
            for row in records(connection, f"SELECT * FROM {table} WHERE episode_id IN ({differing})")
        }
        for name, table in (("before", before), ("after", after))
    }
    return [
        ("changed", row, tuple(c for c in shared if row[c] != rows["before"][episode_id][c]))
        for episode_id, row in rows["after"].items()
    ]


def _pair_moved_onsets(vanished: list[dict[str, Any]], appeared: list[dict[str, Any]]) -> list[_Found]:
    """Pair vanished and appeared episodes of one patient and definition that overlap: one episode whose onset moved."""
    found: list[_Found] = []
    left = list(vanished)
    for row in appeared:
        twin = next((old for old in left if _overlap(old, row)), None)
        if twin is None:
            found.append(("appeared", row, ()))
        else:
            left.remove(twin)
            columns = tuple(c for c in row if c in twin and c != "episode_id" and row[c] != twin[c])
            found.append(("changed", row, columns))
    return found + [("vanished", row, ()) for row in left]


def _overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    same = all(one[key] == other[key] for key in ("definition_id", "patient_key"))
    ends = [row["end_date"] or _OPEN for row in (one, other)]
    return same and one["onset_date"] <= ends[1] and other["onset_date"] <= ends[0]


def _shared_columns(connection: duckdb.DuckDBPyConnection) -> list[str]:
    names = [
        [column[0] for column in connection.execute(f"SELECT * FROM {name}.{_EPISODES} LIMIT 0").description]
        for name in ("before", "after")
    ]
    return [name for name in names[1] if name in names[0]]


def _manifest_changes(before: dict[str, Any], after: dict[str, Any]) -> list[ManifestChange]:
    changes = []
    for name, (old, new) in _differing(before["tables"], after["tables"], key="content_hash"):
        rows = [str(table["rows"]) if table else "none" for table in (old, new)]
        change = f"rows {rows[0]} → {rows[1]}" if rows[0] != rows[1] else f"{rows[0]} rows as before, changed content"
        changes.append(ManifestChange("table", name, change))
    files = [{file["file_id"]: file for file in manifest["inputs"]} for manifest in (before, after)]
    for file_id, (old, new) in _differing(files[0], files[1]):
        file = new or old
        name = f"{file['site']}/{file['delivery']}/{file['entity']} {file_id}"
        how = _how(old, new)
        if old and new and ("is_retracted" in old) != ("is_retracted" in new):
            how = "retracted" if "is_retracted" in new else "no longer retracted"
        elif old and new and old["is_current"] and not new["is_current"]:
            how = "replaced"
        changes.append(ManifestChange("input file", name, f"{how}, {file['rows']} rows"))
    kinds: dict[str, Kind] = {"definitions": "definition", "grading_scales": "grading scale", "study": "setting"}
    for key, kind in kinds.items():
        changes += [ManifestChange(kind, name, _how(*pair)) for name, pair in _differing(before[key], after[key])]
    if before["code_version"] != after["code_version"]:
        versions = [str(manifest["code_version"])[:12] for manifest in (before, after)]
        changes.append(ManifestChange("code", "code_version", " → ".join(versions)))
    return changes


def _how(old: Any, new: Any) -> str:
    return "new" if old is None else "removed" if new is None else "changed"


def _differing(before: dict[str, Any], after: dict[str, Any], key: str | None = None) -> list[tuple[str, Any]]:
    """Names whose value (or the value's `key`) differs, each with both values; None if it is missing in one."""

    def value(of: dict[str, Any], name: str) -> Any:
        found = of.get(name)
        return found[key] if key and found else found

    names = sorted(before.keys() | after.keys())
    return [(n, (before.get(n), after.get(n))) for n in names if value(before, n) != value(after, n)]
