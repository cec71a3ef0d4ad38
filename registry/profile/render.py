"""Write a survey as the text of a `site.yml`: what is certain is active, what a person must decide is a comment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from registry.config import terminology
from registry.config.input_contract import ENTITIES
from registry.config.site import PROFILE_NAME, load_profile
from registry.config.site_codes import WORD_COLUMNS
from registry.errors import UserError
from registry.profile.codes import CodeList, local_drugs, local_tests, local_units
from registry.profile.column_names import columns_section, may_show
from registry.profile.dialect import csv_section
from registry.profile.discretion import MIN_PATIENTS, MIN_ROWS
from registry.profile.draft import Draft, quoted
from registry.profile.survey import Survey, Surveyed
from registry.profile.values import values_section
from registry.profile.wide import wide_section
from registry.profile.words import tests_without_unit, unknown_words
from registry.system.text import counted

MAX_LISTED = 60
"""How many codes of one kind are listed; the others are counted."""


@dataclass(frozen=True)
class Proposal:
    """The text of a site.yml, how much was read, and the manual steps that remain."""

    text: str
    n_files: int
    n_rows: int
    todo: tuple[str, ...]


def render(survey: Survey) -> Proposal:
    """Write the proposal."""
    body = Draft()
    body.section("csv", csv_section(survey))
    body.section("columns", columns_section(survey))
    tests, followed = local_tests(survey)
    body.section("codes", _codes(survey, tests, followed))
    for code, n_rows in tests_without_unit(survey, followed).items():
        body.decide(
            f"units: {{lab_results: {{{quoted(code)}: ?}}}}   # {n_rows:,} rows, none with a unit: which is it?"
        )
    values_section([table.beside for table in survey.tables], survey.privacy, body)
    _wide(survey, body)
    files = Draft()
    _files(survey, files)
    n_files = len(survey.export.files)
    n_weighed = sum(table.n_weighed for table in survey.tables)
    head = Draft()
    head.comment(f"Proposed by `registry profile` from {counted(n_files, 'file')}, {counted(survey.n_rows, 'row')}.")
    head.comment(f"Every row was counted; dates and numbers were examined in {n_weighed:,} of them. Comment lines have")
    head.comment("no effect and are for you to decide; check the other lines too. No patient's value is shown here:")
    head.comment(f"codes, units and drugs are named if they occur in {MIN_ROWS} rows of {MIN_PATIENTS} different")
    head.comment("patients, and only counted otherwise.")
    if files.lines:
        head.comment("")
        head.comment("Before the first refresh:")
        head.lines += [line.replace("# ", "#   - ", 1) for line in files.lines]
    head.lines.append("")
    head.comment("mode: snapshot   # if each delivery contains everything, not only what is new or changed")
    _comment_out_what_cannot_be_read(body)
    text = "\n".join([*head.lines, *body.lines]) + "\n"
    return Proposal(text, n_files, survey.n_rows, (*files.todo, *body.todo))


def _comment_out_what_cannot_be_read(body: Draft) -> None:
    """Make comments of the sections that site.yml would be refused for, the most dependent first."""
    for key in ("wide", "codes", "columns", "csv"):
        mistake = _mistake_in(body)
        if mistake is None:
            return
        start = next((at for at, line in enumerate(body.lines) if line == f"{key}:"), None)
        if start is None:
            continue
        end = next((at for at in range(start + 1, len(body.lines)) if body.lines[at][:1] not in (" ", "#")), None)
        body.lines[start:end] = [f"# {line}" for line in body.lines[start:end]]
        body.decide(f"`{key}` is proposed as a comment, because it can't be read as it stands: {mistake}")


def _mistake_in(body: Draft) -> str | None:
    """Why these lines are no site.yml; None if they are one."""
    with TemporaryDirectory() as folder:
        path = Path(folder, PROFILE_NAME)
        path.write_text("\n".join(body.lines) + "\n", encoding="utf-8")
        try:
            load_profile(Path(folder))
        except UserError as mistake:
            return str(mistake).removeprefix(f"{path}, ")
    return None


def _files(survey: Survey, draft: Draft) -> None:
    if survey.export.is_loose:
        draft.decide("put the files into <deliveries>/<site>/<YYYY-MM>/, this file as site.yml into <site>/")
    if survey.export.has_profile:
        draft.decide("there is already a site.yml: it was not read or changed; compare the two")
    sheets: dict[str, list[Surveyed]] = {}
    for table in survey.tables:
        sheets.setdefault(table.table.file.name, []).append(table)
        _file(table, draft)
    for name, tables in sheets.items():
        entities = list(dict.fromkeys(t.matched.entity.name for t in tables if t.matched))
        if len(entities) > 1:
            told = (f"sheet {t.table.sheet} is {t.matched.entity.name}" for t in tables if t.matched)
            draft.decide(f"{name}: contains several entities ({', '.join(told)}): list its sheets below `sheets`")
        elif len(entities) == 1:
            file = tables[0].table.file
            if rename := file.name_for(entities[0]):
                draft.decide(f"rename {file.name} to {rename}")
    if survey.export.left_out:
        draft.decide(f"not read, save as .csv, .parquet or .xlsx: {', '.join(survey.export.left_out)}")


def _file(table: Surveyed, draft: Draft) -> None:
    where = table.table.where
    if not table.has_header:
        draft.decide(f"{where}: no header found in its first lines: name the columns, and run the command again")
    elif table.matched is None:
        draft.decide(f"{where}: entity not recognised: rename it to <entity>_... (one of {', '.join(ENTITIES)})")
    elif table.header_at and table.table.file.format != "xlsx":
        draft.decide(f"{where}: remove the rows above its header")
    if table.table.has_separator_line:
        draft.decide(f"{where}: remove its first line (sep=)")
    if table.n_malformed:
        draft.decide(
            f"{where}: {table.n_malformed:,} rows have more or fewer cells than the header and will be quarantined"
        )
    if table.n_no_patient:
        draft.decide(f"{where}: {table.n_no_patient:,} rows have a patient that is missing from patients")


def _codes(survey: Survey, tests: CodeList, followed: dict[str, str]) -> Draft:
    draft = Draft()
    units, drugs = local_units(survey, followed), local_drugs(survey)
    draft.section("tests", _code_list(tests, "test codes", "leave out tests that the registry does not follow"))
    draft.section("units", _code_list(units, "units", "give a known unit; otherwise their rows are quarantined"))
    for column in WORD_COLUMNS:
        advice = f"give a code ({', '.join(sorted(terminology.codes(column)))}); otherwise they are not used"
        draft.section(column, _code_list(unknown_words(survey, column), f"words of {column}", advice))
    advice = "give the substance or ATC code; otherwise their rows are quarantined"
    draft.section("drugs", _code_list(drugs, "drug names", advice))
    return draft


def _code_list(codes: CodeList, kind: str, advice: str) -> Draft:
    draft = Draft()
    entries = codes.in_order()
    listed = [e for e in entries if e.is_live] + [e for e in entries if not e.is_live][:MAX_LISTED]
    for entry in listed:
        if entry.is_live:
            draft.live(f"{quoted(entry.local)}: {_plain(entry.meaning or '')}", note=f"{entry.note}; check")
    n_open = len(entries) - sum(entry.is_live for entry in entries)
    if n_open:
        draft.decide(f"{kind} not mapped: {n_open}; {advice}")
    for entry in listed:
        if not entry.is_live:
            draft.comment(f"{quoted(entry.local)}: {entry.meaning or '?'}   # {entry.note}")
    if len(listed) < len(entries):
        draft.comment(f"and {len(entries) - len(listed)} more with fewer rows")
    if codes.n_hidden:
        like_known = f", {codes.n_hidden_known} of them like known ones" if codes.n_hidden_known else ""
        draft.decide(
            f"{kind} not shown here: {codes.n_hidden}, in {codes.hidden_rows:,} rows{like_known}: fewer than "
            f"{MIN_ROWS} rows or {MIN_PATIENTS} patients, or like a number, an identifier or a name; see the files"
        )
    for remark in codes.remarks:
        draft.decide(remark)
    for aside in codes.asides:
        draft.comment(aside)
    return draft


def _plain(text: str) -> str:
    """A text as a YAML scalar, in quotes if it is more than a word."""
    return text if re.fullmatch(r"[a-z][a-z0-9_]*", text) and text not in ("y", "n", "yes", "no") else quoted(text)


def _wide(survey: Survey, draft: Draft) -> None:
    tables = [table for table in survey.tables if table.tests]
    if not tables:
        return
    tests = {
        t.header.casefold(): t for table in tables for p, t in table.tests.items() if may_show(table, p, survey.privacy)
    }
    carry_down = list(dict.fromkeys(column for table in tables for column in table.carry_down))
    inner = Draft()
    section = wide_section(list(tests.values()), carry_down).get("lab_results")
    carried: list[str] = []
    write = inner.live if isinstance(section, Mapping) else inner.comment  # a key above comments alone would be refused
    write("lab_results:")
    write("tests:", 1)
    if isinstance(section, Mapping):
        carried = section.get("carry_down", [])
        for header, cell in section["tests"].items():
            inner.live(f"{quoted(header)}: {{code: {quoted(cell['code'])}, unit: {quoted(cell['unit'])}}}", 2, "check")
    for test in tests.values():
        if not test.is_known:
            code = quoted(test.code) if test.code else " or ".join(test.analytes)
            unit = quoted(test.unit) if test.unit else "?"
            inner.decide(f"{quoted(test.header)}: {{code: {code}, unit: {unit}}}   # not in its header", 2)
    if carried:
        inner.live(f"carry_down: [{', '.join(carried)}]", 1)
    draft.section("wide", inner)
