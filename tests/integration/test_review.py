"""A chart review from the list of unreviewed episodes to the verdicts of two readers: what `registry review` is for."""

from __future__ import annotations

import csv
import shutil
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from integration.compiled_project import compiled_project

from expectations import audit
from expectations.suites import review as review_suite
from registry import release
from registry.cli.main import main
from registry.config.settings import Settings
from registry.curation.review_form import JUDGED_SPANS, key_of
from registry.release.query import query
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
# P has one neutropenia: any grade from 20 March, below 1.0 from 2 April, last normal on 1 March. Q has no normal count.
GORIZIA = {
    "patients": "patient_id,birth_date,sex\nP,1980-05-01,F\nQ,1980-05-01,F\n=P-1,1970,M\n",
    "administrations": "administration_id,patient_id,drug,administered_on\n"
    "1,P,ocrelizumab,2024-01-10\n2,Q,ocrelizumab,2024-01-10\n3,=P-1,rituximab,2024-01-10\n",
    "lab_results": "result_id,patient_id,test_code,value,unit,collected_at\n"
    "1,P,751-8,1.9,10*9/L,2024-03-01\n2,P,751-8,1.3,10*9/L,2024-03-20\n3,P,751-8,0.6,10*9/L,2024-04-02\n"
    "4,Q,751-8,0.6,10*9/L,2024-05-05\n5,=P-1,751-8,0.2,10*9/L,2024-05-06\n",
}
LATE = (
    "result_id,patient_id,test_code,value,unit,collected_at\n"
    "6,P,751-8,0.8,10*9/L,2024-03-25\n7,Q,751-8,0.9,10*9/L,2024-05-04\n"
)
BY_HAND = (
    "adjudication_id,patient_id,onset_from,onset_to,verdict,reviewed_on,reviewer_role\n"
    "x,P,2024-03-01,2024-04-30,lab_error,2024-07-01,Neurologa\n"
)


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
    """A registry of three sites with a release; tests that deliver more take a copy."""
    home = tmp_path_factory.mktemp("registry") / "home"
    for site, files in (("udine", UDINE), ("trieste", TRIESTE), ("gorizia", GORIZIA)):
        for entity, text in files.items():
            deliver(home, site, "2024-06", entity, text)
    (home / "deliveries" / "udine" / "site.yml").write_text(UDINE_SITE, encoding="utf-8")
    (home / "deliveries" / "trieste" / "site.yml").write_text("mode: snapshot\n", encoding="utf-8")
    publish(home, "0")
    return home


def review(home: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["review", "--home", str(home), *options])


def fill_in(form: Path, verdict: str, on: str, delimiter: str = ",") -> str:
    """A form as its reader sends it back: every row with this verdict."""
    header, *rows = form.read_text(encoding="utf-8-sig").splitlines()
    at = header.split(delimiter).index("verdict")
    cells = [row.split(delimiter) for row in rows]
    return "\n".join([header, *(delimiter.join([*row[:at], verdict, on, *row[at + 2 :]]) for row in cells)]) + "\n"


def one_line(text: str) -> str:
    return " ".join(text.split())


def test_from_the_list_to_the_verdict_in_force(home: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(home, tmp_path / "home", symlinks=True))
    listed = list(csv.DictReader(review(home, "--format", "csv").stdout.splitlines()))
    assert {row["site"] for row in listed} == {"gorizia", "trieste", "udine"}
    listed = [row for row in listed if row["site"] != "gorizia"]
    told = "site onset_date nadir_operator nadir_anc_10e9_l severity attributed_drug days_since_last_dose"
    assert [tuple(row[column] for column in told.split()) for row in listed] == [
        ("trieste", "2024-03-01", "<", "0.100000", "severe", "rituximab", "51"),
        ("udine", "2024-04-01", "", "0.400000", "severe", "ocrelizumab", "82"),
        ("udine", "2024-06-01", "", "0.900000", "moderate", "ocrelizumab", "143"),
    ]
    assert [row["other_suspect_drugs"] for row in listed] == ["", "docetaxel", ""]
    assert all(len(row["patient_key"]) == 64 for row in listed)

    form = tmp_path / "form.csv"
    written = review(home, "--site", "udine", "--reader", "Neurologo", "--out", str(form))
    assert written.exit_code == 0, written.output
    assert "identifies patients" in written.output
    assert "Pà1" not in written.output
    assert form.stat().st_mode & 0o777 == 0o600
    text = form.read_text(encoding="latin-1")
    ids = [row["episode_id"] for row in listed[1:]]
    keys = [key_of(row["patient_key"], date.fromisoformat(row["onset_date"]), "neurologist") for row in listed[1:]]
    header = "adjudication_id;paziente;onset_from;onset_to;esito;reviewed_on;reviewer_role;status"
    assert text.splitlines() == [
        header,
        f"{keys[0]};Pà1;2024-04-01;2024-04-01;;;neurologist;",
        f"{keys[1]};Pà1;2024-04-09;2024-06-01;;;neurologist;",
    ], "the span begins after the last normal count, where there is one"

    filled = text.replace("-01;;;", "-01;other_cause;2024-07-05;", 1)
    deliver(home, "udine", "2024-07", "adjudications_review_neurologist", filled)
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
    written = review(home, "--site", "trieste", "--reader", "nurse", "--out", str(tmp_path / "form.csv"))
    assert "later ones with adjudications must contain these rows too" in one_line(written.output)
    first, row = (tmp_path / "form.csv").read_text(encoding="utf-8-sig").splitlines()
    assert first == ("adjudication_id,patient_id,onset_from,onset_to,verdict,reviewed_on,reviewer_role,comment,status")
    assert row.endswith(",P3,2024-03-01,2024-03-01,,,nurse,,")


def test_nothing_is_written_where_it_would_be_delivered_or_would_replace_something(home: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.csv"
    kept.write_text("mine")
    inside = home / "deliveries" / "udine" / "2024-07.csv"
    for options, told in (
        (["--site", "udine", "--out", str(kept)], "exists already"),
        (["--site", "udine", "--out", str(inside)], "is inside the deliveries"),
        (["--site", "udine", "--out", str(tmp_path / "form.xlsx")], "the form is a CSV file"),
        (["--site", "udine", "--out", str(tmp_path / "no" / "form.csv")], "can't be written"),
        (["--out", str(tmp_path / "form.csv")], "name it with --site (gorizia, trieste, udine)"),
        (
            ["--site", "udine", "--out", str(tmp_path / "form.csv"), "--deliveries", str(tmp_path / "elsewhere")],
            "name the folder with the exports with --deliveries",
        ),
    ):
        refused = review(home, "--reader", "neurologist", *options)
        assert (refused.exit_code, told in one_line(refused.output)) == (2, True), refused.output
    assert kept.read_text() == "mine"
    assert not inside.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.csv"]


def test_what_names_nothing_is_told_with_what_there_is(home: Path, tmp_path: Path) -> None:
    assert "use one of udine_2025, any_grade" in one_line(review(home, "--definition", "mine").output)
    assert "known: gorizia, trieste, udine" in one_line(review(home, "--site", "padova").output)
    for reader in ("Dott. Rossi", "neurologist 12", "2"):
        refused = review(home, "--reader", reader)
        assert (refused.exit_code, "must be a known role: data manager, haematologist," in refused.output) == (
            2,
            True,
        )
        assert reader not in refused.output.replace("neurologist 2", "")
    form = ("--definition", "severe_only", "--site", "udine", "--out", str(tmp_path / "form.csv"))
    assert "name the role with --reader" in one_line(review(home, *form).output)
    assert "name the role with --reader" in one_line(review(home, "--second-reading").output)
    assert "can be combined only with --site and --format" in one_line(
        review(home, "--orphaned", "--second-reading").output
    )
    done = review(home, *form, "--reader", "MS nurse 2")
    assert done.exit_code == 0, done.output
    empty = CliRunner().invoke(main, ["review", "--home", str(tmp_path / "nowhere")])
    assert (empty.exit_code, "nothing is published yet" in empty.output) == (2, True)


@pytest.fixture(scope="module")
def gorizia(home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The registry after Gorizia's neurologist judged the episodes of two definitions; and the folder of the forms."""
    forms = tmp_path_factory.mktemp("forms")
    home = Path(shutil.copytree(home, tmp_path_factory.mktemp("gorizia") / "home", symlinks=True))
    for definition, verdict in (("any_grade", "confirmed"), ("udine_2025", "lab_error")):
        form = forms / f"{definition}.csv"
        options = ("--definition", definition, "--site", "gorizia", "--reader", "neurologist", "--out", str(form))
        written = review(home, *options)
        assert "2 episodes of gorizia for neurologist" in one_line(written.output), written.output
        assert "1 more are left out: a spreadsheet would read their patient ids" in one_line(written.output)
        deliver(home, "gorizia", "2024-07", f"adjudications_{definition}", fill_in(form, verdict, "2024-07-01"))
    publish(home, "3")
    return home, forms


def test_the_forms_of_two_definitions_are_one_readers_and_no_span_holds_another_onset(
    gorizia: tuple[Path, Path],
) -> None:
    _, forms = gorizia
    rows = {
        form.stem: [row.split(",")[:4] for row in form.read_text(encoding="utf-8-sig").splitlines()[1:]]
        for form in forms.iterdir()
    }
    assert {name: [row[1:] for row in found] for name, found in rows.items()} == {
        "udine_2025": [["P", "2024-03-21", "2024-04-02"], ["Q", "2024-05-05", "2024-05-05"]],
        "any_grade": [["P", "2024-03-02", "2024-03-20"], ["Q", "2024-05-05", "2024-05-05"]],
    }
    assert rows["udine_2025"][0][0] != rows["any_grade"][0][0]
    assert rows["udine_2025"][1] == rows["any_grade"][1], "one onset, one reader, one row"


def test_no_form_is_written_where_a_spreadsheet_would_change_every_patient_id(
    gorizia: tuple[Path, Path], tmp_path: Path
) -> None:
    form = tmp_path / "form.csv"
    options = ("--definition", "severe_only", "--site", "gorizia", "--reader", "nurse", "--out", str(form))
    refused = review(gorizia[0], *options)
    assert (refused.exit_code, form.exists()) == (2, False)
    assert "every patient id of gorizia to be reviewed begins like a formula" in one_line(refused.output)


def test_a_second_reader_reads_blind_and_late_counts_leave_the_verdicts_in_force_or_are_told(
    gorizia: tuple[Path, Path], tmp_path: Path
) -> None:
    home = Path(shutil.copytree(gorizia[0], tmp_path / "home", symlinks=True))
    assert "has exactly one other reviewer's adjudication" in one_line(
        review(home, "--second-reading", "--site", "gorizia", "--reader", "neurologa").output
    )
    second = ("--second-reading", "--site", "gorizia", "--reader", "haematologist")
    listed = review(home, *second, "--format", "csv").stdout
    assert [row["onset_date"] for row in csv.DictReader(listed.splitlines())] == ["2024-04-02", "2024-05-05"], (
        "episodes that the first verdict took out of the cases are read again like the others"
    )
    form = tmp_path / "second.csv"
    written = review(home, *second, "--out", str(form))
    assert written.exit_code == 0, written.output
    told = listed + written.output.replace("confirmed, other_cause or lab_error", "") + form.read_text("utf-8-sig")
    assert not [verdict for verdict in ("lab_error", "other_cause", "confirmed") if verdict in told]

    deliver(home, "gorizia", "2024-08", "adjudications_second", fill_in(form, "confirmed", "2024-08-01"))
    deliver(home, "gorizia", "2024-08", "adjudications_by_hand", BY_HAND)
    deliver(home, "gorizia", "2024-08", "lab_results", LATE)
    settings = publish(home, "4")
    day = date.fromisoformat
    _, rows = query(
        settings,
        "SELECT onset_date, review_status, n_reviews, n_readers FROM mart_chart_review "
        "WHERE definition_id = 'udine_2025' AND site = 'gorizia' ORDER BY onset_date",
    )
    assert rows == [
        (day("2024-03-25"), "disagreement", 3, 2),
        (day("2024-05-04"), "unreviewed", 0, 0),
        (day("2024-05-06"), "unreviewed", 0, 0),
    ], "P's onset has moved within the span; Q had no normal count that a span could begin after"
    _, agreement = query(
        settings,
        "SELECT comparison, first_reading, second_reading, n_episodes, n_agreeing FROM mart_review_agreement "
        "WHERE definition_id = 'udine_2025' ORDER BY comparison",
    )
    assert agreement == [
        ("order", "first verdict", "second verdict", 2, 0),
        ("role", "haematologist", "neurologist", 1, 0),
    ], "one of udine, one of P: the neurologist's two rows are one reading"
    lost = list(csv.DictReader(review(home, "--orphaned", "--format", "csv").stdout.splitlines()))
    assert [(row["onset_to"], row["reviewer_role"], row["file"], row["record"]) for row in lost] == [
        ("2024-05-05", "neurologist", "adjudications_udine_2025.csv", "2"),
        ("2024-05-05", "haematologist", "adjudications_second.csv", "2"),
    ]
    (warned,) = [
        result for result in audit(settings.warehouse, checks=list(review_suite.CHECKS)).checks if not result.passed
    ]
    assert (warned.check_id, warned.severity, warned.detail) == (
        "adjudication_matches_an_episode", "warning", "gorizia 2",
    )  # fmt: skip
    assert "matches an episode" in one_line(review(gorizia[0], "--orphaned").output)


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 60), st.integers(0, 30), st.integers(0, 30)),
        min_size=1,
        max_size=8,
        unique_by=lambda episode: episode[:2],
    )
)
def test_no_span_of_a_form_holds_the_onset_of_another_episode(
    episodes: list[tuple[int, int, int, int]],
) -> None:
    """Episodes of one patient as (definition, onset, days to its end, days since a normal count); 0: none."""
    first = date(2024, 1, 1)
    rows = [
        (
            f"{definition}-{onset}",
            "p",
            first + timedelta(onset),
            first + timedelta(onset + length) if length else None,
            first + timedelta(onset - since) if since else None,
        )
        for definition, onset, length, since in episodes
    ]
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE main.fct_neutropenia_episode "
            "(episode_id VARCHAR, patient_key VARCHAR, onset_date DATE, end_date DATE, last_normal_date DATE)"
        )
        connection.executemany("INSERT INTO main.fct_neutropenia_episode VALUES (?, ?, ?, ?, ?)", rows)
        found = connection.execute(JUDGED_SPANS, {"episodes": [row[0] for row in rows]}).fetchall()
    onset_of = {row[0]: row[2] for row in rows}
    assert len(found) == len(rows)
    for episode_id, onset_from in found:
        onset = onset_of[episode_id]
        assert {other for other in onset_of.values() if onset_from <= other <= onset} == {onset}
        normal = [row[4] for row in rows if row[2] == onset and row[4]]
        assert onset_from > max(normal) if normal else onset_from == onset
        ended = [row[3] for row in rows if row[3] and row[3] < onset]
        assert not normal or all(end < onset_from for end in ended)
