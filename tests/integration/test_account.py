"""The account by site: what could not be used, new against the release before, and the codes that may be named."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest
from integration.compiled_project import compiled_project
from integration.synthetic_warehouse import alter

from expectations import audit
from expectations.suites import cohort_losses
from registry.config.settings import Settings, load_settings
from registry.curation import account
from registry.curation.account import SiteAccount
from registry.curation.account_codes import new_codes
from registry.profile.discretion import is_loinc

LABS = "result_id,patient_id,test_code,test_name,value,unit,collected_at\n"
DOSES = "administration_id,patient_id,drug,administered_on\n"
IDS = [f"P{number}" for number in range(1, 13)]


def deliver(
    home: Path, month: str, sexes: Mapping[str, str], codes: Mapping[str, str], site: str = "udine"
) -> Settings:
    """Twelve treated patients with these words for their sex, and one result a patient and code, by code and name."""
    folder = home / "deliveries" / site / month
    folder.mkdir(parents=True)
    rows = [f"{who},1980,{sexes.get(who, 'F')}\n" for who in IDS]
    (folder / "patients.csv").write_text("patient_id,birth_date,sex\n" + "".join(rows))
    (folder / "administrations.csv").write_text(DOSES + "".join(f"A{w},{w},ocrelizumab,2024-01-02\n" for w in IDS))
    labs = [f"{month}{c}{w},{w},{c},{name},3,10*9/L,{month}-03\n" for c, name in codes.items() for w in IDS]
    (folder / "lab_results.csv").write_text(LABS + "".join(labs))
    return compiled_project().build(home)


def site(accounts: list[SiteAccount], name: str = "udine") -> SiteAccount:
    return next(one for one in accounts if one.site == name)


@pytest.fixture(scope="module")
def january(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one month in which all is well but for a code that nobody knows."""
    home = tmp_path_factory.mktemp("january")
    deliver(home, "2024-01", {}, {"751-8": "", "OLD": "Ferritin"})
    return home


@pytest.fixture
def home(january: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(january, tmp_path / "home"))


def previous_of(home: Path) -> Path:
    return Path(shutil.copy(home / "warehouse.duckdb", home / "previous.duckdb"))


def test_patients_who_leave_the_cohort_by_an_emptied_cell_come_first(home: Path) -> None:
    before = previous_of(home)
    settings = deliver(home, "2024-02", dict.fromkeys(IDS[:8], "?!"), {"751-8": ""})
    told = account.told(account.compare(settings, settings.warehouse, before))
    assert told == [
        "udine  cohort: 4 (was 12); outside it: missing_demographics 8",
        "       cells emptied: 8 (patients.sex invalid_code 8)",
    ]
    results = audit(settings.warehouse, before, checks=cohort_losses.CHECKS).checks
    assert {r.check_id: r.detail for r in results if not r.passed} == {
        "patients_left_cohort_for_a_cell": "udine 8 patients",
        "site_cohort_shrunk": "udine 4 of 12",
        "demographics_emptied": "udine sex 8 of 12",
    }
    assert all(not r.blocks for r in results)


def test_what_is_still_open_is_one_line_for_all_sites_without_news(home: Path) -> None:
    alter(
        home / "warehouse.duckdb",
        "INSERT INTO meta.quarantine_summary VALUES ('udine', '2024-01', 'patients', 'f', 'x', 9, 7)",
        "UPDATE meta.reconciliation SET rows_quarantined = 9, rows_open = 7 WHERE source_file = "
        "(SELECT min(source_file) FROM meta.reconciliation WHERE site = 'udine')",
    )
    before = previous_of(home)
    told = account.told(account.compare(load_settings(home=home), home / "warehouse.duckdb", before))
    assert told == ["1 site with nothing new: 7 quarantined rows still open, 0 cells still emptied"]


def test_rows_are_new_by_file_so_that_mended_ones_hide_none(home: Path) -> None:
    row = "INSERT INTO meta.quarantine_summary VALUES ('udine', '2024-01', 'patients', '{}', 'unit_unknown', 9, 5)"
    before = alter(previous_of(home), row.format("mended"))
    alter(home / "warehouse.duckdb", row.format("broken"), row.format("kept").replace("5)", "3)"))
    alter(before, row.format("kept").replace("5)", "2)"))
    (held,) = site(account.compare(load_settings(home=home), home / "warehouse.duckdb", before)).held_back
    assert (held.now, held.new) == (8, 6)


def test_an_earlier_version_without_the_newer_tables_is_compared_as_far_as_it_goes(home: Path) -> None:
    before = alter(
        previous_of(home),
        "DROP TABLE meta.unmapped_code",
        "ALTER TABLE meta.reconciliation DROP COLUMN rows_retracted",
    )
    lines = site(account.compare(load_settings(home=home), home / "warehouse.duckdb", before)).lines()
    assert lines == ["test codes not mapped: 1, in 12 rows"]


def test_new_codes_are_named_where_several_patients_share_them_and_nothing_gives_one_away(home: Path) -> None:
    before = previous_of(home)
    codes = {
        "751-8": "",
        "OLD": "Ferritin",
        "XNEU": "Neutrofili",
        "P3": "",
        "1980-02-03": "",
        "2160-0": "",
        "123456": "",
    }
    settings = deliver(home, "2024-02", {}, codes)
    folder = settings.deliveries / "udine" / "2024-02"
    (folder / "lab_results_b.csv").write_text(LABS + "b1,P1,RARE,,1,1,2024-02-03\nb2,P1,RARE,,1,1,2024-02-04\n")
    compiled_project().build(home)
    named = new_codes(settings, before)
    assert named == {"udine": ("XNEU", "2160-0", "4 not shown")}
    lines = site(account.compare(settings, settings.warehouse, before, named)).lines()
    (line,) = [line for line in lines if "codes" in line]
    assert line == (
        "test codes not mapped: 6 new of 7, in 86 rows, of which 12 look like neutrophils; "
        "new: XNEU, 2160-0, 4 not shown"
    )


def test_a_release_and_the_build_file_hold_counts_of_unmapped_codes_and_no_text(home: Path) -> None:
    settings = deliver(home, "2024-02", {}, {"SECRETCODE": "Neutrofili"})
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        assert connection.execute("FROM meta.unmapped_code").fetchall() == [("udine", 2, 24, 1, 12)]
    compiled_project().run(settings, with_views=True)
    assert b"SECRETCODE" not in settings.warehouse.read_bytes()


@pytest.mark.parametrize(
    ("code", "name", "reads_so"),
    [
        ("NEU#", "", True),
        ("X1", "Neutrofili assoluti", True),
        ("X1", "Neutrophile Granulozyten", True),
        ("X1", "Polynucléaires neutrophiles", True),
        ("X1", "Neutrófilos", True),
        ("ANC", "", True),
        ("X1", "Segmentati", True),
        ("X1", "Stabkernige", True),
        ("X1", "Neutrophil concentration", True),
        ("PMN", "", True),
        ("LAB-751-8", "", True),
        ("X1", "loinc 23761_0", True),
        ("26464-8 770-8", "", True),
        ("75112345-8", "", False),
        ("6690-2", "", False),
        ("ANCA", "", False),
        ("X1", "Anticorpi anti-citoplasma dei neutrofili", False),
        ("X1", "Granulociti eosinofili", False),
        ("X1", "Oligoclonal bands", False),
        ("X1", "NGAL neutrophil gelatinase-associated lipocalin", False),
        ("X1", "Ferritina", False),
        ("NETTO", "", False),
        ("X1", "Bilancio", False),
    ],
)
def test_what_reads_like_neutrophils(code: str, name: str, reads_so: bool) -> None:
    model = next(model for model in compiled_project().models if model.name == "int_unmapped_test")
    condition = model.sql.split("sent.test_code,", 1)[1].split("as is_neutrophil_like")[0]
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{compiled_project().seeded}' AS warehouse (READ_ONLY)")
        found = connection.execute(
            f"SELECT {condition} FROM (SELECT $1 AS test_code, $2 AS test_name) AS sent", [code, name or None]
        ).fetchone()
    assert found == (reads_so,)


@pytest.mark.parametrize(
    ("text", "is_code"), [("2160-0", True), ("751-8", True), ("751-9", False), ("75112345-8", False)]
)
def test_a_loinc_code_is_told_by_its_check_digit(text: str, is_code: bool) -> None:
    assert is_loinc(text) is is_code
