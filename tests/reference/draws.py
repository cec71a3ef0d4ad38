"""Differentials on the bounds of what can be derived: zero, 100, different draws, fractions or counts labelled %."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

TESTS = {
    "WBC": "6690-2",
    "SEGS": "768-2",
    "BANDS": "26507-4",
    "LYMPH": "731-0",
    "PLT": "777-3",
    "NEU%": "770-8",
    "SEG%": "SEG%",
    "BAND%": "26508-2",
    "LYMPH%": "736-9",
    "NEU, fraction%": "NEUF",
    "SEG, fraction%": "SEGF",
    "BAND, fraction%": "BANF",
    "LYMPH, fraction%": "LYMF",
    "NEU, just a percentage%": "NEUP",
}
"""Parts by name, and the code that sends them: in % where the name says so, else in 10^9/L."""
LOCAL = {
    "SEG%": "segs_pct",
    "NEUF": "neutrophils_pct",
    "SEGF": "segs_pct",
    "BANF": "bands_pct",
    "LYMF": "lymphocytes_pct",
    "NEUP": "neutrophils_pct",
}
"""Local codes. NEUF, SEGF, BANF and LYMF never send a number above 1, NEUP once just does."""
Draw = list[tuple[str, str]]
APART = " apart"
"""Behind the name of a part that lies in a specimen of its own."""


def draws() -> Iterator[Draw]:
    """All of them: the parts of one draw each, by name, with their values; some lie apart."""
    yield from _derived_or_not()
    yield from _unpaired()
    yield from _of_several_draws()
    yield from _not_percentages()


def _derived_or_not() -> Iterator[Draw]:
    """Parts that just give an ANC or just none: drawn at different hours, zero, in sum 100 % or 100 x 10^9/L."""
    for draw in (("WBC", "NEU%", "BAND%"), ("WBC", "NEU%"), ("WBC", "SEG%", "BAND%"), ("SEGS", "BANDS")):
        for first in range(len(draw)):
            yield [(part, "1.5") for part in (*draw[first:], *draw[:first])]
    for other in ("LYMPH", "LYMPH%", "SEGS", "BANDS", "SEG%", "BAND%"):
        for value in ("0", "0.5", "<1"):
            yield [*{"WBC": "3", "NEU%": "0", other: value}.items()]
            yield [*{"WBC": "3", "SEG%": "0", other: value}.items()]
    for share in ("NEU%", "SEG%"):
        for bands in ("3", "4"):
            yield [*{"WBC": "3", share: "97", "BAND%": bands}.items()]
        for wbc in ("100", "101"):
            yield [*{"WBC": wbc, share: "100"}.items()]
        yield [*{"WBC": "3", share: "<5"}.items()]
        yield [*{"WBC": "3", share: "5", "BAND%": "<5"}.items()]
        yield [*{"WBC": "0", share: "5"}.items()]
        yield [*{"WBC": "0.5", share: "0.5"}.items()]
    for other, values in (("LYMPH", ("1000", "1001")), ("PLT", ("10000", "10001", "1", "0.999999", "0"))):
        for value in values:
            yield [*{other: value}.items()]
    yield [*{"SEGS": "99", "BANDS": "1"}.items()]
    yield [*{"SEGS": "99", "BANDS": "2"}.items()]


def _unpaired() -> Iterator[Draw]:
    """Parts that only together would give an ANC, in two specimens, beside others that change nothing or everything."""
    for first, second in (("WBC", "NEU%"), ("WBC", "SEG%"), ("SEGS", "BANDS"), ("WBC", "BAND%"), ("WBC", "LYMPH%")):
        unpaired = [(first, "2"), (f"{second}{APART}", "20")]
        yield unpaired
        yield [(first, "<2"), (f"{second}{APART}", "20")]
        for other in ("WBC", "NEU%", "SEG%", "BAND%", "SEGS", "BANDS"):
            yield [*unpaired, (other, "3")]
            yield [*unpaired, (f"{other}{APART}", "3")]


def _of_several_draws() -> Iterator[Draw]:
    """Two values of a part on either side of a bound, on one side of it, or the same value twice."""
    for bound in ("0.1", "0.4", "0.5", "0.6", "0.8", "1.0", "1.5"):
        at = Decimal(bound)
        for first, second in ((at - Decimal("0.01"), at), (at, at + Decimal("0.01")), (at, at)):
            yield [("WBC", f"{first * 2}"), ("WBC", f"{second * 2}"), ("NEU%", "50")]
            yield [("BANDS", "0"), ("SEGS", f"{second}"), ("SEGS", f"{first}")]
    for first, second in (("1", "1.000001"), ("1.000001", "1.01")):
        yield [("BANDS", "0"), ("SEGS", second), ("SEGS", first)]
    for wbc, other in (("2.9", "12.0"), ("5.0", "5.2"), ("0", "5.2"), ("0", "0"), ("5.2", "<6"), ("200", "600")):
        for share in ("NEU%", "SEG%"):
            yield [("WBC", wbc), (share, "70"), ("WBC", other), (share, "62")]
            yield [("WBC", wbc), (share, "70"), ("WBC", other), (share, "16"), ("BAND%", "2"), ("BAND%", "4")]
    for other in ("NEU%", "BAND%", "LYMPH%", "LYMPH", "SEGS"):
        yield [("WBC", "0.2"), ("NEU%", "0"), (other, "0"), (other, "4")]
    for bands in ("0.1", "9"):
        two_draws = [("SEGS", "0.4"), ("SEGS", "2.0"), ("BANDS", "0.1"), ("BANDS", bands)]
        yield two_draws
        yield [*two_draws, ("LYMPH%", "<5")]
        yield [("SEGS", "0.4"), ("BANDS", "0.1"), ("BANDS", bands), ("LYMPH%", "<5")]
        yield [*two_draws, ("WBC", "5"), ("NEU%", "60")]
        yield [("SEGS", "2.0"), ("BANDS", "0.1"), ("BANDS", bands), ("WBC", "5"), ("WBC", "1"), ("NEU%", "60")]


def _not_percentages() -> Iterator[Draw]:
    """Sums at and beside the bounds of what fractions or counts labelled % add up to, with and without a proof."""
    for total in ("0.899999", "0.9", "1.1", "1.100001"):
        rest = f"{Decimal(total) - Decimal('0.3')}"
        for share in ("NEU%", "SEG%"):
            yield [("WBC", "3"), (share, "0.3"), ("LYMPH%", rest)]
            yield [("WBC", "3"), (share, "0.3"), ("BAND%", rest)]
            yield [("WBC", "3"), (share, "0.3"), ("LYMPH%", "0.1"), ("LYMPH%", rest)]
        yield [("WBC", "3"), ("NEU, fraction%", "0.3"), ("LYMPH, fraction%", rest)]
        yield [("WBC", "3"), ("SEG, fraction%", "0.3"), ("LYMPH, fraction%", rest)]
        yield [("WBC", "3"), ("NEU, fraction%", "0.3"), ("LYMPH%", rest)]
        yield [("WBC", "3"), ("NEU%", "0.3"), ("LYMPH, fraction%", rest)]
    for total in ("3.399999", "3.4", "4.2", "4.200001"):
        rest = f"{Decimal(total) - Decimal('2.4')}"
        yield [("WBC", "4"), ("NEU%", "2.4"), ("LYMPH%", rest)]
        yield [("WBC", "4"), ("NEU%", "2.4"), ("BAND%", rest)]
        yield [("WBC", "4"), ("SEG%", "2.4"), ("BAND%", rest)]
        yield [("WBC", "4"), ("WBC", "4.1"), ("NEU%", "2.4"), ("LYMPH%", rest)]
    yield [("WBC", "5.0"), ("NEU%", "0.609"), ("LYMPH%", "0.302")]
    yield [("WBC", "2"), ("NEU%", "0.9"), ("LYMPH%", "86")]
    for name in ("NEU, fraction%", "NEU, just a percentage%", "NEU%", "SEG%"):
        for others in (
            [],
            [("LYMPH%", "86")],
            [("LYMPH", "1.1")],
            [("BAND%", "0")],
            [("BAND%", "3")],
            [("SEG%", "0.5")],
        ):
            yield [("WBC", "3"), (name, "0.5"), *others]
            yield [("WBC", "3"), (name, "0"), *others]
    for share in ("NEU", "SEG"):
        yield [("WBC", "3"), (f"{share}, fraction%", "0.3"), ("BAND%", "0.2")]
        yield [("WBC", "3"), (f"{share}, fraction%", "0.3"), ("BAND, fraction%", "0.2")]
        yield [("WBC", "3"), (f"{share}, fraction%", "0.3")]
    yield [("WBC", "3"), ("NEU, fraction%", "1"), ("LYMPH, fraction%", "1")]
    yield [("WBC", "3"), ("NEU, just a percentage%", "1.000001")]
    yield [("WBC", "3"), ("NEU%", "0"), ("LYMPH%", "0.95")]
