"""The bytes of delimited text: encodings, packing and line ends make no difference to what is read."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from delivered import BOTH_WAYS, LAB_HEADER, LAB_PLACE, Home, lab

from registry.errors import UserError


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@BOTH_WAYS
@pytest.mark.parametrize(
    ("encoding", "content_encoding"),
    [("latin-1", "latin-1"), ("cp1252", "cp1252"), ("utf-16", "utf-16"), ("utf-8", "utf-8-sig"), ("utf-8", "utf-16")],
)
def test_every_encoding_gives_the_same_text(home: Home, small_file: int, encoding: str, content_encoding: str) -> None:
    home.deliver("udine/site.yml", f"csv: {{encoding: {encoding}}}")
    home.deliver(LAB_PLACE, lab("r1,P1,caffè µ,1,u,d", "r2,P1,c,2,u,d").encode(content_encoding))
    home.load(small_file=small_file)
    assert home.rows(columns=("result_id", "test_code")) == [("r1", "caffè µ"), ("r2", "c")]


@BOTH_WAYS
def test_a_byte_that_the_encoding_lacks_spoils_its_record_only(home: Home, small_file: int) -> None:
    home.deliver("udine/site.yml", "csv: {encoding: cp1252}")
    home.deliver(LAB_PLACE, lab("r1,P1,c,1,u,d").encode() + b"r2,P1,\x81\xe8,2,u,d\nr3,P1,\xe8,3,u,d\n")
    home.load(small_file=small_file)
    assert home.rows(columns=("test_code", "malformed")) == [("c", None), (None, r"r2,P1,\x81è,2,u,d"), ("è", None)]


@BOTH_WAYS
def test_gzip_and_plain_text_give_the_same_rows(home: Home, small_file: int) -> None:
    text = lab("r1,P1,c,1,u,d", "r2,P1,c,2,u,d").encode()
    home.deliver("udine/2024-01/lab_results.CSV.GZ", gzip.compress(text[:50]) + gzip.compress(text[50:]))
    home.load(small_file=small_file)
    assert home.cells() == [(1, "r1", "1", None), (2, "r2", "2", None)]


@BOTH_WAYS
@pytest.mark.parametrize("cut", [-1, -9, 15])
def test_a_cut_off_gzip_is_refused_and_nothing_of_it_kept(home: Home, small_file: int, cut: int) -> None:
    whole = gzip.compress(lab(*(f"r{n},P{n},c,{n * 7919},u,d" for n in range(500))).encode())
    home.deliver("udine/2024-01/lab_results.csv.gz", whole[:cut])
    with pytest.raises(UserError, match=r"udine/2024-01/lab_results.csv.gz: incomplete gzip file"):
        home.load(small_file=small_file)
    assert home.rows() == []
    assert home.query("SELECT * FROM main.input_file") == []


@BOTH_WAYS
@pytest.mark.parametrize(
    ("encoding", "content_encoding"), [("utf-16-le", "utf-16-le"), ("utf-16-be", "utf-16-be"), ("utf-16-le", "utf-16")]
)
def test_utf_16_is_read_with_and_without_its_mark(
    home: Home, small_file: int, encoding: str, content_encoding: str
) -> None:
    home.deliver("udine/site.yml", f"csv: {{encoding: {encoding}}}")
    home.deliver(LAB_PLACE, lab("r1,P1,caffè µ,1,u,d", 'r2,P1,"x\ny",2,u,d').encode(content_encoding))
    home.load(small_file=small_file)
    assert home.rows(columns=("result_id", "test_code")) == [("r1", "caffè µ"), ("r2", "x\ny")]


@BOTH_WAYS
def test_the_characters_of_windows_come_out_right(home: Home, small_file: int) -> None:
    home.deliver("udine/site.yml", "csv: {encoding: cp1252}")
    home.deliver(LAB_PLACE, lab("r1,P1,“ANC” – dell’esame €,1,10³/µL,d").encode("cp1252"))
    home.load(small_file=small_file)
    assert home.rows(columns=("test_code", "unit")) == [("“ANC” – dell’esame €", "10³/µL")]


@BOTH_WAYS
def test_a_byte_order_mark_before_a_quoted_header_is_none_of_it(home: Home, small_file: int) -> None:
    quoted = ",".join(f'"{name}"' for name in LAB_HEADER.split(","))
    home.deliver(LAB_PLACE, f"{quoted}\nr1,P1,c,1,u,d\n".encode("utf-8-sig"))
    assert home.load(small_file=small_file).unknown_columns == set()
    assert home.cells() == [(1, "r1", "1", None)]


@BOTH_WAYS
def test_lines_may_end_in_a_return_alone(home: Home, small_file: int) -> None:
    home.deliver(
        LAB_PLACE, lab("r1,P1,c,1,u,d", "", 'r2,P1,"x\ry",2,u,d', "short", "r3,P1,c,3,u,d").replace("\n", "\r")
    )
    home.load(small_file=small_file)
    assert home.cells() == [(1, "r1", "1", None), (2, "r2", "2", None), (3, None, None, "short"), (4, "r3", "3", None)]


@BOTH_WAYS
def test_a_nul_byte_stays_in_its_cell(home: Home, small_file: int) -> None:
    home.deliver(LAB_PLACE, lab("r1,P1,a\0b,1,u,d", "r2,P1,c,2,u,d"))
    home.load(small_file=small_file)
    assert home.rows(columns=("result_id", "test_code")) == [("r1", "a\0b"), ("r2", "c")]


@BOTH_WAYS
@pytest.mark.parametrize("behind", [b"garbage", b"\x1f\x8bgarbage"])
def test_what_stands_behind_a_gzip_file_is_not_passed_over(home: Home, small_file: int, behind: bytes) -> None:
    home.deliver("udine/2024-01/lab_results.csv.gz", gzip.compress(lab("r1,P1,c,1,u,d").encode()) + behind)
    with pytest.raises(UserError, match="incomplete gzip file"):
        home.load(small_file=small_file)
    assert home.rows() == []


@BOTH_WAYS
def test_zeros_behind_a_gzip_file_are_padding(home: Home, small_file: int) -> None:
    home.deliver("udine/2024-01/lab_results.csv.gz", gzip.compress(lab("r1,P1,c,1,u,d").encode()) + bytes(512))
    home.load(small_file=small_file)
    assert home.cells() == [(1, "r1", "1", None)]


@BOTH_WAYS
def test_utf_16_without_a_mark_says_which_encoding_to_name(home: Home, small_file: int) -> None:
    home.deliver("udine/site.yml", "csv: {encoding: utf-16}")
    home.deliver("udine/2024-01/lab_results.csv", lab("r1,P1,c,1,u,d").encode("utf-16-le"))
    with pytest.raises(UserError, match="utf-16-le or utf-16-be"):
        home.load(small_file=small_file)


@BOTH_WAYS
@pytest.mark.parametrize("content", [b"", gzip.compress(b""), gzip.compress(b"\n \n")], ids=["bytes", "text", "lines"])
def test_an_empty_gzip_file_is_one_clear_error(home: Home, small_file: int, content: bytes) -> None:
    home.deliver("udine/2024-01/lab_results.csv.gz", content)
    with pytest.raises(UserError, match="the file is empty and has no header"):
        home.load(small_file=small_file)
