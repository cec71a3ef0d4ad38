"""Parts of different draws, and values that contradict their unit: nothing is derived from them, and it is counted.

Each example is a site of its own: whether a lone percentage is a fraction depends on what its site and code ever send.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from integration.compiled_project import compiled_project

from expectations import audit
from expectations.suites import agreement

CODES = {
    "WBC": ("6690-2", "10*9/L"),
    "NEU%": ("770-8", "%"),
    "LYMPH%": ("736-9", "%"),
    "SEG%": ("SEG%", "%"),
    "BAND%": ("26508-2", "%"),
    "SEGS": ("768-2", "10*9/L"),
    "BANDS": ("26507-4", "10*9/L"),
    "ANC": ("751-8", "10*9/L"),
    "LYMPH": ("731-0", "10*9/L"),
    "PLT": ("777-3", "10*9/L"),
    "CD19": ("8116-6", "10*9/L"),
}
# What a site sends of one day ("NAME VALUE [UNIT] [@SPECIMEN or @TIME]"), the ANC, and why there is none.
DRAWS: dict[str, tuple[str, str, str]] = {
    "two_draws": ("WBC 2.9, NEU% 70, WBC 12.0, NEU% 16", "", "ambiguous_parts"),
    "two_normal_draws": ("WBC 5.0, NEU% 60, WBC 5.2, NEU% 62", "3.0", ""),
    "the_same_twice": ("WBC 2.9, NEU% 16, WBC 2.9, NEU% 16", "0.464", ""),
    "two_draws_of_segs": ("SEGS 0.4, BANDS 0.1, SEGS 2.0", "", "ambiguous_parts"),
    "two_draws_of_segs_and_one_percentage": ("SEGS 0.4, BANDS 0.1, SEGS 2.0, WBC 5, NEU% 60", "", "ambiguous_parts"),
    "two_draws_of_bands": ("WBC 4, SEG% 30, BAND% 1, BAND% 9", "", "ambiguous_parts"),
    "part_with_an_operator": ("WBC <3, NEU% 40, WBC 12.0", "", ""),
    "leukocytes_of_0_in_one_draw": ("WBC 0, WBC 5, NEU% 60", "", "ambiguous_parts"),
    "measured": ("WBC 2.9, NEU% 70, WBC 12.0, NEU% 16, ANC 2.0", "2.0", ""),
    "fractions": ("WBC 5.0, NEU% 0.609, LYMPH% 0.302", "", "not_percentages"),
    "fractions_beside_unmapped_ones": ("WBC 5.0, NEU% 0.50, LYMPH% 0.25", "", "not_percentages"),
    "fractions_of_segs_and_bands": ("WBC 5.0, SEG% 0.55, BAND% 0.05", "", "not_percentages"),
    "lone_fraction": ("WBC 5.0, NEU% 0.609", "", "not_percentages"),
    "lone_fraction_beside_segs": ("WBC 5.0, NEU% 0.609, SEG% 0.58", "", "not_percentages"),
    "fractions_that_say_so": ("WBC 5.0 , NEU% 0.609 1, LYMPH% 0.302 1", "3.045", ""),
    "lone_fraction_that_says_so": ("WBC 5.0, NEU% 0.009 1", "0.045", ""),
    "counts": ("WBC 5.0, NEU% 3.1, LYMPH% 1.5", "", "not_percentages"),
    "fractions_of_two_draws": ("WBC 5.0, NEU% 0.55, LYMPH% 0.25, NEU% 0.65, LYMPH% 0.35", "", "not_percentages"),
    "low_share": ("WBC 2.0, NEU% 0.9, LYMPH% 86", "0.018", ""),
    "no_neutrophils": ("WBC 2.0, NEU% 0, LYMPH% 86", "0", ""),
    "zeros": ("WBC 0.2, NEU% 0, LYMPH% 0", "", "zero_differential"),
    "segs_and_bands_beside_fractions": ("SEGS 2.0, BANDS 0.1, WBC 5, NEU% 0.6", "2.1", "not_percentages"),
    "specimen_for_one_part": ("WBC 2.0 @A, NEU% 20", "", "unpaired_parts"),
    "time_for_one_part": ("WBC 2.0, NEU% 20 @08:00", "", "unpaired_parts"),
    "another_time_for_each_part": ("WBC 2.0 @08:00, SEG% 20 @08:01", "", "unpaired_parts"),
    "segs_and_bands_apart": ("SEGS 0.4 @A, BANDS 0.1 @B", "", "unpaired_parts"),
    "apart_beside_a_pair": ("WBC 5.0 @A, NEU% 60 @A, WBC 2.0 @B, NEU% 20 @C", "3.0", "unpaired_parts"),
    "spare_part_beside_a_pair": ("WBC 5.0 @A, NEU% 60 @A, SEG% 20 @B", "3.0", ""),
    "apart_and_measured": ("WBC 2.0 @A, NEU% 20 @B, ANC 0.4 @C", "0.4", ""),
    "no_percentage_of_neutrophils": ("WBC 2.0 @A, LYMPH% 20 @B, BAND% 3 @B", "", ""),
    "leukocytes_in_doubt": ("WBC 0.006037, NEU% 60", "", ""),
}
# A value, its unit, and what becomes of it in 10^9/L; none: implausible_value.
COUNTS = (
    ("ANC", "0.0034", "10*9/L", ""),
    ("ANC", "250", "cells/L", ""),
    ("ANC", "3.3699998856", "10*9/L", "3.37"),
    ("ANC", "0.035", "10*9/L", "0.035"),
    ("ANC", "0.0349999998", "10*9/L", "0.035"),
    ("ANC", "0.0345", "10*9/L", ""),
    ("ANC", "0", "10*9/L", "0"),
    ("ANC", "0.001", "10*9/L", "0.001"),
    ("ANC", "0.0004", "10*9/L", ""),
    ("ANC", "99.5", "/uL", ""),
    ("ANC", "100.5", "/uL", "0.1005"),
    ("ANC", "<0.05", "10*9/L", "0.05"),
    ("ANC", "<0.0005", "10*9/L", ""),
    ("ANC", "<0.5", "/uL", ""),
    ("WBC", "0.006037", "10*9/L", ""),
    ("SEGS", "0.0345", "10*9/L", ""),
    ("BANDS", "0.0345", "10*9/L", ""),
    ("BANDS", "2.5", "/uL", ""),
    ("LYMPH", "0.0018", "10*3/uL", ""),
    ("PLT", "0.00025", "10*6/uL", "0.25"),
    ("PLT", "0.0505", "10*9/L", ""),
    ("CD19", "2.3", "/uL", "0.0023"),
)


Result = tuple[str, str, str, str]
"""Code, value, unit, and the specimen or the time."""


def send(home: Path, site: str, results: list[Result], codes: str = "{tests: {SEG%: segs_pct}}") -> None:
    """One patient's results of one day, a key each."""
    folder = home / "deliveries" / site / "2024-03"
    folder.mkdir(parents=True)
    (folder.parent / "site.yml").write_text(f"codes: {codes}\n")
    (folder / "patients.csv").write_text("patient_id,birth_date,sex\nSYN-1,1980-01-01,F\n")
    rows = [
        f"{n},SYN-1,{code},{value},{unit},2024-03-01{f'T{at},' if ':' in at else f',{at}'}"
        for n, (code, value, unit, at) in enumerate(results)
    ]
    header = "result_id,patient_id,test_code,value,unit,collected_at,specimen_id"
    (folder / "lab_results.csv").write_text("\n".join([header, *rows]) + "\n")


def parts(text: str) -> list[Result]:
    """Results of a day."""
    found = []
    for sent in text.split(","):
        words, _, at = sent.partition("@")
        name, value, *units = words.split()
        code, unit = CODES[name]
        found.append((code, value, units[0] if units else unit, at.strip()))
    return found


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home: Path = tmp_path_factory.mktemp("draws")
    for site, (text, _, _) in DRAWS.items():
        send(home, site, parts(text))
    for number, (name, value, unit, _) in enumerate(COUNTS):
        send(home, f"count_{number}", [(CODES[name][0], value, unit, "")])
    proof = [*parts("WBC 5.0, NEU% 0.609"), ("NEU2", "60", "%", "")]
    send(home, "another_code_is_no_proof", proof, "{tests: {NEU2: neutrophils_pct}}")
    send(home, "sign_that_means_a_fraction", parts("WBC 5.0, NEU% 0.609"), '{units: {"%": "1"}}')
    return compiled_project().build(home).warehouse


def query(warehouse: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_an_anc_is_derived_only_where_every_pairing_of_the_parts_means_the_same(built: Path) -> None:
    found: dict[object, object] = dict(query(built, "SELECT site, anc_10e9_l FROM main.fct_anc"))
    expected = {site: Decimal(anc) if anc else None for site, (_, anc, _) in DRAWS.items()}
    assert {site: found.get(site) for site in DRAWS} == expected


def test_a_draw_that_gives_none_is_counted_at_its_site_whatever_else_the_site_sends(built: Path) -> None:
    reasons = query(
        built,
        "SELECT site, reason FROM (UNPIVOT meta.derivation_agreement "
        "ON ambiguous_parts, unpaired_parts, not_percentages, zero_differential INTO NAME reason VALUE n) "
        "WHERE is_site_rule AND n = 1",
    )
    expected = {(site, reason) for site, (_, _, reason) in DRAWS.items() if reason}
    assert {row for row in reasons if row[0] in DRAWS} == expected


@pytest.mark.parametrize("number", range(len(COUNTS)), ids=[" ".join(count[:3]) for count in COUNTS])
def test_a_count_is_a_whole_number_of_cells_or_implausible(built: Path, number: int) -> None:
    *_, expected = COUNTS[number]
    ((reasons, value),) = query(
        built,
        "SELECT r.reasons, r.canonical_value FROM staging.stg_lab_result AS r "
        f"JOIN staging.stg_input_file USING (file_no) WHERE site = 'count_{number}'",
    )
    if expected:
        assert (reasons or "", value) == ("", Decimal(expected))
    else:
        assert reasons == "implausible_value"


def test_only_the_code_itself_proves_that_it_sends_percentages(built: Path) -> None:
    sql = "SELECT anc_10e9_l FROM main.fct_anc WHERE site = '{}'"
    assert query(built, sql.format("sign_that_means_a_fraction")) == [(Decimal("3.045"),)]
    assert query(built, sql.format("another_code_is_no_proof")) == []


def test_a_derived_count_leads_back_to_the_records_of_its_lowest_parts(built: Path) -> None:
    found = query(
        built,
        "SELECT part, part_value, record_number FROM meta.lineage JOIN main.dim_patient USING (patient_key) "
        "WHERE site = 'two_normal_draws' AND record_of = 'anc' ORDER BY record_number",
    )
    assert found == [("wbc", Decimal(5), 1), ("neutrophils_pct", Decimal(60), 2)]


def test_the_gate_names_the_sites_that_lost_counts_and_blocks_none(built: Path) -> None:
    outcome = audit(built, checks=agreement.CHECKS)
    assert outcome.passed
    warned = {result.check_id for result in outcome.warnings}
    checks = "parts_are_of_one_draw parts_are_paired percentages_are_percentages differentials_were_counted"
    assert set(checks.split()) <= warned
