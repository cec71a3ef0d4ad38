"""A site that sends wide laboratory tables, for tests."""

from __future__ import annotations

import csv
import io

SITE = """\
columns: {lab_results: {ID: patient_id, Data: collected_at, Campione: specimen_id, Accettazione: result_id}}
csv: {date_formats: ["%d/%m/%Y", "%d/%m/%Y %H:%M"]}
codes: {tests: {"NEU#": anc}}
wide:
  lab_results:
    tests:
      Neutrofili: {code: "NEU#", unit: mila/mmc}
      Leucociti: {code: wbc, unit: G/L}
    carry_down: [patient_id, collected_at]
"""
HEADER = ["ID", "Data", "Neutrofili", "Leucociti"]


def as_csv(*rows: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
