"""Drugs, tests and units that the reference knows, and the reading of numbers, units and dates.

A deliberate selection (substances, a few ATC and LOINC codes, common unit spellings), not the
registry's seeds. Sources: WHO ATC, LOINC, UCUM; dosing intervals from the products' labels.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from . import units
from .model import Site
from .words import code_forms, fold, fold_code, visible

SPREADSHEET_ERRORS = ("#FORMULA", "#N/A", "#REF!", "#DIV/0!", "#NAME?", "#VALORE!", "#NV", "Err:504")
"""What spreadsheets show for a value that they don't have, and what a formula without a stored value reads as."""


@dataclass(frozen=True)
class Drug:
    name: str
    drug_class: str
    interval_days: int = 0
    home_injected: bool = False
    neutropenia_risk: bool = False


DRUGS = {
    drug.name: drug
    for drug in (
        Drug("ocrelizumab", "anti_cd20", 182, neutropenia_risk=True),
        Drug("rituximab", "anti_cd20", 182, neutropenia_risk=True),
        Drug("obinutuzumab", "anti_cd20", 182, neutropenia_risk=True),
        Drug("ublituximab", "anti_cd20", 168, neutropenia_risk=True),
        Drug("ofatumumab", "anti_cd20", 28, home_injected=True, neutropenia_risk=True),
        Drug("filgrastim", "gcsf"),
        Drug("pegfilgrastim", "gcsf"),
        Drug("lenograstim", "gcsf"),
        Drug("sargramostim", "gcsf"),
        Drug("molgramostim", "gcsf"),
        Drug("natalizumab", "other"),
        Drug("alemtuzumab", "other", neutropenia_risk=True),
        Drug("cladribine", "other", neutropenia_risk=True),
        Drug("clozapine", "other", neutropenia_risk=True),
        Drug("docetaxel", "other", neutropenia_risk=True),
        Drug("metamizole", "other", neutropenia_risk=True),
        Drug("sulfamethoxazole and trimethoprim", "other", neutropenia_risk=True),
        Drug("fingolimod", "other"),
        Drug("ozanimod", "other"),
    )
}
ATC = {
    "L04AG08": "ocrelizumab",
    "L04AA36": "ocrelizumab",
    "L01FA01": "rituximab",
    "L01XC02": "rituximab",
    "L04AG12": "ofatumumab",
    "L04AG14": "ublituximab",
    "L03AA02": "filgrastim",
    "L03AA13": "pegfilgrastim",
    "L03AA09": "sargramostim",
    "L04AG03": "natalizumab",
}
TESTS = {
    "751-8": "anc",
    "26499-4": "anc",
    "6690-2": "wbc",
    "770-8": "neutrophils_pct",
    "26508-2": "bands_pct",
    "768-2": "segs_abs",
    "26507-4": "bands_abs",
    "736-9": "lymphocytes_pct",
    "731-0": "lymphocytes",
    "777-3": "platelets",
    "718-7": "hemoglobin",
}
DIMENSION = {
    **dict.fromkeys(("anc", "segs_abs", "bands_abs", "wbc", "lymphocytes", "platelets", "cd19_abs"), "count"),
    **dict.fromkeys(("neutrophils_pct", "segs_pct", "bands_pct", "lymphocytes_pct", "cd19_pct"), "percent"),
    **dict.fromkeys(("hemoglobin", "igg", "iga", "igm"), "mass"),
}


ROLES = {
    "neurologist": "neurologist",
    "neurologo": "neurologist",
    "haematologist": "haematologist",
    "ematologa": "haematologist",
    "pharmacovigilance": "pharmacovigilance",
    "data manager": "data_manager",
}
"""Reviewers' roles that may be shown, by what a delivery calls them, without regard to case."""


def resolve_drug(text: str, site: Site) -> str | None:
    """The substance behind a site's own drug name, a substance or an ATC code; None if unknown."""
    if text in site.drugs:
        return site.drugs[text]
    if text.lower() in DRUGS:
        return text.lower()
    return ATC.get(text.upper())


def is_gcsf(text: str, site: Site) -> bool:
    """Whether a delivery's name of a drug means a G-CSF (GM-CSF included)."""
    drug = resolve_drug(text, site)
    return drug is not None and DRUGS[drug].drug_class == "gcsf"


def resolve_test(text: str, site: Site, dimension: str = "") -> tuple[bool, str | None]:
    """Is the code known, and the analyte behind it, which of some the unit's dimension tells.

    The site's codes come before LOINC, a code as it is written before one that is written otherwise.
    """
    own: dict[str, str | dict[str, str]] = {**site.tests, **site.told}
    if text in own:
        return True, _of_dimension(own[text], dimension)
    for form in code_forms(text):
        for codes in (own, TESTS):
            meanings = [meaning for code, meaning in codes.items() if fold_code(code) == form]
            if any(meaning != meanings[0] for meaning in meanings):
                return False, None
            if meanings:
                return True, _of_dimension(meanings[0], dimension)
    return False, None


def _of_dimension(meaning: str | dict[str, str], dimension: str) -> str | None:
    return meaning if isinstance(meaning, str) else meaning.get(dimension)


def unit_of(cells: dict[str, str], site: Site) -> str:
    """The unit as sent, or the one that the site names for the test; blank where there is neither."""
    forms = code_forms(cells["test_code"])
    constant = [unit for code, unit in site.constant_units.items() if fold_code(code) in forms]
    return cells["unit"] or next(iter(constant), "")


def resolve_unit(text: str, site: Site) -> tuple[str, Decimal] | None:
    """(dimension, factor to the canonical unit) of a unit as written, or None."""
    own = {units.characters(spelling): unit for spelling, unit in site.units.items()}
    return units.read_unit(site.units.get(text) or own.get(units.characters(text)) or text)


def read_number(text: str) -> Decimal | None:
    """A plain decimal number with a point, or None."""
    return Decimal(text) if re.fullmatch(r"[+-]?\d+(\.\d+)?", text) else None


def read_value(text: str) -> tuple[str | None, Decimal] | None:
    """(operator, number) of a result such as `0.5`, `<0.1`, `>= 20`; None if it is no number."""
    operator, rest = re.fullmatch(r"(<=|>=|<|>)?\s*(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    number = read_number(rest)
    return None if number is None else (operator, number)


def six_places(value: Decimal) -> Decimal:
    """Round half up to six places: what DECIMAL(18,6) keeps."""
    return value.quantize(Decimal("0.000001"), ROUND_HALF_UP)


def read_time(text: str, site: Site) -> datetime | None:
    """An ISO date or time as the site's local time (a date is its midnight), or None."""
    if not re.match(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d|$)", text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is not None:
        moment = moment.astimezone(ZoneInfo(site.time_zone)).replace(tzinfo=None)
    return moment


def read_date(text: str, site: Site) -> date | None:
    """The local day of an ISO date or time, or None."""
    moment = read_time(text, site)
    return moment.date() if moment else None


MONTHS = {
    name: number
    for number, names in enumerate(
        "gennaio januar enero,febbraio feb février,marzo märz mar,aprile abril avr,maggio mai may,giugno juin jun,"
        "luglio juli juil,agosto août ago,settembre sep sept,ottobre oct okt,novembre nov,dicembre dez december".split(
            ","
        ),
        start=1,
    )
    for name in names.split()
}
"""Some names of months and their abbreviations, lower case."""
UNKNOWN_PART = {"00", "XX", "xx", "??"}


def read_period(text: str, site: Site) -> tuple[date, date] | None:
    """First and last day of a date of which the day, or month and day, may be unknown; None where it is no date.

    An unknown part is absent or written as 00, XX or ??. Where only the middle one is unknown the first is the month,
    or a day if no month has such a number. A day without its month leaves the year.
    """
    if day := read_date(text, site):
        return day, day
    parts = re.split(r"[-/. ]+", re.sub(r"[T ]00:00(:00)?$", "", text).replace(".", "/").strip("/"))
    if re.fullmatch(r"\d{4}", parts[-1]):
        parts.reverse()  # the year is first now, then month, then day
        if len(parts) == 3 and parts[1] in UNKNOWN_PART and parts[2] not in UNKNOWN_PART and not _is_late(parts[2]):
            parts[1:] = [parts[2], parts[1]]
        if len(parts) == 3 and parts[2] in UNKNOWN_PART and _is_late(parts[1]):
            parts[1:] = [parts[2], parts[1]]
    year, *rest = parts
    if not re.fullmatch(r"\d{4}", year) or int(year) < 1900 or len(rest) > 2:
        return None
    known = [part for part in rest if part not in UNKNOWN_PART]
    if not known or (len(rest) == 2 and rest[0] in UNKNOWN_PART and re.fullmatch(r"0?[1-9]|[12]\d|3[01]", rest[1])):
        return date(int(year), 1, 1), date(int(year), 12, 31)
    month = MONTHS.get(known[0].lower()) or (int(known[0]) if re.fullmatch(r"\d\d?", known[0]) else 0)
    if len(known) > 1 or rest[0] in UNKNOWN_PART or not 1 <= month <= 12:
        return None
    return date(int(year), month, 1), date(int(year), month, calendar.monthrange(int(year), month)[1])


NOTHING = {"zero", "nil", "none", "no dose", "not given", "nessuna", "nessuna dose", "keine", "aucune", "cero"}
"""Some words for a dose of nothing. Not null: German for zero, and in many exports a value that they don't have."""


def _is_late(part: str) -> bool:
    """A day of the month whose number is none of a month."""
    return re.fullmatch(r"1[3-9]|2\d|3[01]", part) is not None


def says_nothing_given(dose: str) -> bool:
    """A word for nothing, or an amount that begins with zero in whatever decimal mark.

    0.5 does not, nor does what may be more than zero: a range (0-300) or a scheme of the day (0-0-1).
    """
    if fold(dose) in NOTHING:
        return True
    text = visible(dose)
    number = re.match(r"[+-]?[\d.,]+", text)
    if number is None or number[0].strip("+-0.,") or not re.match(r"[+-]?(0+[.,]?|[.,]0)0*$", number[0]):
        return False
    rest = text[number.end() :].lstrip()
    return not rest[:1].isnumeric() and not rest.startswith((".", ",")) and not re.match(r"[+-] *\d", rest)


def read_dose(dose: str) -> Decimal | None:
    """The number of a dose, a unit behind it or none; None where there is no number."""
    number = re.fullmatch(r"([+-]?\d+(?:\.\d+)?) *(?:[^\W\d_]+)?", visible(dose))
    return Decimal(0) if says_nothing_given(dose) else Decimal(number[1]) if number else None
