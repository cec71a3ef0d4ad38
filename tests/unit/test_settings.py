"""Settings: every key of registry.yml and site.yml is understood, or the mistake is named with its line."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from registry.config.settings import Study, load_settings
from registry.config.site import SiteProfile, load_profile
from registry.errors import UserError

EVERY_KEY = """\
format: native                # native (omop and fhir come later, at this seam)
mode: delta                   # delta | snapshot
time_zone: Europe/Rome
csv: {encoding: latin-1, delimiter: ";", decimal: ",", thousands: ".", date_formats: ["%d/%m/%Y", "%d/%m/%Y %H:%M"]}
columns: {lab_results: {ID_esame: result_id, data_prelievo: collected_at}}     # theirs: ours
codes:
  tests: {"NEU#": anc, "GB": wbc, "NEU%": neutrophils_pct}
  units: {"mila/mmc": "10*3/uL"}
  drugs: {"OCREVUS 300MG FL": ocrelizumab, "RTX": Rituximab}
wide:
  lab_results:
    tests:
      " Neutrofili ": {code: "NEU#", unit: "mila/mmc"}
      CD19: {code: cd19_abs, unit: /µL}
      WBC: {code: 6690-2, unit: G/L}
    carry_down: [patient_id, collected_at]
neutrophils_pct_includes_bands: true
"""
WIDE = "wide:\n  lab_results:\n    tests:\n"
CARRY = WIDE + "      N: {code: anc, unit: G/L}\n    carry_down: "


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "DELIVERIES", "CONFIG", "THROUGH", "MEMORY_LIMIT", "THREADS", "AUTOMATION", "ALERT_WEBHOOK"):
        monkeypatch.delenv(f"REGISTRY_{name}", raising=False)


def profile(folder: Path, text: str) -> SiteProfile:
    (folder / "site.yml").write_text(text, encoding="utf-8")
    return load_profile(folder)


def study(folder: Path, text: str) -> Study:
    config = folder / "registry.yml"
    config.write_text(text, encoding="utf-8")
    return load_settings(home=folder, config=config).study


def test_every_key_of_a_site_profile_is_read(tmp_path: Path) -> None:
    read = profile(tmp_path, EVERY_KEY)
    assert (read.format, read.mode, read.time_zone) == ("native", "delta", "Europe/Rome")
    assert (read.csv.encoding, read.csv.delimiter, read.csv.decimal, read.csv.thousands) == ("latin-1", ";", ",", ".")
    assert read.csv.date_formats == ("%d/%m/%Y", "%d/%m/%Y %H:%M")
    assert read.column_names("lab_results") == {"id_esame": "result_id", "data_prelievo": "collected_at"}
    assert read.codes.tests["NEU%"] == "neutrophils_pct"
    assert read.codes.units == {"mila/mmc": "10*3/uL"}
    assert read.codes.drugs == {"OCREVUS 300MG FL": "ocrelizumab", "RTX": "rituximab"}
    assert read.neutrophils_pct_includes_bands
    table = read.wide_table("lab_results")
    assert table is not None
    assert [(header, test.code, test.unit) for header, test in table.by_header.items()] == [
        ("neutrofili", "NEU#", "mila/mmc"),
        ("cd19", "cd19_abs", "/µL"),
        ("wbc", "6690-2", "G/L"),
    ]
    assert table.carry_down == ("patient_id", "collected_at")
    assert read.wide_table("patients") is None
    assert read.test_codes == read.codes.tests | {"cd19_abs": "cd19_abs"}


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "csv:\ncodes:\n  tests:\n"])
def test_a_site_that_says_nothing_writes_natively(tmp_path: Path, text: str) -> None:
    assert profile(tmp_path, text) == SiteProfile()


def test_a_site_without_a_profile_writes_natively(tmp_path: Path) -> None:
    assert load_profile(tmp_path) == SiteProfile()


def test_local_codes_stay_text_whatever_yaml_would_make_of_them(tmp_path: Path) -> None:
    read = profile(tmp_path, "codes: {tests: {NO: anc, 1e3: wbc, 007: igg, 2024-01-01: iga}}")
    assert list(read.codes.tests) == ["NO", "1e3", "007", "2024-01-01"]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("mode: delta\nformt: native", 2, "formt: unknown key; did you mean 'format'?"),
        ("csv:\n  encoding: utf-8\n  delimeter: ;", 3, "csv.delimeter: unknown key; did you mean 'delimiter'?"),
        ("columns:\n  lab_result:\n    a: value", 2, "columns.lab_result: unknown key; did you mean 'lab_results'?"),
        ("columns:\n  lab_results:\n    a: valeu", 3, "unknown column of lab_results 'valeu'; did you mean 'value'?"),
        ("columns:\n  lab_results: {A: unit, a: value}", 2, "'a' is written twice"),
        ("codes:\n  tests:\n    N: ancc", 3, "codes.tests.N: unknown analyte 'ancc'; did you mean 'anc'?"),
        ("codes:\n  drugs:\n    OCR: ocrelizumab\n    ocr: rituximab", 2, "'ocr' is written twice"),
        ("codes:\n  drugs:\n    N: ocrelizumb", 3, "unknown drug 'ocrelizumb'; did you mean 'ocrelizumab'?"),
        ("codes:\n  units:\n    N: 10*3/uLL", 3, "unknown unit '10*3/uLL'; did you mean '10*3/uL'?"),
        ("codes:\n  tests:\n    N:", 3, "codes.tests.N: write a value"),
        ("format: omop", 1, "'omop' is not yet supported"),
        ("format: hl7", 1, "unknown format 'hl7'; known: native"),
        ("mode: full", 1, "must be 'delta' or 'snapshot'"),
        ("time_zone: Europe/Roma", 1, "unknown time zone 'Europe/Roma'; did you mean 'Europe/Rome'?"),
        ("time_zone: ../etc/passwd", 1, "unknown time zone"),
        ("csv:\n  encoding: utf-9", 2, "unknown encoding 'utf-9'"),
        ("csv:\n  encoding: base64", 2, "unknown encoding 'base64'"),
        ("csv:\n  delimiter: ';;'", 2, "write one character"),
        ("csv:\n  decimal: ','\n  thousands: ','", 3, "thousands is the same character as decimal"),
        ("csv:\n  date_formats:\n    - '%d/%m/%Y'\n    - '%Q'", 4, "%Q is unknown"),
        ("csv:\n  date_formats: ['%d/%m']", 2, "has no year"),
        ("csv:\n  date_formats: '%d/%m/%Y'", 2, "write a list"),
        ("wide:\n  lab_result: {}", 2, "wide.lab_result: unknown key; did you mean 'lab_results'?"),
        (WIDE + "      N: {code: anc, unit: G/L}\n    carry: []", 5, "unknown key; did you mean 'carry_down'?"),
        (WIDE + "      N: {code: anc}", 4, "wide.lab_results.tests.N.unit: is required"),
        (WIDE + "      N:\n        code: anc\n        units: G/L", 6, "unknown key; did you mean 'unit'?"),
        (
            WIDE + "      code:\n        code: anc\n        unit: G/L\n        x: 1",
            7,
            "x: unknown key; known: code, unit",
        ),
        (WIDE + "      N: G/L", 4, "write one `key: value` a line below it"),
        (WIDE + "      N: {code: anc, unit: G/L}\n      n: {code: wbc, unit: G/L}", 3, "'n' is written twice"),
        (WIDE + "      N:\n        code: anx\n        unit: G/L", 5, "tests.N.code: 'anx' is not in codes.tests"),
        (WIDE + "      N:\n        code: anx\n        unit: G/L", 5, "did you mean 'anc'?"),
        (WIDE + "      N:\n        code: ' '\n        unit: G/L", 5, "tests.N.code: write a value"),
        (WIDE + "      N:\n        code: anc\n        unit: mila/mmx", 6, "neither in codes.units nor a known unit"),
        (
            WIDE + "      Value: {code: anc, unit: G/L}",
            4,
            "tests.Value: this header is already a column of lab_results",
        ),
        ("columns: {lab_results: {GB: value}}\n" + WIDE + "      gb: {code: wbc, unit: G/L}", 5, "already"),
        ("wide:\n  lab_results:\n    tests: {}", 3, "tests: is empty"),
        ("wide:\n  lab_results:\n    carry_down: [patient_id]", 2, "wide.lab_results.tests: is required"),
        (CARRY + "[patient_di]", 5, "unknown column of lab_results 'patient_di'; did you mean 'patient_id'?"),
        (CARRY + "[status]", 5, "'status' can't be carried down; known: patient_id, specimen_id, collected_at"),
        ("csv: latin-1", 1, "write one `key: value` a line below it"),
        ("neutrophils_pct_includes_bands: perhaps", 1, "write true or false"),
        ("mode: delta\nmode: snapshot", 2, "'mode' is written twice"),
        ("csv: {decimal: [", 1, "not valid YAML"),
        ("csv:\n\tdecimal: ','", 2, "not valid YAML"),
    ],
)
def test_a_mistake_is_named_with_its_key_and_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    with pytest.raises(UserError) as caught:
        profile(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path}/site.yml, line {line}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"mode: \x00", b"- a", b"a: &a [*a]"])
def test_a_profile_that_is_no_yaml_mapping_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "site.yml").write_bytes(content)
    with pytest.raises(UserError, match=r"site\.yml"):
        load_profile(tmp_path)


def test_a_tab_as_delimiter_can_be_written_in_either_way(tmp_path: Path) -> None:
    for text in ('csv: {delimiter: "\\t"}', "csv: {delimiter: '\\t'}", "csv: {delimiter: tab}"):
        assert profile(tmp_path, text).csv.delimiter == "\t"


def test_units_of_a_code_map_may_be_spelt_as_laboratories_do(tmp_path: Path) -> None:
    assert profile(tmp_path, "codes: {units: {mila: x10^3/µL}}").codes.units == {"mila": "x10^3/µL"}


def test_the_papers_study_settings_are_read(tmp_path: Path) -> None:
    read = study(
        tmp_path,
        "study_id: udine\nenrolment_start: 2018-06-01\nenrolment_end: 2025-02-28\ndata_cutoff: 2025-03-31\n"
        "time_zone: Europe/Rome\nsynthetic: true\nprimary_definition: strict\n"
        "definitions:\n  - {definition_id: strict, onset_below: 0.7, recovery_at: 1.000000, gcsf_days: 7}\n",
    )
    assert (read.enrolment_start, read.data_cutoff) == (dt.date(2018, 6, 1), dt.date(2025, 3, 31))
    assert read.definitions[0].onset_below == Decimal("0.7")
    assert (read.definitions[0].gcsf_days, read.definitions[0].max_gap_days) == (7, 90)
    assert (read.suppression_threshold, read.anc_interval_days, read.synthetic) == (5, 183, True)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("\nenrolment_strat: 2018-06-01", 2, "unknown key; did you mean 'enrolment_start'?"),
        ("data_cutoff: 20250331", 1, "write a date as YYYY-MM-DD"),
        ("data_cutoff: 2025-02-30", 1, "write a date as YYYY-MM-DD"),
        ("enrolment_start: 2020-01-01\nenrolment_end: 2019-01-01", 2, "enrolment_end is before enrolment_start"),
        ("study_id: a\nprimary_definition: udin_2025", 2, "did you mean 'udine_2025'?"),
        ("primary_definition: Udine_2025", 1, "did you mean 'udine_2025'?"),
        (
            "primary_definition: strict\ndefinitions:\n  - {definition_id: STRICT, onset_below: 1, recovery_at: 1}",
            1,
            "did you mean 'STRICT'?",
        ),
        (
            "definitions:\n  - definition_id: Udine_2025\n    late_days: 21",
            2,
            "'Udine_2025' differs from 'udine_2025' only by case; did you mean 'udine_2025'?",
        ),
        (
            "definitions: ["
            + ", ".join(f"{{definition_id: {name}, onset_below: 1, recovery_at: 2}}" for name in "aA")
            + "]",
            1,
            "definitions contain 'a' twice",
        ),
        (
            "definitions:\n  - definition_id: udine_2025\n    late_days: 366",
            3,
            "late_days (366) must not be above attribution_days (365): no onset could be late",
        ),
        (
            "definitions:\n  - definition_id: udine_2025\n    max_gap_days: 0",
            3,
            "greater than or equal to 1",
        ),
        (
            "definitions:\n  - definition_id: udine_2025\n    attribution_days: 27",
            2,
            "late_days (28) must not be above attribution_days (27)",
        ),
        ("suppression_threshold: few", 1, "write a whole number"),
        ("definitions:\n  - definition_id: a\n    onset_belw: 1\n    recovery_at: 2", 3, "did you mean 'onset_below'?"),
        ("definitions:\n  - definition_id: a\n    recovery_at: 2", 2, "definitions.0.onset_below: is required"),
        (
            "definitions:\n  - &a {definition_id: a, onset_below: 1, recovery_at: 2}\n  - *a",
            1,
            "definitions contain 'a' twice",
        ),
        (
            "definitions:\n  - definition_id: a\n    onset_below: 1.0\n    recovery_at: 0.9",
            4,
            "recovery_at must not be below onset_below",
        ),
        (
            "definitions:\n  - definition_id: a\n    onset_below: 1\n    onset_inclusive: true\n    recovery_at: 1",
            5,
            "recovery_at must be above onset_below if onset_inclusive is true",
        ),
        (
            "definitions:\n  - definition_id: a\n    severity_scale: ctcae\n    onset_below: 1\n    recovery_at: 1",
            3,
            "unknown grading scale 'ctcae'; did you mean 'ctcae_v",
        ),
    ],
)
def test_a_mistake_in_the_study_settings_is_named(tmp_path: Path, text: str, line: int, message: str) -> None:
    with pytest.raises(UserError) as caught:
        study(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path}/registry.yml, line {line}: ")
    assert message in str(caught.value)


def test_an_onset_may_be_late_on_the_last_day_of_its_dose(tmp_path: Path) -> None:
    read = study(tmp_path, "definitions: [{definition_id: udine_2025, late_days: 365}]")
    assert (read.definitions[0].late_days, read.definitions[0].attribution_days) == (365, 365)


def test_an_episode_may_end_where_it_starts_if_the_bound_is_exclusive(tmp_path: Path) -> None:
    read = study(tmp_path, "definitions: [{definition_id: a, onset_below: 1.0, recovery_at: 1}]")
    assert read.definitions[0].recovery_at == 1


def test_paths_follow_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(home=tmp_path)
    assert settings.deliveries == tmp_path / "deliveries"
    assert settings.raw_db == tmp_path / "vault/raw.duckdb"
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setenv("REGISTRY_HOME", str(tmp_path / "other"))
    monkeypatch.setenv("REGISTRY_DELIVERIES", str(tmp_path / "in"))
    settings = load_settings()
    assert (settings.home, settings.deliveries) == (tmp_path / "other", tmp_path / "in")


def test_the_study_settings_lie_beside_the_deliveries_or_where_one_says(tmp_path: Path) -> None:
    (tmp_path / "deliveries").mkdir()
    (tmp_path / "deliveries/registry.yml").write_text("study_id: beside")
    (tmp_path / "mine.yml").write_text("study_id: mine")
    assert load_settings(home=tmp_path).study.study_id == "beside"
    assert load_settings(home=tmp_path, config=tmp_path / "mine.yml").study.study_id == "mine"
    with pytest.raises(UserError, match="no such study settings"):
        load_settings(home=tmp_path, config=tmp_path / "gone.yml")
    (tmp_path / "deliveries/registry.yml").rename(tmp_path / "deliveries/registry.yaml")
    with pytest.raises(UserError, match=r"rename it to registry\.yml"):
        load_settings(home=tmp_path)


@pytest.mark.parametrize("month", ["2025-13", "2025-3", "March", "2025-03-01"])
def test_a_month_that_is_none_is_refused(tmp_path: Path, month: str) -> None:
    with pytest.raises(UserError, match="--through must be YYYY-MM, got"):
        load_settings(home=tmp_path, through=month)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("MEMORY_LIMIT", "much"), ("THREADS", "0"), ("THREADS", "two"), ("AUTOMATION", "maybe")],
)
def test_a_variable_that_makes_no_sense_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(f"REGISTRY_{variable}", value)
    with pytest.raises(UserError, match=f"REGISTRY_{variable} must be .*, got '{value}'"):
        load_settings(home=tmp_path)


def test_a_home_that_duckdb_can_not_use_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="choose another REGISTRY_HOME"):
        load_settings(home=tmp_path / "why?")


def test_other_parameters_for_a_shipped_definition_leave_the_rest_as_it_is(tmp_path: Path) -> None:
    read = study(tmp_path, "definitions: [{definition_id: severe_only, attribution_days: 180}]")
    (definition,) = read.definitions
    assert definition.attribution_days == 180
    assert (definition.onset_below, definition.recovery_at) == (Decimal("0.5"), Decimal("1.0"))
    assert definition.label.startswith("Severe neutropenia (ANC < 0.5)")
    assert definition.label != "Severe neutropenia (ANC < 0.5)", "nobody takes it for the shipped one"


@pytest.mark.parametrize(
    ("changed", "label"),
    [
        ("recovery_at: 1.50", "Moderate or severe neutropenia (ANC < 1.0)"),
        ("late_days: 21", "Moderate or severe neutropenia (ANC < 1.0); parameters changed by the study"),
        ("onset_below: 0.7", "Neutropenia (ANC < 0.7); parameters of udine_2025 changed by the study"),
        ("onset_inclusive: true", "Neutropenia (ANC <= 1); parameters of udine_2025 changed by the study"),
        ("onset_below: 0.7, label: Ours", "Ours"),
    ],
)
def test_a_changed_definition_is_not_named_by_the_bound_it_no_longer_has(
    tmp_path: Path, changed: str, label: str
) -> None:
    read = study(tmp_path, f"definitions: [{{definition_id: udine_2025, {changed}}}]")
    assert read.definitions[0].label == label
