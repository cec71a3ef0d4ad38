"""Harmonised ANC of one patient, measured or derived, in 10^9/L as Decimal with six places."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from .codes import six_places
from .model import Lab

HIGHEST = Decimal(100)
"""No derived ANC exceeds it, as no measured one may (10^9/L)."""


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


def harmonise(labs: Sequence[Lab], neutrophils_pct_includes_bands: bool) -> list[Anc]:
    """Every measured ANC, and one derived ANC for each set of parts without a measured one."""
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
    for specimen in _specimens(labs):
        derived = _derived(specimen, neutrophils_pct_includes_bands)
        if derived:
            results.append(derived)
    return sorted(results, key=lambda r: (r.at, r.value, r.result_id or ""))


def leukocytes_without_anc(labs: Sequence[Lab], neutrophils_pct_includes_bands: bool) -> list[Lab]:
    """Leukocyte counts of draws of which no ANC is known, measured or derived."""
    return [
        lab
        for specimen in _specimens(labs)
        if not _part(specimen, "anc") and _derived(specimen, neutrophils_pct_includes_bands) is None
        for lab in _part(specimen, "wbc")
    ]


def _specimens(labs: Sequence[Lab]) -> list[list[Lab]]:
    """Results of one specimen and day, or, without a specimen id, of one exact time."""
    specimens: dict[tuple[str | None, date | datetime], list[Lab]] = defaultdict(list)
    for lab in labs:
        when = lab.at.date() if lab.specimen_id else lab.at
        specimens[lab.specimen_id, when].append(lab)
    return list(specimens.values())


def _derived(specimen: Sequence[Lab], includes_bands: bool) -> Anc | None:
    """The ANC derived of a specimen without a measured one."""
    if _part(specimen, "anc"):
        return None
    return _segs_plus_bands(specimen) or _from_wbc(specimen, includes_bands)


def _part(specimen: Sequence[Lab], analyte: str) -> list[Lab]:
    return [lab for lab in specimen if lab.analyte == analyte]


def _lowest(part: Sequence[Lab]) -> Decimal:
    return min(lab.value for lab in part)


def _derive(value: Decimal, derivation: str, used: Sequence[Lab]) -> Anc | None:
    """The derived result, unless a used part bears an operator or the result is impossible."""
    if any(lab.operator for lab in used) or six_places(value) > HIGHEST:
        return None
    return Anc(min(lab.at for lab in used), six_places(value), None, derivation)


def _segs_plus_bands(specimen: Sequence[Lab]) -> Anc | None:
    segs, bands = _part(specimen, "segs_abs"), _part(specimen, "bands_abs")
    if not segs or not bands:
        return None
    return _derive(_lowest(segs) + _lowest(bands), "segs_plus_bands", [*segs, *bands])


def _from_wbc(specimen: Sequence[Lab], includes_bands: bool) -> Anc | None:
    """WBC x (neutrophils % + bands %) / 100."""
    wbc = _part(specimen, "wbc")
    percent, share = _part(specimen, "neutrophils_pct"), "neutrophils_pct"
    if not percent:
        percent, share = _part(specimen, "segs_pct"), "segs_pct"
    if not wbc or not percent or _lowest(wbc) <= 0:
        return None
    bands = _part(specimen, "bands_pct")
    bands_seen = bool(bands) and not any(lab.operator for lab in bands) and _lowest(bands) > 0
    all_zero = _lowest(percent) == 0 and not bands_seen
    if all_zero and not _has_other_part(specimen, share):
        return None
    if includes_bands and share == "neutrophils_pct":
        bands = []  # already in the percentage
    total = _lowest(percent) + (_lowest(bands) if bands else 0)
    if total > 100:
        return None
    return _derive(_lowest(wbc) * total / 100, "derived_wbc_pct", [*wbc, *percent, *bands])


def _has_other_part(specimen: Sequence[Lab], share: str) -> bool:
    """Another part of the differential is above 0: the zero was counted, not left blank."""
    others = {"segs_pct", "segs_abs", "bands_abs", "lymphocytes", "lymphocytes_pct"} - {share}
    return any(lab.analyte in others and lab.value > 0 and lab.operator not in ("<", "<=") for lab in specimen)
