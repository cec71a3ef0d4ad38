"""Hand-worked examples of the input contract: currency, quarantine, emptied cells."""

from __future__ import annotations

import pytest

from .model import MALFORMED, File, Site, Study
from .rows import take_in

PATIENT = {"patient_id": "P", "birth_date": "1980-05", "sex": "F", "death_date": "2023-10-10"}
RESULT = {
    "result_id": "R",
    "patient_id": "P",
    "test_code": "751-8",
    "value": "1.1",
    "unit": "10*9/L",
    "collected_at": "2023-05-01T08:00",
}
OTHERS = {
    "treatments": {
        "treatment_id": "T",
        "patient_id": "P",
        "drug": "ocrelizumab",
        "start_date": "2023-01-01",
    },
    "administrations": {
        "administration_id": "A",
        "patient_id": "P",
        "drug": "rituximab",
        "administered_on": "2023-01-01",
    },
    "clinical_events": {
        "event_id": "E",
        "patient_id": "P",
        "event_type": "infection",
        "onset_date": "2023-01-01",
    },
    "adjudications": {
        "adjudication_id": "V",
        "patient_id": "P",
        "onset_from": "2023-01-01",
        "onset_to": "2023-02-01",
        "verdict": "confirmed",
    },
}
ROWS = {"lab_results": RESULT} | OTHERS


def months(*deliveries: list[dict[str, str]], entity: str = "lab_results") -> list[File]:
    """A patients file and one file of the entity a month, from 2023-11 on."""
    files = [File("site", "2023-11", "patients", "patients.csv", (PATIENT,))]
    for number, rows in enumerate(deliveries):
        month = f"{2023 + (10 + number) // 12}-{(10 + number) % 12 + 1:02d}"
        files.append(File("site", month, entity, f"{entity}.csv", tuple(rows)))
    return files


def fates(files: list[File], site: Site | None = None) -> list[str]:
    """The status of every row but the patients', in order."""
    intake = take_in(files, Study(sites={"site": site or Site()}))
    return [row.status for row in intake.rows if row.entity != "patients"]


def reasons(entity: str, **cells: str) -> list[str]:
    """Why one row of the entity, so changed, is held back."""
    intake = take_in(months([ROWS[entity] | cells], entity=entity), Study())
    return next(sorted(row.reasons) for row in intake.rows if row.entity == entity)


def emptied(entity: str, **cells: str) -> list[tuple[str, str]]:
    """Which cells of one row are emptied, and why."""
    intake = take_in(months([ROWS[entity] | cells], entity=entity), Study())
    (row,) = (row for row in intake.rows if row.entity == entity)
    assert row.status == "current"
    return row.emptied


A, B = RESULT, RESULT | {"value": "0.9"}
BAD = RESULT | {"value": "haemolysed"}
CANCELLED = {"result_id": "R", "status": "cancelled"}


@pytest.mark.parametrize(
    ("deliveries", "expected"),
    [
        ([[A], [B]], ["superseded", "current"]),
        ([[A], [A]], ["current", "duplicate"]),
        ([[A], [A | {"value": " 1.1 "}]], ["current", "duplicate"]),
        ([[A], [B], [A]], ["superseded", "superseded", "current"]),
        ([[A], [A], [B]], ["superseded", "duplicate", "current"]),
        ([[A, A], [B]], ["superseded", "duplicate", "current"]),
        ([[A], [CANCELLED]], ["superseded", "current"]),
        ([[A, CANCELLED]], ["superseded", "current"]),
        ([[CANCELLED, A]], ["superseded", "current"]),
        ([[A], [BAD]], ["superseded", "quarantined"]),
        ([[A], [BAD], [A]], ["superseded", "quarantined", "current"]),
        ([[BAD], [BAD]], ["quarantined", "quarantined"]),
        ([[A, B]], ["quarantined", "quarantined"]),
        ([[A, B, A]], ["quarantined"] * 3),
        ([[A, B], [A]], ["quarantined", "quarantined", "current"]),
        ([[A], [A, B]], ["superseded", "quarantined", "quarantined"]),
        ([[A], [A | {"test_code": "x"}]], ["superseded", "not_mapped"]),
        ([[A | {"test_code": "x"}], [A]], ["superseded", "current"]),
    ],
)
def test_the_last_row_of_a_key_decides(deliveries: list[list[dict[str, str]]], expected: list[str]) -> None:
    assert fates(months(*deliveries)) == expected


def test_order_is_delivery_month_then_file_name_then_record_number() -> None:
    b = File("site", "2023-11", "lab_results", "lab_results_b.csv", (B,))
    assert fates([b, *months([A])]) == ["superseded", "current"]


def test_a_snapshot_withdraws_what_it_no_longer_holds() -> None:
    snapshot, other = Site(mode="snapshot"), A | {"result_id": "S"}
    assert fates(months([A, other], [other]), snapshot) == ["superseded", "current", "duplicate"]
    assert fates(months([A], []), snapshot) == ["superseded"]
    assert fates(months([A]), snapshot) == ["current"]
    assert fates(months([BAD], []), snapshot) == ["quarantined"]
    assert fates(months([A], [], [A]), snapshot) == ["superseded", "current"]


DAY = RESULT | {"collected_at": "2023-05-01"}
LOWER = DAY | {"value": "0.4"}
TAKEN_BACK = LOWER | {"status": "cancelled"}
COMPOSED = Site(keys={"lab_results": ("patient_id", "collected_at", "test_code")})


@pytest.mark.parametrize(
    ("deliveries", "expected"),
    [
        ([[DAY, LOWER]], ["current", "current"]),
        ([[DAY, LOWER, DAY]], ["current", "current", "duplicate"]),
        ([[A, B]], ["quarantined", "quarantined"]),
        ([[A], [B]], ["superseded", "current"]),
        ([[DAY | {"collected_at": "2023-05-01T00:00"}, LOWER]], ["quarantined", "quarantined"]),
        ([[DAY, LOWER, TAKEN_BACK]], ["current", "superseded", "current"]),
        ([[DAY, LOWER], [DAY, LOWER]], ["current", "current", "duplicate", "duplicate"]),
        ([[DAY, LOWER], [DAY]], ["current", "superseded", "duplicate"]),
        ([[DAY, LOWER], [LOWER]], ["superseded", "superseded", "current"]),
        ([[DAY, LOWER], [DAY], [DAY, LOWER]], ["current", "current", "duplicate", "duplicate", "duplicate"]),
        ([[DAY], [DAY, LOWER]], ["current", "duplicate", "current"]),
        ([[DAY | {"test_code": ""}]], ["quarantined"]),
    ],
)
def test_a_composed_key_that_has_a_day_alone_may_hold_several_measurements(
    deliveries: list[list[dict[str, str]]], expected: list[str]
) -> None:
    assert fates(months(*deliveries), COMPOSED) == expected


def test_measurements_that_a_later_file_of_their_day_holds_no_more_are_contested() -> None:
    study = Study(sites={"site": COMPOSED})
    (one,) = take_in(months([DAY, LOWER], [DAY]), study).contested
    assert (one["key"], one["state"]) == ("P/2023-05-01T00:00:00/751-8//2", "superseded")
    assert take_in(months([DAY, LOWER], [DAY, LOWER]), study).contested == []
    assert take_in(months([DAY, LOWER], [DAY | {"collected_at": "2023-05-02"}]), study).contested == []
    snapshot = Site(mode="snapshot", keys=COMPOSED.keys)
    assert take_in(months([DAY, LOWER], [DAY]), Study(sites={"site": snapshot})).contested == []


def test_contested_are_keys_whose_last_word_cannot_be_used() -> None:
    taken_back = take_in(months([A], [BAD]), Study()).contested
    assert [(c["key"], c["had_usable_version"]) for c in taken_back] == [("R", True)]
    assert take_in(months([BAD]), Study()).contested[0]["had_usable_version"] is False
    assert take_in(months([BAD], [A]), Study()).contested == []


@pytest.mark.parametrize("entity", sorted(ROWS))
def test_a_sound_row_is_current_and_defects_of_every_entity_are_named(entity: str) -> None:
    key = next(iter(ROWS[entity]))
    assert reasons(entity) == []
    assert reasons(entity, **{key: " "}) == ["missing_key"]
    assert reasons(entity, patient_id="") == ["missing_required"]
    assert reasons(entity, patient_id="Q") == ["unknown_patient"]
    assert reasons(entity, status="draft") == ["invalid_code"]
    assert reasons(entity, **{MALFORMED: "x"}) == ["malformed_row"]
    assert reasons(entity, status="cancelled", patient_id="") == []


@pytest.mark.parametrize(
    ("entity", "column"),
    [
        ("treatments", "start_date"),
        ("administrations", "administered_on"),
        ("lab_results", "collected_at"),
        ("clinical_events", "onset_date"),
    ],
)
def test_required_dates_are_judged_against_delivery_birth_and_death(entity: str, column: str) -> None:
    assert reasons(entity, **{column: "1980-04-30"}) == ["date_before_birth"]
    assert reasons(entity, **{column: "1980-05-01"}) == []
    assert reasons(entity, **{column: "2023-10-10"}) == []
    assert reasons(entity, **{column: "2023-10-11"}) == ["date_after_death"]
    assert reasons(entity, **{column: "2023-12-01"}) == ["date_after_death", "date_after_delivery"]
    assert reasons(entity, **{column: "2023-02-29"}) == ["unparseable_date"]
    assert reasons(entity, **{column: ""}) == ["missing_required"]


def test_a_verdict_is_judged_by_its_span_alone() -> None:
    assert reasons("adjudications", onset_to="2022-12-31") == ["end_before_start"]
    assert reasons("adjudications", onset_to="2099-01-01") == []
    assert reasons("adjudications", onset_from="1900-01-01") == []
    assert emptied("adjudications", reviewed_on="2023-12-01") == [("reviewed_on", "date_after_delivery")]
    assert emptied("adjudications", reviewed_on="2023-11-30") == []


def test_codes_and_drugs_are_known_ones() -> None:
    assert reasons("clinical_events", event_type="fever") == ["invalid_code"]
    assert reasons("adjudications", verdict="maybe") == ["invalid_code"]
    assert reasons("administrations", drug="zzmab") == ["unknown_drug"]
    assert reasons("administrations", drug="L04AA36") == []


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"value": ""}, ["missing_required"]),
        ({"value": "1,1"}, ["non_numeric_value"]),
        ({"value": "-1"}, ["negative_value"]),
        ({"unit": ""}, ["unit_missing"]),
        ({"unit": "", "value": "0.0"}, ["zero_without_unit"]),
        ({"unit": "", "value": "clot"}, ["non_numeric_value", "unit_missing"]),
        ({"value": "0"}, []),
        ({"unit": "furlong"}, ["unit_unknown"]),
        ({"unit": "g/L"}, ["unit_incompatible"]),
        ({"unit": "G/L"}, []),
        ({"unit": "%"}, ["code_unit_mismatch"]),
        ({"test_code": "770-8"}, ["code_unit_mismatch"]),
        ({"test_code": "718-7"}, ["unit_incompatible"]),
        ({"value": "100"}, []),
        ({"value": "100.000001"}, ["implausible_value"]),
        ({"value": "1000", "test_code": "6690-2"}, []),
        ({"value": "1000.1", "test_code": "6690-2"}, ["implausible_value"]),
        ({"value": "100.1", "test_code": "770-8", "unit": "%"}, ["implausible_value"]),
        ({"value": "1.1", "unit": "/uL"}, ["implausible_value"]),
        ({"value": "<0.5", "unit": "/uL"}, ["implausible_value"]),
        ({"value": "99", "unit": "/uL"}, []),
        ({"value": "100.5", "unit": "/uL"}, []),
        ({"value": "0.0123"}, ["implausible_value"]),
        ({"value": "0.0345"}, ["implausible_value"]),
        ({"value": "0.035"}, []),
        ({"value": "0.0349999998"}, []),
        ({"value": "0.0034"}, ["implausible_value"]),
        ({"value": "0.0005"}, ["implausible_value"]),
        ({"value": "0.001"}, []),
        ({"value": "3.3699998856"}, []),
        ({"value": "250", "unit": "/L"}, ["implausible_value"]),
        ({"value": "1.1", "unit": "/uL", "test_code": "26507-4"}, ["implausible_value"]),
        ({"value": "0.006037", "test_code": "6690-2"}, ["implausible_value"]),
        ({"value": "0.0012", "test_code": "731-0"}, ["implausible_value"]),
        ({"value": "0.0765", "test_code": "777-3"}, ["implausible_value"]),
        ({"test_code": "unheard", "value": "", "unit": ""}, []),
        ({"test_code": "unheard", "patient_id": "Q"}, ["unknown_patient"]),
        ({"test_code": ""}, ["missing_required"]),
    ],
)
def test_values_and_units_are_judged(cells: dict[str, str], expected: list[str]) -> None:
    assert reasons("lab_results", **cells) == expected


def test_defects_of_optional_cells_empty_the_cell_alone() -> None:
    assert emptied("treatments", end_date="2022-12-31") == [("end_date", "end_before_start")]
    assert emptied("treatments", end_date="2023-10-11") == [("end_date", "date_after_death")]
    assert emptied("treatments", end_date="soon", end_reason="?") == [
        ("end_reason", "invalid_code"),
        ("end_date", "unparseable_date"),
    ]
    assert emptied("lab_results", reference_low="see note", reference_high="-1") == [
        ("reference_low", "non_numeric_value"),
        ("reference_high", "negative_value"),
    ]


def test_a_patients_row_loses_cells_but_stays() -> None:
    row = {
        "patient_id": "P",
        "birth_date": "1980-13-01",
        "sex": "Q",
        "death_date": "2024-01-01",
        "last_contact_date": "2023-12-01",
        "status": "draft",
    }
    (judged,) = take_in([File("site", "2023-11", "patients", "patients.csv", (row,))], Study()).rows
    assert judged.status == "current"
    assert sorted(judged.emptied) == [
        ("birth_date", "unparseable_date"),
        ("death_date", "date_after_delivery"),
        ("last_contact_date", "date_after_delivery"),
        ("sex", "invalid_code"),
        ("status", "invalid_code"),
    ]


def test_everything_of_a_cancelled_or_contradicted_patient_is_held_back() -> None:
    for fate in ([PATIENT | {"status": "cancelled"}], [PATIENT, PATIENT | {"sex": "M"}]):
        files = [
            File("site", "2023-11", "patients", "patients.csv", tuple(fate)),
            File("site", "2023-11", "lab_results", "lab_results.csv", (RESULT,)),
        ]
        assert fates(files) == ["quarantined"]


def test_a_time_with_an_offset_falls_on_the_sites_local_day() -> None:
    site = Site(time_zone="Europe/Rome")
    files = months([RESULT | {"collected_at": "2023-05-01T22:30:00Z"}])
    (lab,) = take_in(files, Study(sites={"site": site})).charts["site", "P"].labs
    assert lab.at.isoformat() == "2023-05-02T00:30:00"


HOSPITAL = Site(
    tests={"GB": "wbc"},
    told={"NEU": {"count": "anc", "percent": "neutrophils_pct"}},
    words={"sex": {"1": "M"}, "status": {"annullato": "cancelled"}, "material": {"Liq.": "other"}},
    missing=("n.p.",),
    flags=("*", "L", "-"),
    constant_units={"GB": "10*9/L"},
)


@pytest.mark.parametrize(
    ("cells", "fate"),
    [
        ({"test_code": "NEU"}, "current"),
        ({"test_code": " neu", "unit": "%", "value": "40"}, "current"),
        ({"test_code": "NEU", "unit": "g/L"}, "unit_incompatible"),
        ({"test_code": "NEU", "unit": ""}, "unit_missing"),
        ({"test_code": "GB", "unit": ""}, "current"),
        ({"test_code": "751-8^Neutrophils^LN"}, "current"),
        ({"test_code": "30394-1"}, "not_mapped"),
        ({"value": "0.4 *L"}, "current"),
        ({"value": "(L) 0.4"}, "current"),
        ({"value": "- 0.4"}, "non_numeric_value"),
        ({"value": "-0.4"}, "negative_value"),
        ({"value": "*"}, "non_numeric_value"),
        ({"value": "N.P."}, "missing_required"),
        ({"material": "EDTA-Blut"}, "current"),
        ({"material": "Liq."}, "not_mapped"),
        ({"material": "tube 7"}, "unknown_material"),
        ({"material": "n.p."}, "current"),
        ({"test_code": "99999-9", "material": "tube 7"}, "not_mapped"),
        ({"status": "Annullato", "value": ""}, "current"),
        ({"status": "not_given"}, "invalid_code"),
    ],
)
def test_a_site_says_what_its_cells_mean(cells: dict[str, str], fate: str) -> None:
    files = [
        File("site", "2023-11", "patients", "patients.csv", (PATIENT | {"death_date": ""},)),
        File("site", "2023-11", "lab_results", "lab_results.csv", (RESULT | cells,)),
    ]
    _, judged = take_in(files, Study(sites={"site": HOSPITAL})).rows
    assert (judged.reasons or [judged.status]) == [fate]


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        (("Donna", "1", "f."), ["F", "M", "F"]),
        (("M", "F"), ["M", "F"]),
        (("M", "H"), [None, None]),
        (("m.", "Hombre", "V"), [None, "M", None]),
        (("2", "F^Male"), [None, None]),
    ],
)
def test_the_sex_of_a_patient_is_never_guessed(sent: tuple[str, ...], meant: list[str | None]) -> None:
    rows = tuple({"patient_id": f"P{number}", "sex": word} for number, word in enumerate(sent))
    intake = take_in([File("site", "2023-11", "patients", "p.csv", rows)], Study(sites={"site": HOSPITAL}))
    assert [intake.charts["site", row["patient_id"]].patient.sex for row in rows] == meant
