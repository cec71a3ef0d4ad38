"""A quarantined row is open until its record has been delivered again: what is open is counted, shown and sent back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner
from integration.compiled_project import compiled_project

from registry.cli.main import main
from registry.config.settings import Settings
from registry.curation import retraction
from registry.curation.quarantine import Filter, held_back
from registry.errors import UserError

HEADER = "result_id,patient_id,test_code,value,unit,collected_at,status\n"
PATIENTS = "patient_id,birth_date,sex\n" + "".join(f"P{n},1980,F\n" for n in range(1, 6))
GOOD, BAD, WORSE = "R,P1,751-8,2.5,10*9/L,{day},\n", "R,P1,751-8,2.5,??,{day},\n", "R,P1,751-8,low,??,{day},\n"
GONE = "R,,,,,,cancelled\n"
OTHER = "S,P1,751-8,3.5,10*9/L,{day},\n"
KEYLESS = ",P1,751-8,2.5,10*9/L,{day},\n"
BROKEN = "R,P1\n"
DAYS = "keys: {lab_results: [patient_id, collected_at, test_code]}\n"
DAY_HEADER = "patient_id,test_code,value,unit,collected_at,status\n"
TWO = "P1,751-8,3.1,10*9/L,{day},\nP1,751-8,??,10*9/L,{day},\n"

# by site: its site.yml, the rows of each of its files in order, and which quarantined rows are open, as month/record
CASES: dict[str, tuple[str, Mapping[str, str], list[str]]] = {
    "still_open": ("", {"01/a": BAD}, ["01/1"]),
    "corrected_later": ("", {"01/a": BAD, "02/a": GOOD}, []),
    "corrected_in_another_file": ("", {"01/a": BAD, "01/b": GOOD}, []),
    "corrected_by_an_earlier_file": ("", {"01/a": GOOD, "01/b": BAD}, ["01/1"]),
    "cancelled_later": ("", {"01/a": BAD, "02/a": GONE}, []),
    "cancelled_in_its_own_file": ("", {"01/a": BAD + GONE}, []),
    "cancelled_before_it_in_its_file": ("", {"01/a": GONE + BAD}, ["01/2"]),
    "quarantined_twice": ("", {"01/a": BAD, "02/a": BAD}, ["02/1"]),
    "quarantined_otherwise": ("", {"01/a": BAD, "02/a": WORSE}, ["02/1"]),
    "good_then_bad_again": ("", {"01/a": BAD, "02/a": GOOD, "03/a": WORSE}, ["03/1"]),
    "two_contents_in_one_file": ("", {"01/a": GOOD + GOOD.replace("2.5", "2.6")}, ["01/1", "01/2"]),
    "another_record_came": ("", {"01/a": BAD, "02/a": OTHER}, ["01/1"]),
    "without_a_key": ("", {"01/a": KEYLESS + BROKEN, "02/a": GOOD}, ["01/1", "01/2"]),
    "snapshot_corrects": ("mode: snapshot\n", {"01/a": BAD, "02/a": GOOD}, []),
    "snapshot_lacks_it": ("mode: snapshot\n", {"01/a": BAD + KEYLESS, "02/a": OTHER}, []),
    "snapshot_holds_it_still": ("mode: snapshot\n", {"01/a": BAD + KEYLESS, "02/a": BAD + KEYLESS}, ["02/1", "02/2"]),
    "two_files_of_a_snapshot": ("mode: snapshot\n", {"01/a": BAD, "01/b": OTHER}, ["01/1"]),
    "not_a_snapshot_of_results": ("mode: snapshot\n", {"01/a": BAD, "02/patients": PATIENTS}, ["01/1"]),
    "day_corrected": (DAYS, {"01/a": TWO, "02/a": TWO.replace("??", "2.9")}, []),
    "day_without_it": (DAYS, {"01/a": TWO, "02/a": "P1,751-8,2.9,10*9/L,{day},\n"}, []),
    "unclear_cancellation": (
        DAYS, {"01/a": TWO.replace("??", "2.9"), "02/a": "P1,751-8,,,{day},cancelled\n"}, ["02/1"]
    ),
    "made_clear_by_its_value": (
        DAYS,
        {
            "01/a": TWO.replace("??", "2.9"),
            "02/a": "P1,751-8,,,{day},cancelled\n",
            "03/a": "P1,751-8,2.9,10*9/L,{day},cancelled\n",
        },
        [],
    ),
}  # fmt: skip


def deliver(folder: Path, site: str, files: Mapping[str, str], profile: str = "") -> None:
    """Write a site's files; `01/patients` is a file of patients, any other one of results."""
    root = folder / "deliveries" / site
    for place, rows in files.items():
        month, name = place.split("/")
        (root / f"2024-{month}").mkdir(parents=True, exist_ok=True)
        header = DAY_HEADER if profile == DAYS else HEADER
        content = rows if name == "patients" else header + rows.format(day="2024-01-05")
        file = f"{name}.csv" if name == "patients" else f"lab_results_{name}.csv"
        (root / f"2024-{month}" / file).write_text(content)
    (root / "2024-01" / "patients.csv").write_text(PATIENTS)
    (root / "site.yml").write_text(profile)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Each case is a site of its own."""
    home = tmp_path_factory.mktemp("cases")
    for site, (profile, files, _) in CASES.items():
        deliver(home, site, files, profile)
    return compiled_project().build(home, up_to=["quarantine_summary", "reconciliation", "int_quarantined_cell"])


def of_site(settings: Settings, query: str, site: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        return connection.execute(query, {"site": site}).fetchall()


@pytest.mark.parametrize("site", CASES)
def test_a_row_is_open_until_its_record_is_delivered_again(registry: Settings, site: str) -> None:
    found = held_back(registry, Filter(site=site))
    assert [f"{row.delivery[-2:]}/{row.record}" for row in found] == CASES[site][2]
    every = held_back(registry, Filter(site=site), with_closed=True)
    assert [row for row in every if row.is_open] == found
    counted = "SELECT sum(rows_open), sum(rows_quarantined) FROM meta.reconciliation WHERE site = $site"
    assert of_site(registry, counted, site) == [(len(found), len(every))]
    by_reason = "SELECT coalesce(sum(n_open), 0), sum(n_rows) FROM meta.quarantine_summary WHERE site = $site"
    n_reasons = [sum(len(row.reasons) for row in rows) for rows in (found, every)]
    assert of_site(registry, by_reason, site) == [tuple(n_reasons)]


def test_what_a_retracted_file_said_closes_nothing_and_is_not_open(tmp_path: Path) -> None:
    deliver(tmp_path, "correction", {"01/a": BAD, "02/a": GOOD})
    deliver(tmp_path, "mistake", {"01/a": GOOD, "02/a": BAD})
    settings = compiled_project().build(tmp_path, up_to=["reconciliation", "int_quarantined_cell"])
    assert [(row.site, row.delivery) for row in held_back(settings, Filter())] == [("mistake", "2024-02")]
    for site in ("correction", "mistake"):
        retraction.retract(settings, retraction.find(settings, retraction.parse(f"{site}/2024-02")))
    settings = compiled_project().build(tmp_path, up_to=["reconciliation", "int_quarantined_cell"])
    assert [(row.site, row.delivery) for row in held_back(settings, Filter())] == [("correction", "2024-01")]


def run(settings: Settings, *options: str) -> str:
    done = CliRunner().invoke(main, ["quarantine", "--home", str(settings.home), *options])
    assert done.exit_code == 0, done.output
    return done.output


def listed(settings: Settings, *options: str) -> list[dict[str, Any]]:
    return json.loads(run(settings, "--format", "json", *options))


def test_the_command_counts_and_sends_back_what_is_open_and_all_on_request(registry: Settings, tmp_path: Path) -> None:
    site = ("--site", "quarantined_twice")
    (group,) = listed(registry, *site)
    assert (group["file"], group["reason"], group["rows"]) == ("lab_results_a.csv", "unit_unknown", 1)
    assert [(one["delivery"], one["rows"], one["open"]) for one in listed(registry, *site, "--all")] == [
        ("2024-01", 1, 0),
        ("2024-02", 1, 1),
    ]
    assert [one["state"] for one in listed(registry, *site, "--all", "--records")] == ["closed", "open"]
    assert run(registry, *site).endswith("1 quarantined rows are open; 1 are closed (--all)\n")
    assert run(registry, "--site", "corrected_later") == "no quarantined rows are open; 1 are closed (--all)\n"
    for options, n_files in (((), 1), (("--all",), 2)):
        out = tmp_path / f"{n_files}"
        run(registry, *site, *options, "--send-back", str(out))
        assert len(list(out.rglob("*.csv"))) == n_files


UNKNOWN = "".join(f"U{n},P{n},751-8,2.5,Teilchen/Feld,2024-01-0{n},\n" for n in range(1, 6))
ROWS = (
    UNKNOWN
    + "N1,P1,751-8,2.5,Rossi Mario,2024-01-05,\n"  # misplaced
    + "".join(f"B{n},P{n},751-8,2.5,,2024-01-0{n},\n" for n in range(1, 3))
    + "W1,P1,751-8,2.5,10*9/L,2024-01-05,Rossi Mario\n"
    + "M1,P1,751-8,5,mg/dL,2024-01-05,\n"
    + "X1,P9,751-8,??,10*9/L,,\n"
    + "".join(f"I{n},P{n},751-8,2.5,P3,2024-01-05,\n" for n in range(1, 6))
    + "".join(f"Q{n},P9{n},751-8,2.5,Bianchi,2024-01-05,\n" for n in range(1, 6))
)


def test_rows_are_grouped_by_column_and_spelling_and_no_value_is_shown(tmp_path: Path) -> None:
    deliver(tmp_path, "udine", {"01/a": ROWS})
    drugs = "".join(f"D{n},P{n},Ocrevvus,2024-01-02\n" for n in range(1, 5)) + "D9,P1,Verdi Anna,2024-01-02\n"
    (tmp_path / "deliveries/udine/2024-01/administrations.csv").write_text(
        "administration_id,patient_id,drug,administered_on\n" + drugs
    )
    settings = compiled_project().build(tmp_path, up_to=["reconciliation", "int_quarantined_cell"])
    groups = {(one["reason"], one["column"], one["spelling"]): one["rows"] for one in listed(settings)}
    assert groups == {
        ("unit_unknown", "unit", "751-8: Teilchen/Feld"): 5,
        ("unit_unknown", "unit", "751-8: (not shown)"): 11,  # one person's, a patient's id, rows of unknown patients
        ("unit_missing", "unit", "751-8: (blank)"): 2,
        ("unit_incompatible", "unit", "751-8: mg/dL"): 1,
        ("invalid_code", "status", "(not shown)"): 1,
        ("missing_required", "collected_at", ""): 1,
        ("non_numeric_value", "value", ""): 1,
        ("unknown_patient", "patient_id", ""): 6,
        ("unknown_drug", "drug", "Ocrevvus"): 4,
        ("unknown_drug", "drug", "(not shown)"): 1,
    }
    everything = run(settings, "--all") + run(settings, "--records", "--all") + run(settings, "--format", "csv")
    assert not any(value in everything for value in ("Rossi", "Bianchi", "Verdi", "P3", "??"))


def test_a_build_of_an_earlier_version_says_in_a_line_what_to_do(registry: Settings, tmp_path: Path) -> None:
    deliver(tmp_path, "udine", {"01/a": BAD})
    settings = compiled_project().build(tmp_path, up_to=["int_row_disposition"])
    with pytest.raises(UserError, match="built by an earlier version, which did not tell open rows from closed"):
        held_back(settings, Filter())
