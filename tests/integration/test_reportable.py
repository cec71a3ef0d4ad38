"""Who must report severe neutropenia: in the cohort or not, and where only the leukocytes are known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from integration.compiled_project import compiled_project

from registry import release
from registry.statistics import write_statistics

FIRST_DOSE = date(2024, 1, 10)
WBC, ANC, SEGS, PERCENT, LYMPHOCYTES = "6690-2", "751-8", "segs", "770-8", "736-9"

# Results by patient, each (day after the first dose, time, test, value, specimen): P by P one registry of all of them.
Result = tuple[int, str, str, str, str]


def wbc(value: str, day: int = 60, time: str = "08:00", specimen: str = "") -> Result:
    return (day, time, WBC, value, specimen)


def anc(value: str, day: int = 60, time: str = "08:00", specimen: str = "") -> Result:
    return (day, time, ANC, value, specimen)


LEUKOCYTES: dict[str, tuple[list[Result], list[int]]] = {
    "below 0.5": ([wbc("0.499999")], [60]),
    "none at all": ([wbc("0")], [60]),
    "0.5 itself": ([wbc("0.5")], []),
    "bound at 0.5": ([wbc("<0.5")], [60]),
    "bound that may be 0.5": ([wbc("<=0.5")], []),
    "bound above 0.5": ([wbc("<0.6")], []),
    "bound from below": ([wbc(">0.1")], []),
    "contradicts its unit": ([wbc("0.006037")], []),
    "lowest of a day": ([wbc("0.4"), wbc("<0.3", time="12:00"), wbc("0.3", time="18:00")], [60]),
    "two days": ([wbc("0.4"), wbc("0.4", 61)], [60, 61]),
    "ANC of that time": ([wbc("0.4"), anc("0.3")], []),
    "ANC of another time": ([wbc("0.4"), anc("2", time="20:00")], [60]),
    "ANC of that specimen": ([wbc("0.4", specimen="S"), anc("2", time="09:00", specimen="S")], []),
    "ANC of another specimen": ([wbc("0.4", specimen="S"), anc("2", specimen="T")], [60]),
    "derived ANC": ([wbc("0.4"), (60, "08:00", PERCENT, "50", "")], []),
    "zeros throughout": ([wbc("0.2"), (60, "08:00", PERCENT, "0", ""), (60, "08:00", LYMPHOCYTES, "0", "")], [60]),
    "differential alone": ([wbc("0.4"), (60, "08:00", LYMPHOCYTES, "90", "")], [60]),
    "before the first dose": ([wbc("0.4", -1)], []),
    "on the day of the first dose": ([wbc("0.4", 0)], []),
    "last day of attribution": ([wbc("0.4", 365)], [365]),
    "a day later": ([wbc("0.4", 366)], []),
    "covered by a severe episode": ([anc("0.4", 55), wbc("0.4"), anc("2", 70)], []),
    "after a severe episode": ([anc("0.4", 50), anc("2", 55), wbc("0.4")], [60]),
    "covered by a moderate episode": ([anc("0.8", 55), wbc("0.4"), anc("2", 70)], [60]),
    "covered by one that a review ruled out": ([anc("0.3", 55), wbc("0.4"), anc("2", 70)], []),
    "no sex": ([wbc("0.4")], [60]),
}
EPISODES: dict[str, tuple[list[Result], str | None, bool | None]] = {
    # results; why the patient is outside the cohort; possibly severe, None where the episode is not listed
    "severe, a member": ([anc("0.44")], None, False),
    "severe, no sex": ([anc("0.44")], "missing_demographics", False),
    "severe, no birth": ([anc("0.44")], "missing_demographics", False),
    "severe, enrolled too late": ([anc("0.44", 460)], "outside_enrolment", False),
    "severe, low before": ([anc("1.2", -30), anc("0.9", -20), anc("2", 1), anc("0.44")], "baseline_neutropenia", False),
    "low before and severe after": ([anc("0.9", -5), anc("0.44")], "baseline_neutropenia", False),
    "severe before, low after": ([anc("0.3", -5), anc("0.6")], "baseline_neutropenia", None),
    "severe before, a bound after": ([anc("0.3", -5), anc("<0.6")], "baseline_neutropenia", True),
    "a bound, no sex": ([anc("<0.7")], "missing_demographics", True),
    "moderate, no sex": ([anc("0.5")], "missing_demographics", None),
    "severe, no sex, ruled out": ([anc("0.44")], "missing_demographics", None),
    "severe too late": ([anc("0.44", 366)], None, None),
    "severe, never treated": ([anc("0.44")], "never_treated", None),
}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    home = tmp_path_factory.mktemp("reportable")
    folder = home / "deliveries" / "site" / "2025-12"
    folder.mkdir(parents=True)
    (home / "deliveries" / "registry.yml").write_text("enrolment_start: 2024-01-01\nenrolment_end: 2024-12-31\n")
    (folder.parent / "site.yml").write_text("time_zone: Europe/Rome\n")
    stories: dict[str, list[Result]] = {name: results for name, (results, _) in LEUKOCYTES.items()}
    stories |= {name: results for name, (results, *_) in EPISODES.items()}
    patients, doses, results = [], [], []
    for name, told in stories.items():
        late = 400 if "enrolled too late" in name else 0
        sex, birth = "" if "no sex" in name else "F", "" if "no birth" in name else "1980"
        patients.append(f"{name.replace(',', ';')},{birth},{sex}")
        if "never treated" not in name:
            doses.append(f"{len(doses)},{name.replace(',', ';')},rituximab,{FIRST_DOSE + timedelta(days=late)}")
        for day, time, test, value, specimen in told:
            unit = "%" if test in (PERCENT, LYMPHOCYTES) else "10*9/L"
            at = f"{FIRST_DOSE + timedelta(days=day)} {time}"
            results.append(f"{len(results)},{name.replace(',', ';')},{specimen},{test},{value},{unit},{at}")
    ruled_out = [name.replace(",", ";") for name in stories if "ruled" in name]
    (folder / "patients.csv").write_text("patient_id,birth_date,sex\n" + "\n".join(patients))
    (folder / "administrations.csv").write_text(
        "administration_id,patient_id,drug,administered_on\n" + "\n".join(doses)
    )
    (folder / "lab_results.csv").write_text(
        "result_id,patient_id,specimen_id,test_code,value,unit,collected_at\n" + "\n".join(results)
    )
    (folder / "adjudications.csv").write_text(
        "adjudication_id,patient_id,onset_from,onset_to,verdict\n"
        + "\n".join(f"{name},{name},2024-01-01,2025-12-31,other_cause" for name in ruled_out)
    )
    settings = compiled_project().build(home)
    write_statistics(settings)
    assert release.publish(settings, "0" * 64).status == "published"
    current = release.current(settings)
    assert current
    with duckdb.connect(str(current.database), read_only=True) as connection:
        connection.execute(f"ATTACH '{settings.raw_db}' AS vault (READ_ONLY)")
        yield connection


def listed(connection: duckdb.DuckDBPyConnection, patient: str, basis: str, columns: str) -> list[Any]:
    return connection.execute(
        f"SELECT {columns} FROM main.mart_new_cases JOIN vault.main.patient_map USING (patient_key) "
        "WHERE patient_id = ? AND basis = ? ORDER BY onset_date",
        [patient.replace(",", ";"), basis],
    ).fetchall()


@pytest.mark.parametrize("patient", LEUKOCYTES)
def test_leukocytes_below_severe_without_a_neutrophil_count_are_listed(
    patient: str, registry: duckdb.DuckDBPyConnection
) -> None:
    """The neutrophils can't be more; but nobody counted them, so this is a hint and no case."""
    columns = (
        "onset_date, episode_id, possibly_severe, is_case_episode, outside_cohort_reason, attributed_drug, known_as"
    )
    reason = "missing_demographics" if "no sex" in patient else None
    days = [FIRST_DOSE + timedelta(days=day) for day in LEUKOCYTES[patient][1]]
    assert listed(registry, patient, "leukocytes", columns) == [
        (day, None, True, False, reason, "rituximab", "unknown") for day in days
    ]


def test_of_a_day_the_lowest_leukocytes_are_listed(registry: duckdb.DuckDBPyConnection) -> None:
    columns = "leukocytes_10e9_l::VARCHAR, leukocytes_operator, days_since_last_dose, lab_key IS NOT NULL"
    assert listed(registry, "lowest of a day", "leukocytes", columns) == [("0.300000", "<", 60, True)]


@pytest.mark.parametrize("patient", EPISODES)
def test_a_severe_episode_under_treatment_is_listed_with_the_reason_why_it_is_no_case(
    patient: str, registry: duckdb.DuckDBPyConnection
) -> None:
    _, reason, possibly_severe = EPISODES[patient]
    found = listed(registry, patient, "episode", "outside_cohort_reason, possibly_severe, is_case_episode")
    assert found == ([] if possibly_severe is None else [(reason, possibly_severe, reason is None)])


def test_what_is_listed_outside_the_cohort_or_by_leukocytes_is_in_no_count_of_cases(
    registry: duckdb.DuckDBPyConnection,
) -> None:
    cases = "SELECT count(DISTINCT patient_key) FROM main.fct_neutropenia_episode WHERE is_case_episode AND {primary}"
    primary = "definition_id = 'udine_2025'"
    counts = [
        f"SELECT n_cases FROM main.mart_incidence WHERE stratum_type = 'overall' AND {primary}",
        f"SELECT count(*) FROM main.mart_case_listing WHERE {primary}",
        f"SELECT n_cases FROM main.mart_sensitivity WHERE {primary}",
    ]
    (expected,) = registry.execute(cases.format(primary=primary)).fetchall()
    assert [registry.execute(sql).fetchall() for sql in counts] == [[expected]] * 3
    assert registry.execute(
        "SELECT count(*) FROM main.mart_new_cases WHERE is_case_episode AND (basis = 'leukocytes' "
        "OR outside_cohort_reason IS NOT NULL)"
    ).fetchone() == (0,)


def test_a_site_that_sends_no_counts_has_no_risk_and_is_named(tmp_path: Path) -> None:
    for site, counts in (("with", True), ("without", False)):
        folder = tmp_path / "deliveries" / site / "2025-03"
        folder.mkdir(parents=True)
        (folder / "patients.csv").write_text(
            "patient_id,birth_date,sex,last_contact_date\nP1,1980,F,2024-12-01\nP2,1981,M,2024-12-01\n"
        )
        (folder / "administrations.csv").write_text(
            "administration_id,patient_id,drug,administered_on\n"
            f"1,P1,{'rituximab' if counts else 'ocrelizumab'},2024-01-10\n2,P2,rituximab,2024-01-10\n"
        )
        code = ANC if counts else "NEUTRO-LOCAL"
        (folder / "lab_results.csv").write_text(
            "result_id,patient_id,test_code,value,unit,collected_at\n"
            f"1,P1,{code},3,10*9/L,2024-04-10\n2,P2,{code},3,10*9/L,2024-04-10\n"
        )
    settings = compiled_project().build(tmp_path)
    write_statistics(settings)
    outcome = release.publish(settings, "0" * 64)
    assert outcome.status == "published"
    warned = {check.check_id: check.detail for check in outcome.audit.checks if not check.passed}
    assert warned["stratum_never_tested"] == "drug ocrelizumab 1 patients; site without 2 patients"
    assert warned["site_without_counts"] == "without 2 patients in the cohort"
    current = release.current(settings)
    assert current
    of_primary = "definition_id = 'udine_2025'"
    with duckdb.connect(str(current.database), read_only=True) as connection:
        incidence = connection.execute(
            "SELECT stratum, n_patients, n_never_tested, n_cases, risk_pct, rate_per_100py, person_years > 0 "
            f"FROM main.mart_incidence WHERE {of_primary} ORDER BY stratum"
        ).fetchall()
        analyses = connection.execute(
            "SELECT stratum, n_never_tested, risk_pct, rate_per_100py FROM main.mart_sensitivity_analysis "
            f"WHERE {of_primary} AND analysis = 'late_effects_to_drug_before' ORDER BY stratum"
        ).fetchall()
        curve = connection.execute(
            f"SELECT DISTINCT stratum, survival, n_never_tested FROM main.mart_time_to_onset WHERE {of_primary} "
            "ORDER BY stratum"
        ).fetchall()
    assert incidence == [
        ("all", 4, 2, 0, 0, 0, True),
        ("ocrelizumab", 1, 1, 0, None, None, True),
        ("rituximab", 3, 1, 0, 0, 0, True),
        ("with", 2, 0, 0, 0, 0, True),
        ("without", 2, 2, 0, None, None, True),
    ]
    assert analyses == [("all", 2, 0, 0), ("ocrelizumab", 1, None, None), ("rituximab", 1, 0, 0)]
    assert curve == [("all", 1, 2), ("ocrelizumab", None, 1), ("rituximab", 1, 1), ("with", 1, 0), ("without", None, 2)]
