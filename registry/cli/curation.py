"""The data manager's daily work: quarantined rows, episodes to review."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from registry.cli.options import DELIVERIES, FORMAT, HOME
from registry.errors import UserError

if TYPE_CHECKING:
    from registry.config.settings import Settings
    from registry.curation.quarantine import Filter, QuarantinedRow
    from registry.curation.review_worklist import ToReview


@click.command()
@HOME
@DELIVERIES
@click.option("--site", help="Only this site.")
@click.option("--delivery", metavar="YYYY-MM", help="Only this month's delivery.")
@click.option("--entity", help="Only this entity (patients, lab_results, …).")
@click.option("--reason", help="Only rows with this reason.")
@click.option("--all", "with_closed", is_flag=True, help="Also rows that are closed: their record was delivered again.")
@click.option(
    "--records", "by_record", is_flag=True, help="List every row by file and record instead of counting them."
)
@FORMAT
@click.option(
    "--send-back",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the rows as they were sent, with the reasons, into this new folder: one file for each delivered "
    "file, to send back to its site. The files identify patients.",
)
def quarantine(
    home: Path | None,
    deliveries: Path | None,
    form: str,
    folder: Path | None,
    with_closed: bool,
    by_record: bool,
    **filters: str | None,
) -> None:
    """Count the quarantined rows that are open, by file, reason, column and spelling of codes and units.

    A row is closed once its record has been delivered again. Shows no patient data: of a code or unit only spellings
    that several patients have.
    """
    from registry.cli.console import console, print_rows
    from registry.config.settings import load_settings
    from registry.curation.quarantine import Filter, held_back, reasons

    settings = load_settings(home=home, deliveries=deliveries)
    held = held_back(settings, Filter(**filters), with_closed=True)
    n_closed = sum(not row.is_open for row in held)
    if not with_closed:
        held = [row for row in held if row.is_open]
    if folder:
        from registry.curation.data_queries import write_data_queries

        files = write_data_queries(settings, held, folder)
        console.print(f"{len(held):,} rows of {len(files)} files: {folder}")
        if files:
            console.print(
                "the files identify patients: send each site its own folder over a secure channel, then "
                "delete them here"
            )
        return
    if held or form != "table":
        if by_record:
            meanings = reasons()
            columns = ["site", "delivery", "entity", "file", "record", "state", "reasons", "meaning"]
            print_rows(columns, [_row_held_back(row, meanings) for row in held], form)
        else:
            _print_groups(settings, Filter(**filters), with_closed=with_closed, form=form)
    if form == "table":
        n_open = sum(row.is_open for row in held)
        closed = f", {n_closed:,} closed" if with_closed else f"; {n_closed:,} are closed (--all)" if n_closed else ""
        console.print(
            f"{n_open:,} quarantined rows are open{closed}" if held else f"no quarantined rows are open{closed}"
        )


@click.command()
@HOME
@click.option("--definition", "definition_id", metavar="D", help="Use this case definition. [the primary one]")
@click.option("--site", help="Only this site.")
@click.option(
    "--reader",
    metavar="ROLE",
    help="The reviewer: a role, with a number if several share it (neurologist 2), never a name.",
)
@click.option(
    "--second-reading",
    "is_second",
    is_flag=True,
    help="Instead list episodes that one other reviewer has adjudicated, without the result. Needs --reader.",
)
@click.option(
    "--orphaned", "is_orphaned", is_flag=True, help="Instead list adjudications whose span contains no episode's onset."
)
@FORMAT
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the form to fill in (CSV) into this new file: an adjudications delivery of one site and one reviewer, "
    "with the verdicts left blank. It identifies patients. Needs --reader.",
)
@DELIVERIES
def review(
    home: Path | None,
    definition_id: str | None,
    site: str | None,
    reader: str | None,
    is_second: bool,
    is_orphaned: bool,
    form: str,
    out: Path | None,
    deliveries: Path | None,
) -> None:
    """List case episodes without an adjudication, by pseudonym; with --out, write them as a form to fill in."""
    from registry.cli.console import console, print_rows
    from registry.config.settings import load_settings
    from registry.curation.review_worklist import orphaned, reader_of, second_readings, unreviewed

    settings = load_settings(home=home, deliveries=deliveries)
    if is_orphaned:
        if out or reader or is_second or definition_id:
            raise UserError("--orphaned can be combined only with --site and --format")
        lost = orphaned(settings, site)
        if lost.rows or form != "table":
            print_rows(lost.columns, lost.rows, form)
        else:
            console.print(f"every adjudication in release {lost.release_id} matches an episode")
        return
    if reader is None and (out or is_second):
        what = "--out writes one reviewer's form" if out else "--second-reading is for one reviewer"
        raise UserError(f"{what}: name the role with --reader (neurologist, haematologist, …)")
    who = reader_of(reader) if reader else ""
    if is_second:
        found = second_readings(settings, who, definition_id, site)
        none = (
            f"release {found.release_id}: no {found.definition_id} episode has exactly one other reviewer's "
            "adjudication"
        )
    else:
        found = unreviewed(settings, definition_id, site)
        none = f"release {found.release_id}: every {found.definition_id} case episode has an adjudication"
    if not found.rows and (out or form == "table"):
        console.print(none)
    elif out:
        _write_form(settings, found, who, out)
    else:
        print_rows(found.columns, found.rows, form)
        if form == "table":
            command = "registry review --second-reading" if is_second else "registry review"
            console.print(f"to write the form for a site: {command} --site S --reader ROLE --out FILE.csv")


def _write_form(settings: Settings, found: ToReview, reader: str, out: Path) -> None:
    """Write the form and print what to do with it."""
    from registry.cli.console import console
    from registry.curation.review_form import write_form

    written = write_form(settings, found, reader, out)
    name = f"adjudications_review_{reader.replace(' ', '_')}.csv"
    console.print(f"{written.n_episodes:,} episodes of {written.site} for {reader.replace('_', ' ')}: {out}")
    if written.n_left_out:
        console.print(
            f"{written.n_left_out:,} more are left out: a spreadsheet would read their patient ids as formulas "
            "(they begin with =, +, - or @); write those rows by hand"
        )
    console.print("it identifies patients: send it over a secure channel, and delete it once it is delivered")
    console.print(
        "fill in verdict (confirmed, other_cause or lab_error) and reviewed_on, remove rows without a verdict,"
    )
    console.print(
        f"and put it into the deliveries as {written.site}/YYYY-MM/{name} (a new name there), in the folder of"
    )
    console.print("the site's next export: in a month before the review, reviewed_on would be emptied")
    if written.is_snapshot:
        console.print("this site delivers snapshots: later ones with adjudications must contain these rows too")


def _print_groups(settings: Settings, which: Filter, *, with_closed: bool, form: str) -> None:
    """Print the counts, with the meaning of each reason."""
    from registry.cli.console import print_rows
    from registry.curation.quarantine import reasons
    from registry.curation.quarantine_groups import groups

    meanings = reasons()
    counts = ["rows", "open"] if with_closed else ["rows"]
    print_rows(
        ["site", "delivery", "entity", "file", "reason", "column", "spelling", *counts, "meaning"],
        [
            [
                *(group.site, group.delivery, group.entity, group.file, group.reason, group.column, group.spelling),
                *([group.n_rows, group.n_open] if with_closed else [group.n_rows]),
                meanings[group.reason],
            ]
            for group in groups(settings, which, with_closed=with_closed)
        ],
        form,
    )


def _row_held_back(row: QuarantinedRow, meanings: dict[str, str]) -> list[Any]:
    """One line of the list: place, whether it is open, reason codes, and their meaning."""
    place = [row.site, row.delivery, row.entity, row.file, row.record]
    return [*place, "open" if row.is_open else "closed", ",".join(row.reasons), row.why(meanings)]
