"""The ANC that the parts of one draw give, or why they give none. All in 10^9/L and %, as Decimal."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import product

from .codes import six_places
from .grades import grade
from .model import STANDARD_DEFINITIONS, Lab, is_low

HIGHEST = Decimal(100)
"""No derived ANC exceeds it, as no measured one may (10^9/L)."""
SCALES = ("udine_2025", "udine_2025_inclusive", "ctcae_v5", "ctcae_v6", "daids_2_1")
AMBIGUOUS, NOT_PERCENTAGES, ZERO_DIFFERENTIAL = "ambiguous_parts", "not_percentages", "zero_differential"
"""Why the parts of a draw give no ANC."""
UNPAIRED = "unpaired_parts"
"""Why the parts of a day give none: they lie in different draws."""


@dataclass(frozen=True)
class Derived:
    """An ANC worked out of parts."""

    at: datetime
    value: Decimal
    derivation: str


def codes_above_one(labs: Iterable[Lab]) -> set[str]:
    """Test codes of one site of which some number with the sign % exceeds 1: it sends no fractions."""
    return {lab.test_code for lab in labs if lab.has_percent_sign and lab.value > 1}


def draws_without_anc(labs: Sequence[Lab]) -> list[list[Lab]]:
    """Results of one specimen and day, or of one exact time, where no ANC was measured."""
    return [draw for draw in _draws(labs) if not _part(draw, "anc")]


def _draws(labs: Iterable[Lab]) -> list[list[Lab]]:
    draws: dict[tuple[str | None, date | datetime], list[Lab]] = defaultdict(list)
    for lab in labs:
        when = lab.at.date() if lab.specimen_id else lab.at
        draws[lab.specimen_id, when].append(lab)
    return list(draws.values())


def derive(draw: Sequence[Lab], includes_bands: bool, above_one: AbstractSet[str]) -> Derived | None:
    """Segs + bands; percentages where those give nothing, but not where they are of different draws."""
    derived = _segs_plus_bands(draw)
    if derived is None:
        derived = _from_wbc(draw, includes_bands, above_one)
    return derived if isinstance(derived, Derived) else None


def losses(labs: Sequence[Lab], includes_bands: bool, above_one: AbstractSet[str]) -> Counter[tuple[str, str]]:
    """How many draws give no ANC, and on how many days the parts lie apart, by derivation and reason."""
    counted: Counter[tuple[str, str]] = Counter(
        (derivation, UNPAIRED)
        for day in {lab.at.date() for lab in labs}
        for derivation in _unpaired([lab for lab in labs if lab.at.date() == day])
    )
    for draw in draws_without_anc(labs):
        for derivation, found in (
            ("segs_plus_bands", _segs_plus_bands(draw)),
            ("derived_wbc_pct", _from_wbc(draw, includes_bands, above_one)),
        ):
            if isinstance(found, str):
                counted[derivation, found] += 1
    return counted


def _unpaired(day: Sequence[Lab]) -> list[str]:
    """Derivations whose parts a day without a measured ANC holds, but only in draws that are complete for none."""
    if _part(day, "anc"):
        return []
    needed = {
        "segs_plus_bands": ({"segs_abs"}, {"bands_abs"}),
        "derived_wbc_pct": ({"wbc"}, {"neutrophils_pct", "segs_pct"}),
    }

    def is_complete(analytes: AbstractSet[str], derivation: str) -> bool:
        return all(analytes & either for either in needed[derivation])

    draws = [{lab.analyte for lab in draw} for draw in _draws(day)]
    left = {analyte for draw in draws if not any(is_complete(draw, d) for d in needed) for analyte in draw}
    return [derivation for derivation in needed if is_complete(left, derivation)]


def _part(specimen: Sequence[Lab], analyte: str) -> list[Lab]:
    return [lab for lab in specimen if lab.analyte == analyte]


def _values(part: Sequence[Lab]) -> set[Decimal]:
    return {lab.value for lab in part}


def _derive(pairings: Iterable[Decimal | None], derivation: str, used: Sequence[Lab]) -> Derived | str | None:
    """The lowest ANC of all pairings of the parts, or why there is none; a pairing that gives nothing is None.

    An impossible one is no result and no reason.
    """
    values = [None if value is None else six_places(value) for value in pairings]
    lowest = min((value for value in values if value is not None), default=None)
    if lowest is None:
        return None
    if len({_meaning(value) for value in values}) > 1:
        return AMBIGUOUS
    if lowest > HIGHEST:
        return None
    return Derived(min(lab.at for lab in used), lowest, derivation)


def _meaning(value: Decimal | None) -> tuple[object, ...] | None:
    """What a value says on every shipped scale and in every shipped definition."""
    if value is None:
        return None
    grades = [grade(scale, value, None, None) for scale in SCALES]
    sides = [(is_low(value, d), value >= d.recovery_at) for d in STANDARD_DEFINITIONS]
    return (*grades, *sides)


def _segs_plus_bands(specimen: Sequence[Lab]) -> Derived | str | None:
    segs, bands = _part(specimen, "segs_abs"), _part(specimen, "bands_abs")
    if not segs or not bands or any(lab.operator for lab in (*segs, *bands)):
        return None
    sums = (a + b for a, b in product(_values(segs), _values(bands)))
    return _derive(sums, "segs_plus_bands", [*segs, *bands])


def _from_wbc(specimen: Sequence[Lab], includes_bands: bool, above_one: AbstractSet[str]) -> Derived | str | None:
    """WBC x (neutrophils % + bands %) / 100."""
    wbc = _part(specimen, "wbc")
    share = "neutrophils_pct" if _part(specimen, "neutrophils_pct") else "segs_pct"
    percent, bands = _part(specimen, share), _part(specimen, "bands_pct")
    bands_seen = bool(bands) and not any(lab.operator for lab in bands) and min(_values(bands)) > 0
    believable_zero = bands_seen or _has_other_part(specimen, share)
    if includes_bands and share == "neutrophils_pct":
        bands = []  # already in the percentage
    if not wbc or not percent or any(lab.operator for lab in (*wbc, *percent, *bands)):
        return None
    if max(_values(wbc)) <= 0:
        return None
    sums = {a + b for a, b in product(_values(percent), _values(bands) or {Decimal(0)})}
    if sums == {Decimal(0)} and not believable_zero:
        return ZERO_DIFFERENTIAL
    if max(sums) > 0 and _are_no_percentages(specimen, [*percent, *bands], sums, above_one):
        return NOT_PERCENTAGES
    pairings = [
        None if count <= 0 or (total == 0 and not believable_zero) else count * total / 100
        for count, total in product(_values(wbc), sums)
    ]
    derived = _derive(pairings, "derived_wbc_pct", [*wbc, *percent, *bands])
    return None if isinstance(derived, Derived) and min(sums) > 100 else derived


def _are_no_percentages(
    specimen: Sequence[Lab], neutrophils: Sequence[Lab], sums: AbstractSet[Decimal], above_one: AbstractSet[str]
) -> bool:
    """Fractions or counts under the sign %, by what they add up to, or by what their codes ever send."""
    lymphocytes = _part(specimen, "lymphocytes_pct")
    has_bands = any(lab.value > 0 for lab in _part(neutrophils, "bands_pct"))
    counted = [lab for lab in (*neutrophils, *lymphocytes) if lab.analyte != "bands_pct" or has_bands]
    suspect = not any(not lab.has_percent_sign or lab.test_code in above_one for lab in counted)
    if len({lab.analyte for lab in counted}) == 1:
        return suspect
    low = min(sums) + min(_values(lymphocytes), default=Decimal(0))
    high = max(sums) + max(_values(lymphocytes), default=Decimal(0))
    leukocytes = _values(_part(specimen, "wbc"))

    def meets(first: Decimal, last: Decimal) -> bool:
        return low <= last and high >= first

    return (
        meets(Decimal("0.9"), Decimal("1.1"))
        or meets(min(leukocytes) * Decimal("0.85"), max(leukocytes) * Decimal("1.05"))
        or (low <= Decimal("1.1") and suspect)
    )


def _has_other_part(specimen: Sequence[Lab], share: str) -> bool:
    """Another part of the differential is above 0: the zero was counted, not left blank."""
    others = {"segs_pct", "segs_abs", "bands_abs", "lymphocytes", "lymphocytes_pct"} - {share}
    return any(lab.analyte in others and lab.value > 0 and lab.operator not in ("<", "<=") for lab in specimen)
