"""The warehouse against the independent reference: every row's fate, every ANC, dose, episode and day at risk.

`tests/reference` was written from the rules' text without sight of the SQL. The cohorts are small and nasty: boundary
values, gaps of 90 and 91 days, rebounds, deaths, switches, and, where messy, every defect of the input contract.
More seeds: pytest tests/integration/test_against_reference.py --reference-seeds 100
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from integration.compiled_project import compiled_project
from reference.bounds import on_the_bounds
from reference.cohort import Cohort, generate
from reference.compute import compute
from reference.writer import write

from registry.settings import Settings
from registry.statistics import write_statistics

EPISODE = (
    "definition_id onset_date episode_number last_normal_date nadir_anc_10e9_l nadir_operator nadir_date severity "
    "ctcae_v5_grade end_date end_status duration_days n_measurements attributed_drug previous_drug last_dose_date "
    "days_since_last_dose dose_number dose_source onset_type gcsf_treated gcsf_first_date gcsf_doses n_gcsf_rebounds "
    "infection febrile hospitalised relapse_within_90d other_suspect_drugs treatment_action next_drug "
    "recurrence_number continuation_possible recurrence_context adjudication is_case_episode"
).split()
DOSE = "drug drug_class administered_on dose_number dose_source".split()
ANC = (
    "collected_on collected_at anc_10e9_l operator derivation lln_10e9_l severity ctcae_v5_grade ctcae_v6_grade "
    "daids_2_1_grade last_drug days_since_last_dose within_gcsf_window below_cutoff_but_within_reference_range"
).split()
LAB = (
    "analyte collected_on collected_at value_10e9_l operator lln_10e9_l unit_in_doubt ctcae_v5_grade ctcae_v6_grade "
    "daids_2_1_grade below_cutoff_but_within_reference_range"
).split()
PATIENT = (
    "sex birth_year age_at_index ms_phenotype first_drug index_date observation_end follow_up_end in_cohort "
    "exclusion_reason no_baseline_anc"
).split()
RISK = "definition_id drug days_at_risk days_at_risk_first_year days_at_risk_total n_anc_tests".split()
MEMBER = (
    "definition_id first_drug index_date follow_up_end has_died first_case_onset is_case_of_first_year first_case_drug"
).split()
COUNTS = "rows_delivered rows_current rows_superseded rows_duplicate rows_quarantined rows_not_mapped".split()
CASE = (
    "definition_id drug n_episodes worst_severity possibly_severe nadir_anc_10e9_l onset_type gcsf_treated recurred "
    "final_treatment_action next_drug"
).split()
RECHALLENGE = (
    "definition_id onset_date is_first_case_episode is_counted_in_recurrence next_treatment next_drug "
    "next_treatment_date days_from_onset days_from_recovery last_treatment same_drug_date another_in_class_date "
    "out_of_class_date given_on_onset_day recurred recurrence_date recurrence_drug recurrence_context follow_up_days "
    "follow_up_days_after_treatment"
).split()
PERIOD = "definition_id stratum_type stratum period n_patients n_cases".split()
RECURRENCE = "definition_id treatment_after n_patients n_recurrent median_follow_up_days".split()
REVIEW = (
    "definition_id onset_date review_status verdict n_reviews n_readers n_reviewer_roles reviewer_roles "
    "verdicts_agree reviewed_on"
).split()
ORPHANED_VERDICT = "onset_from onset_to verdict reviewed_on reviewer_role".split()
VERDICT_PAIR = "definition_id comparison first_reading second_reading first_verdict second_verdict".split()
MONITORING = (
    "last_dose_date last_drug last_anc_date days_since_anc anc_overdue open_episode unresolved_episode switched_to "
    "last_contact_date deceased is_followed"
).split()


def agree(what: str, expected: Iterable[tuple[Any, ...]], actual: Iterable[tuple[Any, ...]]) -> None:
    """Both hold the same rows, the same number of times."""
    wanted, found = Counter(expected), Counter(actual)
    missing, extra = wanted - found, found - wanted
    assert not missing and not extra, (
        f"{what}: {sum(missing.values())} missing, {sum(extra.values())} extra\n"
        f"  missing {list(missing)[:3]}\n  extra   {list(extra)[:3]}"
    )


def rows(table: list[dict[str, Any]], columns: list[str]) -> list[tuple[Any, ...]]:
    """The reference's rows as tuples, by patient."""
    return [(row["site"], row["patient_id"], *(row[column] for column in columns)) for row in table]


class Warehouse:
    """The built warehouse, read with the patients' own ids."""

    def __init__(self, settings: Settings) -> None:
        self.connection = duckdb.connect(str(settings.warehouse), read_only=True)
        self.connection.execute(f"ATTACH '{settings.raw_db}' AS vault (READ_ONLY)")
        self.connection.execute(
            "CREATE TEMP VIEW who AS SELECT patient_key, site AS at_site, patient_id FROM vault.main.patient_map"
        )

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()

    def rows(self, table: str, columns: list[str], where: str = "true") -> list[tuple[Any, ...]]:
        named = ", ".join(columns)
        return self.query(
            f"SELECT at_site, patient_id, {named} FROM {table} JOIN who USING (patient_key) WHERE {where}"
        )


def seeds(config: pytest.Config) -> list[tuple[int, bool]]:
    """Pairs of seed and messiness."""
    return [(seed, seed % 2 == 1) for seed in range(int(config.getoption("--reference-seeds")))]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize(("seed", "messy"), seeds(metafunc.config))


def test_the_warehouse_agrees_with_an_independent_reading_of_the_rules(seed: int, messy: bool, tmp_path: Path) -> None:
    compare(generate(seed, messy=messy, patients=60), tmp_path)


def test_the_warehouse_agrees_on_patients_who_lie_on_a_bound(tmp_path: Path) -> None:
    compare(on_the_bounds(), tmp_path)


def compare(cohort: Cohort, tmp_path: Path) -> None:
    """Both readings of one cohort's files, table by table."""
    write(cohort, tmp_path / "deliveries")
    expected = compute(cohort.files, cohort.study)
    settings = compiled_project().build(tmp_path)
    write_statistics(settings)
    found = Warehouse(settings)

    agree_on_every_delivered_row(expected, found)
    agree("fct_dose", rows(expected["fct_dose"], DOSE), found.rows("main.fct_dose", DOSE))
    agree("fct_anc", rows(expected["fct_anc"], ANC), found.rows("main.fct_anc", ANC))
    agree("fct_lab_grade", rows(expected["fct_lab_grade"], LAB), found.rows("main.fct_lab_grade", LAB))
    agree("dim_patient", rows(expected["dim_patient"], PATIENT), found.rows("main.dim_patient", PATIENT))
    agree(
        "fct_neutropenia_episode",
        rows(expected["fct_neutropenia_episode"], EPISODE),
        found.rows("main.fct_neutropenia_episode", EPISODE),
    )
    at_risk = [row for row in expected["risk_time"] if row["days_at_risk_total"] or row["n_anc_tests"]]
    agree(
        "days at risk",
        rows(at_risk, RISK),
        found.rows("intermediate.int_risk_time", RISK, "days_at_risk_total > 0 OR n_anc_tests > 0"),
    )
    agree(
        "cohort",
        rows(expected["cohort_member"], MEMBER),
        found.rows("intermediate.int_cohort_member", MEMBER),
    )
    agree_on_the_flow(expected, cohort.study.primary_definition, found)
    agree_on_what_followed(expected, found)
    agree("mart_case_listing", rows(expected["case_listing"], CASE), found.rows("main.mart_case_listing", CASE))
    agree("mart_chart_review", rows(expected["chart_review"], REVIEW), found.rows("main.mart_chart_review", REVIEW))
    agree(
        "verdicts compared",
        rows(expected["verdict_pair"], VERDICT_PAIR),
        found.rows(
            "(SELECT * FROM intermediate.int_verdict_pair "
            "JOIN (SELECT patient_no, patient_key FROM intermediate.int_observed_patient) USING (patient_no))",
            VERDICT_PAIR,
        ),
    )
    agree(
        "meta.orphaned_verdict",
        rows(expected["orphaned_verdict"], ORPHANED_VERDICT),
        found.rows("meta.orphaned_verdict", ORPHANED_VERDICT),
    )
    agree("mart_monitoring", rows(expected["monitoring"], MONITORING), found.rows("main.mart_monitoring", MONITORING))
    agree(
        "mart_attrition",
        [(row["reason"], row["n_in"], row["n_excluded"], row["n_out"]) for row in expected["attrition"]],
        found.query("SELECT reason, n_in, n_excluded, n_out FROM main.mart_attrition"),
    )


def agree_on_the_flow(expected: dict[str, list[dict[str, Any]]], primary: str, found: Warehouse) -> None:
    """From the cohort to its cases, each step a part of the one before."""

    def patients(table: str, holds: str | None = None) -> int:
        rows = [row for row in expected[table] if row["definition_id"] == primary and (holds is None or row[holds])]
        return len({(row["site"], row["patient_id"]) for row in rows})

    flow = (
        patients("cohort_member"),
        patients("risk_time", "days_at_risk"),
        patients("risk_time", "n_anc_tests"),
        patients("case_listing"),
    )
    assert flow == tuple(sorted(flow, reverse=True))
    steps = "'patients', 'with_time_at_risk', 'with_anc_at_risk', 'cases'"
    counted = found.query(
        f"SELECT n FROM main.mart_cohort_summary WHERE stratum = 'overall' AND measure IN ({steps}) "
        f"ORDER BY list_position([{steps}], measure)"
    )
    assert counted == [(n,) for n in flow]


def agree_on_what_followed(expected: dict[str, list[dict[str, Any]]], found: Warehouse) -> None:
    """Rates by period, what was given after each case episode, for how long it was watched, and who recurred."""
    agree(
        "mart_incidence_by_period",
        [
            (*(row[column] for column in PERIOD[:2]), *_stratum_and_counts(row), row["days_at_risk"])
            for row in expected["incidence_by_period"]
        ],
        found.query(
            f"SELECT {', '.join(PERIOD)}, CAST(round(person_years * 365.25) AS BIGINT) "
            "FROM main.mart_incidence_by_period"
        ),
    )
    agree(
        "mart_rechallenge",
        rows(expected["rechallenge"], RECHALLENGE),
        found.rows("main.mart_rechallenge", RECHALLENGE),
    )
    agree(
        "days from onset to recovery or the last measurement",
        rows(expected["rechallenge"], ["definition_id", "onset_date", "observed_days"]),
        found.rows(
            "intermediate.int_episode_judged",
            ["definition_id", "onset_on", "last_measured_on - onset_on"],
            "is_case_episode",
        ),
    )
    agree(
        "mart_recurrence",
        [tuple(row[column] for column in RECURRENCE) for row in expected["recurrence"]],
        found.query(f"SELECT {', '.join(RECURRENCE)} FROM main.mart_recurrence WHERE stratum_type = 'overall'"),
    )


def _stratum_and_counts(row: dict[str, Any]) -> tuple[Any, ...]:
    name = "all" if row["stratum_type"] == "overall" else row["stratum"]
    return name, row["period"], row["n_patients"], row["n_cases"]


def agree_on_every_delivered_row(expected: dict[str, list[dict[str, Any]]], found: Warehouse) -> None:
    """Reconciliation by file, every quarantined record with its reasons, every emptied cell, contested keys."""
    place = "f.site, f.delivery, f.entity, f.path"
    with_files = "JOIN vault.main.input_file AS f ON f.file_id = t.source_file"

    def of(row: dict[str, Any]) -> tuple[Any, ...]:
        return row["site"], row["delivery"], row["entity"], row["file"].split("/")[-1]

    agree(
        "meta.reconciliation",
        [(*of(row), *(row[count] for count in COUNTS)) for row in expected["reconciliation"]],
        found.query(
            f"SELECT {place}, {', '.join(COUNTS)} FROM meta.reconciliation AS t {with_files} WHERE rows_delivered > 0"
        ),
    )
    agree(
        "quarantine",
        [(*of(row), row["record_number"], tuple(sorted(row["reasons"]))) for row in expected["quarantine"]],
        [
            (*found_place, tuple(sorted(reasons.split(","))))
            for *found_place, reasons in found.query(
                f"SELECT {place}, t.record_number, t.reasons FROM intermediate.int_set_aside AS t "
                "JOIN vault.main.input_file AS f USING (file_no) WHERE t.disposition = 'quarantined'"
            )
        ],
    )
    agree(
        "meta.column_defect",
        [(*of(row), row["column"], row["reason"]) for row in expected["column_defect"] if row["status"] == "current"],
        [
            tuple(defect)
            for *defect, n_cells in found.query(
                f"SELECT {place}, column_name, reason, n_cells FROM meta.column_defect AS t {with_files}"
            )
            for _ in range(n_cells)
        ],
    )
    agree(
        "meta.contested",
        [(row["site"], row["entity"]) for row in expected["contested"] if row["had_usable_version"]],
        found.query("SELECT site, entity FROM meta.contested"),
    )
