"""How the macros read text, and that Python folds it alike."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.macro_sql import macro_sql

from registry.config import terminology
from registry.config.site_codes import flag_patterns

TWINS: list[Callable[[str], str]] = [
    terminology.plain_characters,
    terminology.folded_word,
    terminology.folded_code,
    terminology.folded_unit,
    terminology.unit_form,
]
LETTERS = st.characters(max_codepoint=0x52F, exclude_characters="\0İ")
MARKS = st.characters(min_codepoint=0x2000, max_codepoint=0x22FF)
WIDE = st.characters(min_codepoint=0xFF00, max_codepoint=0xFFEF)
PIECES = st.sampled_from(["751-8", "^^UCUM", "^", ".0", "10^9/L", "x10", "\ufeff", "\u3000", "\u061c", " ", ". "])
UNIT_PIECES = (
    r"10 x10 10. 10^ 10( * ^ E e+0 exp ' 3 9 12 ) } - L -1 mm-3 \S\ / /uL /Μl /mcl. /MM^3 /cu.mm /㎣ /l /Lt /dl /100ml "
    "K Thou 1000 Tsd. mila Mio mln billion Gpt M G {cells} cells #x n° células WBC % %of /100 per-cent gm grams mcg"
).split()
UNITS = st.sampled_from([*UNIT_PIECES, " per ", "per cubic", " per cent"])
TEXTS = st.lists(LETTERS | MARKS | WIDE | PIECES, max_size=8).map("".join) | st.lists(UNITS, max_size=5).map("".join)


def _sql_of(twin: Callable[[str], str]) -> str:
    """The macro of this name; the form of a unit is made in two steps."""
    text = macro_sql("with_volume_of_seed", "text") if twin is terminology.unit_form else "text"
    return macro_sql(twin.__name__, text)


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.__name__)
@given(texts=st.lists(TEXTS, min_size=1, max_size=30))
def test_python_and_sql_fold_alike(twin: Callable[[str], str], texts: list[str]) -> None:
    found = duckdb.execute(f"SELECT {_sql_of(twin)} FROM (SELECT unnest($texts) AS text)", {"texts": texts}).fetchall()
    assert [row[0] for row in found] == [twin(text) for text in texts]


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.__name__)
def test_python_and_sql_fold_each_character_of_european_text_alike(twin: Callable[[str], str]) -> None:
    characters = [chr(code) for code in (*range(1, 0x530), *range(0x2000, 0x2C00), *range(0x3000, 0x3100))]
    texts = [f"a{character}b" for character in characters if character != "İ"]
    found = duckdb.execute(f"SELECT {_sql_of(twin)} FROM (SELECT unnest($texts) AS text)", {"texts": texts}).fetchall()
    assert [row[0] for row in found] == [twin(text) for text in texts]


def _read(value: str, flags: tuple[str, ...], decimal_mark: str = ".", thousands_mark: str | None = None) -> str | None:
    """The operator and number that staging reads in a value, as text; None where it reads none."""
    before, behind = flag_patterns(flags) or (None, None)
    plain = macro_sql("without_flags", macro_sql("plain_cell", macro_sql("cell", "sent")), "before", "behind")
    number = macro_sql("plain_number", "value", "decimal_mark", "thousands_mark")
    row = duckdb.execute(
        f"""
        WITH cells AS (
            SELECT CAST($sent AS VARCHAR) AS sent, CAST($before AS VARCHAR) AS before,
                CAST($behind AS VARCHAR) AS behind, CAST($mark AS VARCHAR) AS decimal_mark,
                CAST($thousands AS VARCHAR) AS thousands_mark
        ),
        plain AS (SELECT *, {plain} AS value FROM cells),
        numbers AS (SELECT {number} AS number FROM plain)
        SELECT coalesce({macro_sql("number_operator", "number")}, ''), {macro_sql("number_value", "number")}
        FROM numbers
        """,
        {"sent": value, "before": before, "behind": behind, "mark": decimal_mark, "thousands": thousands_mark},
    ).fetchone()
    return None if row is None or row[1] is None else f"{row[0]}{row[1].normalize():f}"


FLAGS = ("*", "**", "H", "L", "HH", "LL", "+", "-", "!", "↓", "–", "crit.", "molto basso", "(B)")
SPELLINGS = {
    **dict.fromkeys(
        ("0.4", "0.4 L", "0.4L", "L0.4", "L 0.4", "0.4 *", "* 0.4", "*0.4", "0.4*", "0.4 *L", "0.4*L"), "0.4"
    ),
    **dict.fromkeys(
        ("0.4 [L]", "[L] 0.4", "0.4 (L)", "(L)0.4", "0.4(*)", "* 0.4 *", "** 0.4", "0.4 **", "0.4 LL"), "0.4"
    ),
    **dict.fromkeys(
        ("LL 0.4", "0.4\u00a0L", "L\u00a00.4", "0.4\u202f*", "\u20090.4 L", "0.4 L *", "0.4 !", "! 0.4"), "0.4"
    ),
    **dict.fromkeys(("0.4 -", "0.4-", "0.4 (-)", "0.4 +", "0.4 ++", "+0.4", "0.4\tL", "  0.4  L  ", "0.4 L\r"), "0.4"),
    **dict.fromkeys(
        ("\u200e0.4 L", "\ufeff0.4", "\uff10\uff0e\uff14", "\uff10\uff0e\uff14\u3000\uff2c", "0.\u00ad4"), "0.4"
    ),
    **dict.fromkeys(("<0.5 L", "L <0.5", "<0.5*", "* < 0.5", "L<\u00a00.5", "<0.5 [L]"), "<0.5"),
    **dict.fromkeys((">20 H", "H >20", ">= 20 HH"), ">20"),
    ">= 20 HH": ">=20",
    **dict.fromkeys(("0.4 ↓", "↓0.4", "0.4 –", "0.4 -", "0.4 crit.", "molto basso 0.4", "0.4 (B)", "(B) 0.4"), "0.4"),
    "≤0.5 L": "<=0.5",
    "0 *": "0",
    "12 H": "12",
    "-0.4": "-0.4",
    "\u22120.4": "-0.4",
    "-0.4 L": "-0.4",
    "1.5e-1 L": "0.15",
}
NO_NUMBERS = (
    "HEMOLYSED",
    "L",
    "*",
    "(*)",
    "* L",
    "LOW",
    "0.4 LOW",
    "H1N1",
    "0.4 g/L",
    "- 0.4",
    "0.4 1",
    "0.4 X",
    "lipemic H",
)


@pytest.mark.parametrize(("value", "number"), SPELLINGS.items(), ids=[ascii(value) for value in SPELLINGS])
def test_a_flag_at_either_end_of_a_value_is_no_part_of_it(value: str, number: str) -> None:
    assert _read(value, FLAGS) == number


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_a_flag_makes_no_number_of_a_text(value: str) -> None:
    assert _read(value, FLAGS) is None


@pytest.mark.parametrize("value", ["0.4 L", "* 0.4", "0.4-", "L0.4"])
def test_a_flag_that_the_site_does_not_name_is_part_of_the_value(value: str) -> None:
    assert _read(value, ()) is None


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("(L) 0,4", "0.4"),
        ("0,4 -", "0.4"),
        ("1.250 H", "1250"),
        ("1 250 H", None),
        ("0.750 L", None),
        ("\uff10\uff0c\uff14", "0.4"),
    ],
)
def test_the_sites_marks_hold_beside_flags(value: str, number: str | None) -> None:
    assert _read(value, FLAGS, ",", ".") == number


@pytest.mark.parametrize("blank", [" ", "\u00a0", "\u202f", "\u2009"])
def test_a_blank_that_parts_thousands_may_be_any_blank(blank: str) -> None:
    mark = terminology.plain_characters("\u202f")  # as stg_input_file has it
    assert _read(f"1{blank}250,5 L", FLAGS, ",", mark) == "1250.5"
