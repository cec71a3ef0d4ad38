"""Why a patient's episodes differ between two releases, derived from their published tables.

The reasons, of which several may apply: `definition` (the case definition or its scale changed), `correction` (a row of
the earlier release is gone or was delivered differently), `new_data` (rows or follow-up that the earlier one did not
have), `settings` and `code`. The last two are found by elimination or from the manifests, because no row shows them.
The rules with their reasons: docs/decisions/0012-why-an-episode-differs.md.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Literal

import duckdb

Reason = Literal["definition", "correction", "new_data", "settings", "code"]

# Settings that change no row: suppression, how many releases are kept. Definitions have their own hashes.
_WITHOUT_EFFECT = {"definitions", "keep_releases", "suppression_threshold"}

# What a patient's episodes are based on: rows by key, each with what the hospital wrote. A dose has no key, so a
# corrected date is one row gone and one new. A derived count has no value as sent, so its computed value is used.
_EVIDENCE = {
    "counts": (
        "main.fct_anc",
        "anc_key",
        """
        concat_ws('|', collected_at, collected_on, derivation, operator, source_unit,
            CASE WHEN derivation = 'measured' THEN source_value ELSE CAST(anc_10e9_l AS VARCHAR) END)
        """,
    ),
    "doses": (
        "(SELECT * FROM {name}.main.fct_dose WHERE dose_source = 'recorded')",
        "concat_ws('|', drug, administered_on)",
        "''",
    ),
    "treatment lines": (
        "main.fct_treatment",
        "treatment_key",
        "concat_ws('|', drug, start_date, coalesce(CAST(end_date AS VARCHAR), ''), end_reason)",
    ),
    "patient": (
        "main.dim_patient",
        "patient_key",
        "concat_ws('|', coalesce(sex, ''), coalesce(birth_year, 0), coalesce(ms_phenotype, ''), duffy_null)",
    ),
    "chart reviews": (
        # without the episode, whose id changes with its onset
        "(SELECT DISTINCT patient_key, verdict, reviewed_on FROM {name}.main.mart_chart_review WHERE n_reviews > 0)",
        "concat_ws('|', verdict, coalesce(CAST(reviewed_on AS VARCHAR), ''))",
        "''",
    ),
}
_COUNTS = """
SELECT coalesce(b.patient_key, a.patient_key) AS patient_key,
    count(*) FILTER (WHERE b.row_key IS NULL) AS n_new,
    count(*) FILTER (WHERE a.row_key IS NULL) AS n_gone,
    count(*) FILTER (WHERE a.content <> b.content) AS n_altered
FROM (
    SELECT patient_key, {key} AS row_key, {content} AS content FROM {before} SEMI JOIN affected USING (patient_key)
) AS b
FULL JOIN (
    SELECT patient_key, {key} AS row_key, {content} AS content FROM {after} SEMI JOIN affected USING (patient_key)
) AS a
    ON b.patient_key = a.patient_key AND b.row_key = a.row_key
GROUP BY 1 HAVING n_new + n_gone + n_altered > 0
"""
_FOLLOW_UP = """
SELECT patient_key, a.observation_end > b.observation_end OR a.follow_up_end > b.follow_up_end AS is_longer
FROM before.main.dim_patient AS b JOIN after.main.dim_patient AS a USING (patient_key)
SEMI JOIN affected USING (patient_key)
WHERE a.observation_end IS DISTINCT FROM b.observation_end OR a.follow_up_end IS DISTINCT FROM b.follow_up_end
"""


@dataclass
class Explanation:
    """Reasons by patient, and reasons for all patients."""

    definitions: set[str] = field(default_factory=set)
    settings_differ: bool = False
    code_differs: bool = False
    files_differ: bool = False
    reasons: dict[str, set[Reason]] = field(default_factory=dict)
    evidence: dict[str, list[str]] = field(default_factory=dict)

    def of(self, definition_id: str, patient_key: str) -> tuple[tuple[Reason, ...], str]:
        """The reasons for a change of a patient's episode, and the rows behind them as counts."""
        found: set[Reason] = set(self.reasons.get(patient_key, ()))
        if definition_id in self.definitions:
            found.add("definition")
        if self.settings_differ:
            found.add("settings")
        if not found:
            found |= self._by_elimination()
        order: tuple[Reason, ...] = ("definition", "correction", "new_data", "settings", "code")
        evidence = "; ".join(self.evidence.get(patient_key, ())) or "no published rows of this patient differ"
        return tuple(reason for reason in order if reason in found), evidence

    def _by_elimination(self) -> set[Reason]:
        """If no row differs: the code, rows that are in no table (clinical events), or a site's settings."""
        left: set[Reason] = set()
        if self.code_differs:
            left.add("code")
        if self.files_differ:
            left.add("new_data")
        return left or {"settings"}


def explain(
    connection: duckdb.DuckDBPyConnection, before: dict[str, Any], after: dict[str, Any], patients: Collection[str]
) -> Explanation:
    """Explain the differences of these patients' episodes between two attached releases, `before` and `after`."""
    explanation = Explanation(
        definitions=_differing(_meanings(connection, "before"), _meanings(connection, "after")),
        settings_differ=bool(_differing(before["study"], after["study"]) - _WITHOUT_EFFECT),
        code_differs=before["code_version"] != after["code_version"],
        files_differ=_files(before) != _files(after),
    )
    connection.execute("CREATE TEMP TABLE affected (patient_key VARCHAR)")
    if patients:
        connection.execute("INSERT INTO affected SELECT unnest(?)", [sorted(patients)])
    for what, (table, key, content) in _EVIDENCE.items():
        before_table, after_table = (
            table.format(name=name) if "{name}" in table else f"{name}.{table}" for name in ("before", "after")
        )
        sql = _COUNTS.format(key=key, content=content, before=before_table, after=after_table)
        for patient_key, n_new, n_gone, n_altered in connection.execute(sql).fetchall():
            reasons = explanation.reasons.setdefault(patient_key, set())
            if n_gone or n_altered:
                reasons.add("correction")
            # a new row that replaces one that is gone is a correction
            if n_new > n_gone:
                reasons.add("new_data")
            counts = f"{n_new} new, {n_altered} altered, {n_gone} gone"
            explanation.evidence.setdefault(patient_key, []).append(f"{what}: {counts}")
    for patient_key, is_longer in connection.execute(_FOLLOW_UP).fetchall():
        explanation.reasons.setdefault(patient_key, set()).add("new_data" if is_longer else "correction")
        explanation.evidence.setdefault(patient_key, []).append(f"follow-up {'longer' if is_longer else 'shorter'}")
    return explanation


def _meanings(connection: duckdb.DuckDBPyConnection, name: str) -> dict[str, Any]:
    """The content hash of each definition, which ignores its label and source."""
    return dict(connection.execute(f"SELECT definition_id, content_hash FROM {name}.meta.definition").fetchall())


def _files(manifest: dict[str, Any]) -> set[tuple[str, bool, bool]]:
    return {(file["file_id"], file["is_current"], "is_retracted" in file) for file in manifest["inputs"]}


def _differing(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
