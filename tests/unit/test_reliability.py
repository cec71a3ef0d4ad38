"""The reliability page says what was measured, and counts each test once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import reliability


def test_the_page_has_the_figures_that_were_measured() -> None:
    text = reliability.PAGE.read_text(encoding="utf-8")
    assert reliability.written_again(text) == text


def test_what_was_measured_is_without_loss() -> None:
    kills = json.loads(reliability.KILLS.read_text())
    assert kills["kills_at_points"] + kills["kills_at_random_moments"] == kills["survived"] > 0
    assert kills["half_releases"] == kills["rows_lost_or_twice"] == 0


def test_a_failure_is_counted_as_one_and_figures_are_added_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    junit = tmp_path / "run.xml"
    junit.write_text(
        """<testsuites><testsuite>
        <testcase classname="a"><properties><property name="files" value="3"/></properties></testcase>
        <testcase classname="a"><properties><property name="files" value="4"/></properties></testcase>
        <testcase classname="a"><failure message="x"/></testcase>
        <testcase classname="b"><skipped/></testcase>
        <testcase classname="c"/>
        </testsuite></testsuites>"""
    )
    monkeypatch.setattr(reliability, "SUITES", tmp_path / "suites.json")
    monkeypatch.setattr(reliability, "SHOWN", ("a", "b"))
    reliability.keep(junit)
    assert json.loads(reliability.SUITES.read_text()) == {
        "a": {"failed": 1, "files": 7, "passed": 2},
        "b": {"failed": 1},
    }
