"""Harmonised ANC of one patient, measured or derived, in 10^9/L as Decimal with six places."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from .model import Lab
from .parts import derive, draws_without_anc


@dataclass(frozen=True)
class Anc:
    """One ANC result. `operator` is one of < <= > >= or None; `value` is then its bound."""

    at: datetime
    value: Decimal
    operator: str | None
    derivation: str
    lln: Decimal | None = None
    result_id: str | None = None
    source_value: str | None = None
    source_unit: str | None = None

    @property
    def day(self) -> date:
        return self.at.date()


def harmonise(
    labs: Sequence[Lab], neutrophils_pct_includes_bands: bool, above_one: AbstractSet[str] = frozenset()
) -> list[Anc]:
    """Every measured ANC, and one derived ANC for each set of parts without a measured one.

    `above_one`: the site's test codes that send percentages above 1.
    """
    results = [
        Anc(
            r.at,
            r.value,
            r.operator,
            "measured",
            r.lln,
            r.result_id,
            r.source_value,
            r.source_unit,
        )
        for r in labs
        if r.analyte == "anc"
    ]
    for specimen in draws_without_anc(labs):
        derived = derive(specimen, neutrophils_pct_includes_bands, above_one)
        if derived:
            results.append(Anc(derived.at, derived.value, None, derived.derivation))
    return sorted(results, key=lambda r: (r.at, r.value, r.result_id or ""))


def leukocytes_without_anc(
    labs: Sequence[Lab], neutrophils_pct_includes_bands: bool, above_one: AbstractSet[str]
) -> list[Lab]:
    """Leukocyte counts of draws of which no ANC is known, measured or derived."""
    return [
        lab
        for specimen in draws_without_anc(labs)
        if not derive(specimen, neutrophils_pct_includes_bands, above_one)
        for lab in specimen
        if lab.analyte == "wbc"
    ]
