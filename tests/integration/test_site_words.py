"""What a site says of itself in site.yml takes effect in every format, and nothing is guessed where it says nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from integration.compiled_project import compiled_project
from integration.worded_sites import FORMATS, SITES, WIDE, write_rows

from registry.config.input_contract import ENTITIES


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Every site in every format: the sites' names end in the format."""
    home = tmp_path_factory.mktemp("words")
    for name, (profile, files) in SITES.items():
        for kind in FORMATS:
            site = home / "deliveries" / f"{name}_{kind.replace('.', '_')}"
            (site / "2024-12").mkdir(parents=True)
            (site / "site.yml").write_text(profile, encoding="utf-8")
            tables = {entity: list(csv.reader(io.StringIO(text))) for entity, text in files.items()}
            if name == "row":
                tables["lab_results"] = WIDE
            for entity, rows in tables.items():
                write_rows(rows, site / "2024-12" / f"{entity}.{kind}")
    settings = compiled_project().build(home)
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(f"ATTACH '{settings.raw_db}' AS vault (READ_ONLY)")
        yield connection


def fates(connection: duckdb.DuckDBPyConnection, site: str, entity: str) -> dict[str, str]:
    """Key → the reasons that hold a row back, else its disposition where that is not current."""
    key = ENTITIES[entity].key
    found = connection.execute(
        f"""
        SELECT coalesce(r.{key}, ''), coalesce(aside.reasons, nullif(aside.disposition, 'cancelled'), 'current')
        FROM vault.raw.{entity} AS r
        JOIN vault.main.input_file AS f USING (file_no)
        LEFT JOIN intermediate.int_row_disposition AS aside
            ON r.file_no = aside.file_no AND r.record_number = aside.record_number
        WHERE f.site = $site
        """,
        {"site": site},
    ).fetchall()
    return dict(found)


def cells(connection: duckdb.DuckDBPyConnection, site: str, entity: str, columns: str) -> dict[str, Any]:
    """Key → typed cells of staging, of every row."""
    key = ENTITIES[entity].key
    singular = entity.removesuffix("s")
    found = connection.execute(
        f"""
        SELECT r.{key}, {columns}
        FROM staging.stg_{singular} AS s
        JOIN vault.raw.{entity} AS r ON r.file_no = s.file_no AND r.record_number = s.record_number
        JOIN vault.main.input_file AS f ON s.file_no = f.file_no
        WHERE f.site = $site
        """,
        {"site": site},
    ).fetchall()
    return {row[0]: row[1] if len(row) == 2 else row[1:] for row in found}


def defects(connection: duckdb.DuckDBPyConnection, site: str) -> dict[str, int]:
    """Entity, column and reason → cells that were emptied."""
    found = connection.execute(
        "SELECT entity || '.' || column_name || ':' || reason, sum(n_cells) FROM meta.column_defect "
        "WHERE site = $site GROUP BY ALL",
        {"site": site},
    ).fetchall()
    return {name: int(n) for name, n in found}


@pytest.fixture(params=FORMATS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param).replace(".", "_")


def test_known_and_mapped_words_of_sex_are_read_and_no_digit_is_guessed(
    built: duckdb.DuckDBPyConnection, kind: str
) -> None:
    sex = cells(built, f"words_{kind}", "patients", "s.sex")
    assert sex == {key: {"f": "F", "m": "M", "x": "X", "n": None}[key[0]] for key in sex}
    assert len(sex) == 19
    assert defects(built, f"words_{kind}") == {
        "patients.sex:invalid_code": 4,
        "patients.status:invalid_code": 1,
    }


def test_every_coded_column_takes_the_sites_words(built: duckdb.DuckDBPyConnection, kind: str) -> None:
    site = f"words_{kind}"
    patients = cells(built, site, "patients", "s.ms_phenotype, s.duffy_null")
    assert (patients["f1"], patients["f2"]) == (("RRMS", True), ("RRMS", False))
    assert cells(built, site, "treatments", "s.drug, s.end_reason, s.is_cancelled") == {
        "t1": ("ocrelizumab", "adverse_event", False),
        "t2": ("ocrelizumab", None, True),
        "t3": ("ocrelizumab", "adverse_event", False),
        "t4": ("ocrelizumab", None, False),
    }
    assert fates(built, site, "treatments") == {
        "t1": "current",
        "t2": "current",
        "t3": "current",
        "t4": "invalid_code",
    }
    assert fates(built, site, "administrations") == {
        "a1": "current",
        "a2": "current",
        "a3": "unknown_drug",
        "a4": "current",
    }
    assert fates(built, site, "lab_results") == {"l1": "current", "l2": "current", "l3": "invalid_code"}
    assert cells(built, site, "lab_results", "s.is_cancelled") == {"l1": False, "l2": True, "l3": False}
    assert cells(built, site, "clinical_events", "s.event_type, s.is_cancelled") == {
        "e1": ("hospitalisation", False),
        "e2": ("febrile_neutropenia", False),
        "e3": (None, False),
        "e4": ("relapse", True),
    }
    assert cells(built, site, "adjudications", "s.verdict") == {"v1": "confirmed", "v2": "lab_error", "v3": None}


def test_m_means_nothing_beside_a_letter_that_may_make_it_a_woman(built: duckdb.DuckDBPyConnection, kind: str) -> None:
    def sex(site: str) -> dict[str, str | None]:
        return cells(built, f"{site}_{kind}", "patients", "s.sex")

    assert sex("spanish") == {"P1": None, "P2": None, "P3": None, "P4": "M"}
    assert sex("dutch") == {"P1": None, "P2": None}
    assert sex("mapped") == {"P1": "F", "P2": "M", "P3": "F"}
    assert sex("half") == {"P1": None, "P2": "M"}
    assert defects(built, f"spanish_{kind}") == {"patients.sex:invalid_code": 3}


def test_a_code_is_known_in_whatever_dress_and_never_when_two_fit(built: duckdb.DuckDBPyConnection, kind: str) -> None:
    site = f"codes_{kind}"
    analytes = cells(built, site, "lab_results", "s.analyte")
    assert {key for key, analyte in analytes.items() if analyte == "anc"} == {
        *("hl7", "alternate", "named", "address", "dash", "wide", "hidden", "frame", "blanks", "exact"),
    }
    assert analytes["other"] == "neutrophils_pct"
    fate = fates(built, site, "lab_results")
    assert {fate[key] for key in ("unclear", "near", "granulocytes", "unverified")} == {"not_mapped"}
    assert {key: told for key, told in fate.items() if told not in ("current", "not_mapped")} == {
        "wide": "unit_incompatible"  # g/L is gram: case counts in units, full-width or not
    }


def test_a_code_of_two_analytes_is_told_apart_by_its_unit(built: duckdb.DuckDBPyConnection, kind: str) -> None:
    site = f"told_{kind}"
    assert cells(built, site, "lab_results", "s.analyte, s.canonical_value") == {
        "count": ("anc", Decimal("1.5")),
        "share": ("neutrophils_pct", Decimal(50)),
        "leu": ("wbc", Decimal(4)),
        "own": ("wbc", Decimal(5)),
        **dict.fromkeys(("mass", "none", "zero", "what", "csf", "csfnone"), (None, None)),
    } | {"csf": ("anc", Decimal(0))}
    assert fates(built, site, "lab_results") == {
        **dict.fromkeys(("count", "share", "leu", "own"), "current"),
        "mass": "unit_incompatible",
        "none": "unit_missing",
        "zero": "zero_without_unit",
        "what": "unit_unknown",
        "csf": "not_mapped",
        "csfnone": "not_mapped",
    }
    derived = built.execute(
        "SELECT anc_10e9_l FROM main.fct_anc WHERE site = $site AND derivation = 'derived_wbc_pct'", {"site": site}
    ).fetchall()
    assert derived == [(Decimal(2),)]


def test_only_blood_counts_and_an_unknown_word_is_never_taken_for_it(
    built: duckdb.DuckDBPyConnection, kind: str
) -> None:
    assert fates(built, f"material_{kind}", "lab_results") == {
        **dict.fromkeys(("blank", "blood", "hl7", "text", "own", "igg", "igm", "iga"), "current"),
        **dict.fromkeys(("csf", "csf_own", "csf_bad", "serum", "igg_csf", "unmapped"), "not_mapped"),
        **dict.fromkeys(("unknown", "clash"), "unknown_material"),
    }


def test_a_word_for_no_value_is_a_blank_in_every_column(built: duckdb.DuckDBPyConnection, kind: str) -> None:
    site = f"missing_{kind}"
    assert fates(built, site, "patients") == {"P1": "current", "n.p.": "missing_key"}
    assert fates(built, site, "treatments") == {"t1": "current", "t2": "missing_required", "t3": "missing_required"}
    assert fates(built, site, "administrations") == {
        "a1": "current",
        "a2": "missing_required",
        "a3": "missing_required",
    }
    assert fates(built, site, "clinical_events") == {"e1": "current", "e2": "missing_required"}
    assert fates(built, site, "lab_results") == {
        **dict.fromkeys(("clot", "nine"), "missing_required"),
        **dict.fromkeys(("blood", "low", "minus", "bound"), "current"),
        **dict.fromkeys(("text", "mark"), "non_numeric_value"),
        "negative": "negative_value",
    }
    assert defects(built, site) == {"lab_results.reference_low:non_numeric_value": 1}


def test_a_flag_stands_beside_the_value_that_it_was_sent_with(built: duckdb.DuckDBPyConnection, kind: str) -> None:
    found = built.execute(
        "SELECT source_value, source_flag, anc_10e9_l, operator FROM main.fct_anc WHERE site = $site ORDER BY 3, 1",
        {"site": f"missing_{kind}"},
    ).fetchall()
    assert found == [
        ("* 0,4 *", "* *", Decimal("0.4"), None),
        ("L <0,5", "L", Decimal("0.5"), "<"),
        ("0,7 -", "-", Decimal("0.7"), None),
        ("1,0 L", "L", Decimal(1), None),
    ]


def test_a_wide_table_takes_all_of_it_too(built: duckdb.DuckDBPyConnection, kind: str) -> None:
    site = f"row_{kind}"
    found = built.execute(
        "SELECT strftime(collected_on, '%d'), anc_10e9_l, derivation FROM main.fct_anc WHERE site = $site ORDER BY 1",
        {"site": site},
    ).fetchall()
    assert found == [
        ("01", Decimal("1.5"), "measured"),
        ("02", Decimal(2), "derived_wbc_pct"),
        ("05", Decimal("0.4"), "measured"),
    ]
    fate = fates(built, site, "lab_results")
    assert {key: told for key, told in fate.items() if told != "current"} == {
        "P1/2024-01-03T00:00:00/wbc": "not_mapped",
        "P1/2024-01-03T00:00:00/NEU": "not_mapped",
        "P1/2024-01-04T00:00:00/wbc": "not_mapped",  # the specimen stands on the first row of its group
        "P1/2024-01-04T00:00:00/NEU": "not_mapped",
        "": "missing_key,missing_required",
        "P2/2024-01-07T00:00:00/wbc": "unknown_material",
    }
    assert cells(built, site, "lab_results", "s.is_cancelled")["P1/2024-01-06T00:00:00/NEU//0"]
