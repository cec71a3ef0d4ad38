"""Hand-worked time at risk and counts, and what must hold of any generated cohort."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from .cohort import generate
from .compute import compute
from .world import World, on
from .writer import write

REASONS = {
    *("malformed_row", "missing_key", "missing_required", "conflicting_duplicate"),
    *("unparseable_date", "invalid_code", "unknown_drug", "unknown_patient"),
    *("date_after_delivery", "date_before_birth", "date_after_death", "end_before_start"),
    *("non_numeric_value", "negative_value", "unit_missing", "unit_unknown"),
    *("unit_incompatible", "zero_without_unit", "code_unit_mismatch", "implausible_value"),
    "unknown_material",
}


def at_risk(world: World) -> dict[str, tuple[int, int]]:
    return {r["drug"]: (r["days_at_risk"], r["days_at_risk_total"]) for r in world.table("risk_time")}


def test_a_day_is_at_risk_1_to_365_days_after_a_dose_and_not_after_follow_up() -> None:
    world = World().dose("rituximab", 0)
    assert at_risk(world) == {}
    assert at_risk(world.event("other", 100)) == {"rituximab": (100, 100)}
    assert at_risk(world.event("other", 400)) == {"rituximab": (365, 365)}
    assert at_risk(world.dose("rituximab", 400).event("other", 410)) == {"rituximab": (375, 375)}


def test_a_day_belongs_to_the_last_dose_before_it() -> None:
    world = World().dose("rituximab", 0).dose("ocrelizumab", 100).event("other", 150)
    assert at_risk(world) == {"rituximab": (100, 100), "ocrelizumab": (50, 50)}
    assert at_risk(World().dose("rituximab", 0).dose("ocrelizumab", 0).event("other", 9)) == {"rituximab": (9, 9)}


def test_time_at_risk_ends_with_the_day_of_the_first_case_and_goes_on_in_total() -> None:
    world = World().dose("rituximab", 0).anc((30, "0.5"), (40, "2")).event("other", 100)
    assert at_risk(world) == {"rituximab": (30, 100)}
    (row,) = (r for r in world.table("risk_time"))
    assert (row["n_anc_tests"], row["n_anc_days"]) == (1, 1)


def test_incidence_counts_by_drug_patients_exposed_before_their_case() -> None:
    world = World().dose("rituximab", 0).anc((30, "0.5"), (40, "2")).dose("ocrelizumab", 50)
    world.anc((60, "0.5"))
    counts = {
        r["stratum"]: (r["n_patients"], r["n_cases"], r["days_at_risk"], r["n_episodes"])
        for r in world.table("incidence")
    }
    assert counts == {
        "overall": (1, 1, 30, 2),
        "rituximab": (1, 1, 30, 1),
        "ocrelizumab": (0, 0, 0, 1),
        "site": (1, 1, 30, 2),
    }
    assert world.table("drug_exposed")[0]["drug"] == "rituximab"
    assert world.table("sensitivity")[0]["n_recurrent"] == 1


def test_monitoring_asks_for_an_anc_every_183_days() -> None:
    def overdue(day: int) -> bool:
        world = World().dose("rituximab", 0).anc((day, "2")).settings(data_cutoff=on(365))
        (row,) = world.table("monitoring")
        return bool(row["anc_overdue"])

    assert (overdue(182), overdue(181)) == (False, True)
    gone = World().dose("rituximab", 0).settings(data_cutoff=on(366))
    assert gone.table("monitoring") == []


@pytest.mark.parametrize(
    ("anc", "verdict", "open_episode", "unresolved"),
    [
        ([(300, "0.5")], None, True, True),
        ([(100, "0.5")], None, False, True),
        ([(100, "0.5"), (191, "1.499")], None, False, True),
        ([(100, "0.5"), (191, "1.5")], None, False, False),
        ([(100, "0.5"), (191, ">1.4")], None, False, True),
        ([(100, "0.5"), (191, ">=1.5")], None, False, False),
        ([(100, "0.5"), (300, "0.5")], None, True, True),
        ([(300, "0.5")], "lab_error", True, False),
        ([(100, "0.5")], "lab_error", False, False),
        ([(300, "0.5")], "other_cause", True, True),
    ],
)
def test_an_episode_is_unresolved_until_a_recovery_is_seen(
    anc: list[tuple[int, str]], verdict: str | None, open_episode: bool, unresolved: bool
) -> None:
    world = World().dose("rituximab", 0).anc(*anc).settings(data_cutoff=on(365))
    if verdict:
        world.adjudicate(0, 365, verdict)
    (row,) = world.table("monitoring")
    assert (row["open_episode"], row["unresolved_episode"]) == (open_episode, unresolved)


@pytest.mark.parametrize(
    ("world", "switched_to", "followed"),
    [
        (World(), None, True),
        (World().line("ozanimod", 0), None, True),
        (World().line("ozanimod", 1), "ozanimod", False),
        (World().line("ozanimod", 1).line("natalizumab", 9), "natalizumab", False),
        (World().line("metamizole", 1, 9), None, True),
        (World().line("rituximab", 0).line("ozanimod", 1), "ozanimod", True),
        (World().line("ozanimod", 1).anc((300, "0.5")), "ozanimod", True),
        (World().patient(death_date=on(300).isoformat()), None, False),
        (World().patient(death_date=on(300).isoformat()).anc((290, "0.5")), None, False),
    ],
)
def test_who_is_alive_and_not_switched_out_of_the_class_or_unresolved_is_followed(
    world: World, switched_to: str | None, followed: bool
) -> None:
    (row,) = world.dose("rituximab", 0).settings(data_cutoff=on(365)).table("monitoring")
    assert (row["switched_to"], row["is_followed"]) == (switched_to, followed)


def total(rows: list[dict[str, Any]], column: str) -> int:
    return sum(row[column] for row in rows)


OF_OTHERS = ("rows_delivered", "rows_not_given", "rows_open")
"""Columns of the reconciliation that count rows of the other columns."""


@pytest.mark.parametrize("seed", range(6))
def test_invariants_of_generated_cohorts(seed: int) -> None:
    cohort = generate(seed, messy=seed % 2 == 0)
    tables = compute(cohort.files, cohort.study)
    for row in tables["reconciliation"]:
        parts = [row[c] for c in row if c.startswith("rows_") and c not in OF_OTHERS]
        assert row["rows_delivered"] == sum(parts)
    assert total(tables["reconciliation"], "rows_delivered") == sum(len(f.rows) for f in cohort.files)
    for episode in tables["fct_neutropenia_episode"]:
        assert episode["onset_date"] <= episode["nadir_date"]
        assert episode["end_date"] is None or episode["nadir_date"] <= episode["end_date"]
    for definition in cohort.study.all_definitions():
        name = definition.definition_id
        strata = [r for r in tables["incidence"] if r["definition_id"] == name]
        (overall,) = (r for r in strata if r["stratum_type"] == "overall")
        for column in ("n_cases", "n_episodes", "days_at_risk", "days_at_risk_total"):
            for kind in ("drug", "site"):
                parts = [r for r in strata if r["stratum_type"] == kind]
                assert total(parts, column) == overall[column]
        listed = [r for r in tables["case_listing"] if r["definition_id"] == name]
        assert len(listed) == overall["n_cases"]


def test_the_same_seed_gives_the_same_cohort() -> None:
    assert generate(3, messy=True) == generate(3, messy=True)


def test_clean_cohorts_have_no_quarantine_and_messy_ones_every_reason() -> None:
    clean = generate(1)
    for row in compute(clean.files, clean.study)["quarantine"]:
        # without keys of its own, a site that has two values at one exact time contradicts itself
        assert row["entity"] in clean.study.site(row["site"]).keys
        assert row["reasons"] == ("conflicting_duplicate",) or list(row["reasons"]) == ["conflicting_duplicate"]
    seen: Counter[str] = Counter()
    for seed in (3, 4):
        messy = generate(seed, messy=True)
        for row in compute(messy.files, messy.study)["quarantine"]:
            seen.update(row["reasons"])
    assert set(seen) == REASONS


def test_a_cohort_is_written_as_delivery_folders(tmp_path: Path) -> None:
    cohort = generate(2, messy=True)
    write(cohort, tmp_path)
    assert (tmp_path / "registry.yml").is_file()
    for file in cohort.files:
        path = tmp_path / file.site / file.delivery / file.name
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) == 1 + len(file.rows)


def test_random_cohorts_hold_other_drugs_relapses_and_several_verdicts() -> None:
    seen: Counter[str] = Counter()
    for seed in range(4):
        cohort = generate(seed, patients=60)
        tables = compute(cohort.files, cohort.study)
        for episode in tables["fct_neutropenia_episode"]:
            seen["suspects"] += "," in (episode["other_suspect_drugs"] or "")
            seen["relapse"] += episode["relapse_within_90d"]
        seen.update(row["review_status"] for row in tables["chart_review"])
        seen.update(row["comparison"] for row in tables["verdict_pair"])
    wanted = "suspects relapse unreviewed confirmed other_cause lab_error disagreement order role".split()
    assert {what: seen[what] for what in wanted if seen[what] < 3} == {}
