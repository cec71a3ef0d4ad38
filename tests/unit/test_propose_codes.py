"""`registry profile`: which columns an export has, and what its local codes, units and drugs probably mean."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from first_export import LAB_HEADER, PATIENTS, lab, profile_of, propose, write, write_lab
from hypothesis import given
from hypothesis import strategies as st

from registry.config.site import load_profile
from registry.profile.columns import guess_entity
from registry.profile.recognise import drug_meant, named_test, unit_dimension, unit_meant
from registry.profile.wide import wide_section, wide_tests


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "export"


@pytest.mark.parametrize(
    ("file_name", "header", "entity"),
    [
        ("esami.csv", "id_esame;codice_paziente;esame;risultato;unità;data_prelievo", "lab_results"),
        ("Laborwerte 2024.csv", "Auftragsnr;PatientenNr;Analyt;Ergebnis;Einheit;Entnahmedatum", "lab_results"),
        ("export.csv", "N° patient;Analyse;Résultat;Unité;Date de prélèvement", "lab_results"),
        ("analítica.csv", "NHC;Determinación;Resultado;Unidades;Fecha extracción", "lab_results"),
        ("anagrafica.csv", "ID paziente;Data di nascita;Sesso", "patients"),
        ("Stammdaten.csv", "Pat-ID;Geburtsdatum;Geschlecht;Verlaufsform", "patients"),
        ("infusioni.csv", "ID;Paziente;Farmaco;Data infusione;Dose;Via", "administrations"),
        ("traitements.csv", "Id traitement;IPP;Médicament;Date début;Date fin;Motif arrêt", "treatments"),
        ("eventi.csv", "ID evento;Paziente;Tipo evento;Data evento", "clinical_events"),
        ("foglio1.csv", "a;b;c", None),
    ],
)
def test_a_table_is_known_by_its_name_and_header_in_five_languages(
    file_name: str, header: str, entity: str | None
) -> None:
    assert guess_entity(file_name, header.split(";")) == entity


def test_columns_are_matched_by_name_and_the_file_is_to_be_renamed(tmp_path: Path, folder: Path) -> None:
    header = ("Befund-ID", "Pat.-Nr.", "Analyt", "Bezeichnung", "Messwert", "Einheit", "Entnahmedatum")
    write(folder, "Labor.csv", [header, *lab()])
    proposal = propose(folder)
    assert profile_of(proposal, tmp_path).column_names("lab_results") == {
        "pat.-nr.": "patient_id", "analyt": "test_code", "bezeichnung": "test_name", "messwert": "value",
        "einheit": "unit", "entnahmedatum": "collected_at",
    }  # fmt: skip
    assert "rename Labor.csv to lab_results_Labor.csv" in proposal.todo
    assert any("no column found for result_id" in line for line in proposal.todo)
    assert '# "Befund-ID": result_id   # all its cells differ' in proposal.text


def test_cells_tell_a_column_whose_name_says_nothing(tmp_path: Path, folder: Path) -> None:
    header = ("result_id", "patient_id", "test_code", "test_name", "value", "foo", "bar")
    write(folder, "lab_results.csv", [header, *lab(date="31/12/2024")])
    names = profile_of(propose(folder), tmp_path).column_names("lab_results")
    assert names == {"foo": "unit", "bar": "collected_at"}


def test_a_name_that_its_cells_contradict_is_not_followed(tmp_path: Path, folder: Path) -> None:
    header = ("result_id", "patient_id", "test_code", "test_name", "value", "unit", "data")
    write(folder, "lab_results.csv", [header, *lab(date="ward")])
    proposal = propose(folder)
    assert profile_of(proposal, tmp_path).column_names("lab_results") == {}
    assert any('"data": collected_at' in line for line in proposal.todo)


def test_a_birth_date_is_never_taken_for_the_day_of_the_sample(folder: Path, tmp_path: Path) -> None:
    header = ("result_id", "patient_id", "test_code", "test_name", "value", "unit", "data di nascita")
    write(folder, "lab_results.csv", [header, *lab(date="1980-01-31")])
    assert profile_of(propose(folder), tmp_path).column_names("lab_results") == {}


def test_a_status_of_the_laboratorys_own_is_left_out_since_its_rows_would_be_held_back(
    folder: Path, tmp_path: Path
) -> None:
    write(folder, "lab_results.csv", [(*LAB_HEADER, "stato"), *((*row, "validato") for row in lab())])
    assert profile_of(propose(folder), tmp_path).column_names("lab_results") == {}


def test_lines_above_the_header_are_named(folder: Path) -> None:
    write(folder, "lab_results.csv", [("Estrazione",), LAB_HEADER, *lab()])
    assert "lab_results.csv: remove the rows above its header" in propose(folder).todo


@pytest.mark.parametrize(
    ("text", "dimension", "analyte"),
    [
        ("Neutrofili", "count", "anc"),
        ("NEU%", "percent", "neutrophils_pct"),
        ("Neutrofili (val. ass.)", "count", "anc"),
        ("Neutrophile abs.", "count", "anc"),
        ("Polynucléaires neutrophiles", "count", "anc"),
        ("Neutrófilos %", "percent", "neutrophils_pct"),
        ("GB", "count", "wbc"),
        ("Leukozyten im Blut", "count", "wbc"),
        ("Segmentkernige", "percent", "segs_pct"),
        ("Stabkernige", "percent", "bands_pct"),
        ("Hämoglobin", "mass_concentration", "hemoglobin"),
        ("Plaquettes", "count", "platelets"),
        ("CD19", "count", "cd19_abs"),
        ("IgG", "mass_concentration", "igg"),
        ("NEU%", "count", None),
    ],
)
def test_a_test_is_recognised_by_its_whole_name_where_its_unit_fits(
    text: str, dimension: str, analyte: str | None
) -> None:
    test = named_test(text)
    assert test is not None
    assert test.analyte(dimension) == analyte


@pytest.mark.parametrize("text", ["Neutrofili ipersegmentati", "Linfociti B", "Leucociti urine", "PCR", "Rossi", ""])
def test_part_of_a_name_is_no_test(text: str) -> None:
    assert named_test(text) is None


def test_spellings_of_units_differ_in_marks_alone_and_case_is_not_decided() -> None:
    for unit in ("10^3 / µl", "x 10^9/l", "migl./mmc", "n°/mmc"):
        assert unit_dimension(unit) == "count"
    assert unit_meant("10°3/mm3") == ("10*3/mm3", True)
    assert unit_meant("m/uL") == ("10*6/uL", False)
    for unit in ("m/L", "un. loc.", "Rossi", "10.3/uL", "x10-3/uL"):
        found = unit_meant(unit)
        assert found is None or not found.is_sure


def test_a_product_is_known_by_the_one_substance_that_it_names() -> None:
    assert drug_meant("OCREVUS 300MG FL") == ("ocrelizumab", True)
    assert drug_meant("Rituximab (Truxima) 500 mg") == ("rituximab", True)
    assert drug_meant("rituximab o ocrelizumab") is None
    assert drug_meant("Paracetamolo 1000 mg") is None


def test_local_codes_are_proposed_with_counts_and_unknown_ones_listed(tmp_path: Path, folder: Path) -> None:
    write_lab(
        folder,
        lab("NEU#", "Neutrofili", unit="[G]/L"),
        lab("GB", "Leucociti", unit="migl./mmc"),
        lab("NEU", "Neutrofili", unit="%"),
        lab("PCR", "Proteina C reattiva", unit="mg/L"),
        lab("LEU", "Leucociti", unit="boh"),
    )
    proposal = propose(folder)
    codes = profile_of(proposal, tmp_path).codes
    assert codes.tests == {"NEU#": "anc", "GB": "wbc", "NEU": "neutrophils_pct"}
    assert codes.units == {"[G]/L": "10*9/L"}
    assert '# "PCR": ?   # 24 rows, "Proteina C reattiva"' in proposal.text
    assert '# "LEU": wbc   # 24 rows, "Leucociti"; no known unit shows which' in proposal.text
    assert "test codes not mapped: 2; leave out tests that the registry does not follow" in proposal.todo
    assert '"boh"' not in proposal.text and "only with tests not mapped: 1" in proposal.text


def test_one_code_in_percent_and_in_counts_is_left_to_a_person(tmp_path: Path, folder: Path) -> None:
    write_lab(folder, lab("NEU", unit="%"), lab("NEU", unit="10*9/L", date="2024-02-04"))
    proposal = propose(folder)
    assert profile_of(proposal, tmp_path).codes.tests == {}
    told_apart = '# "NEU": {count: anc, percent: neutrophils_pct}   # 48 rows; comes in units of several kinds'
    assert told_apart in proposal.text


def test_drug_names_are_proposed_and_misspelt_ones_left_to_a_person(tmp_path: Path, folder: Path) -> None:
    header = ("treatment_id", "patient_id", "drug", "start_date")
    drugs = ("OCREVUS 300MG FL", "ocrelizumab", "ocrelizumb", "acqua")
    rows = [(f"t{p}{d}", p, d, "2024-01-02") for p in PATIENTS for d in drugs]
    write(folder, "treatments.csv", [header, *rows])
    proposal = propose(folder)
    assert profile_of(proposal, tmp_path).codes.drugs == {"OCREVUS 300MG FL": "ocrelizumab"}
    assert '# "ocrelizumb": ocrelizumab   # 8 rows' in proposal.text
    assert '# "acqua": ?   # 8 rows' in proposal.text


def test_a_wide_table_becomes_the_section_wide(folder: Path) -> None:
    header = ("Paziente", "Data prelievo", "Campione", "Neutrofili (10^3/uL)", "NEU%", "GB [G/L]", "Leucociti", "PCR")
    rows = [
        (patient if draw == 0 else "", f"{draw + 13}/01/2024", f"C{draw}", "1,5", "45,0", "4,1", "4,1", "2,0")
        for patient in PATIENTS
        for draw in range(3)
    ]
    write(folder, "emocromi.csv", [header, *rows])
    proposal = propose(folder)
    written = yaml.safe_load(proposal.text)
    assert written["wide"] == {
        "lab_results": {
            "tests": {
                "Neutrofili (10^3/uL)": {"code": "751-8", "unit": "10^3/uL"},
                "NEU%": {"code": "770-8", "unit": "%"},
                "GB [G/L]": {"code": "6690-2", "unit": "G/L"},
            },
            "carry_down": ["patient_id"],
        }
    }
    assert written["columns"]["lab_results"] == {
        "Paziente": "patient_id", "Data prelievo": "collected_at", "Campione": "specimen_id",
    }  # fmt: skip
    assert written["csv"]["decimal"] == ","
    assert any(line.startswith('"Leucociti": {code: "6690-2", unit: ?}') for line in proposal.todo)


CELL = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters=';"\r\n\0'), max_size=12)


@given(st.lists(CELL, max_size=3), CELL)
def test_whatever_headers_and_codes_hold_the_proposal_can_be_read(
    tmp_path_factory: pytest.TempPathFactory, headers: list[str], code: str
) -> None:
    folder = tmp_path_factory.mktemp("export")
    rows = [(*row, *headers) for row in (*lab("NEU#"), *lab(code, unit=code))]
    write(folder, "esami.csv", [("ID risultato", "Paziente", "Esame", "Nome", "Valore", "UM", "Data", *headers), *rows])
    assert profile_of(propose(folder), tmp_path_factory.mktemp("site")).csv.delimiter == ";"


def test_an_empty_column_gives_way_to_the_one_that_is_filled(tmp_path: Path, folder: Path) -> None:
    header = ("result_id", "id paziente", "paziente", "test_code", "value", "unit", "collected_at")
    write(folder, "lab_results.csv", [header, *((r, "", p, c, v, u, d) for r, p, c, _, v, u, d in lab())])
    assert profile_of(propose(folder), tmp_path).column_names("lab_results") == {"paziente": "patient_id"}


def test_a_header_with_one_test_is_no_wide_table() -> None:
    assert wide_tests(["Paziente", "Neutrofili", "Data"]) == {}
    assert wide_section([], []) == {}


def test_keys_parts_of_a_time_and_columns_of_names_are_proposed_as_comments(tmp_path: Path, folder: Path) -> None:
    header = (*LAB_HEADER[1:6], "Data prelievo", "Ora", "Cognome")
    rows = [(*row[1:6], "2024-02-03", "08:30", "Rossi") for row in lab()]
    write(folder, "lab_results.csv", [header, *rows])
    proposal = propose(folder)
    assert any("keys: {lab_results: [patient_id, test_code, collected_at]}" in line for line in proposal.todo)
    assert '# "Data prelievo": collected_at.date, "Ora": collected_at.time' in proposal.text
    assert '# "Cognome": ignore' in proposal.text
    assert profile_of(proposal, tmp_path).column_names("lab_results") == {"data prelievo": "collected_at"}


@pytest.mark.parametrize(
    "header",
    [
        ("Hosp No", "Sample date", "WCC", "Neuts", "Plts"),
        ("NHS number", "Taken", "White cells", "Neutros", "Platelet"),
        ("Cod. paz.", "Dt prelievo", "Leucoc.", "Neutrof.", "PLT"),
        ("N. cartella", "Prelievo", "GB", "NEUT", "Piastrine"),
    ],
)
def test_everyday_headers_are_known_and_what_is_left_to_a_person_can_be_uncommented(
    tmp_path: Path, folder: Path, header: tuple[str, ...]
) -> None:
    rows = [(patient, f"2024-02-{day:02}", "5.1", "2.3", "240") for patient in PATIENTS for day in range(1, 5)]
    write(folder, "lab_results.csv", [header, *rows])
    proposal = propose(folder)
    mapped = profile_of(proposal, tmp_path).column_names("lab_results")
    assert set(mapped.values()) == {"patient_id", "collected_at"}
    assert len(proposal.todo) == 4, "the place of the files, and a unit for each test"
    answers = {"unit: ?": 'unit: "10*9/L"', "anc or neutrophils_pct": '"751-8"'}
    text = re.sub(r"^( +)# ", r"\1", proposal.text, flags=re.MULTILINE)
    for question, answer in answers.items():
        text = text.replace(question, answer)
    (folder / "site.yml").write_text(text)
    assert len(load_profile(folder).wide_tests("lab_results")) == 3


def test_a_section_that_site_yml_would_be_refused_for_is_a_comment(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [(patient, f"2024-02-{day:02}", "5.1", "2.3") for patient in PATIENTS for day in range(1, 5)]
    write(folder, "lab_results.csv", [("Hosp No", "Date", "WCC (10*9/L)", "Neuts (10*9/L)"), *rows])
    monkeypatch.setattr("registry.profile.wide.loinc_of", lambda _: "4544-3")  # a haematocrit
    proposal = propose(folder)
    profile = profile_of(proposal, tmp_path)
    assert profile.wide_tests("lab_results") == {}
    assert set(profile.column_names("lab_results").values()) == {"patient_id", "collected_at"}, "the rest is kept"
    assert any("`wide` is proposed as a comment" in todo for todo in proposal.todo)


def test_a_loinc_code_that_the_registry_does_not_follow_is_shown_and_a_number_like_it_is_not(folder: Path) -> None:
    write_lab(folder, lab(), lab("30394-1", "Granulocytes"), lab("30394-2", "Something"))
    text = propose(folder).text
    assert '# "30394-1": ?   # 24 rows' in text
    assert "30394-2" not in text, "its check digit is wrong: it may be an identifier"
