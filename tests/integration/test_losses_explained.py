"""A loss that a retraction or changed rules of the registry explain warns; any other blocks, also where both are."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from integration.candidates import BY_ID, one
from integration.compiled_project import compiled_project
from integration.defects_since_the_previous import SINCE_THE_PREVIOUS
from integration.synthetic_warehouse import alter

from expectations import Audit, audit
from expectations.suites import drift, losses
from registry import release
from registry.cli.main import main
from registry.config.settings import Settings
from registry.release import publication

HEADER = "result_id,patient_id,test_code,value,unit,collected_at\n"
BY_RULES = sorted(check.check_id for check in BY_ID.values() if check.explained_by_rules)


def draws(month: int, patient: str = "P1") -> str:
    """Twelve neutrophil counts of one month."""
    return HEADER + "".join(
        f"{patient}-{month}-{day},{patient},751-8,3.1,10*9/L,2024-{month:02d}-{day:02d}\n" for day in range(1, 13)
    )


class Home:
    """A site whose every month is a file, and a release before from all of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.previous = folder / "previous.duckdb"

    def deliver(self) -> None:
        """Deliver the months, and build the release before."""
        self.write("2024-01", "patients.csv", "patient_id,birth_date,sex\nP1,1980,F\n")
        self.write("2024-01", "patients_b.csv", "patient_id,birth_date,sex\nP2,1980,F\n")
        for month in range(1, 5):
            self.write(f"2024-{month:02d}", "lab_results.csv", draws(month))
        self.write("2024-03", "lab_results_b.csv", draws(3, "P2"))
        shutil.copy(self.build(), self.previous)

    def write(self, month: str, name: str, text: str) -> None:
        path = self.folder / "deliveries" / "udine" / month / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def build(self) -> Path:
        return compiled_project().build(self.folder).warehouse

    def retract(self, *arguments: str) -> None:
        done = CliRunner().invoke(main, ["retract", *arguments, "--yes", "--home", str(self.folder)])
        assert done.exit_code == 0, done.output

    def judged(self, **options: bool) -> dict[str, tuple[str, str]]:
        """Severity and detail of what fails."""
        checks = (*drift.CHECKS, *losses.CHECKS)
        found = audit(self.build(), self.previous, checks=checks, **options).checks
        return {result.check_id: (result.severity, result.detail) for result in found if not result.passed}


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("built")
    Home(folder).deliver()
    return folder


@pytest.fixture
def home(delivered: Path, tmp_path: Path) -> Home:
    """A copy of it."""
    return Home(Path(shutil.copytree(delivered, tmp_path / "home")))


def test_a_month_that_was_retracted_is_published_with_warnings(home: Home) -> None:
    home.retract("udine/2024-03")
    found = home.judged()
    assert found["delivery_month_lost"] == ("warning", "udine 2024-03 retracted")
    assert found["site_anc_month_emptied"] == ("warning", "udine 2024-03 retracted")
    assert {severity for severity, _ in found.values()} == {"warning"}
    shutil.copy(home.build(), home.previous)
    assert home.judged() == {}, "told once"
    home.retract("--undo", "udine/2024-03")
    assert home.judged() == {}, "nothing is lost by taking it back"


def test_a_retraction_explains_no_other_file_of_the_month(home: Home) -> None:
    home.retract("udine/2024-03/lab_results_b.csv")
    home.write("2024-03", "lab_results.csv", HEADER)
    assert home.judged()["site_anc_month_emptied"] == ("critical", "udine 2024-03")


def test_counts_of_patients_whose_table_was_retracted_are_explained(home: Home) -> None:
    home.retract("udine/2024-01/patients.csv")
    found = home.judged()
    assert found["site_anc_month_emptied"][0] == "warning"
    assert found["anc_halved"][0] == "warning"
    assert {severity for severity, _ in found.values()} == {"warning"}


def test_what_halves_a_table_by_a_retraction_warns(home: Home) -> None:
    for month in ("2024-01", "2024-02", "2024-03"):
        home.retract(f"udine/{month}/lab_results.csv")
    home.retract("udine/2024-03/lab_results_b.csv")
    assert home.judged()["anc_halved"] == ("warning", "fct_anc 12 60 retracted")


def test_a_release_before_of_an_earlier_version_is_compared(home: Home) -> None:
    alter(
        home.previous,
        "ALTER TABLE meta.input_file DROP COLUMN is_retracted",
        "ALTER TABLE meta.reconciliation DROP COLUMN rows_retracted",
        "DROP TABLE meta.unmapped_code",
    )
    home.retract("udine/2024-03")
    assert {severity for severity, _ in home.judged().values()} == {"warning"}


def test_a_code_that_was_mapped_by_mistake_has_a_way_out(home: Home) -> None:
    """The file is delivered once more under another name and retracted where it was."""
    (home.folder / "deliveries" / "udine" / "site.yml").write_text('codes: {tests: {"751-8": wbc}}\n')
    assert home.judged()["site_anc_month_emptied"][0] == "critical"
    for month in range(1, 5):
        home.write(f"2024-{month:02d}", "lab_results_2.csv", draws(month))
        home.retract(f"udine/2024-{month:02d}/lab_results.csv")
    home.write("2024-03", "lab_results_b2.csv", draws(3, "P2"))
    home.retract("udine/2024-03/lab_results_b.csv")
    assert {severity for severity, _ in home.judged().values()} == {"warning"}


@pytest.mark.parametrize("check_id", BY_RULES)
def test_changed_rules_explain_what_they_may_have_done(check_id: str, candidate: Path, sound: Path) -> None:
    alter(candidate, SINCE_THE_PREVIOUS[check_id])
    assert one(candidate, check_id, sound).blocks
    (result,) = audit(candidate, sound, checks=[BY_ID[check_id]], rules_changed=True).checks
    assert (result.passed, result.severity) == (False, "warning")
    assert "other rules of the registry" in result.detail


def test_changed_rules_lose_no_delivery(candidate: Path, sound: Path) -> None:
    alter(
        candidate,
        SINCE_THE_PREVIOUS["delivery_month_lost"],
        "DELETE FROM meta.reconciliation WHERE delivery = '2023-02'",
    )
    (result,) = audit(candidate, sound, checks=[BY_ID["delivery_month_lost"]], rules_changed=True).checks
    assert result.blocks


@pytest.mark.parametrize(
    ("of_then", "changed"),
    [(lambda manifest: manifest, False), (lambda manifest: manifest | {"rules_version": "x"}, True),
     (lambda manifest: {k: v for k, v in manifest.items() if k != "rules_version"}, True)],
    ids=["same", "other", "unknown"],
)  # fmt: skip
def test_rules_are_compared_with_those_of_the_release_before(
    of_then: Callable[[dict[str, object]], dict[str, object]],
    changed: bool,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[bool] = []

    def judge(*_: object, rules_changed: bool, **__: object) -> Audit:
        asked.append(rules_changed)
        return Audit(())

    monkeypatch.setattr(publication, "audit", judge)
    release.publish(settings, "a1" * 32)
    known = publication.current(settings)
    assert known is not None
    before = release.Release(**{**vars(known), "manifest": of_then(known.manifest)})
    monkeypatch.setattr(publication, "current", lambda _: before)
    release.publish(settings, "b2" * 32)
    assert asked == [False, changed]
