"""`registry profile`: how a site's files, numbers and dates are written, told by its cells and never guessed."""

from __future__ import annotations

import codecs
import datetime as dt
import gzip
from pathlib import Path

import duckdb
import openpyxl
import pytest
from first_export import LAB_HEADER, PATIENTS, lab, profile_of, propose, write, write_lab

from registry.config.site import SiteProfile
from registry.errors import UserError
from registry.ingest.moment import moment
from registry.profile.dates import DateEvidence
from registry.profile.marks import MarkEvidence


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "export"


@pytest.mark.parametrize(
    ("encoding", "letter", "proposed"),
    [
        ("ascii", "a", "utf-8"),
        ("utf-8", "à", "utf-8"),
        ("utf-8-sig", "à", "utf-8"),
        ("latin-1", "à", "latin-1"),
        ("cp1252", "€", "cp1252"),
        ("utf-16", "à", "utf-8"),
        ("utf-16-le", "à", "utf-16-le"),
        ("utf-16-be", "à", "utf-16-be"),
    ],
)
def test_the_encoding_is_told_by_all_bytes_and_a_mark_tells_its_own(
    tmp_path: Path, folder: Path, encoding: str, letter: str, proposed: str
) -> None:
    write_lab(folder, lab(), lab(name=letter, n=1), encoding=encoding)
    profile = profile_of(propose(folder), tmp_path)
    assert (profile.csv.encoding, profile.csv.delimiter) == (proposed, ";")


def test_a_damaged_letter_in_a_utf8_file_does_not_make_it_latin1(tmp_path: Path, folder: Path) -> None:
    path = write_lab(folder, lab(name="è"))
    path.write_bytes(path.read_bytes().replace("è".encode(), b"\xe8", 1))
    proposal = propose(folder)
    assert profile_of(proposal, tmp_path).csv.encoding == "utf-8"
    assert any("1 characters are not UTF-8" in line for line in proposal.todo)


def test_files_in_two_encodings_are_said_to_be_so(folder: Path) -> None:
    write_lab(folder, lab(name="à"))
    write(
        folder, "patients.csv", [("patient_id", "sex"), *((p, "F") for p in PATIENTS), ("à", "F")], encoding="latin-1"
    )
    assert any("one encoding" in line for line in propose(folder).todo)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_by_which_the_records_split_alike(
    tmp_path: Path, folder: Path, delimiter: str
) -> None:
    rows = [row if delimiter != "," else (*row[:4], f'"{row[4]}"', *row[5:]) for row in lab(value="0,75")]
    write(folder, "lab_results.csv", [LAB_HEADER, *rows], delimiter=delimiter)
    profile = profile_of(propose(folder), tmp_path)
    assert (profile.csv.delimiter, profile.csv.decimal) == (delimiter, ",")


@pytest.mark.parametrize(
    ("cells", "decimal", "thousands"),
    [
        (["0,75", "1.250"], ",", "."),
        (["0.75", "1,250"], ".", ","),
        (["<0,5", "12"], ",", None),
        (["1.250,5"], ",", "."),
        (["1.250.000"], ",", "."),
        (["12 345,5"], ",", " "),
        (["1'250.5"], ".", "'"),
        (["0,750"], ",", None),
        (["12", "7"], None, None),
    ],
)
def test_a_number_that_can_be_read_in_one_way_decides_the_marks(
    cells: list[str], decimal: str | None, thousands: str | None
) -> None:
    marks = MarkEvidence()
    for cell in cells:
        marks.add(cell)
    assert (marks.decimal, marks.thousands, marks.is_open) == (decimal, thousands, False)


@pytest.mark.parametrize("value", ["1.250", "1,250"])
def test_a_mark_before_three_digits_alone_is_ambiguous_and_nothing_is_proposed(
    tmp_path: Path, folder: Path, value: str
) -> None:
    write_lab(folder, lab(value=value, unit="/uL"))
    proposal = propose(folder)
    profile = profile_of(proposal, tmp_path)
    assert (profile.csv.decimal, profile.csv.thousands) == (".", None)
    assert any(line.startswith("ambiguous: 24 numbers") for line in proposal.todo)


def test_numbers_in_the_other_mark_are_counted(folder: Path) -> None:
    write_lab(folder, lab(value="0,7"), lab(code="6690-2", value="0.8", n=1))
    assert any("8 of 32 numbers have the other decimal mark" in line for line in propose(folder).todo)


@pytest.mark.parametrize(
    ("cells", "formats"),
    [
        (["31/12/2024", "01/02/2024"], ["%d/%m/%Y"]),
        (["12/31/2024 8:15 PM"], ["%m/%d/%Y %I:%M %p"]),
        (["13.02.24"], ["%d.%m.%y"]),
        (["31-12-2024 08:15:30", "01-02-2024"], ["%d-%m-%Y %H:%M:%S", "%d-%m-%Y"]),
        (["31/12/2024 08.15"], ["%d/%m/%Y %H.%M"]),
        (["31/12/2024 08:15:30.123"], ["%d/%m/%Y %H:%M:%S.%f"]),
        (["2024/12/31"], ["%Y/%m/%d"]),
        (["2024-2-3"], ["%Y-%m-%d"]),
        (["20241231", "20241231081500"], ["%Y%m%d", "%Y%m%d%H%M%S"]),
        (["31-DEC-2024", "31 December 2024"], ["%d-%b-%Y", "%d %B %Y"]),
        (["31 dic. 2024", "31. Dezember 2024", "31-DÉC-24"], ["%d %b %Y", "%d. %B %Y", "%d-%b-%y"]),
        (["31 de diciembre de 2024"], ["%d de %B de %Y"]),
        (["2024-12-31", "2024-12-31T08:15:00+01:00"], []),
    ],
)
def test_every_proposed_format_reads_the_cells_that_it_was_told_by(cells: list[str], formats: list[str]) -> None:
    dates = DateEvidence()
    for cell in cells:
        dates.add(cell, "lab_results.collected_at")
    assert (dates.decided(), dates.undecided(), dates.unread.total()) == (formats, [], 0)
    for cell in cells if formats else []:
        assert dt.datetime.fromisoformat(moment(cell, formats)).date() in {
            dt.date(2024, 12, 31), dt.date(2024, 2, 1), dt.date(2024, 2, 13), dt.date(2024, 2, 3),
        }  # fmt: skip


@pytest.mark.parametrize(
    "cell",
    ["1980", "1980-05", "05/1980", "00.00.1980", "1980-XX-XX", "05/00/1980", "maggio 1980", "Sep. 1980", "UN-MAY-1980"],
)
def test_a_partial_date_needs_no_format_where_it_may_be_partial_and_is_none_elsewhere(cell: str) -> None:
    dates = DateEvidence()
    for column in ("patients.birth_date", "treatments.end_date", "patients.death_date"):
        dates.add(cell, column)
    assert (dates.decided(), dates.unread.total()) == ([], 0)
    dates.add(cell, "administrations.administered_on")
    assert dates.unread == {"administrations.administered_on": 1}


def test_dates_that_can_be_read_both_ways_are_said_to_be_ambiguous_and_get_no_format(
    tmp_path: Path, folder: Path
) -> None:
    write_lab(folder, lab(date="03/04/2024"))
    proposal = propose(folder)
    assert profile_of(proposal, tmp_path).csv.date_formats == ()
    assert any(line.startswith("ambiguous: 24 dates") for line in proposal.todo)
    assert '# date_formats: ["%d/%m/%Y"]   # day first' in proposal.text
    assert '# date_formats: ["%m/%d/%Y"]   # month first' in proposal.text


def test_one_cell_in_another_column_decides_the_order(tmp_path: Path, folder: Path) -> None:
    write_lab(folder, lab(date="03/04/2024"))
    patients = [("patient_id", "birth_date"), *((p, "31/01/1980") for p in PATIENTS)]
    write(folder, "patients.csv", patients)
    assert profile_of(propose(folder), tmp_path).csv.date_formats == ("%d/%m/%Y",)


def test_columns_that_contradict_each_other_leave_the_order_to_a_person(tmp_path: Path, folder: Path) -> None:
    write_lab(folder, lab(date="12/31/2024"))
    write(folder, "patients.csv", [("patient_id", "birth_date"), *((p, "31/01/1980") for p in PATIENTS)])
    proposal = propose(folder)
    assert profile_of(proposal, tmp_path).csv.date_formats == ()
    assert any("disagree: 8 can only be day first (patients.birth_date)" in line for line in proposal.todo)


def test_dates_that_no_format_reads_are_counted(folder: Path) -> None:
    write_lab(folder, lab(), lab(code="6690-2", date="31 frimaire 2024", n=1))
    assert any("lab_results.collected_at: 8 cells" in line for line in propose(folder).todo)


def test_a_year_of_birth_needs_no_format_and_a_year_of_two_digits_a_warning(tmp_path: Path, folder: Path) -> None:
    rows = [("patient_id", "birth_date", "last_contact_date"), *((p, "1980", "31/12/24") for p in PATIENTS)]
    write(folder, "patients.csv", rows)
    proposal = propose(folder)
    assert profile_of(proposal, tmp_path).csv.date_formats == ("%d/%m/%y",)
    assert any("two digits" in line for line in proposal.todo)


def test_typed_cells_of_a_workbook_say_nothing_about_marks(folder: Path) -> None:
    folder.mkdir()
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(LAB_HEADER)
    for row in lab():
        sheet.append([*row[:4], 1.25, row[5], dt.datetime(2024, 2, 3, 8, 30)])
    book.save(folder / "lab_results.xlsx")
    assert "csv:" not in propose(folder).text


def test_parquet_and_packed_files_are_read_too(folder: Path) -> None:
    path = write_lab(folder, lab(value="0,75"))
    (folder / "lab_results_2.csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    select = "SELECT 'P' || i patient_id, DATE '1980-01-31' birth_date FROM range(7) t(i)"
    duckdb.execute(f"COPY ({select}) TO '{folder / 'patients.parquet'}' (FORMAT parquet)")
    assert (propose(folder).n_files, propose(folder).n_rows) == (3, 55)


def test_a_native_export_needs_no_line(tmp_path: Path, folder: Path) -> None:
    write(folder / "2024-03", "lab_results.csv", [LAB_HEADER, *lab()], delimiter=",")
    proposal = propose(folder)
    assert proposal.todo == ()
    assert all(not line or line.startswith("#") for line in proposal.text.splitlines())
    profile_of(proposal, tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("lab_results.xlsx", b"no workbook"),
        ("lab_results.parquet", b"PAR1 no parquet"),
        ("lab_results.csv.gz", gzip.compress(b"result_id,patient_id\n" * 90, mtime=0)[:40]),
        ("lab_results.csv", b""),
        ("lab_results.csv", codecs.BOM_UTF8),
        ("lab_results.csv", b"a\0\0\0b,c\n" * 20),
    ],
    ids=["workbook", "parquet", "gzip cut off", "empty", "byte order mark alone", "no text"],
)
def test_an_unreadable_file_is_one_line_that_names_it(folder: Path, name: str, content: bytes) -> None:
    folder.mkdir()
    (folder / name).write_bytes(content)
    with pytest.raises(UserError, match=name.replace(".", r"\.")):
        propose(folder)


def test_a_folder_without_files_or_with_several_sites_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        propose(tmp_path / "nothing")
    with pytest.raises(UserError, match="no file to read"):
        propose(tmp_path)
    write_lab(tmp_path / "a" / "2024-01", lab())
    write_lab(tmp_path / "b" / "2024-01", lab())
    with pytest.raises(UserError, match="one site"):
        propose(tmp_path)


def test_shifted_records_are_held_back_and_no_evidence(tmp_path: Path, folder: Path) -> None:
    header = (*LAB_HEADER[:4], "unit", "collected_at", "value", "reference_low")
    rows = [(*row[:4], row[5], row[6], "1.5", "") for row in lab()]
    shifted = [(*row[:4], row[5], row[6], "0", "75", "") for row in lab(date="31/12/2024")]
    write(folder, "lab_results.csv", [header, *rows, *shifted], delimiter=",")
    proposal = propose(folder)
    assert any(f"{len(shifted)} rows have more or fewer cells" in line for line in proposal.todo)
    assert profile_of(proposal, tmp_path) == SiteProfile()


@pytest.mark.parametrize("ends", [("", ","), (",", ","), (",", "")])
def test_delimiters_at_the_end_of_each_line_are_a_habit(tmp_path: Path, folder: Path, ends: tuple[str, str]) -> None:
    header, *rows = [",".join(cells) for cells in (LAB_HEADER, *lab(date="31/12/2024"))]
    folder.mkdir()
    (folder / "lab_results.csv").write_text("\n".join([header + ends[0], *(row + ends[1] for row in rows)]) + "\n")
    proposal = propose(folder)
    assert profile_of(proposal, tmp_path).csv.date_formats
    assert not any("quarantined" in line for line in proposal.todo)


def test_a_workbook_of_several_entities_is_to_be_explained_by_its_sheets(folder: Path) -> None:
    folder.mkdir()
    book = openpyxl.Workbook()
    book.active.title = "Rossi Mario"
    for row in [("patient_id", "sex"), *((p, "F") for p in PATIENTS)]:
        book.active.append(row)
    results = book.create_sheet("Esami")
    for row in [LAB_HEADER, *lab()]:
        results.append(row)
    book.save(folder / "registro.xlsx")
    proposal = propose(folder)
    assert any(
        "registro.xlsx: contains several entities (sheet 1 is patients, sheet 2 is lab_results): list its sheets"
        in line
        for line in proposal.todo
    )
    assert "Rossi" not in proposal.text


def test_a_formula_without_a_value_is_no_evidence_and_no_blank(folder: Path) -> None:
    folder.mkdir()
    book = openpyxl.Workbook()
    for row in [LAB_HEADER, *((*row[:6], "=TODAY()") for row in lab())]:
        book.active.append(row)
    book.save(folder / "lab_results.xlsx")
    assert any("24 cells can't be read as a date" in line for line in propose(folder).todo)
