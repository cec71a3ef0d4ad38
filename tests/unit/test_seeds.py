"""Reference data: every code is known once, every count has one grade, every row names its source.

The grader here does in plain Python what the SQL does with the same rows, so that a wrong bound in
the seed shows as a wrong cell of the published boundary table.
"""

import csv
from collections import Counter
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from registry.config import terminology

SEEDS = Path(__file__).parents[2] / "dbt_project" / "seeds"
KEYS = {
    "analytes": ("analyte",),
    "test_codes": ("test_code",),
    "units": ("unit",),
    "drugs": ("drug",),
    "drug_names": ("name",),
    "reviewer_roles": ("name",),
    "grading_scales": ("scale", "analyte", "grade"),
    "case_definitions": ("definition_id",),
}
Row = dict[str, str]


def rows(name: str) -> list[Row]:
    """Read a seed as text, blank cells as ''."""
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def scale_rows(scale: str, analyte: str = "anc") -> list[Row]:
    """Sort the intervals of a scale from the lowest counts (worst) upwards."""
    of_scale = [row for row in rows("grading_scales") if (row["scale"], row["analyte"]) == (scale, analyte)]
    return sorted(of_scale, key=lambda row: -int(row["severity_rank"]))


def grade(scale: str, anc: Decimal, lln: Decimal | None = None) -> str | None:
    """Grade a count in 10*9/L; None where the scale needs a limit of normal that is unknown."""
    for row in scale_rows(scale):
        lower, upper = Decimal(row["lower"]), Decimal(row["upper"]) if row["upper"] else None
        if row["lln_rule"] and lln is None:
            return None
        if row["lln_rule"] == "lower" and lln is not None:
            lower = max(lower, lln)
        if row["lln_rule"] == "upper":
            upper = lln
        above = anc > lower or (row["lower_inclusive"] == "true" and anc == lower)
        below = upper is None or anc < upper or (row["upper_inclusive"] == "true" and anc == upper)
        if above and below:
            return row["grade"]
    raise AssertionError(f"no grade of {scale} for {anc}")


@pytest.mark.parametrize("name", KEYS)
def test_a_seed_has_whole_rows_without_blank_edges_and_no_key_twice(name: str) -> None:
    seed = rows(name)
    assert seed
    for row in seed:
        assert None not in row
        assert None not in row.values()
        assert all(cell == cell.strip() for cell in row.values())
    counts = Counter(tuple(row[column] for column in KEYS[name]) for row in seed)
    assert not [key for key, n in counts.items() if n > 1 or not all(key)]


@pytest.mark.parametrize("name", KEYS)
def test_every_row_names_its_source(name: str) -> None:
    assert all(row["source"] for row in rows(name))


@pytest.mark.parametrize("name", KEYS)
def test_every_column_is_described_and_typed(name: str) -> None:
    document = yaml.safe_load((SEEDS / "_seeds.yml").read_text(encoding="utf-8"))
    (described,) = [seed for seed in document["seeds"] if seed["name"] == name]
    header = list(rows(name)[0])
    assert [column["name"] for column in described["columns"]] == header
    assert list(described["config"]["column_types"]) == header
    assert all(column["description"] for column in described["columns"])


# ANC in 10*9/L, the laboratory's lower limit of normal (on which CTCAE 5 depends from 1.5 upwards),
# and what each scale calls it: CTCAE and DAIDS as in admiral's grading metadata.
BOUNDARIES: list[tuple[str, str | None, str, str, str | None, str, str]] = [
    # ANC, LLN, udine_2025, udine_2025_inclusive, ctcae_v5, ctcae_v6, daids_2_1
    ("0", "2.0", "severe", "severe", "4", "4", "4"),
    ("0.099999", "2.0", "severe", "severe", "4", "4", "4"),
    ("0.1", "2.0", "severe", "severe", "4", "3", "4"),
    ("0.399999", "2.0", "severe", "severe", "4", "3", "4"),
    ("0.4", "2.0", "severe", "severe", "4", "3", "3"),
    ("0.499999", "2.0", "severe", "severe", "4", "3", "3"),
    ("0.5", "2.0", "moderate", "moderate", "3", "2", "3"),
    ("0.599999", "2.0", "moderate", "moderate", "3", "2", "3"),
    ("0.6", "2.0", "moderate", "moderate", "3", "2", "2"),
    ("0.799999", "2.0", "moderate", "moderate", "3", "2", "2"),
    ("0.8", "2.0", "moderate", "moderate", "3", "2", "1"),
    ("0.999999", "2.0", "moderate", "moderate", "3", "2", "1"),
    ("1.0", "2.0", "mild", "moderate", "2", "1", "1"),
    ("1.000001", "2.0", "mild", "mild", "2", "1", "0"),
    ("1.499999", "2.0", "mild", "mild", "2", "1", "0"),
    ("1.5", "2.0", "none", "none", "1", "0", "0"),
    ("1.5", "1.5", "none", "none", "0", "0", "0"),
    ("1.5", "1.2", "none", "none", "0", "0", "0"),
    ("1.5", None, "none", "none", None, "0", "0"),
    ("1.999999", "2.0", "none", "none", "1", "0", "0"),
    ("2.0", "2.0", "none", "none", "0", "0", "0"),
    ("7.5", "2.0", "none", "none", "0", "0", "0"),
    ("7.5", None, "none", "none", None, "0", "0"),
]
SCALES = ("udine_2025", "udine_2025_inclusive", "ctcae_v5", "ctcae_v6", "daids_2_1")


@pytest.mark.parametrize(("anc", "lln", "expected"), [(row[0], row[1], row[2:]) for row in BOUNDARIES])
def test_a_boundary_value_is_graded_as_published(anc: str, lln: str | None, expected: tuple[str | None, ...]) -> None:
    limit = Decimal(lln) if lln else None
    assert tuple(grade(scale, Decimal(anc), limit) for scale in SCALES) == expected


def test_a_count_below_an_absolute_cut_off_is_graded_without_a_limit_of_normal() -> None:
    assert [grade("ctcae_v5", Decimal(anc)) for anc in ("0.4", "0.9", "1.4")] == ["4", "3", "2"]


def test_an_absolute_cut_off_wins_over_a_lower_limit_of_normal() -> None:
    assert grade("ctcae_v5", Decimal("1.4"), Decimal("1.2")) == "2"


GRADED = sorted({(row["scale"], row["analyte"]) for row in rows("grading_scales")})


def test_a_scale_grades_the_analytes_that_its_source_grades() -> None:
    """CTCAE v6 dropped the term for a low lymphocyte count; the Udine series grades neutrophils alone."""
    others = {"ctcae_v5": "lymphocytes platelets wbc", "ctcae_v6": "platelets wbc"}
    others["daids_2_1"] = others["ctcae_v5"]
    wanted = {(scale, analyte) for scale in SCALES for analyte in ["anc", *others.get(scale, "").split()]}
    assert set(GRADED) == wanted


@pytest.mark.parametrize(("scale", "analyte"), GRADED)
def test_the_intervals_of_a_scale_tile_all_counts_from_zero_upwards(scale: str, analyte: str) -> None:
    """Without gap or overlap; grades that a limit of normal divides meet at that limit."""
    intervals = scale_rows(scale, analyte)
    assert {row["unit"] for row in intervals} == {"10*9/L"}
    ranks = [int(row["severity_rank"]) for row in intervals]
    assert ranks == list(range(len(intervals)))[::-1]
    assert Decimal(intervals[0]["lower"]) == 0
    assert intervals[0]["lower_inclusive"] == "true"
    for below, above in pairwise(intervals):
        if above["lln_rule"] == "lower":
            assert (below["lln_rule"], below["lower"]) == ("upper", above["lower"])
            continue
        assert Decimal(below["upper"]) == Decimal(above["lower"])
        assert {below["upper_inclusive"], above["lower_inclusive"]} == {"true", "false"}
    assert intervals[-1]["upper"] == ""


def test_every_definition_recovers_at_or_above_its_onset() -> None:
    scales = {row["scale"] for row in rows("grading_scales")}
    for row in rows("case_definitions"):
        assert row["severity_scale"] in scales
        onset, recovery = Decimal(row["onset_below"]), Decimal(row["recovery_at"])
        assert recovery > onset or (recovery == onset and row["onset_inclusive"] == "false")


def test_the_case_of_a_unit_tells_giga_from_gram() -> None:
    dimension = {row["unit"]: row["dimension"] for row in rows("units")}
    assert (dimension["G/L"], dimension["g/L"]) == ("count", "mass_concentration")


def test_units_are_listed_in_the_form_in_which_they_are_looked_up() -> None:
    assert [row["unit"] for row in rows("units") if terminology.unit_form(row["unit"]) != row["unit"]] == []


def test_a_unit_has_a_factor_where_its_dimension_has_an_analyte_and_nowhere_else() -> None:
    canonical = {row["dimension"]: row["canonical_unit"] for row in rows("analytes")}
    units = {row["unit"]: row for row in rows("units")}
    assert all(bool(unit["factor"]) == (unit["dimension"] in canonical) for unit in units.values())
    for dimension, unit in canonical.items():
        assert (units[unit]["dimension"], units[unit]["factor"]) == (dimension, "1")


@pytest.mark.parametrize("code", ["711-2", "8124-0", "2464-6", "789-8", "38518-7"])
def test_a_code_that_others_misuse_is_not_mapped(code: str) -> None:
    assert code not in {row["test_code"] for row in rows("test_codes")}


def test_a_code_of_a_share_maps_to_a_share() -> None:
    dimension = {row["analyte"]: row["dimension"] for row in rows("analytes")}
    for row in rows("test_codes"):
        is_share = dimension[row["analyte"]] == "percent"
        assert ("/100 " in row["name"] or "/Leukocytes" in row["name"]) == is_share, row["test_code"]


@pytest.mark.parametrize(
    ("names", "drug"),
    [
        (("ocrelizumab", "ocrevus", "l04ag08", "l04aa36"), "ocrelizumab"),
        (
            ("rituximab", "mabthera", "truxima", "rixathon", "riabni", "l01fa01", "l01xc02"),
            "rituximab",
        ),
        (("ofatumumab", "kesimpta", "l04ag12", "l04aa52", "l01fa02", "l01xc10"), "ofatumumab"),
        (("ublituximab", "briumvi", "l04ag14"), "ublituximab"),
        (("obinutuzumab", "gazyvaro", "l01fa03", "l01xc15"), "obinutuzumab"),
        (("neupogen", "zarzio", "tevagrastim", "l03aa02"), "filgrastim"),
        (("neulasta", "pelgraz", "ziextenzo", "l03aa13"), "pegfilgrastim"),
        (("lonquex", "l03aa14"), "lipegfilgrastim"),
    ],
)
def test_substance_brand_biosimilar_and_every_atc_vintage_name_one_drug(names: tuple[str, ...], drug: str) -> None:
    means = {row["name"]: row["drug"] for row in rows("drug_names")}
    assert {means[name] for name in names} == {drug}


def test_every_drug_answers_to_its_own_name_and_current_atc_code() -> None:
    means = {row["name"]: row["drug"] for row in rows("drug_names")}
    assert all(name == name.lower() for name in means)
    for row in rows("drugs"):
        assert means[row["drug"]] == row["drug"]
        assert not row["atc"] or means[row["atc"].lower()] == row["drug"]


def test_anti_cd20_drugs_alone_have_an_interval_and_ofatumumab_alone_is_injected_at_home() -> None:
    drugs = {row["drug"]: row for row in rows("drugs")}
    for row in drugs.values():
        assert bool(row["interval_days"]) == (row["drug_class"] == "anti_cd20"), row["drug"]
    assert {drugs[drug]["interval_days"] for drug in ("ocrelizumab", "rituximab")} == {"182"}
    assert [drugs[drug]["interval_days"] for drug in ("ublituximab", "ofatumumab")] == ["168", "28"]
    assert [drug for drug, row in drugs.items() if row["home_injected"] == "true"] == ["ofatumumab"]


def test_gm_csf_counts_as_g_csf() -> None:
    classes = {row["drug"]: row["drug_class"] for row in rows("drugs")}
    assert classes["sargramostim"] == classes["molgramostim"] == classes["filgrastim"] == "gcsf"


@pytest.mark.parametrize(
    ("names", "drug"),
    [
        (("adriblastina", "caelyx", "l01db01"), "doxorubicin"),
        (("taxotere", "l01cd02"), "docetaxel"),
        (("paraplatin", "carboplatino", "l01xa02"), "carboplatin"),
        (("xeloda", "l01bc06"), "capecitabine"),
        (("5-fu", "l01bc02"), "fluorouracil"),
        (("ibrance", "l01ef01", "l01xe33"), "palbociclib"),
        (("novalgina", "dipyrone", "n02bb02"), "metamizole"),
        (("lemtrada", "l04ag06"), "alemtuzumab"),
    ],
)
def test_other_drugs_that_lower_neutrophils_are_known_under_their_names(names: tuple[str, ...], drug: str) -> None:
    means = {row["name"]: row["drug"] for row in rows("drug_names")}
    (known,) = [row for row in rows("drugs") if row["drug"] == drug]
    assert {means[name] for name in names} == {drug}
    assert (known["drug_class"], known["neutropenia_risk"]) == ("other", "true")


def test_a_drug_can_stand_in_a_list_separated_by_commas() -> None:
    assert not [row["drug"] for row in rows("drugs") if "," in row["drug"]]


def test_a_reviewers_role_is_looked_up_in_lower_case_and_answers_to_itself() -> None:
    means = {row["name"]: row["role"] for row in rows("reviewer_roles")}
    assert all(name == name.lower() for name in means)
    assert all(means.get(role.replace("_", " ")) == role for role in means.values())


def test_a_word_is_listed_once_in_its_column_as_words_are_compared() -> None:
    listed = [(row["kind"], row["word"]) for row in rows("code_words")]
    assert len(set(listed)) == len(listed)
    assert all(terminology.folded_word(word) == word for _, word in listed)
    assert not any(word.isdigit() for kind, word in listed if kind != "duffy_null")
    for row in rows("code_words"):
        codes = {
            other["code"] for other in rows("code_words") if other["kind"] == row["kind"] and not other["language"]
        }
        assert row["code"] in codes | {"blood", "serum", "plasma", "serum_or_plasma", "other"}, row["word"]


def test_a_word_that_others_make_ambiguous_means_nothing_beside_them() -> None:
    assert terminology.known_words("sex", {"m", "f"})["m"] == "M"
    for other in ("h", "v", "hombre", "varon", "mujer"):
        assert "m" not in terminology.known_words("sex", {"m", other})


def test_drug_names_that_are_compared_as_one_mean_one_substance() -> None:
    meant: dict[str, set[str]] = {}
    for row in rows("drug_names"):
        meant.setdefault(terminology.folded_word(row["name"]), set()).add(row["drug"])
    assert {name: drugs for name, drugs in meant.items() if len(drugs) > 1} == {}


def test_a_code_that_is_left_out_on_purpose_is_in_no_list() -> None:
    left_out = {row["test_code"] for row in rows("unmapped_test_codes")}
    assert left_out
    assert left_out.isdisjoint(terminology.test_codes())
