"""The account: what a refresh could not use, by site, with the change since the previous release.

Of quarantined rows it counts those that are open (model int_quarantined_row).

Computed once, here, for `registry refresh`, `registry status`, `registry doctor`, and Dagster. Counts come from a
release or, after a refusal, from the build file. Codes of unmapped tests come from the vault and are shown only in the
terminal (see `registry/curation/account_codes.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from registry.config.settings import connect_options
from registry.curation.account_codes import new_codes
from registry.release.headline_figures import open_column
from registry.release.store import current, find
from registry.system.sql import attach

if TYPE_CHECKING:
    from registry.config.settings import Settings

_SHOWN = 3
# By file, so that five corrected rows and five newly quarantined ones count as five new ones.
_BY_FILE = """
SELECT now.site, {what} AS what, sum(now.{n})::BIGINT,
    sum(greatest(now.{n} - coalesce(before.{n_before}, 0), 0))::BIGINT
FROM now.meta.{table} AS now LEFT JOIN {before} AS before ON {same} GROUP BY ALL ORDER BY 4 DESC, 3 DESC, 2
"""
_PATIENTS = "SELECT site, exclusion_reason, count(*) AS n FROM {name}.main.dim_patient GROUP BY ALL"
_RETRACTED = "SELECT site, sum(rows_retracted)::BIGINT AS n FROM {name}.meta.reconciliation GROUP BY site"
_CONTESTED = "SELECT site, count(*) AS n FROM {name}.meta.contested GROUP BY site"
_UNMAPPED = "SELECT site, n_codes, n_rows, n_neutrophil_like_rows FROM {name}.meta.unmapped_code"


@dataclass(frozen=True)
class Count:
    """How many now, and how many more than before; negative `new`: how many fewer."""

    what: str
    now: int
    new: int

    def __str__(self) -> str:
        """`unit_unknown 3 new of 10`, shorter if all of them are new or none is."""
        number = f"{self.now:,}" if self.new in (0, self.now) else f"{self.new:,} new of {self.now:,}"
        return f"{self.what} {number}"


@dataclass
class SiteAccount:
    """What is not used of one site. `codes`: new unmapped test codes that may be shown."""

    site: str
    cohort: Count = Count("cohort", 0, 0)
    outside: list[Count] = field(default_factory=list)
    held_back: list[Count] = field(default_factory=list)
    emptied: list[Count] = field(default_factory=list)
    unmapped: Count = Count("", 0, 0)
    unmapped_rows: Count = Count("", 0, 0)
    neutrophil_like: Count = Count("", 0, 0)
    retracted: Count = Count("", 0, 0)
    rows_held_back: Count = Count("", 0, 0)
    contested: Count = Count("", 0, 0)
    codes: tuple[str, ...] = ()

    @property
    def badness(self) -> tuple[int, ...]:
        """Sort key, largest for the worst site: lost patients first, then lost counts, then rows."""
        return (
            max(-self.cohort.new, 0),
            sum(max(count.new, 0) for count in self.outside if count.what == "missing_demographics"),
            max(self.neutrophil_like.new, 0),
            sum(count.new for count in (*self.held_back, *self.emptied)),
        )

    def lines(self) -> list[str]:
        """One line for each kind with something new."""
        lines = []
        more = [count for count in self.outside if count.new > 0]
        if self.cohort.new < 0 or more:
            outside = f"; outside it: {_listed(more)}" if more else ""
            lines.append(f"cohort: {self.cohort.now:,}{_was(self.cohort)}{outside}")
        cells = Count("", sum(count.now for count in self.emptied), sum(count.new for count in self.emptied))
        for title, total, counts in (
            ("quarantined, open", self.rows_held_back, self.held_back),
            ("cells emptied", cells, self.emptied),
        ):
            new = [count for count in counts if count.new > 0]
            if new:
                lines.append(f"{title}:{total} ({_listed(new)})")
        if self.contested.new > 0:
            lines.append(f"records no longer used (meta.contested):{self.contested}")
        if self.codes or self.unmapped.new > 0 or self.neutrophil_like.new > 0:
            line = f"test codes not mapped:{self.unmapped}, in {self.unmapped_rows.now:,} rows"
            if self.neutrophil_like.now:
                line += f", of which {self.neutrophil_like.now:,} look like neutrophils"
            lines.append(line + (f"; new: {', '.join(self.codes)}" if self.codes else ""))
        if self.retracted.new:
            lines.append(f"rows retracted: {self.retracted.now:,}{_was(self.retracted)}")
        return lines

    def counts(self) -> dict[str, int]:
        """The sums, for the event log."""
        return {
            "rows_held_back": self.rows_held_back.now,
            "rows_held_back_new": self.rows_held_back.new,
            "keys_contested": self.contested.now,
            "cells_emptied": sum(count.now for count in self.emptied),
            "cells_emptied_new": sum(count.new for count in self.emptied),
            "codes_not_mapped": self.unmapped.now,
            "rows_not_mapped": self.unmapped_rows.now,
            "rows_like_neutrophils": self.neutrophil_like.now,
            "cohort": self.cohort.now,
            "patients_outside": sum(count.now for count in self.outside),
            "rows_retracted": self.retracted.now,
        }


def of_release(settings: Settings, *, with_codes: bool = False) -> list[SiteAccount]:
    """The account of the current release against its previous release; empty if there is no release.

    `with_codes`: include new test codes, for a terminal only.
    """
    release = current(settings)
    if release is None:
        return []
    previous_id = release.manifest.get("previous_release_id")
    previous = find(settings, previous_id) if previous_id else None
    before = previous.database if previous else None
    with release.reading():
        return compare(settings, release.database, before, new_codes(settings, before) if with_codes else None)


def of_build(settings: Settings) -> list[SiteAccount]:
    """The account of the build file against the current release, with test codes, for a terminal only."""
    release = current(settings)
    before = release.database if release else None
    return compare(settings, settings.warehouse, before, new_codes(settings, before))


def compare(
    settings: Settings, now: Path, before: Path | None, names: Mapping[str, tuple[str, ...]] | None = None
) -> list[SiteAccount]:
    """The account of a release or build file against an earlier release, worst site first."""
    with duckdb.connect(config=connect_options(settings)) as connection:
        for name, path in (("now", now), ("before", before)):
            if path is not None:
                attach(connection, path, name)
        sites = connection.execute("SELECT DISTINCT site FROM now.meta.input_file").fetchall()
        accounts = {site: SiteAccount(site, codes=tuple((names or {}).get(site, ()))) for (site,) in sites}
        _count_by_file(connection, accounts, has_before=before is not None)
        _count_by_site(connection, accounts, has_before=before is not None)
    return sorted(accounts.values(), key=lambda account: (*(-n for n in account.badness), account.site))


def told(accounts: Iterable[SiteAccount]) -> list[str]:
    """The account as lines of text: each site with something new, then one line for the others."""
    lines, quiet = [], []
    for account in accounts:
        news = account.lines()
        lines += [
            f"{account.site if not number else ' ' * len(account.site)}  {line}" for number, line in enumerate(news)
        ]
        if not news:
            quiet.append(account)
    held = sum(account.rows_held_back.now for account in quiet)
    cells = sum(count.now for account in quiet for count in account.emptied)
    if held or cells:
        sites = f"{len(quiet):,} site{'' if len(quiet) == 1 else 's'} with nothing new"
        lines.append(f"{sites}: {held:,} quarantined rows still open, {cells:,} cells still emptied")
    return lines


def _count_by_file(
    connection: duckdb.DuckDBPyConnection, accounts: dict[str, SiteAccount], *, has_before: bool
) -> None:
    for table, what, keys in (
        ("quarantine_summary", "now.reason", ("reason",)),
        ("column_defect", "concat(now.entity, '.', now.column_name, ' ', now.reason)", ("column_name", "reason")),
        ("reconciliation", "''", ()),
    ):
        n, n_before = (
            "n_cells" if table == "column_defect" else open_column(connection, table, name)
            for name in ("now", "before" if has_before else "now")
        )
        # without a previous release, compare with an empty table
        before = f"before.meta.{table}" if has_before else f"(SELECT * FROM now.meta.{table} WHERE false)"
        same = " AND ".join(f"now.{key} = before.{key}" for key in ("source_file", *keys))
        sql = _BY_FILE.format(what=what, n=n, n_before=n_before, table=table, before=before, same=same)
        for site, name, n_now, n_new in connection.execute(sql).fetchall():
            if table == "reconciliation":
                accounts[site].rows_held_back = Count("", n_now, n_new)
            else:
                of_site = accounts[site].held_back if table == "quarantine_summary" else accounts[site].emptied
                of_site.append(Count(name, n_now, n_new))


def _count_by_site(
    connection: duckdb.DuckDBPyConnection, accounts: dict[str, SiteAccount], *, has_before: bool
) -> None:
    names = ("now", "before") if has_before else ("now",)
    now, before = ({row[:2]: row[2] for row in _rows(connection, _PATIENTS, name)} for name in ("now", "before"))
    for site, reason in sorted(now.keys() | before.keys(), key=str):
        if site not in accounts:
            continue
        n = now.get((site, reason), 0)
        count = Count(reason or "cohort", n, n - before.get((site, reason), 0))
        if reason is None:
            accounts[site].cohort = count
        else:
            accounts[site].outside.append(count)
    retracted: list[dict[str, int]] = [dict(_rows(connection, _RETRACTED, name)) for name in names] + [{}]
    unmapped = [{site: rest for site, *rest in _rows(connection, _UNMAPPED, name)} for name in names] + [{}]
    contested: list[dict[str, int]] = [dict(_rows(connection, _CONTESTED, name)) for name in names] + [{}]
    for site, account in accounts.items():
        n = retracted[0].get(site, 0)
        account.retracted = Count("", n, n - retracted[1].get(site, 0))
        n = contested[0].get(site, 0)
        account.contested = Count("", n, n - contested[1].get(site, 0))
        ours, theirs = (found.get(site, [0, 0, 0]) for found in unmapped[:2])
        counts = [Count("", n, n - n_before) for n, n_before in zip(ours, theirs, strict=True)]
        account.unmapped, account.unmapped_rows, account.neutrophil_like = counts


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, name: str) -> list[tuple[Any, ...]]:
    """Rows of `now` or `before`; none if it is absent, or of an earlier version without this table or column."""
    try:
        return connection.execute(sql.format(name=name)).fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        return []


def _listed(counts: list[Count]) -> str:
    """The first few counts, and how many more there are."""
    more = f", and {len(counts) - _SHOWN} more reasons" if len(counts) > _SHOWN else ""
    return ", ".join(map(str, counts[:_SHOWN])) + more


def _was(count: Count) -> str:
    before = count.now - count.new
    return f" (was {before:,})" if before and count.new else ""
