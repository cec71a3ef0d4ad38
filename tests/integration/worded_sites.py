"""Sites that explain themselves in site.yml, and their deliveries as tables of text."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import duckdb
import openpyxl

LAB = "result_id,patient_id,test_code,material,value,unit,collected_at,reference_low,status"
SITES: dict[str, tuple[str, dict[str, str]]] = {
    "words": (
        """\
codes:
  sex: {Donna (I): F, "2": F, "1": M}
  ms_phenotype: {schubförmig: RRMS}
  status: {Storno: cancelled, nicht gegeben: not_given, "V": final}
  event_type: {ricovero: hospitalisation}
  end_reason: {Unverträglichkeit: adverse_event}
  verdict: {bestätigt: confirmed}
  duffy_null: {"Fy(a-b-)": "true"}
""",
        {
            "patients": "patient_id,birth_date,sex,ms_phenotype,duffy_null,status\n"
            "f1,1980,Female,SCHUBFÖRMIG,fy(a-b-),\nf2,1980,DONNA,RR,No,v\nf3,1980,weiblich,,,\nf4,1980,F.,,,\n"
            "f5,1980,féminin,,,\nf6,1980,donna (i),,,\nf7,1980,2,,,\nf8,1980,\ufefffemme,,,\n"
            "f9,1980,F^Female^HL70001,,,\n"
            "m1,1980,M.,,,\nm2,1980,Männlich,,,\nm3,1980,1,,,\nm4,1980, uomo ,,,\nm5,1980,ＭＡＬＥ,,,\n"
            "x1,1980,divers,,,\n"
            "n1,1980,F^Male,,,\nn2,1980,0,,,\nn3,1980,D,,,\nn4,1980,unknown,,,unheard\n",
            "treatments": "treatment_id,patient_id,drug,start_date,end_date,end_reason,status\n"
            "t1,f1,OCREVUS\u00a0,2024-01-01,2024-06-01,unverträglichkeit,\nt2,f1,L04AG08^Ocrevus^ATC,2024-01-01,,,STORNO\n"
            "t3,f1,Ocrelizumab,2024-01-02,2024-06-01,Adverse Event,\n"
            "t4,f1,ocre\u200blizumab,2024-01-03,,,nicht gegeben\n",
            "administrations": "administration_id,patient_id,drug,administered_on,status\n"
            "a1,f1,123^Mabthera^LOCAL,2024-01-02,\na2,f1,rituximab,2024-01-03,storno\n"
            "a3,f1,L04AG08^rituximab,2024-01-04,\n"
            "a4,f1,ocrelizumab,2024-01-05,Nicht  gegeben\n",
            "lab_results": f"{LAB}\nl1,f1,751-8,,1.1,10*9/L,2024-01-02,,V\nl2,f1,751-8,,1.2,10*9/L,2024-01-03,,storno\n"
            "l3,f1,751-8,,1.3,10*9/L,2024-01-04,,not_given\n",
            "clinical_events": "event_id,patient_id,event_type,onset_date,status\n"
            "e1,f1,Ricovero,2024-01-02,\ne2,f1,Febrile neutropenia,2024-01-03,\ne3,f1,gita,2024-01-03,\n"
            "e4,f1,relapse,2024-01-03,Storno\n",
            "adjudications": "adjudication_id,patient_id,onset_from,onset_to,verdict,status\n"
            "v1,f1,2024-01-02,2024-01-03,Bestätigt,\nv2,f1,2024-01-02,2024-01-03,Lab error,\n"
            "v3,f1,2024-01-02,2024-01-03,si,\n",
        },
    ),
    "spanish": ("", {"patients": "patient_id,birth_date,sex\nP1,1980,M\nP2,1980,H\nP3,1980,m.\nP4,1980,Masculino\n"}),
    "dutch": ("", {"patients": "patient_id,birth_date,sex\nP1,1980,M\nP2,1980,V\n"}),
    "mapped": (
        "codes: {sex: {H: M, M: F}}\n",
        {"patients": "patient_id,birth_date,sex\nP1,1980,M\nP2,1980,H\nP3,1980,m.\n"},
    ),
    "half": ("codes: {sex: {H: M}}\n", {"patients": "patient_id,birth_date,sex\nP1,1980,M\nP2,1980,H\n"}),
    "codes": (
        "codes:\n  tests: {NEU ABS: anc, Neu: neutrophils_pct, NEU: anc, '7510': anc}\n  units: {mila/mmc: 10*9/L}\n",
        {
            "patients": "patient_id,birth_date,sex\nP1,1980,F\n",
            "lab_results": f"{LAB}\n"
            + "".join(
                f"{key},P1,{code},,1.{number},{unit},2024-01-{number + 1:02},,\n"
                for number, (key, code, unit) in enumerate(
                    [
                        ("hl7", "751-8^Neutrophils^LN", "10*9/L^^UCUM"),
                        ("alternate", "NX^Neutrofili^L^751-8^Neutrophils^LN", "10^9/L^giga^UCUM"),
                        ("named", "LOINC: 751-8", "10^9/L"),
                        ("address", "http://loinc.org|751-8", "10\u00a0^ 9 / L"),
                        ("dash", "751\u20138", "mila / mmc"),
                        ("wide", "\uff17\uff15\uff11\uff0d\uff18", "\uff47\uff0fL"),
                        ("hidden", "\u200b751-8\ufeff", "10*9/L"),
                        ("frame", "7510.0", "10*9/L"),
                        ("blanks", "neu  abs", "10*9/L"),
                        ("exact", "NEU", "10*9/L"),
                        ("other", "Neu", "%"),
                        ("unclear", "neu", "10*9/L"),
                        ("near", "751-88", "10*9/L"),
                        ("granulocytes", "30394-1", "10*9/L"),
                        ("unverified", "761-7", "10*9/L"),
                    ]
                )
            ),
        },
    ),
    "told": (
        """\
codes: {tests: {NEU: {count: anc, percent: neutrophils_pct}, LEU: wbc}}
units: {lab_results: {LEU: 10*9/L}}
""",
        {
            "patients": "patient_id,birth_date,sex\nP1,1980,F\n",
            "lab_results": f"{LAB}\ncount,P1,NEU,,1.5,10*9/L,2024-01-01,,\nshare,P1,neu ,,50,%,2024-01-02,,\n"
            "leu,P1,LEU,,4,,2024-01-02,,\nown,P1,LEU,,5000,/uL,2024-01-03,,\nmass,P1,NEU,,1,g/L,2024-01-03,,\n"
            "none,P1,NEU,,1,,2024-01-04,,\nzero,P1,NEU,,0,,2024-01-04,,\nwhat,P1,NEU,,1,bananas,2024-01-05,,\n"
            "csf,P1,NEU,liquor,0,/uL,2024-01-06,,\ncsfnone,P1,NEU,CSF,0,,2024-01-07,,\n",
        },
    ),
    "material": (
        "codes: {tests: {NEU: anc}, material: {Liq.: other, B1: blood}}\n",
        {
            "patients": "patient_id,birth_date,sex\nP1,1980,F\n",
            "lab_results": f"{LAB}\n"
            + "".join(
                f"{key},P1,{code},{material},{value},{unit},2024-01-{number + 1:02},,\n"
                for number, (key, code, material, value, unit) in enumerate(
                    [
                        ("blank", "NEU", "", "1", "10*9/L"),
                        ("blood", "NEU", "EDTA-Blut", "1", "10*9/L"),
                        ("hl7", "751-8", "BLD^Blood^HL70487", "1", "10*9/L"),
                        ("text", "751-8", "119297000^Blood specimen^SCT", "1", "10*9/L"),
                        ("own", "751-8", "b1", "1", "10*9/L"),
                        ("csf", "NEU", "Liquor", "0", "/uL"),
                        ("csf_own", "NEU", "liq.", "0", "/uL"),
                        ("csf_bad", "NEU", "CSF", "traces", ""),
                        ("serum", "751-8", "Siero", "0", "10*9/L"),
                        ("igg", "2465-3", "Suero", "7", "g/L"),
                        ("igm", "2472-9", "plasma", "7", "g/L"),
                        ("iga", "2458-8", "Ser/Plas", "2", "g/L"),
                        ("igg_csf", "2465-3", "LCR", "0.03", "g/L"),
                        ("unknown", "NEU", "Rohr 7", "0", "10*9/L"),
                        ("unmapped", "PCR", "Rohr 7", "1", "mg/L"),
                        ("clash", "NEU", "BLD^Urine^L", "0", "10*9/L"),
                    ]
                )
            ),
        },
    ),
    "missing": (
        'missing: ["n.p.", "campione coagulato", "-999"]\nflags: ["*", "H", "L", "-"]\ncsv: {decimal: ","}\n',
        {
            "patients": "patient_id,birth_date,sex,ms_phenotype,last_contact_date\n"
            "P1,1980,F,N.P.,n.p.\nn.p.,1980,F,,\n",
            "treatments": "treatment_id,patient_id,drug,start_date,end_date,end_reason\n"
            "t1,P1,ocrelizumab,2024-01-01,n.p.,n.p.\nt2,P1,n.p.,2024-01-01,,\nt3,n.p.,ocrelizumab,2024-01-01,,\n",
            "administrations": "administration_id,patient_id,drug,administered_on,dose\n"
            "a1,P1,ocrelizumab,2024-01-01,n.p.\na2,P1,n.p.,2024-01-01,\na3,P1,ocrelizumab,N.P.,\n",
            "lab_results": f"{LAB}\n"
            + "".join(
                f'{key},P1,751-8,{material},"{value}",10*9/L,2024-01-{number + 1:02},"{low}",n.p.\n'
                for number, (key, material, value, low) in enumerate(
                    [
                        ("clot", "", "Campione coagulato", ""),
                        ("nine", "", "-999", ""),
                        ("blood", "n.p.", "1,0 L", "n.p."),
                        ("low", "", "* 0,4 *", "2,0"),
                        ("minus", "", "0,7 -", "1,8 L"),
                        ("bound", "", "L <0,5", ""),
                        ("text", "", "HEMOLYSED", ""),
                        ("mark", "", "*", ""),
                        ("negative", "", "-0,4", ""),
                    ]
                )
            ),
            "clinical_events": "event_id,patient_id,event_type,onset_date,end_date\ne1,P1,infection,2024-01-02,n.p.\n"
            "e2,P1,n.p.,2024-01-02,\n",
        },
    ),
    "row": (
        """\
csv: {decimal: ","}
codes:
  tests: {NEU: {count: anc, percent: neutrophils_pct}}
  status: {Storno: cancelled}
missing: ["n.p."]
flags: ["L", "*"]
columns: {lab_results: {Paziente: patient_id, data  PRELIEVO: collected_at, Probe: material}}
wide:
  lab_results:
    tests:
      Leucociti: {code: wbc, unit: 10^9/L}
      "Neutrofili %": {code: neu, unit: "%"}
      "Neutrofili": {code: NEU, unit: 10*9/L}
    carry_down: [patient_id, material]
""",
        {"patients": "patient_id,birth_date,sex\nP1,1980,F\nP2,1980,F\n"},
    ),
}
WIDE = [
    ["\ufeffPaziente\u200b", "Data\u00a0prelievo", "probe ", "LEUCOCITI", "Neutrofili\u00a0%", "neutrofili", "status"],
    ["P1", "2024-01-01", "Blut", "4,0 L", "n.p.", "1,5*", ""],
    ["", "2024-01-02", "", "4,0", "50 *", "N.P.", ""],
    ["", "2024-01-03", "Liquor", "0,1", "", "0", ""],
    ["", "2024-01-04", "", "0,1", "", "0 *", ""],
    ["", "2024-01-05", "Blut", "\uff13,0", "n.p.", "\u200e0,4 L", ""],
    ["", "2024-01-06", "Blut", "3,0", "", "1,0", "STORNO"],
    ["n.p.", "2024-01-07", "Blut", "3,0", "", "", ""],
    ["P2", "2024-01-07", "Rohr 7", "3,0", "", "", ""],
]
FORMATS = ("csv", "csv.gz", "xlsx", "parquet")


def _text(rows: list[list[str]], delimiter: str) -> str:
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def write_rows(rows: list[list[str]], path: Path) -> None:
    """A table of text cells in the format that the file's name says."""
    if path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        sheet = book.active
        assert sheet is not None
        for row in rows:
            sheet.append(row)
        book.save(path)
    elif path.suffix == ".parquet":
        names = ", ".join(f'''"{name}"''' for name in rows[0])
        with duckdb.connect() as connection:
            connection.execute(f"CREATE TABLE t ({names.replace(', ', ' VARCHAR, ')} VARCHAR)")
            connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(rows[0]))})", rows[1:])
            connection.execute(f"COPY t TO '{path}' (FORMAT parquet)")
    else:
        data = _text(rows, ",").encode()
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
