"""A trace tells the windows in force: those of the definition are filled in, the fixed ones are held here."""

from __future__ import annotations

import re

import pytest

from registry.paths import DBT_PROJECT
from registry.trace_rules import RULES

FIXED = {
    "baseline_neutropenia": ["baseline_days"],
    "other_suspect_drug": ["suspect_days", "suspect_days"],
    "gcsf": ["gcsf_days_unrecovered"],
    "infection": ["event_days_before", "event_days_after"],
    "febrile": ["event_days_before", "event_days_after"],
    "hospitalised": ["event_days_before", "event_days_after"],
    "relapse_within_90d": ["relapse_days"],
}


@pytest.mark.parametrize("rule", RULES)
def test_the_numbers_of_a_sentence_are_those_of_the_windows(rule: str) -> None:
    text = (DBT_PROJECT / "macros" / "windows.sql").read_text(encoding="utf-8")
    windows = dict(re.findall(r"'(\w+)': ([\d.]+)", text))
    sentence = re.sub(r"\{\w+\}|anti-CD20", "", RULES[rule].sentence)
    typed = [
        number
        for number in re.findall(r"\d+(?:\.\d+)?", sentence)
        if number not in {"0", windows["tolerated_intervals"]}
    ]
    assert typed == [windows[name] for name in FIXED.get(rule, [])]
