"""What a site got wrong, from its files to the gate's warning: bands counted twice, a slip of ten, a part not sent."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb
import pytest
from integration.compiled_project import compiled_project

from expectations import audit
from expectations.suites import agreement, completeness
from registry.config.settings import Settings

MONTHS = ("2023-12", "2024-01", "2024-02", "2024-03", "2024-04", "2024-05")
PLANTED = {
    # site: ANC, WBC, neutrophils %, bands % of every draw; None where the laboratory reports none
    "sound": ("2.4", "4.0", "50", "10"),
    "twice": ("2.4", "4.0", "60", "10"),
    "tenfold": ("24", "4.0", "60", None),
    "beyond": (None, "4.0", "95", "10"),
}
UNITS = {"751-8": "10*9/L", "6690-2": "10*9/L", "770-8": "%", "26508-2": "%"}


def draws(site: str, month: str, n_draws: int) -> Iterable[str]:
    """Rows of lab_results, a specimen a draw."""
    yield "result_id,patient_id,specimen_id,test_code,value,unit,collected_at"
    for number in range(n_draws):
        specimen = f"{month}-{number}"
        for (code, unit), value in zip(UNITS.items(), PLANTED[site], strict=True):
            if value is not None:
                yield f"{specimen}-{code},P1,{specimen},{code},{value},{unit},{month}-{number + 1:02d}"


def doses(month: str) -> Iterable[str]:
    """Rows of administrations, twenty a month."""
    yield "administration_id,patient_id,drug,administered_on"
    for number in range(20):
        yield f"{month}-{number},P1,filgrastim,{month}-{number + 1:02d}"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Four sites: `sound` sends no doses in the last month, `tenfold` nothing at all in it."""
    home: Path = tmp_path_factory.mktemp("warned")
    for site in PLANTED:
        for month in MONTHS:
            folder = home / "deliveries" / site / month
            if (site, month) == ("tenfold", MONTHS[-1]):
                continue
            folder.mkdir(parents=True)
            if month == MONTHS[0]:
                (folder / "patients.csv").write_text("patient_id,birth_date,sex\nP1,1980,F\n")
            (folder / "lab_results.csv").write_text("\n".join(draws(site, month, 6)) + "\n")
            if site == "sound" and month != MONTHS[-1]:
                (folder / "administrations.csv").write_text("\n".join(doses(month)) + "\n")
    return compiled_project().build(home)


def test_each_site_is_warned_of_its_own_fault_and_of_no_other(built: Settings) -> None:
    result = audit(built.warehouse, checks=[*agreement.CHECKS, *completeness.CHECKS])
    assert result.passed
    assert {r.check_id: r.detail for r in result.warnings} == {
        "derived_anc_agrees_with_measured": "tenfold derived_wbc_pct median ratio 0.10, 0 % within 5 %, 30 pairs; "
        "twice derived_wbc_pct median ratio 1.17, 0 % within 5 %, 36 pairs",
        "bands_are_read_right": "twice derived_wbc_pct closer without bands 36 of 36",
        "derived_anc_is_possible": "beyond derived_wbc_pct 36 of 36",
        "site_silent_in_latest_month": "tenfold 2024-05",
        "entity_missing_or_low": "sound 2024-05 administrations missing 0 rows, expected 20",
    }


def test_an_impossible_count_is_in_no_table_of_counts(built: Settings) -> None:
    with duckdb.connect(str(built.warehouse), read_only=True) as connection:
        found = connection.execute("SELECT site, count(*) FROM main.fct_anc GROUP BY site ORDER BY site").fetchall()
    assert found == [("sound", 36), ("tenfold", 30), ("twice", 36)]


def test_a_site_yml_that_names_the_right_reading_ends_the_warning(built: Settings) -> None:
    (built.deliveries / "twice" / "site.yml").write_text("neutrophils_pct_includes_bands: true\n")
    result = audit(compiled_project().build(built.home).warehouse, checks=agreement.CHECKS)
    assert "twice" not in " ".join(r.detail for r in result.warnings)
