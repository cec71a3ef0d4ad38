"""Units by the rules of docs/deliveries.md: a unit is read as a number of what is counted or weighed, in a volume."""

from __future__ import annotations

import re
from decimal import Decimal

from .words import visible

Meaning = tuple[str, Decimal]
"""What is measured, and the factor to 10*9/L, % or g/L."""

_CHARACTERS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹µμ×ˆ∧∗⁄⁻", "0123456789uux^^*/-")
_LITRE = ("liter", "liters", "litre", "litres", "litro", "litros")
_CUBIC_MILLIMETRE = """mm3 mm^3 mm*3 mm**3 mm(3) mm{3} mmc cmm cumm cu.mm cu-mm c.mm cmm3 cumm3 cu.mm3 cubicmm
    cubicmillimeter cubicmillimeters cubicmillimetre cubicmillimetres"""
_VOLUMES = {
    "L": {"l", "lt", "ltr", *_LITRE},
    "dL": {"dl", *(f"deci{word}" for word in _LITRE)},
    "mL": {f"milli{word}" for word in _LITRE},
    "uL": {"ul", "mcl", "microl", "mikroliter", *(f"micro{word}" for word in _LITRE), *_CUBIC_MILLIMETRE.split()},
}
"""In any case."""
_CASED_VOLUMES = {"mL": "mL", "ml": "mL", "nL": "nL", "nl": "nL", "pL": "pL", "pl": "pL"}
_SYMBOLS = {"㎕": "uL", "㎣": "uL", "ℓ": "L", "㎖": "mL", "㎗": "dL", "ΜL": "uL", "Μl": "uL"}
_LITRES = {"L": 0, "dL": -1, "mL": -3, "uL": -6, "nL": -9, "pL": -12}
"""The power of ten of a volume in litres."""
_KNOWN_POWERS = {"L": {0, 3, 6, 9, 12}, "mL": {0, 3, 6}, "uL": {0, 2, 3, 4, 6}, "nL": {0}, "pL": {0}}
_CELLS = """cell cell. cells cel cel. cels cél céls celula celulas célula células cellula cellule cellules zell zellen
    wbc wbcs leukocyte leukocytes leucocyte leucocytes leucociti leucocitos leukozyten neutrophils
    lymphocytes""".split()
_COUNTED = [*_CELLS, *"plt platelets elementi elements éléments eléments # n n. n° nº no. nr nr. anzahl".split()]
_THOUSAND = "k th tho thou thous thousand thousands tsd tausend mila migl migliaia mille milliers miles".split()
_MILLION = "mio mln million millions millionen milioni millones".split()
_BILLION = "giga gpt bil billion billions mrd milliard milliards milliarden miliardi".split()
_LISTED = {
    **dict.fromkeys(("T/L", "tera/L", "Tera/L", "Tpt/L", "TPt/L"), 12),
    "G/L": 9,
    **dict.fromkeys(("M/uL", "M/mL", "Mpt/L", "MPt/L"), 6),
    "万/uL": 4,
    "thousand/L": 3,
}
"""Numbers whose case counts → the power."""
_PERCENT = """% percent per-cent percentage percento percentuale pct pct. perc perc. prozent porcentaje porciento
    pourcent pour-cent pourcentage""".split()
_FRACTION = ("1", "1/1", "fraction", "Fraction", "{fraction}")
_MASS = {"g": 0, "mg": -3, "ug": -6, "ng": -9, "pg": -12}
_KNOWN_MASSES = "g/L g/dL mg/L mg/mL mg/dL ug/mL ug/dL ug/L ng/mL ng/L pg/mL".split()
_CAPITALS = {"UG": "ug", "NG": "ng", "MG": "mg"}
"""Masses in capitals: micro- and nanogram per ML, milligram per L and dL."""
_OTHER = {"mmol/L": "substance", "umol/L": "substance", "U/L": "activity", "kU/L": "activity", "IU/L": "activity"}


def characters(text: str) -> str:
    """A unit without differences in characters alone."""
    plain = visible(text).replace("\\S\\", "^").split("^^")[0].translate(_CHARACTERS).replace(" ", "")
    plain = re.sub(r"^[xX*·•](?=10)", "", plain)
    return re.sub(r"^10(\^|\*\*|[eE](?=[+\d]))", "10*", plain)


def read_unit(text: str) -> Meaning | None:
    """What a spelling means, or None; of HL7's components the first counts, which may contain a power itself."""
    first, *others = text.split("^")
    forms = [text, "^".join([first, *others[:1]])]
    if others and not re.search(r"(10|mm)\s*$", first):
        forms.append(first)
    return next((meaning for form in forms if (meaning := _read(form))), None)


def _read(text: str) -> Meaning | None:
    spaced = re.sub(r"(^| )(per|pro|par|por) (?!ce|ci)", "/", visible(text), count=1, flags=re.IGNORECASE)
    unit = characters(spaced.strip())
    if unit in _FRACTION:
        return "percent", Decimal(100)
    if unit.lower() in _PERCENT or _is_share(unit):
        return "percent", Decimal(1)
    inverse = re.fullmatch(r"([^/]+?)[.·*]?(?:([unmpd]?[lL])\^?-1|mm\^?-3)", unit)
    if inverse:
        unit = f"{inverse[1]}/{inverse[2] or 'mm3'}"
    if unit.endswith("%"):
        unit = f"{unit[:-1]}/dL"
    before, slash, after = unit.rpartition("/")
    volume = _volume(after) if slash else None
    if after == "ML":
        volume = {"UG": "mL", "NG": "mL"}.get(before)
    if volume is None:
        return None
    if f"{before}/{volume}" in _OTHER:
        return _OTHER[f"{before}/{volume}"], Decimal(1)
    is_capital = after == "ML" or (before == "MG" and volume != "mL")
    return _count(before, volume) or _mass(before, volume, is_capital=is_capital)


def _is_share(unit: str) -> bool:
    """Whether a unit is `% of cells` or `cells per 100 cells`."""
    of = re.fullmatch(r"%(?:of|di|des|de)?(.+)|(.*)/100(.+)", unit, re.IGNORECASE)
    if of is None:
        return False
    return _bare(of[1] or of[3]) in _CELLS and (not of[2] or _bare(of[2]) in _CELLS)


def _bare(word: str) -> str:
    """A word without braces or brackets, in lower case."""
    return re.sub(r"^[({]|[)}]$", "", word).lower()


def _volume(written: str) -> str | None:
    if written in _SYMBOLS:
        return _SYMBOLS[written]
    if written.startswith("100"):
        return "dL" if _volume(written[3:]) == "mL" else None
    for form in (written, written.removesuffix(".")):
        known = [volume for volume, words in _VOLUMES.items() if form.lower() in words]
        if known or form in _CASED_VOLUMES:
            return known[0] if known else _CASED_VOLUMES[form]
    return None


def _count(before: str, volume: str) -> Meaning | None:
    power = _LISTED.get(f"{before}/{volume}")
    if power is None:
        power = _power(before, volume)
    if power is None or power not in _KNOWN_POWERS.get(volume, ()):
        return None
    return "count", Decimal(10) ** (power - _LITRES[volume] - 9)


def _power(before: str, volume: str) -> int | None:
    """The power of ten of a number of cells."""
    if before in ("", "1") or _bare(before) in _COUNTED:
        return 0
    for word in ["", *_beginnings(before)]:
        number = re.fullmatch(r"[xX*·•]?10(.+)", before[len(word) :])
        if number and (power := _exponent(number[1])) is not None:
            return power
    return _of_word(before, volume)


def _beginnings(text: str) -> list[str]:
    return [text[:end] for end in range(1, len(text)) if _bare(text[:end]) in _COUNTED]


def _exponent(written: str) -> int | None:
    """The exponent in what follows a 10, with or without the word for what is counted."""
    for end in range(1, len(written) + 1):
        if written[end:] not in ("", ".") and _bare(written[end:].removeprefix(".")) not in _COUNTED:
            continue
        sign = r"(?:\^|\*\*?|\.?[eE]|[xX]|[eE][xX][pP]|['’])"
        signed = re.fullmatch(rf"{sign}[({{\[]?\+?0?([1-9]|1[0-2])[)}}\]]?", written[:end])
        lost = re.fullmatch(r"[({\[]?([23469]|12)[)}\]]?", written[:end])
        if found := signed or lost:
            return int(found[1])
    return None


def _of_word(before: str, volume: str) -> int | None:
    """The power of a number in words, with or without the word for what is counted."""
    words = (("uL", _THOUSAND, 3), ("", _MILLION, 6), ("L", _BILLION, 9))
    for end in range(1, len(before) + 1):
        if before[end:] and _bare(before[end:]) not in _COUNTED:
            continue
        number = before[:end].lower()
        if volume == "uL" and re.fullmatch(r"[x*·•]?1000", number):
            return 3
        for where, known, power in words:
            if number.removesuffix(".") in known and where in ("", volume):
                return power
    return None


def _mass(before: str, volume: str, *, is_capital: bool) -> Meaning | None:
    names = {**dict.fromkeys(("gr", "gm", "gram", "grams"), "g"), "milligram": "mg", "milligrams": "mg", "mcg": "ug"}
    unit = _CAPITALS.get(before, before) if is_capital else names.get(before.lower(), before)
    if f"{unit}/{volume}" not in _KNOWN_MASSES:
        return None
    return "mass", Decimal(10) ** (_MASS[unit] - _LITRES[volume])
