"""`registry profile` never writes a patient's value, wherever in the export it stands."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from first_export import LAB_HEADER, PATIENTS, lab, propose, write, write_lab

from registry.cli.main import main
from registry.profile.discretion import looks_harmless

SURNAMES = [
    f"{a}{b}" for a in ("Zanu", "Quar", "Bres", "Ferr", "Tolm") for b in ("ttini", "golo", "ssel", "ezzo", "arut")
]
FIRST_NAMES = ["Ortensia", "Gaudenzio", "Fiordaliso", "Ermenegilda", "Teodolinda", "Crispino", "Ildebrando", "Venanzio"]
DIAGNOSES = ["Encefalite rara", "Trapianto nel 2011"]


class Cohort:
    """Sixty patients, each with many results, and the words that are theirs alone."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        self.ids = [f"QX{rng.randrange(100, 999)}{chr(65 + n % 26)}" for n in range(60)]
        self.names = [rng.choice(SURNAMES) for _ in self.ids]
        self.first_names = [rng.choice(FIRST_NAMES) for _ in self.ids]
        self.rng = rng

    @property
    def secrets(self) -> set[str]:
        return {*self.ids, *self.names, *self.first_names, *DIAGNOSES}

    def results(self) -> list[list[str]]:
        """Rows of id, patient, surname, first name, code, test, value, unit, date, note."""
        tests = [("NEU#", "Neutrofili", "mila/mmc"), ("PCR", "Proteina C", "mg/L"), ("ZZ", "Zeta", "un. loc.")]
        rows = []
        for n, patient in enumerate(self.ids):
            for draw in range(4):
                for code, name, unit in tests:
                    value = f"{self.rng.uniform(1, 9):.2f}".replace(".", ",")
                    date, note = f"{self.rng.randrange(13, 28)}/03/2024", self.rng.choice(DIAGNOSES)
                    who = [patient, self.names[n], self.first_names[n]]
                    rows.append([f"R{n}{draw}{code}", *who, code, name, value, unit, date, note])
        return rows


HEADER = ["ID esame", "Paziente", "Cognome", "Nome", "Esame", "Descrizione", "Risultato", "UM", "Data prelievo", "Note"]


def rotated(rows: list[list[str]], by: int) -> list[list[str]]:
    return [row[by:] + row[:by] for row in rows]


def some_rotated(rows: list[list[str]], by: int) -> list[list[str]]:
    """One row in four is out of place."""
    return [row[by:] + row[:by] if number % 4 == 0 else row for number, row in enumerate(rows)]


def some_patients_rotated(rows: list[list[str]], by: int) -> list[list[str]]:
    """All rows of one patient in five are out of place."""
    return [row[by:] + row[:by] if sum(map(ord, row[1])) % 5 == 0 else row for row in rows]


def everything_told(folder: Path) -> str:
    """All that the command tells on stdout and stderr."""
    done = CliRunner().invoke(main, ["profile", str(folder)])
    assert done.exit_code == 0, done.output
    return done.output + done.stderr


@pytest.mark.parametrize("has_patients", [True, False])
@pytest.mark.parametrize("misplace", [rotated, some_rotated, some_patients_rotated])
@pytest.mark.parametrize("by", range(10))
def test_no_name_id_or_note_is_told_however_the_columns_are_shifted(
    tmp_path: Path, by: int, misplace: Callable[[list[list[str]], int], list[list[str]]], has_patients: bool
) -> None:
    cohort = Cohort(seed=by)
    rows = misplace(cohort.results(), by)
    folder = tmp_path / "export"
    write(folder, "esami.csv", [tuple(HEADER), *map(tuple, rows)], encoding="latin-1")
    if has_patients:
        people = zip(cohort.ids, cohort.names, cohort.first_names, strict=True)
        write(folder, "anagrafica.csv", [("Paziente", "Cognome", "Nome"), *people], encoding="latin-1")
    told = everything_told(folder).casefold()
    assert {secret for secret in cohort.secrets if secret.casefold() in told} == set()


@pytest.mark.parametrize("column", ["test_code", "test_name", "unit", "drug"])
@pytest.mark.parametrize("words", ["names", "first_names", "ids"])
def test_a_column_that_describes_the_patient_is_not_taken_for_codes(tmp_path: Path, column: str, words: str) -> None:
    cohort = Cohort(seed=1)
    folder = tmp_path / "export"
    header = LAB_HEADER if column != "drug" else ("treatment_id", "patient_id", "drug", "start_date")
    cells = {
        "test_code": "NEU#",
        "unit": "10*9/L",
        "value": "1.5",
        "start_date": "2024-01-02",
        "collected_at": "2024-01-02",
    }
    rows = []
    for patient, word in zip(cohort.ids, getattr(cohort, words), strict=True):
        for number in range(4):
            row = {**cells, header[0]: f"k{patient}{number}", "patient_id": patient, column: word}
            rows.append(tuple(row.get(name, "") for name in header))
    write(folder, "lab_results.csv" if column != "drug" else "treatments.csv", [header, *rows])
    told = everything_told(folder)
    assert {secret for secret in cohort.secrets if secret in told} == set()


def test_a_file_without_header_shows_nothing_of_its_first_row(tmp_path: Path) -> None:
    cohort = Cohort(seed=2)
    folder = tmp_path / "export"
    write(folder, "esami.csv", list(map(tuple, cohort.results())))
    write(folder, "patients.csv", list(zip(cohort.ids, cohort.names, cohort.first_names, strict=True)))
    told = everything_told(folder)
    assert {secret for secret in cohort.secrets if secret in told} == set()
    assert "no header found" in told


def test_a_table_whose_columns_are_patients_does_not_show_its_header(tmp_path: Path) -> None:
    cohort = Cohort(seed=3)
    header = ("Esame", "UM", *cohort.names[:9])
    write(tmp_path / "export", "esami.csv", [header, *[("NEU#", "mila/mmc", *["1,5"] * 9)] * 5])
    told = everything_told(tmp_path / "export")
    assert {secret for secret in cohort.secrets if secret in told} == set()


def test_a_code_of_two_patients_or_of_two_rows_is_counted_and_not_named(tmp_path: Path) -> None:
    rare = [("r1", PATIENTS[0], "SELTEN", "", "1", "mg/L", "2024-01-02")] * 2
    of_two = [(f"r{n}", PATIENTS[n % 2], "NURZWEI", "", "1", "mg/L", "2024-01-02") for n in range(9)]
    write_lab(tmp_path / "export", lab(), lab("PCR", unit="mg/L"), rare, of_two)
    proposal = propose(tmp_path / "export")
    assert "SELTEN" not in proposal.text and "NURZWEI" not in proposal.text
    assert '"PCR"' in proposal.text
    assert any(line.startswith("test codes not shown here: 2, in 11 rows") for line in proposal.todo)


def test_where_no_patient_is_known_nothing_is_named(tmp_path: Path) -> None:
    header = ("result_id", "who", "test_code", "value", "unit", "collected_at")
    rows = [(f"r{n}", f"P{n % 9}", "NEU#", "1.5", "10*9/L", "2024-01-02") for n in range(40)]
    write(tmp_path / "export", "lab_results.csv", [header, *rows])
    assert '"NEU#"' not in propose(tmp_path / "export").text


@pytest.mark.parametrize(
    "text",
    [
        "1234",
        "12,5",
        "31/12/2024",
        "RSSMRA80A01F205X",
        "PZ00421",
        "A-1234",
        "a@b.it",
        "x" * 61,
        "two\nlines",
        "",
        "<0.5",
    ],
)
def test_what_looks_like_a_number_or_an_identifier_is_not_named(text: str) -> None:
    assert not looks_harmless(text)


@pytest.mark.parametrize(
    "text", ["NEU#", "CD19", "OCREVUS 300MG FL", "RITUXIMAB 1000 MG", "10^3/uL", "‰", "Gran. neutr."]
)
def test_what_looks_like_a_code_a_product_or_a_unit_may_be_named(text: str) -> None:
    assert looks_harmless(text)


def test_the_file_is_what_stdout_would_be_an_existing_one_stays_and_a_mistake_is_one_line(tmp_path: Path) -> None:
    write_lab(tmp_path / "export", lab())
    out = tmp_path / "site.yml"
    shown = CliRunner().invoke(main, ["profile", str(tmp_path / "export")])
    done = CliRunner().invoke(main, ["profile", str(tmp_path / "export"), "--out", str(out)])
    assert (done.exit_code, done.stdout, out.read_text()) == (0, "", shown.stdout)
    out.write_text("mine")
    done = CliRunner().invoke(main, ["profile", str(tmp_path / "export"), "--out", str(out)])
    assert (done.exit_code, out.read_text()) == (2, "mine")
    done = CliRunner().invoke(main, ["profile", str(tmp_path / "nothing")])
    assert done.exit_code == 2
