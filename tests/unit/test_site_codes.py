"""What a site may say of its own words, and the one line that a mistake in it gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.config.site import SiteProfile, load_profile
from registry.errors import UserError

ALL = """\
codes:
  sex: {Femmina: F, "1": m}
  ms_phenotype: {SMRR: RRMS}
  duffy_null: {Fy-: true}
  status: {Storno: cancelled}
  event_type: {ricovero: hospitalisation}
  end_reason: {inefficace: inefficacy}
  verdict: {sì: confirmed}
  material: {Liq.: other, B1: blood}
  tests: {NEU: {count: anc, percent: neutrophils_pct}, GB: wbc}
  units: {mila/mmc: 10*9/L}
missing: [n.p., campione coagulato, "-999"]
flags: ["*", H, "(L)", "↓", crit., molto basso]
units: {lab_results: {751-8: 10*9/L, gb: mila /mmc}}
keys: {lab_results: [patient_id, collected_at, test_code]}
columns: {lab_results: {data: collected_at.date, ora: collected_at.time, Cognome: ignore}}
sheets: {libro.xlsx: {Anagrafica: patients}}
"""


def profile(folder: Path, text: str) -> SiteProfile:
    (folder / "site.yml").write_text(text, encoding="utf-8")
    return load_profile(folder)


def test_every_key_is_read(tmp_path: Path) -> None:
    read = profile(tmp_path, ALL)
    assert read.codes.sex == {"Femmina": "F", "1": "M"}
    assert read.codes.tests["NEU"] == {"count": "anc", "percent": "neutrophils_pct"}
    assert read.missing_words == {"n.p.", "campione coagulato", "-999"}
    assert read.flags == ("*", "H", "(L)", "↓", "crit.", "molto basso")
    assert read.units.lab_results == {"751-8": "10*9/L", "gb": "mila /mmc"}
    assert read.column_names("lab_results") == {
        "data": "collected_at.date",
        "ora": "collected_at.time",
        "cognome": "ignore",
    }
    assert read.composed_key("lab_results") == ("patient_id", "collected_at", "test_code")
    assert read.cancelled_words == {"storno", "cancelled", "canceled"}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("codes:\n  sexx: {a: F}", 2, "codes.sexx: unknown key; did you mean 'sex'?"),
        ("codes:\n  sex:\n    a: F\n    b: W", 4, "codes.sex.b: unknown code of sex 'W'; known: F, M, X"),
        ("codes:\n  material:\n    Liq: bloood", 3, "unknown code of material 'bloood'; did you mean 'blood'?"),
        ("codes:\n  status:\n    Storno: canceled", 3, "unknown code of status 'canceled'; did you mean 'cancelled'?"),
        ("codes:\n  event_type:\n    gita: trip", 3, "unknown code of event_type 'trip'"),
        ("codes:\n  end_reason:\n    x: inefficacity", 3, "did you mean 'inefficacy'?"),
        ("codes:\n  verdict:\n    x: confirm", 3, "did you mean 'confirmed'?"),
        ("codes:\n  ms_phenotype:\n    x: RMS", 3, "did you mean 'RRMS'?"),
        ("codes:\n  duffy_null:\n    x: maybe", 3, "unknown code of duffy_null 'maybe'; known: false, true"),
        ("codes:\n  sex:\n    Donna: F\n    'donna.': M", 4, "'donna.' is written twice with different meanings"),
        ("codes:\n  sex:\n    a: F\n    'a ': M", 4, "'a ' is written twice"),
        ("codes:\n  sex:\n    '': F", 3, "a blank cell already means no value"),
        ("codes:\n  sex:\n    a:", 3, "write a value"),
        ("codes:\n  sex: [F]", 2, "write one `key: value` a line"),
        ("codes:\n  tests:\n    NEU: {count: anc, share: x}", 3, "unknown kind of unit 'share'"),
        (
            "codes:\n  tests:\n    NEU: {count: neutrophils_pct}",
            3,
            "neutrophils_pct is measured as percent, not as count",
        ),
        ("codes:\n  tests:\n    NEU: {percent: neutrophil_pct}", 3, "did you mean 'neutrophils_pct'?"),
        ("codes:\n  tests:\n    NEU: [anc]", 3, "write one analyte, or one for each kind of unit"),
        ("codes:\n  tests:\n    NEU: anc\n    'NEU ': wbc", 4, "'NEU ' is written twice"),
        ("codes:\n  units:\n    u: 10*9/L\n    'u ': /uL", 4, "'u ' is written twice"),
        ("missing: n.p.", 1, "write a list, one `- value` a line"),
        ("missing:\n  - n.p.\n  - ' '", 3, "a blank cell already means no value"),
        ("missing:\n  - '0'", 2, "'0' can't mean no value"),
        ("missing:\n  - n.p.\n  - '0,00'", 3, "'0,00' can't mean no value"),
        ("missing:\n  - n.p.\n  - '0.44'", 3, "'0.44' can't mean no value: it is a number"),
        ("missing: ['0,44']", 1, "it is a number"),
        ("missing: ['<0.5']", 1, "it is a number"),
        ("missing: ['≥ 1']", 1, "it is a number"),
        ("missing: ['1.250,5']", 1, "it is a number"),
        ("missing: ['12 000']", 1, "it is a number"),
        ("missing: ['44 %']", 1, "it is a number"),
        ("missing: ['9999']", 1, "it is a number"),
        ("missing: ['０.４']", 1, "it is a number"),
        ("missing: ['-0']", 1, "it is a number"),
        ("flags: ['*']\nmissing:\n  - '*0.4'", 3, "it is a number with the flag '*'"),
        ("missing:\n  - n.p.\n  - F", 3, "'F' can't mean no value: it is known as a word of sex"),
        ("missing: [Storniert, Cancelled]", 1, "'Cancelled' can't mean no value: it is known as a word of status"),
        ("missing: [Ocrevus]", 1, "known as a drug"),
        ("missing: [751-8]", 1, "known as a test"),
        ("missing: [G/L]", 1, "known as a unit"),
        ("missing:\n  - storno\ncodes: {status: {Storno: cancelled}}", 2, "can't mean no value: it is in codes.status"),
        ("missing: [n.p., n.p.]", 1, "'n.p.' is written twice"),
        ("flags: ['*', '*']", 1, "'*' is written twice"),
        ('csv: {thousands: "\'"}\nflags: ["\'"]', 2, "can't be a flag: `csv` uses it in numbers"),
        ("codes:\n  duffy_null:\n    x: perhaps", 3, "unknown code of duffy_null 'perhaps'"),
        ("codes:\n  units:\n    mila: 10*3/uL\n    '%': 10*9/L", 4, "'%' is a unit of percent; it can't be '10*9/L'"),
        (
            "units:\n  lab_results:\n    751-8: '%'",
            3,
            "'751-8' is measured as count (such as 10*9/L), but '%' is a unit of",
        ),
        ("units:\n  lab_results:\n    770-8: 10*9/L", 3, "'770-8' is measured as percent (such as %)"),
        ("codes: {tests: {N: igg}}\nunits:\n  lab_results:\n    n: G/L", 4, "'n' is measured as mass_concentration"),
        (
            "codes: {tests: {N: {count: anc, percent: segs_pct}}}\nunits:\n  lab_results:\n    N: g/L",
            4,
            "'N' is measured as count (such as 10*9/L) or percent (such as %), but 'g/L' is a unit of mass",
        ),
        (
            "codes: {units: {perc: '%'}}\nunits:\n  lab_results:\n    751-8: perc",
            4,
            "'perc' is a unit of percent",
        ),
        (
            "codes: {tests: {N: anc}}\nwide:\n  lab_results:\n    tests:\n      Neu: {code: N, unit: '%'}",
            5,
            "wide.lab_results.tests.Neu.unit: 'N' is measured as count (such as 10*9/L), but '%' is a unit of percent",
        ),
        ("wide:\n  lab_results:\n    tests:\n      Neu: {code: neutrophils_pct, unit: /uL}", 4, "measured as percent"),
        (
            "wide:\n  lab_results:\n    tests: {N: {code: anc, unit: /uL}}\n    carry_down: [patient_id, patient_id]",
            4,
            "'patient_id' is written twice",
        ),
        ("keys:\n  lab_results: [patient_id, collected_at, patient_id]", 2, "'patient_id' is written twice"),
        ("keys:\n  lab_results: []", 2, "is empty; name the columns that make the key"),
        ("keys:\n  lab_results: [patient_id, collected_at, status]", 2, "status can't be part of the key"),
        (
            "keys: {lab_results: [patient_id, collected_at, specimen_id]}\ncolumns: {lab_results: {specimen_id: ignore}}",  # noqa: E501
            2,
            "specimen_id can't be ignored: it is part of the key",
        ),
        ("sheets:\n  x.xlsx: {}", 2, "sheets.x.xlsx: is empty; write one `sheet: entity` a line below it"),
        ("sheets:\n  x.xlsx: {A: patients}\n  X.XLSX: {B: treatments}", 1, "'x.xlsx' is written twice"),
        ("sheets:\n  x.xlsx: {'': patients}", 2, "the text before the colon must not be blank"),
        ("columns:\n  lab_results:\n    '': value", 2, "the text before the colon must not be blank"),
        (
            "csv:\n  date_formats: ['%d/%m/%Y', '%m/%d/%Y']",
            2,
            "'%d/%m/%Y' and '%m/%d/%Y' read '05/04/2003' as two different dates",
        ),
        ("csv:\n  date_formats: ['%-m/%-d/%Y', '%d/%m/%Y %H:%M', '%d/%m/%Y']", 2, "as two different dates"),
        ("csv: {date_formats: ['%d/%m/%Y %H:%M', '%m/%d/%Y %H:%M']}", 1, "as two different dates"),
        ("csv: {date_formats: ['%d.%m.%y', '%y.%m.%d']}", 1, "as two different dates"),
        ("csv: {date_formats: ['%m/%y', '%y/%m']}", 1, "as two different dates"),
        ("csv: {date_formats: ['%d/%m/%Y', '%d/%m/%Y']}", 1, "'%d/%m/%Y' is written twice"),
        ("csv: {date_formats: ['%d/%M/%Y']}", 1, "'%d/%M/%Y' has %d without %m"),
        ("csv: {date_formats: ['%d/%m/%Y %I:%M']}", 1, "has %I without %p"),
        ("flags:\n  - '*'\n  - '5'", 3, "'5' can't be a flag: it could be part of a number"),
        ("flags:\n  - '<'", 2, "can't be a flag"),
        ("flags:\n  - '.'", 2, "can't be a flag"),
        ("flags:\n  - '%'", 2, "can't be a flag"),
        ("flags:\n  - '\uff15'", 2, "can't be a flag"),
        ("flags:\n  - ''", 2, "write a mark, such as * or H"),
        ("flagz: ['*']", 1, "unknown key; did you mean 'flags'?"),
        ("missings: [x]", 1, "unknown key; did you mean 'missing'?"),
        ("units:\n  lab_result: {a: b}", 2, "units.lab_result: unknown key; did you mean 'lab_results'?"),
        ("units:\n  lab_results:\n    751-8: 10*9/LL", 3, "unknown unit '10*9/LL'; did you mean '10*9/L'?"),
        ("units:\n  lab_results:\n    751-9: 10*9/L", 3, "'751-9' is neither in codes.tests nor a known LOINC code"),
        ("units:\n  lab_results:\n    751-8: 10*9/L\n    751–8: /uL", 4, "'751–8' is written twice"),
        ("keys:\n  lab_result: [patient_id]", 2, "keys.lab_result: unknown key; did you mean 'lab_results'?"),
        ("keys:\n  lab_results: [patient_id, colected_at]", 2, "did you mean 'collected_at'?"),
        ("keys:\n  lab_results: [collected_at]", 2, "patient_id must be part of the key"),
        ("columns:\n  lab_results:\n    a: ignor", 3, "unknown column of lab_results 'ignor'; did you mean 'ignore'?"),
        ("columns:\n  lab_results:\n    a: collected_at.hour", 3, "did you mean 'collected_at'?"),
        ("columns:\n  lab_results:\n    a b: value\n    'A\u00a0 B': unit", 2, "'a b' is written twice"),
        ("sheets:\n  libro.xls: {A: patients}", 2, "'libro.xls' is not a workbook"),
        ("sheets:\n  libro.xlsx:\n    A: patient", 3, "unknown entity 'patient'; did you mean 'patients'?"),
        (
            "wide:\n  lab_results:\n    tests: {N: {code: anc, unit: /uL}}\n    carry_down: [value]",
            4,
            "can't be carried",
        ),
    ],
)
def test_a_mistake_is_one_line_with_its_place_and_what_was_meant(
    tmp_path: Path, text: str, line: int, message: str
) -> None:
    with pytest.raises(UserError) as caught:
        profile(tmp_path, text)
    said = str(caught.value)
    assert said.startswith(f"{tmp_path}/site.yml, line {line}: ")
    assert message in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("word", "code"),
    [
        *((word, "true") for word in ("yes", '"yes"', "Yes", "true", "si", "S\u00ec", "1")),
        *((word, "false") for word in ("no", "'no'", "False", "n", "nein", "0")),
    ],
)
def test_yes_and_no_are_codes_of_duffy_null_in_any_known_word(tmp_path: Path, word: str, code: str) -> None:
    assert profile(tmp_path, f"codes: {{duffy_null: {{forse: {word}}}}}").codes.duffy_null == {"forse": code}


@pytest.mark.parametrize(
    "text",
    [
        "csv: {date_formats: ['%d/%m/%Y', '%d/%m/%Y %H:%M', '%-d/%-m/%Y', '%d/%m/%y', '%d-%b-%Y', '%m/%Y', '%Y']}",
        "csv: {date_formats: ['%Y%m%d', '%d%m%Y', '%d.%m.%Y %I:%M %p', '%Y/%m/%d', '%Y/%m']}",
        "missing: ['-999', '-', '.', n.p., 'n. 5', '01.01.1900', campione 2, NA, nan, None, 'null', '?']",
        "flags: ['*', '-']\nmissing: ['*', '-', '-999']",
        "codes: {units: {'K/uL': /uL}}",
        "units: {lab_results: {751-8: cells/uL, 770-8: '1'}}\ncodes: {tests: {X: anc}}",
        "sheets: {a.xlsx: {A: patients, B: patients}, b.xlsx: {A: treatments}}",
    ],
)
def test_what_has_one_meaning_is_accepted(tmp_path: Path, text: str) -> None:
    profile(tmp_path, text)


def test_one_word_may_be_written_in_several_ways(tmp_path: Path) -> None:
    text = "codes: {sex: {Donna: F, donna: F, DONNA.: F}, tests: {NEU: anc, neu: neutrophils_pct}}"
    assert len(profile(tmp_path, text).codes.sex) == 3
