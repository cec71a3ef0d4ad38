"""Guess the meaning of a local test, unit or drug: a proposal that a person must check.

Only whole names count: `Neutrofili ipersegmentati` is not a neutrophil count. The seeds (read by
registry/config/terminology.py) list what a site need not map: LOINC, known units and drugs.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import NamedTuple

from registry.config import terminology

_WORDS: dict[str, str] = {
    "neutrophils": """neutrofili neutrofilo granulocitineutrofili neu neut neutr neutro ne anc pnn neutrophile
        neutrophilen neutrophilegranulozyten neutrophil neutrophils neutrophiles polynucleairesneutrophiles
        granulocytesneutrophiles neutrofilos granulocitosneutrofilos absoluteneutrophilcount neutrophilcount
        neuts neutros neutrophilsabs neutrof polinucleati""",
    "segs": """segmentati neutrofilisegmentati segmentkernige segmentkernigeneutrophile segmentkernigegranulozyten segs
        segmentedneutrophils polynucleairessegmentes segmentados neutrofilossegmentados""",
    "bands": """neutrofiliabastoncello abastoncello stabkernige stabkernigeneutrophile stabkernigegranulozyten bands
        bandforms bandneutrophils cayados bastonetes""",
    "wbc": """leucociti globulibianchi gb wbc leuc leuco leukozyten leukos leu leukocytes leucocytes globulesblancs
        leucocitos globulosblancos whitebloodcells whitebloodcellcount whitecellcount leukocytecount
            weisseblutkorperchen wcc whitecells whitecell whites leucoc leukoc""",
    "lymphocytes": """linfociti linf lymphozyten lymphos lymphocytes lymph lymphs lym ly linfo linfocitos
        lymphocytecount""",
    "platelets": """piastrine plt thrombozyten thrombos plaquettes plaquetas platelets platelet plts plateletcount
        thrombocytes""",
    "hemoglobin": "emoglobina hb hgb hamoglobin haemoglobin hemoglobin hemoglobine hemoglobina",
    "cd19": """cd19 linfociticd19 linfocitibcd19 lymphozytencd19 lymphocytescd19 linfocitoscd19 linfocitosbcd19
        cd19cells""",
    "igg": "igg immunoglobulineg immunoglobuling immunoglobulinag inmunoglobulinag iggtotali",
    "iga": "iga immunoglobulinea immunoglobulina immunoglobulinaa inmunoglobulinaa iggatotali",
    "igm": "igm immunoglobulinem immunoglobulinm immunoglobulinam inmunoglobulinam igmtotali",
}
_FAMILIES = {word: family for family, words in _WORDS.items() for word in words.split()}
_ANALYTES: dict[tuple[str, str], str] = {
    ("neutrophils", "count"): "anc",
    ("neutrophils", "percent"): "neutrophils_pct",
    ("segs", "count"): "segs_abs",
    ("segs", "percent"): "segs_pct",
    ("bands", "count"): "bands_abs",
    ("bands", "percent"): "bands_pct",
    ("wbc", "count"): "wbc",
    ("lymphocytes", "count"): "lymphocytes",
    ("lymphocytes", "percent"): "lymphocytes_pct",
    ("platelets", "count"): "platelets",
    ("hemoglobin", "mass_concentration"): "hemoglobin",
    ("cd19", "count"): "cd19_abs",
    ("cd19", "percent"): "cd19_pct",
    ("igg", "mass_concentration"): "igg",
    ("iga", "mass_concentration"): "iga",
    ("igm", "mass_concentration"): "igm",
}
_PERCENT = re.compile(r"%|\b(perc\w*|pct|relativ\w*|prozent\w*|porcentaje|pourcent\w*|percent\w*)(?![a-z])")
_COUNT = re.compile(r"#|\b(abs|assolut\w*|absolut\w*|absolu\w*|val ass|v a)(?![a-z])")
_FILLERS = frozenset("conta conteggio numero sangue blood blut sang sangre im nel di dei i les die los".split())


class NamedTest(NamedTuple):
    """The meaning of a test's name: its family, and the dimension if the name has it."""

    family: str
    dimension: str | None

    def analyte(self, dimension: str | None) -> str | None:
        """The registry's analyte for results in `dimension`; None if it contradicts the name."""
        if self.dimension and dimension and self.dimension != dimension:
            return None
        return _ANALYTES.get((self.family, dimension or self.dimension or ""))

    @property
    def analytes(self) -> tuple[str, ...]:
        """Every analyte that the name allows."""
        found = [a for (family, dimension), a in _ANALYTES.items()
                 if family == self.family and self.dimension in (None, dimension)]  # fmt: skip
        return tuple(found)


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFKD", text.casefold().replace("ß", "ss"))
    return "".join(c for c in text if not unicodedata.combining(c)).strip()


@functools.lru_cache(maxsize=4096)
def named_test(text: str) -> NamedTest | None:
    """The meaning of a local code or name of a test, or None."""
    plain = _plain(text)
    spaced = re.sub(r"[^a-z0-9%#]+", " ", plain)
    percent, count = _PERCENT.search(spaced), _COUNT.search(spaced)
    bare = _COUNT.sub(" ", _PERCENT.sub(" ", spaced))
    words = [word for word in bare.split() if word not in _FILLERS]
    family = _FAMILIES.get("".join(words))
    if family is None or (percent and count):
        return None
    is_count = bool(count) or "".join(words) in ("anc", "absoluteneutrophilcount")
    return NamedTest(family, "percent" if percent else "count" if is_count else None)


def loinc_of(analyte: str) -> str | None:
    """The main LOINC code of an analyte, or None."""
    return next((code for code, known in terminology.loinc_codes().items() if known == analyte), None)


def unit_dimension(unit: str) -> str | None:
    """The dimension (count, percent, …) of a unit in a spelling known to the registry, or None."""
    return _dimensions().get(terminology.unit_form(unit))


@functools.cache
def _dimensions() -> dict[str, str]:
    return terminology.unit_dimensions()


class Guess(NamedTuple):
    """A probable meaning, and whether it is sure: the text differs from a known spelling only in marks."""

    meaning: str
    is_sure: bool


_UNIT_MARKS = re.compile(r"[\s;:_°º^*(){}\[\]'´`]|[.,-](?!\d)")


def _bare_unit(unit: str) -> str:
    """A unit without the marks that laboratories may omit; case is kept because it matters."""
    return _UNIT_MARKS.sub("", re.sub(r"^[xX*](?=1)", "", terminology.unit_form(unit)))


@functools.cache
def _bare_units() -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Known units without marks → their meanings; the same without case."""
    exact: dict[str, set[str]] = {}
    caseless: dict[str, set[str]] = {}
    for unit, ucum in terminology.unit_spellings().items():
        exact.setdefault(_bare_unit(unit), set()).add(ucum)
        caseless.setdefault(_bare_unit(unit).casefold(), set()).add(ucum)
    return exact, caseless


def unit_meant(unit: str) -> Guess | None:
    """The known unit (UCUM) of a local spelling, or None; unsure if the case differs."""
    exact, caseless = _bare_units()
    bare = _bare_unit(unit)
    for known, is_sure in ((exact.get(bare), True), (caseless.get(bare.casefold()), False)):
        if known and len(known) == 1:
            return Guess(next(iter(known)), is_sure)
    return None


def is_known_drug(name: str) -> bool:
    """Whether the registry knows the drug by this name: substance, brand or ATC code."""
    return name.strip().lower() in _drugs()


@functools.cache
def _drugs() -> dict[str, str]:
    return terminology.drugs()


@functools.lru_cache(maxsize=4096)
def drug_meant(name: str) -> Guess | None:
    """The substance that a local product name contains as a whole word (`OCREVUS 300MG FL`); None for none or two."""
    words = re.findall(r"[a-z0-9]+", name.casefold())
    known = _drug_words()
    found = {
        known[phrase]
        for size in range(1, 5)
        for start in range(len(words) - size + 1)
        if (phrase := tuple(words[start : start + size])) in known
    }
    return Guess(next(iter(found)), is_sure=True) if len(found) == 1 else None


@functools.cache
def _drug_words() -> dict[tuple[str, ...], str]:
    names = {tuple(re.findall(r"[a-z0-9]+", name)): drug for name, drug in _drugs().items()}
    return {words: drug for words, drug in names.items() if sum(map(len, words)) >= 5}
