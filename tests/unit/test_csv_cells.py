"""CSV that we write computes nothing in a spreadsheet; numbers stay numbers."""

from __future__ import annotations

import pytest

from registry.console import print_rows
from registry.csv_cells import harmless


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
