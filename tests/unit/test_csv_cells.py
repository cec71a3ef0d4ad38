"""What a query prints: CSV computes nothing in a spreadsheet, JSON holds every column, and numbers stay numbers."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest

from registry.cli.console import print_rows
from registry.system.spreadsheet import harmless


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "=cmd|' /C calc'!A0",
        "+cmd",
        "-cmd",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "-1+1",
        "+39 0432 123",
        "-2.0=1",
    ],
)
def test_a_text_that_would_be_a_formula_is_marked_as_text(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize(
    "cell",
    ["-1", "+3.5", "-0,75", "-1.250,00", "-1e-5", "-45%", "", "-", "a=b", "P-1", "<0.5", "2025-01-02", -1, 0.5, None],
)
def test_numbers_and_plain_text_stay_as_they_are(cell: object) -> None:
    assert harmless(cell) == cell


def test_the_answer_of_a_query_holds_no_formula(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(["=header", "n"], [["=1+1", -2], ["-0.5", None]], "csv")
    assert capsys.readouterr().out.splitlines() == ["'=header,n", "'=1+1,-2", "-0.5,"]


def printed(capsys: pytest.CaptureFixture[str], sql: str, form: str) -> str:
    result = duckdb.execute(sql)
    print_rows([column[0] for column in result.description or ()], result.fetchall(), form)
    return capsys.readouterr().out


def strict(text: str) -> Any:
    """As a program reads it that takes JSON at its word."""

    def no_constant(name: str) -> None:
        raise AssertionError(name)

    return json.loads(text, parse_constant=no_constant)


def test_json_keeps_every_column_of_one_name(capsys: pytest.CaptureFixture[str]) -> None:
    sql = "SELECT 1 AS n, 2 AS n_2, 3 AS n, 4 AS n, 5 AS n_2"
    assert strict(printed(capsys, sql, "json")) == [{"n": 1, "n_2": 2, "n_3": 3, "n_4": 4, "n_2_2": 5}]
    assert printed(capsys, sql, "csv").splitlines() == ["n,n_2,n,n,n_2", "1,2,3,4,5"]
    assert printed(capsys, sql, "table").split() == ["n", "n_2", "n", "n", "n_2", *"12345"]


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("1.50::DECIMAL(18, 2)", 1.5),
        ("0::DECIMAL(18, 8)", 0),
        ("-12::DECIMAL(38, 0)", -12),
        ("'nan'::DOUBLE", None),
        ("'-inf'::DOUBLE", None),
        ("'inf'::FLOAT", None),
        ("NULL", None),
        ("true", True),
        ("170141183460469231731687303715884105727::HUGEINT", 2**127 - 1),
        ("DATE '2024-01-31'", "2024-01-31"),
        ("TIMESTAMP '2024-01-31 10:00'", "2024-01-31 10:00:00"),
        ("[1.5, NULL]", [1.5, None]),
        ("{'a': 'nan'::DOUBLE, 'b': [0.25]}", {"a": None, "b": [0.25]}),
        ("map([DATE '2024-01-31'], [0.5])", {"2024-01-31": 0.5}),
        ("'\\xAB'::BLOB", "ab"),
        ("'è'", "è"),
    ],
)
def test_json_holds_numbers_as_numbers_and_nothing_that_is_not_json(
    capsys: pytest.CaptureFixture[str], sql: str, value: Any
) -> None:
    (read,) = strict(printed(capsys, f"SELECT {sql} AS v", "json"))
    assert read == {"v": value}
    assert type(read["v"]) is type(value) or isinstance(read["v"], float)


@pytest.mark.parametrize("form", ["csv", "table"])
def test_texts_hold_no_exponent_and_no_python(capsys: pytest.CaptureFixture[str], form: str) -> None:
    sql = "SELECT 0::DECIMAL(18, 8) AS a, [1.5] AS b, [DATE '2024-01-31'] AS c, '\\xAB'::BLOB AS d"
    assert printed(capsys, sql, form).split("\n")[1].replace('""', '"').replace('"[', "[").replace(']"', "]") in (
        '0.00000000,[1.5],["2024-01-31"],ab',
        '0.00000000  [1.5]  ["2024-01-31"]  ab',
    )
