"""The published tables are what their YAML promises, and a promise that nobody can check is an error."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from expectations import published
from expectations.suites import never_tested
from registry.build.dbt_project import Node, ParsedProject, parsed_project
from registry.paths import CHECKOUT


@pytest.fixture
def with_meta(monkeypatch: pytest.MonkeyPatch):
    """Replaces what the YAML of dim_drug promises of the table and of its column `drug`."""

    def change(of_table: dict[str, Any], of_drug: dict[str, Any]) -> None:
        def changed(node: Node) -> Node:
            return replace(node, meta=of_table, column_meta={"drug": of_drug}) if node.name == "dim_drug" else node

        nodes = {name: changed(node) for name, node in parsed_project().nodes.items()}
        monkeypatch.setattr(published, "parsed_project", lambda: ParsedProject(nodes, CHECKOUT))
        published.published.cache_clear()

    yield change
    published.published.cache_clear()


def ids() -> set[str]:
    return {check.check_id for check in published.generic_checks() if check.table == "main.dim_drug"}


def test_what_the_yaml_promises_is_checked(with_meta) -> None:
    with_meta(
        {"key": ["drug", "atc"], "in_order": [["interval_days", "atc"]]},
        {"values": ["a"], "refers_to": "fct_dose.drug", "at_least": 1},
    )
    assert ids() == {
        "dim_drug_columns",
        "dim_drug_key_unique",
        "dim_drug_drug_present",
        "dim_drug_atc_present",
        "dim_drug_interval_days_to_atc",
        "dim_drug_drug_values",
        "dim_drug_drug_known",
        "dim_drug_drug_range",
    }


def test_a_table_written_after_the_audit_is_not_judged(with_meta) -> None:
    names = {table.name for table in published.published()}
    assert "meta.reconciliation" in names
    assert not {"meta.release", "meta.check_result"} & names
    with_meta({"is_audited": False}, {})
    assert names - {table.name for table in published.published()} == {"main.dim_drug"}


@pytest.mark.parametrize(
    ("of_table", "of_drug", "error"),
    [
        ({"keys": ["drug"]}, {}, "main.dim_drug: its YAML promises what nobody checks: keys"),
        ({"key": ["drugs"]}, {}, "main.dim_drug: its YAML promises what nobody checks: drugs"),
        ({"in_order": [["drug", "later"]]}, {}, "nobody checks: later"),
        ({}, {"unique": True}, "nobody checks: drug: unique"),
        ({}, {"refers_to": "dim_drugs.drug"}, "main.dim_drug.drug refers to dim_drugs.drug, which is not published"),
        ({}, {"refers_to": "fct_dose.drugs"}, "main.dim_drug.drug refers to fct_dose.drugs, which is not published"),
    ],
)
def test_a_promise_that_nobody_checks_is_an_error(with_meta, of_table: Any, of_drug: Any, error: str) -> None:
    with_meta(of_table, of_drug)
    with pytest.raises(ValueError, match=error):
        published.generic_checks()


def test_every_table_that_counts_who_was_never_tested_is_checked_for_estimates_of_them() -> None:
    counting = {node.name for node in parsed_project().nodes.values() if "n_never_tested" in node.columns}
    published_ones = {name for name in counting if not name.startswith("count_")}
    assert published_ones == set(never_tested._ESTIMATES)
