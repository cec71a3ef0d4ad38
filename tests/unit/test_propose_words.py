"""`registry profile`: words of coded columns, specimens, flags, texts for no value, tests that never have a unit."""

from __future__ import annotations

from pathlib import Path

import pytest
from first_export import PATIENTS, lab, profile_of, propose, write, write_lab

from registry.config.input_contract import ENTITIES
from registry.profile.columns import ColumnCells, match_columns, sample
from registry.profile.values import without_marks


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "export"


def _sexes(folder: Path, *words: str) -> None:
    rows = [(patient, words[number % len(words)]) for number, patient in enumerate(PATIENTS)]
    write(folder, "patients.csv", [("patient_id", "sesso"), *rows])


@pytest.mark.parametrize("words", [("Femmina", "M."), ("weiblich", "männlich"), ("Mujer", "Varón"), ("F", "M")])
def test_known_words_need_no_line(folder: Path, words: tuple[str, ...]) -> None:
    _sexes(folder, *words)
    proposal = propose(folder)
    assert "codes:" not in proposal.text
    assert not any("words of sex" in line for line in proposal.todo)


def test_unknown_words_are_listed_with_counts_and_left_to_a_person(tmp_path: Path, folder: Path) -> None:
    _sexes(folder, "Kobieta", "Mężczyzna")
    proposal = propose(folder)
    assert '# "Kobieta": ?   # 4 rows' in proposal.text
    assert '# "Mężczyzna": ?   # 4 rows' in proposal.text
    assert any(line.startswith("words of sex not mapped: 2; give a code (F, M, X)") for line in proposal.todo)
    assert profile_of(proposal, tmp_path).codes.sex == {}


def test_a_letter_that_another_makes_ambiguous_is_listed_too(folder: Path) -> None:
    _sexes(folder, "M", "H")
    proposal = propose(folder)
    assert '# "M": ?   # 4 rows' in proposal.text
    assert '# "H": ?   # 4 rows' in proposal.text


def test_digits_and_rare_words_are_counted_and_not_written(folder: Path) -> None:
    _sexes(folder, "1", "2", "2", "F", "F", "F", "Bianchi", "F")
    proposal = propose(folder)
    assert "Bianchi" not in proposal.text
    assert any("words of sex not shown here: 3, in 4 rows" in line for line in proposal.todo)


def test_words_of_every_coded_column_are_looked_at(folder: Path) -> None:
    header = ("event_id", "patient_id", "event_type", "onset_date", "status")
    rows = [(f"e{p}{n}", p, ("ricovero", "infection")[n], "2024-02-03", "final") for p in PATIENTS for n in (0, 1)]
    write(folder, "clinical_events.csv", [header, *rows])
    text = propose(folder).text
    assert '# "ricovero": ?   # 8 rows' in text
    assert "words of event_type not mapped: 1" in text
    assert "words of status" not in text


@pytest.mark.parametrize(
    ("header", "word"),
    [
        *(("Materiale", "Sangue"), ("Campione", "Siero"), ("Material", "EDTA-Blut"), ("Probe", "Liquor")),
        *(("Prélèvement", "Sang"), ("Muestra", "Sangre"), ("Specimen type", "CSF"), ("Specimen", "Blood")),
    ],
)
def test_a_specimen_is_known_by_its_name_and_its_cells(header: str, word: str) -> None:
    names = ["result_id", "patient_id", "test_code", header]
    cells = sample([["1", "P", "751-8", word] for _ in range(5)], 4)
    assert match_columns(ENTITIES["lab_results"], names, cells).targets[3] == "material"


@pytest.mark.parametrize("header", ["Campione", "Probe", "Muestra", "Prélèvement", "Specimen"])
def test_a_number_of_a_specimen_is_no_material(header: str) -> None:
    names = ["result_id", "patient_id", "test_code", header]
    cells = sample([["1", "P", "751-8", f"S{number}"] for number in range(5)], 4)
    assert match_columns(ENTITIES["lab_results"], names, cells).targets[3] == "specimen_id"


@pytest.mark.parametrize(
    "header", ["Data fine somministrazione", "Gegeben bis", "Date fin", "Hasta", "Until", "End date"]
)
def test_the_last_day_of_a_dose_is_known_by_its_name(header: str) -> None:
    names = ["administration_id", "patient_id", "drug", "administered_on", header]
    cells = [ColumnCells() for _ in names]
    assert match_columns(ENTITIES["administrations"], names, cells).targets[4] == "administered_until"


def test_marks_beside_values_are_proposed_as_flags_and_do_not_hide_the_decimal_mark(folder: Path) -> None:
    flagged = [lab(value=value, date=f"2024-02-{day:02}") for day, value in enumerate(("0,4 *", "12,5 H", "L 0,75"), 4)]
    write_lab(folder, lab(value="1,5"), *flagged)
    proposal = propose(folder)
    assert any(line.startswith('flags: ["*", "H", "L"]   # marks next to a value?') for line in proposal.todo)
    assert 'decimal: ","' in proposal.text


def test_common_texts_in_place_of_a_value_are_proposed_as_missing(folder: Path) -> None:
    texts = [lab(value=value, date=f"2024-02-{day:02}") for day, value in enumerate(("n.p.", "coagulato"), 4)]
    write_lab(folder, lab(n=6), *texts, [("x", PATIENTS[0], "751-8", "", "Rossi", "10*9/L", "2024-02-03")])
    proposal = propose(folder)
    assert any(line.startswith('missing: ["n.p.", "coagulato"]   # texts for no value?') for line in proposal.todo)
    assert "Rossi" not in proposal.text
    assert "results that are not numbers and not shown here: 1 rows; they will be quarantined" in proposal.todo


def test_a_test_that_never_has_a_unit_is_named(folder: Path) -> None:
    write_lab(folder, lab(unit=""), lab("6690-2"))
    todo = propose(folder).todo
    assert 'units: {lab_results: {"751-8": ?}}   # 24 rows, none with a unit: which is it?' in todo


@pytest.mark.parametrize(
    ("cell", "bare"), [("0,4 *", "0,4"), ("(L) <0,5", "<0,5"), ("-0.4", "-0.4"), ("1,5 -", "1,5"), ("n.p.", "n.p.")]
)
def test_a_value_is_weighed_without_its_marks(cell: str, bare: str) -> None:
    assert without_marks(cell) == bare
