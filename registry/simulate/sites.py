"""Synthetic hospitals: their laboratories, units, reference ranges and drug names.

Codes are LOINC, units are spellings seen in exports; both must be in the dbt seeds (checked by a test). A laboratory
without a neutrophil count reports leukocytes and a differential.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Assay:
    """One analyte of a laboratory: reported value = simulated value x `scale`.

    Simulated values are 10*9/L for cells, % for shares, g/L for masses, cells per uL for CD19.
    """

    analyte: str
    loinc: str
    name: str
    unit: str
    scale: float
    decimals: int
    low: str
    high: str


@dataclass(frozen=True, slots=True, eq=False)
class Laboratory:
    """The assays of a blood count, and those added by the half-yearly immunology."""

    counts: tuple[Assay, ...]
    immunology: tuple[Assay, ...]
    detection_limit: float | None = None
    """A lower neutrophil count is reported as `<limit` (10*9/L)."""


@dataclass(frozen=True, slots=True)
class Site:
    """A hospital. `drug_style` substance, brand or atc; `birth_precision` day, month or year."""

    name: str
    laboratories: tuple[Laboratory, ...]
    drug_style: str = "substance"
    birth_precision: str = "day"


def _laboratory(
    cells: str,
    cells_scale: float,
    hemoglobin: str,
    igg: str,
    cd19: str,
    *,
    measures_anc: bool = True,
    platelets: str | None = None,
    lln: float = 1.8,
    detection_limit: float | None = None,
) -> Laboratory:
    """A laboratory that reports cells in one unit (`cells_scale` of them are 1 x 10*9/L)."""
    decimals = 0 if cells_scale >= 1000 else 2

    def bound(value: float) -> str:
        return f"{value * cells_scale:.{decimals}f}"

    def count(analyte: str, loinc: str, name: str, low: float, high: float) -> Assay:
        return Assay(analyte, loinc, name, cells, cells_scale, decimals, bound(low), bound(high))

    anc = count("ANC", "751-8", "Neutrophils", lln, 7.7)
    wbc = count("WBC", "6690-2", "Leukocytes", 4.0, 10.0)
    neutrophils_pct = Assay("NEP", "770-8", "Neutrophils %", "%", 1, 1, "40.0", "75.0")
    lymphocytes = count("LYM", "731-0", "Lymphocytes", 1.0, 4.0)
    lymphocytes_pct = Assay("LYP", "736-9", "Lymphocytes %", "%", 1, 1, "20.0", "45.0")
    in_g_dl = hemoglobin == "g/dL"
    hemoglobin_range = ("12.0", "17.0") if in_g_dl else ("120", "170")
    differential = (anc, wbc, neutrophils_pct, lymphocytes) if measures_anc else (wbc, neutrophils_pct, lymphocytes_pct)
    return Laboratory(
        counts=(
            *differential,
            Assay("PLT", "777-3", "Platelets", platelets or "10*9/L", 1, 0, "150", "400"),
            Assay(
                "HGB",
                "718-7",
                "Hemoglobin",
                hemoglobin,
                0.1 if in_g_dl else 1,
                1 if in_g_dl else 0,
                *hemoglobin_range,
            ),
        ),
        immunology=(
            Assay("CD19", "8116-6", "CD19 cells", cd19, 1, 0, "80", "490"),
            Assay("IGG", "2465-3", "IgG", igg, 100, 0, "700", "1600")
            if igg == "mg/dL"
            else Assay("IGG", "2465-3", "IgG", igg, 1, 1, "7.0", "16.0"),
        ),
        detection_limit=detection_limit,
    )


_SI = _laboratory("10*9/L", 1, "g/L", "g/L", "/uL")
_ITALIAN = _laboratory("10*3/uL", 1, "g/dL", "mg/dL", "cells/uL", platelets="10*3/uL", lln=1.9)
_PER_MICROLITRE = _laboratory("/uL", 1000, "g/dL", "mg/dL", "/uL", platelets="K/uL", lln=2.0)
_GIGA = _laboratory("G/L", 1, "g/L", "g/L", "/uL", platelets="G/L", lln=1.5, detection_limit=0.1)
_CELLS = _laboratory("cells/uL", 1000, "g/dL", "mg/dL", "cells/uL", platelets="K/uL", lln=1.5)
_DIFFERENTIAL = _laboratory("K/uL", 1, "g/dL", "mg/dL", "cells/uL", measures_anc=False, platelets="K/uL")

UDINE = Site("udine", (_ITALIAN, _PER_MICROLITRE, _SI, _DIFFERENTIAL))
"""The hospital's own laboratory first, then other laboratories of the area that its patients use."""

SITES = (
    Site("syn_north", (_SI, _PER_MICROLITRE)),
    Site("syn_south", (_PER_MICROLITRE, _DIFFERENTIAL), drug_style="brand"),
    Site("syn_east", (_GIGA, _SI), drug_style="atc", birth_precision="month"),
    Site("syn_west", (_DIFFERENTIAL, _CELLS), birth_precision="year"),
)

_JOINS_AT = (0, 60, 250, 800)
"""The patient number from which each site takes part, so that a small cohort has only one or two sites."""


def sites_open_to(patient: int) -> tuple[Site, ...]:
    """The sites that may treat patient number `patient`, for any cohort size."""
    return tuple(site for site, first in zip(SITES, _JOINS_AT, strict=True) if patient >= first)


_BRANDS = {
    "ocrelizumab": "Ocrevus",
    "rituximab": "MabThera",
    "ofatumumab": "Kesimpta",
    "ublituximab": "Briumvi",
    "natalizumab": "Tysabri",
    "fingolimod": "Gilenya",
    "cladribine": "Mavenclad",
    "glatiramer acetate": "Copaxone",
    "dimethyl fumarate": "Tecfidera",
    "teriflunomide": "Aubagio",
    "pegfilgrastim": "Neulasta",
}

_ATC = {
    # substance: (until 2023, from 2024): the antibodies moved from L04AA and L01XC in the WHO index
    "ocrelizumab": ("L04AA36", "L04AG08"),
    "rituximab": ("L01XC02", "L01FA01"),
    "ofatumumab": ("L04AG12", "L04AG12"),
    "ublituximab": ("L04AG14", "L04AG14"),
    "natalizumab": ("L04AA23", "L04AG03"),
    "fingolimod": ("L04AA27", "L04AE01"),
    "filgrastim": ("L03AA02", "L03AA02"),
    "lenograstim": ("L03AA10", "L03AA10"),
    "pegfilgrastim": ("L03AA13", "L03AA13"),
}


def drug_as_written(site: Site, substance: str, year: int) -> str:
    """The drug in the site's own words: substance, brand, or that year's ATC code."""
    if site.drug_style == "brand":
        return _BRANDS.get(substance, substance)
    if site.drug_style == "atc" and substance in _ATC:
        return _ATC[substance][year >= 2024]
    return substance
