"""Words of coded columns, codes in other dress, flags and words for no value: what a site's cells mean.

A deliberate selection of the words that the registry knows, written down afresh.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

from .model import File, Site

CODES = {
    "sex": ("F", "M", "X"),
    "ms_phenotype": ("CIS", "RRMS", "SPMS", "PPMS"),
    "end_reason": ("adverse_event", "inefficacy", "pregnancy", "patient_choice", "other"),
    "event_type": ("infection", "febrile_neutropenia", "hospitalisation", "relapse", "other"),
    "verdict": ("confirmed", "other_cause", "lab_error"),
    "status": ("final", "corrected", "cancelled", "not_given"),
    "duffy_null": ("true", "false"),
    "material": ("blood", "serum", "plasma", "other"),
}
KNOWN = {
    "sex": {
        **dict.fromkeys(("female", "woman", "femmina", "donna", "weiblich", "w", "femme", "mujer", "femenino"), "F"),
        **dict.fromkeys(("male", "man", "maschio", "uomo", "mannlich", "homme", "hombre", "varon", "masculino"), "M"),
        "divers": "X",
    },
    "ms_phenotype": {"rr": "RRMS", "smrr": "RRMS", "secondary progressive": "SPMS"},
    "status": {"canceled": "cancelled", "not given": "not_given"},
    "event_type": {"febrile neutropenia": "febrile_neutropenia", "hospitalization": "hospitalisation"},
    "end_reason": {"adverse event": "adverse_event", "patient choice": "patient_choice"},
    "verdict": {"other cause": "other_cause", "lab error": "lab_error"},
    "duffy_null": {
        **dict.fromkeys(("y", "yes", "1", "ja"), "true"),
        **dict.fromkeys(("n", "no", "0", "nein"), "false"),
    },
    "material": {
        **dict.fromkeys(("sangue", "blut", "edta-blut", "sang", "sangre", "bld", "whole blood"), "blood"),
        **dict.fromkeys(("siero", "suero", "ser"), "serum"),
        **dict.fromkeys(("liquor", "csf", "lcr", "urine", "urina", "orina"), "other"),
    },
}
BESIDE_M = {"h", "v", "hombre", "varon", "mujer"}
"""Beside one of these a bare M may be mujer."""
COUNTED_IN = {analyte: {"blood", "serum", "plasma"} for analyte in ("igg", "iga", "igm")}
"""The specimens of an analyte, where it is not blood alone."""
_HIDDEN = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")


@cache
def visible(text: str) -> str:
    """Text without what nobody sees; full-width characters, dashes and blanks as on a keyboard."""
    text = _HIDDEN.sub("", text)
    text = "".join(unicodedata.normalize("NFKC", c) if unicodedata.east_asian_width(c) == "F" else c for c in text)
    text = "".join("-" if unicodedata.category(c) == "Pd" or c == "\u2212" else c for c in text)
    return " ".join(text.split())


@cache
def fold(word: str) -> str:
    """A word without case, accents, spare blanks and a point at its end."""
    letters = unicodedata.normalize("NFD", visible(word).lower())
    return "".join(c for c in letters if not unicodedata.combining(c)).strip().rstrip(". ")


@cache
def fold_code(code: str) -> str:
    """A code without case, blanks, and the .0 of a number that was one."""
    return re.sub(r"^(\d+)\.0+$", r"\1", visible(code).lower().replace(" ", ""))


def code_forms(code: str) -> list[str]:
    """What a test code may be known by, best first: whole, its HL7 components, without its system's name."""
    parts = [part.strip() for part in code.split("^")]
    alternate = parts[3] if len(parts) > 3 else ""
    bare = re.sub(r"^loinc[:|/]", "", fold_code(parts[0]))
    return [form for form in (fold_code(code), fold_code(parts[0]), fold_code(alternate), bare) if form]


def resolve(column: str, text: str, site: Site) -> str | None:
    """The code of a word, by the site's own words first. None where nothing is known, or two things are."""
    own = {fold(word): code for word, code in site.words.get(column, {}).items()}
    known = {fold(code): code for code in CODES[column]} | KNOWN.get(column, {})
    if column == "sex" and site.m_is_ambiguous:
        del known["m"]
    parts = text.split("^")[:2] if "^" in text else []
    for meanings in (own, known):
        for forms in ([text], parts):
            found = {meanings[fold(form)] for form in forms if fold(form) in meanings}
            if found:
                return found.pop() if len(found) == 1 else None
    return None


def is_cancelled(status: str, site: Site) -> bool:
    """Does this status take the record back?"""
    return bool(status) and resolve("status", status, site) == "cancelled"


def makes_m_ambiguous(files: Iterable[File]) -> bool:
    """Does the site send a word for sex beside which M may be a woman, and no F?"""
    words = {fold(row.get("sex", "")) for file in files if file.entity == "patients" for row in file.rows}
    return "f" not in words and not words.isdisjoint(BESIDE_M)


def told(cell: str, site: Site) -> str:
    """The trimmed cell; blank where it is a word for no value."""
    text = cell.strip()
    return "" if text.lower() in {word.lower() for word in site.missing} else text


def without_flags(value: str, site: Site) -> str:
    """A value without the site's flags at either end; a sign before a number is none."""
    text = visible(value)
    while text:
        rest = text
        for flag in sorted(site.flags, key=len, reverse=True):
            for mark in (flag, f"({flag})", f"[{flag}]"):
                if rest.endswith(mark):
                    rest = rest.removesuffix(mark).rstrip()
                if flag not in "+-" and rest.startswith(mark):
                    rest = rest.removeprefix(mark).lstrip()
        if rest == text:
            break
        text = rest
    return text
