"""A centre without a single episode publishes too; simulated and real patients never share a home."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from integration.compiled_project import compiled_project
from integration.registry_home import load

from registry import refresh, release
from registry.config.settings import load_settings
from registry.errors import UserError
from registry.statistics import write_statistics


def deliver(home: Path) -> None:
    delivery = home / "deliveries" / "small" / "2025-03"
    delivery.mkdir(parents=True)
    (delivery / "patients.csv").write_text("patient_id,birth_date,sex\nP1,1980,F\n")


def deliver_an_episode(home: Path, more_doses: str = "", more_counts: str = "") -> None:
    """Severe neutropenia 91 days after ocrelizumab, recovered ten days later, and whatever else there is."""
    deliver(home)
    delivery = home / "deliveries" / "small" / "2025-03"
    (delivery / "administrations.csv").write_text(
        f"administration_id,patient_id,drug,administered_on\nA1,P1,ocrelizumab,2024-01-10\n{more_doses}"
    )
    (delivery / "lab_results.csv").write_text(
        "result_id,patient_id,test_code,value,unit,collected_at\n"
        f"R1,P1,751-8,0.3,10*9/L,2024-04-10\nR2,P1,751-8,2.1,10*9/L,2024-04-20\n{more_counts}"
    )


def test_a_registry_of_one_untreated_patient_passes_the_gate(tmp_path: Path) -> None:
    deliver(tmp_path)
    settings = compiled_project().build(tmp_path)
    write_statistics(settings)
    outcome = release.publish(settings, "0" * 64)
    assert outcome.status == "published"
    with duckdb.connect(str(tmp_path / "releases" / "current" / "registry.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT count(*), count(*) FILTER (in_cohort) FROM dim_patient").fetchone() == (1, 0)


def test_a_registry_with_one_episode_passes_the_gate_and_tells_of_it(tmp_path: Path) -> None:
    deliver_an_episode(tmp_path, more_doses="A2,P1,ocrelizumab,2024-07-10\n")
    settings = compiled_project().build(tmp_path)
    write_statistics(settings)
    assert release.publish(settings, "0" * 64).status == "published"
    asked = {
        "SELECT n_cases, rate_ratio FROM mart_incidence_by_period WHERE definition_id = 'udine_2025' "
        "AND stratum = 'all' AND period = 'first_year'": (1, None),
        "SELECT median_days, median_low FROM mart_duration WHERE definition_id = 'udine_2025' "
        "AND stratum = 'without_gcsf'": (10, None),
        "SELECT next_treatment, days_from_onset, recurred FROM mart_rechallenge WHERE definition_id = 'udine_2025'": (
            "same_drug",
            91,
            False,
        ),
        "SELECT n_patients, n_recurrent FROM mart_recurrence WHERE definition_id = 'udine_2025' "
        "AND stratum_type = 'overall' AND treatment_after = 'same_drug'": (1, 0),
        "SELECT known_as, is_first_release FROM mart_new_cases": ("unknown", True),
    }
    with duckdb.connect(str(tmp_path / "releases" / "current" / "registry.duckdb"), read_only=True) as connection:
        assert {sql: connection.execute(sql).fetchone() for sql in asked} == asked
        table = "SELECT cumulative_incidence, survival FROM mart_time_to_onset WHERE definition_id = 'udine_2025' "
        assert connection.execute(f"{table} AND stratum = 'all' AND time_days = 91").fetchone() == (1, 0)


def test_a_severe_case_is_told_whatever_scale_the_primary_definition_grades_on(tmp_path: Path) -> None:
    deliver_an_episode(tmp_path, more_counts="R3,P1,751-8,0.7,10*9/L,2024-06-10\n")
    (tmp_path / "deliveries" / "registry.yml").write_text(
        "primary_definition: on_ctcae\ndefinitions:\n"
        "- {definition_id: on_ctcae, severity_scale: ctcae_v5, onset_below: 1.0, recovery_at: 1.5}\n"
    )
    settings = compiled_project().build(tmp_path)
    write_statistics(settings)
    assert release.publish(settings, "0" * 64).status == "published"
    with duckdb.connect(str(tmp_path / "releases" / "current" / "registry.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT onset_date::VARCHAR, severity FROM mart_new_cases").fetchall() == [
            ("2024-04-10", "4")
        ]
        counts = "SELECT measure, n FROM mart_cohort_summary WHERE stratum = 'overall' AND measure IN "
        assert dict(connection.execute(f"{counts} ('cases_severe', 'cases_moderate')").fetchall()) == {
            "cases_severe": 1,
            "cases_moderate": 0,
        }


def test_a_home_of_real_patients_takes_no_synthetic_ones(tmp_path: Path) -> None:
    deliver(tmp_path)
    load(tmp_path)
    (tmp_path / "deliveries" / "registry.yml").write_text("synthetic: true\n")
    with pytest.raises(UserError, match="contains real patients"):
        refresh.make_plan(load_settings(home=tmp_path), "run")
