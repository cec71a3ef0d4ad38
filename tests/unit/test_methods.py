"""The methods page says what is in force: tables are made from seeds and statistics, the text quotes the rules."""

from __future__ import annotations

import re

import pytest

from expectations.published import published as published_tables
from registry.paths import DBT_PROJECT
from registry.statistics.table import DAYS_PER_YEAR
from scripts.methods import PAGE, STRETCH, STRETCHES, seed, written_again

WINDOWS = ("max_gap_days", "gcsf_days", "attribution_days", "late_days")

# Parameters that the text quotes, and the line of the model or macro that holds them.
QUOTED = [
    ("within 30 days after its start", "windows", "'line_start_days': 30"),
    ("at most 14 days each", "windows", "'gcsf_course_days': 14"),
    ("to 30 days after onset without one", "windows", "'gcsf_days_unrecovered': 30"),
    ("from 7 days before the episode's onset", "windows", "'event_days_before': 7"),
    ("14 days after its end", "windows", "'event_days_after': 14"),
    ("from onset to 90 days after it", "windows", "'relapse_days': 90"),
    ("given within 90 days before onset", "windows", "'suspect_days': 90"),
    ("within 1.5 dosing intervals", "windows", "'tolerated_intervals': 1.5"),
    ("within the 365 days up to and including the index date", "windows", "'baseline_days': 365"),
    ("at most 365 days after the index date", "dates", "add_days(index_date, 365)"),
    ("every 28 days or more often", "windows", "'four_weekly_days': 28"),
    ("add up to more than 100", "int_derivation", "neutrophils_sum <= 100"),
    ("a derived ANC above 100", "int_derivation", "anc <= 100 as is_possible"),
    ("an ANC above 100", "units", "analyte = 'anc' and {{ canonical }} > 100"),
    ("leukocytes above 1000", "units", "analyte = 'wbc' and {{ canonical }} > 1000"),
    ("a percentage above 100", "units", "analyte_dimension = 'percent' and {{ canonical }} > 100"),
    ("below 0.1 with a part of a cell", "units", "{{ canonical }} < 0.1 and {{ canonical }} * 1000 <> floor("),
    ("below 0.001, one cell per µL", "units", "{{ canonical }} < 0.001"),
    ("add up to 0.9 to 1.1", "int_differential_reading", "percentages_high >= 0.9"),
    ("0.85 to 1.05 times the leukocyte count", "int_differential_reading", "percentages_high >= wbc * 0.85"),
    ("at most 1.1 where none", "int_differential_reading", "never_exceeds_1 and (percentages <= 1.1"),
]


def parameters() -> list[str]:
    """What the text may quote: the rules of QUOTED, the windows of the primary definition, the length of a year."""
    primary = seed("case_definitions")[0]
    windows = [f"`{window}` ({primary[window]})" for window in WINDOWS]
    return [*(phrase for phrase, *_ in QUOTED), *windows, f"{DAYS_PER_YEAR} days", "95 %", "per 100 person-years"]


def prose(page: str) -> str:
    """The text in one line: without generated stretches, references, formulas, code, links and checklist items."""
    text = STRETCH.sub("", page).partition("## References")[0]
    text = re.sub(r"^(    .*|\d\. |\| (STROBE|RECORD)[^|]*)", "", text, flags=re.MULTILINE)
    return " ".join(text.split())


def unexplained_numbers(page: str) -> list[str]:
    """Numbers of the text that are neither a quoted parameter nor a bound or version of a grading scale."""
    text = prose(page)
    for phrase in sorted(parameters(), key=len, reverse=True):
        text = text.replace(phrase, "")
    text = re.sub(r"`[^`]*`|\[\[\d\]\]|\[[^\]]*\]\([^)]*\)|10⁹/L|anti-CD20", "", text)
    of_the_anc = [row for row in seed("grading_scales") if row["analyte"] == "anc"]
    known = {row[column] for row in of_the_anc for column in ("lower", "upper", "version")} | {"0", "1", "4.03"}
    return [number for number in re.findall(r"\d+(?:[.,]\d+)*", text) if number not in known]


def test_the_page_is_what_the_seeds_and_the_statistics_make_of_it() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert {name for _, name, _ in STRETCH.findall(page)} == set(STRETCHES)
    assert page == written_again(page), "docs/methods.md is out of date: run .venv/bin/python -m scripts.methods"


def test_no_number_of_the_text_is_typed_but_a_rules_parameter() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert unexplained_numbers(page) == []
    for result in ("6 of 171", "3.5 %", "1.18 per 100 person-years", "within 91 days before onset"):
        assert unexplained_numbers(f"Found: {result}.\n{page}"), result


def test_every_parameter_that_may_be_quoted_is() -> None:
    """Otherwise the list of exceptions outlives the text that it was made for."""
    text = prose(PAGE.read_text(encoding="utf-8"))
    assert [phrase for phrase in parameters() if phrase not in text] == []
    windows = {tuple(row[window] for window in WINDOWS) for row in seed("case_definitions")}
    assert len(windows) == 1, "the text quotes one value a window for all definitions"
    assert any("v4.03" in row["source"] for row in seed("grading_scales"))


@pytest.mark.parametrize(("phrase", "name", "code"), QUOTED, ids=[phrase for phrase, *_ in QUOTED])
def test_a_quoted_parameter_is_that_of_the_rule(phrase: str, name: str, code: str) -> None:
    (path,) = (path for folder in ("models", "macros") for path in (DBT_PROJECT / folder).rglob(f"{name}.sql"))
    assert code in path.read_text(encoding="utf-8")
    assert re.findall(r"\d+(?:\.\d+)?", phrase)[0] in re.findall(r"\d+(?:\.\d+)?", code)


def test_tables_that_the_page_names_are_published() -> None:
    page = PAGE.read_text(encoding="utf-8")
    published = {table.name.removeprefix("main.") for table in published_tables()}
    published |= {"meta.release", "meta.check_result"}
    named = set(re.findall(r"`((?:dim|fct|mart)_\w+|meta\.\w+)[`.]", page))
    assert named <= published


def test_every_item_of_strobe_and_record_has_its_place() -> None:
    page = PAGE.read_text(encoding="utf-8")
    items = " ".join(re.findall(r"^\| ((?:STROBE|RECORD)[^|]*)", page, flags=re.MULTILINE))
    strobe = {number for part in re.findall(r"STROBE ([\d, ]+)", items) for number in re.findall(r"\d+", part)}
    assert strobe == {str(number) for number in range(1, 23)}
    record = set(re.findall(r"\d+\.\d", items.replace("1.1 to 1.3", "1.1 1.2 1.3")))
    assert record == set("1.1 1.2 1.3 6.1 6.2 6.3 7.1 12.1 12.2 12.3 13.1 19.1 22.1".split())
