"""A chart review from the list of unreviewed episodes to the verdict in force: what `registry review` is for."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from integration.compiled_project import compiled_project

from registry import release
from registry.cli import main
from registry.release.query import query
from registry.settings import Settings
from registry.statistics import write_statistics

# P1 has two case episodes, one on chemotherapy; P2 one, reviewed twice with different verdicts; P3 (of Trieste) one.
UDINE_SITE = """\
csv: {encoding: latin-1, delimiter: ";", decimal: ","}
columns: {adjudications: {paziente: patient_id, esito: verdict, status: comment}}
"""
UDINE = {
    "patients": "patient_id;birth_date;sex\nPà1;1980-05-01;F\nP2;1990-05-01;M\n",
    "administrations": "administration_id;patient_id;drug;administered_on\n"
    "1;Pà1;ocrelizumab;2024-01-10\n2;P2;ocrelizumab;2024-01-10\n3;Pà1;docetaxel;2024-02-01\n",
    "lab_results": "result_id;patient_id;test_code;value;unit;collected_at\n"
    "1;Pà1;751-8;0,4;10*9/L;2024-04-01\n2;Pà1;751-8;1,8;10*9/L;2024-04-08\n3;Pà1;751-8;0,9;10*9/L;2024-06-01\n"
    "4;Pà1;751-8;1,8;10*9/L;2024-06-08\n5;P2;751-8;0,7;10*9/L;2024-04-01\n6;P2;751-8;1,9;10*9/L;2024-04-08\n",
    "adjudications": "adjudication_id;paziente;onset_from;onset_to;esito;reviewed_on;reviewer_role\n"
    "1;P2;2024-03-01;2024-04-30;lab_error;2024-05-02;Dott. Rossi\n"
    "2;P2;2024-03-01;2024-04-30;confirmed;2024-05-03;Neurologa\n",
}
TRIESTE = {
    "patients": "patient_id,birth_date,sex\nP3,1980-05-01,F\n",
    "administrations": "administration_id,patient_id,drug,administered_on\n1,P3,rituximab,2024-01-10\n",
    "lab_results": "result_id,patient_id,test_code,value,unit,collected_at\n1,P3,751-8,<0.1,10*9/L,2024-03-01\n",
}


def deliver(home: Path, site: str, month: str, entity: str, text: str) -> None:
    path = home / "deliveries" / site / month / f"{entity}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="latin-1" if site == "udine" else "utf-8")


def publish(home: Path, fingerprint: str) -> Settings:
    settings = compiled_project().build(home)
    write_statistics(settings)
    assert release.publish(settings, fingerprint * 64).status == "published"
    return settings


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry of two sites with a release; tests that deliver more take a copy."""
    home = tmp_path_factory.mktemp("registry") / "home"
    for site, files in (("udine", UDINE), ("trieste", TRIESTE)):
        for entity, text in files.items():
            deliver(home, site, "2024-06", entity, text)
    (home / "deliveries" / "udine" / "site.yml").write_text(UDINE_SITE, encoding="utf-8")
    (home / "deliveries" / "trieste" / "site.yml").write_text("mode: snapshot\n", encoding="utf-8")
    publish(home, "0")
    return home


def review(home: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["review", "--home", str(home), *options])


def one_line(text: str) -> str:
    return " ".join(text.split())


def test_from_the_list_to_the_verdict_in_force(home: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(home, tmp_path / "home", symlinks=True))
    listed = list(csv.DictReader(review(home, "--format", "csv").stdout.splitlines()))
    told = "site onset_date nadir_operator nadir_anc_10e9_l severity attributed_drug days_since_last_dose"
    assert [tuple(row[column] for column in told.split()) for row in listed] == [
        ("trieste", "2024-03-01", "<", "0.100000", "severe", "rituximab", "51"),
        ("udine", "2024-04-01", "", "0.400000", "severe", "ocrelizumab", "82"),
        ("udine", "2024-06-01", "", "0.900000", "moderate", "ocrelizumab", "143"),
    ]
    assert [row["other_suspect_drugs"] for row in listed] == ["", "docetaxel", ""]
    assert all(len(row["patient_key"]) == 64 for row in listed)

    form = tmp_path / "form.csv"
    written = review(home, "--site", "udine", "--out", str(form))
    assert written.exit_code == 0, written.output
    assert "identifies patients" in written.output
    assert "Pà1" not in written.output
    assert form.stat().st_mode & 0o777 == 0o600
    text = form.read_text(encoding="latin-1")
    ids = [row["episode_id"] for row in listed[1:]]
    header = "adjudication_id;paziente;onset_from;onset_to;esito;reviewed_on;reviewer_role;status"
    assert text.splitlines() == [
        header,
        f"review-{ids[0]};Pà1;2024-04-01;2024-04-01;;;;",
        f"review-{ids[1]};Pà1;2024-06-01;2024-06-01;;;;",
    ]

    filled = text.replace("-01;;;;", "-01;other_cause;2024-07-05;neurologo;", 1)
    deliver(home, "udine", "2024-07", "adjudications_review", filled)
    settings = publish(home, "1")
    _, rows = query(
        settings,
        "SELECT review_status, verdict, n_reviews, n_reviewer_roles, reviewer_roles, verdicts_agree, is_case_episode "
        "FROM mart_chart_review AS r JOIN fct_neutropenia_episode AS e USING (episode_id) "
        "WHERE r.definition_id = 'udine_2025' AND r.site = 'udine' ORDER BY r.onset_date, n_reviews",
    )
    assert rows == [
        ("other_cause", "other_cause", 1, 1, "neurologist", None, False),
        ("disagreement", "confirmed", 2, 2, "neurologist", False, True),
        ("unreviewed", None, 0, 0, None, None, True),
    ], "the row whose verdict was left blank is held back and changes nothing"
    _, rows = query(
        settings,
        "SELECT n_episodes, n_agreeing, agreement_pct, kappa FROM mart_review_agreement "
        "WHERE definition_id = 'udine_2025'",
    )
    assert rows == [(1, 0, 0.0, 0.0)]
    left = list(csv.DictReader(review(home, "--site", "udine", "--format", "csv").stdout.splitlines()))
    assert [row["episode_id"] for row in left] == [ids[1]]


def test_a_form_says_that_a_site_of_snapshots_must_go_on_delivering_it(home: Path, tmp_path: Path) -> None:
    written = review(home, "--site", "trieste", "--out", str(tmp_path / "form.csv"))
    assert "later ones with adjudications must hold these rows too" in one_line(written.output)
    first, row = (tmp_path / "form.csv").read_text(encoding="utf-8-sig").splitlines()
    assert first == ("adjudication_id,patient_id,onset_from,onset_to,verdict,reviewed_on,reviewer_role,comment,status")
    assert row.endswith(",P3,2024-03-01,2024-03-01,,,,,")


def test_nothing_is_written_where_it_would_be_delivered_or_would_replace_something(home: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.csv"
    kept.write_text("mine")
    inside = home / "deliveries" / "udine" / "2024-07.csv"
    for options, told in (
        (["--site", "udine", "--out", str(kept)], "exists already"),
        (["--site", "udine", "--out", str(inside)], "lies in the deliveries"),
        (["--site", "udine", "--out", str(tmp_path / "form.xlsx")], "a form is a CSV file"),
        (["--site", "udine", "--out", str(tmp_path / "no" / "form.csv")], "can't be written"),
        (["--out", str(tmp_path / "form.csv")], "name it with --site (trieste, udine)"),
        (
            ["--site", "udine", "--out", str(tmp_path / "form.csv"), "--deliveries", str(tmp_path / "elsewhere")],
            "name the folder of the exports with --deliveries",
        ),
    ):
        refused = review(home, *options)
        assert (refused.exit_code, told in one_line(refused.output)) == (2, True), refused.output
    assert kept.read_text() == "mine"
    assert not inside.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.csv"]


def test_what_names_nothing_is_told_with_what_there_is(home: Path, tmp_path: Path) -> None:
    assert "use one of udine_2025, any_grade" in one_line(review(home, "--definition", "mine").output)
    assert "known: trieste, udine" in one_line(review(home, "--site", "gorizia").output)
    done = review(home, "--definition", "severe_only", "--site", "udine", "--out", str(tmp_path / "form.csv"))
    assert done.exit_code == 0, done.output
    empty = CliRunner().invoke(main, ["review", "--home", str(tmp_path / "nowhere")])
    assert (empty.exit_code, "nothing is published yet" in empty.output) == (2, True)
