"""The key `csv` of a proposal: encoding, delimiter, number marks and date formats of the whole site."""

from __future__ import annotations

from collections import Counter

from registry.profile.dates import DateEvidence, OpenDates
from registry.profile.draft import Draft, quoted
from registry.profile.marks import MarkEvidence
from registry.profile.survey import Survey

_READINGS = {"day": "day first", "month": "month first"}


def csv_section(survey: Survey) -> Draft:
    """The keys below `csv`; nothing if the files have the native format."""
    draft = Draft()
    _encoding(survey, draft)
    _delimiter(survey, draft)
    _marks(survey.marks, draft)
    _dates(survey.dates, draft)
    return draft


def _encoding(survey: Survey, draft: Draft) -> None:
    tables = [(t.table.where, t.table.encoding) for t in survey.tables if t.table.encoding]
    names = Counter(e.name for _, e in tables if e.name)
    if names["cp1252"] and names["latin-1"]:  # they differ only in some characters that Latin-1 lacks
        names["cp1252"] += names.pop("latin-1")
    if not names:
        return
    chosen = names.most_common(1)[0][0]
    if chosen != "utf-8":
        uncertain = any(e.name == chosen and not e.is_certain for _, e in tables)
        draft.live(f"encoding: {chosen}")
        if uncertain:
            draft.decide(f"check the encoding: some letters are not in {chosen}; it may be cp850, mac-roman or another")
    others = [w for w, e in tables if e.name and e.name != chosen and {e.name, chosen} != {"latin-1", "cp1252"}]
    if others:
        draft.decide(f"not in {chosen}, but a site must have one encoding; export again: {', '.join(others)}")
    for where, encoding in tables:
        if encoding.n_damaged:
            draft.decide(f"{where}: {encoding.n_damaged:,} characters are not UTF-8: their rows will be quarantined")


def _delimiter(survey: Survey, draft: Draft) -> None:
    tables = [(t.table.where, t.table.delimiter) for t in survey.tables if t.table.encoding]
    found = Counter(delimiter for _, delimiter in tables if delimiter)
    if not found:
        return
    chosen = found.most_common(1)[0][0]
    if chosen != ",":
        draft.live('delimiter: "\\t"' if chosen == "\t" else f"delimiter: {quoted(chosen)}")
    others = [where for where, delimiter in tables if delimiter not in (None, chosen)]
    if others:
        draft.decide(
            f"not separated by {quoted(chosen)}, but a site must have one delimiter; export again: {', '.join(others)}"
        )


def _marks(marks: MarkEvidence, draft: Draft) -> None:
    if marks.decimal == ",":
        draft.live('decimal: ","')
    if marks.decimal and marks.thousands:
        draft.live(f"thousands: {quoted(marks.thousands)}")
    if marks.decimal and marks.n_against:
        total = marks.points + marks.commas
        draft.decide(f"{marks.n_against:,} of {total:,} numbers have the other decimal mark and will be quarantined")
    if marks.is_open and marks.points:
        draft.decide(
            "as many numbers have a decimal point as have a decimal comma, but a site must use one: export again"
        )
    elif marks.is_open:
        n_cells = marks.open_points + marks.open_commas
        example = "1.234" if marks.open_points >= marks.open_commas else "1,234"
        draft.decide(
            f"ambiguous: {n_cells:,} numbers are like {example}, and no cell shows what the mark means; ask the site"
        )
        draft.comment('decimal: ","      # if the comma is the decimal mark')
        draft.comment('thousands: "."    # if the point separates thousands; the comma is then the decimal mark')
        draft.comment('thousands: ","    # if the comma separates thousands')


def _dates(dates: DateEvidence, draft: Draft) -> None:
    if formats := dates.decided():
        draft.live(f"date_formats: [{', '.join(map(quoted, formats))}]")
    for found in dates.undecided():
        _open_dates(found, formats, draft)
    if dates.has_short_years:
        draft.decide(
            "years of two digits: 69 to 99 are read as 19xx, 00 to 68 as 20xx (as 19xx if a birth or the onset of "
            "the disease would otherwise be after the delivery); export birth dates with four digits"
        )
    for column, n_cells in dates.unread.most_common():
        draft.decide(f"{column}: {n_cells:,} cells can't be read as a date")


def _open_dates(found: OpenDates, sure: list[str], draft: Draft) -> None:
    mark = found.family[0]
    if found.n_day_first:
        columns = {order: ", ".join(sorted(found.columns[order])) for order in _READINGS}
        draft.decide(
            f"dates with {quoted(mark)} disagree: {found.n_day_first:,} can only be day first ({columns['day']}), "
            f"{found.n_month_first:,} only month first ({columns['month']}); export all in one order, then choose"
        )
    else:
        draft.decide(
            f"ambiguous: {found.n_cells:,} dates with {quoted(mark)} are day first or month first, and no cell shows "
            "which; ask the site, then choose one of these lines"
        )
    for order, words in _READINGS.items():
        formats = ", ".join(map(quoted, [*sure, *found.formats[order]]))
        draft.comment(f"date_formats: [{formats}]   # {words}")
