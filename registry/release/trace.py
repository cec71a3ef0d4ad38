"""The trace of an episode: each step with the rule that applied, its file and record.

The steps come from the release (`meta.episode_trace`), the file names from the vault if it can be read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from registry.config.settings import Settings
from registry.errors import UserError
from registry.release.query import query
from registry.release.store import current, load
from registry.trace_rules import sentence
from registry.vault.file_names import file_names

# One row per step and underlying record. Only the patient's own lineage is searched.
_STEPS = """
WITH episode AS (SELECT episode_id, patient_key FROM main.fct_neutropenia_episode WHERE episode_id = '{episode_id}'),
origin AS (
    SELECT lineage.*, file.delivery
    FROM meta.lineage AS lineage
    JOIN episode USING (patient_key)
    JOIN meta.input_file AS file ON file.file_id = lineage.source_file
)
SELECT step.step, step.on_date, step.rule, step.is_nadir, step.record_of,
    concat(step.operator, step.anc_10e9_l::DOUBLE) AS anc,
    concat_ws(' ', anc.source_value, anc.source_unit) AS as_reported, step.drug,
    dose.dose_number, dose.dose_source, line.start_date AS line_start, line.end_date AS line_end, line.end_reason,
    step.earlier_episode_id, anc.derivation, origin.source_file, origin.record_number, origin.part,
    origin.part_value::DOUBLE AS part_value
FROM meta.episode_trace AS step
JOIN episode USING (episode_id)
LEFT JOIN main.fct_anc AS anc ON anc.anc_key = step.anc_key
LEFT JOIN main.fct_dose AS dose ON step.record_of = 'dose' AND dose.patient_key = episode.patient_key
    AND dose.drug = step.drug AND dose.administered_on = step.on_date
LEFT JOIN main.fct_treatment AS line ON line.treatment_key = step.record_key
LEFT JOIN origin ON origin.record_of = step.record_of
    AND origin.anc_key IS NOT DISTINCT FROM step.anc_key
    AND origin.record_key IS NOT DISTINCT FROM step.record_key
    AND (step.record_of <> 'dose' OR (origin.drug = step.drug AND origin.administered_on = step.on_date))
ORDER BY step.step, origin.delivery, origin.source_file, origin.record_number, origin.part
"""
_DEFINITION = """
SELECT shown.*, meaning.content_hash FROM main.dim_case_definition AS shown
JOIN meta.definition AS meaning USING (definition_id) WHERE definition_id = '{definition_id}'
"""
_INTERVAL = """
SELECT max(interval_days) FROM main.dim_drug JOIN main.fct_neutropenia_episode ON attributed_drug = drug
WHERE episode_id = '{episode_id}'
"""
_OTHER_RECORDS = {
    "event": "clinical event",
    "adjudication": "chart review",
    "patient": "patient row",
    "contact": "last contact",
}
_HOW_KNOWN = {
    "line_start": ", placed at the start of its line",
    "course": ", one day of a course",
    "assumed": ", assumed from its line",
}


@dataclass(frozen=True)
class Trace:
    """An episode, its case definition, and its steps, as dictionaries by column."""

    episode: dict[str, Any]
    definition: dict[str, Any]
    steps: list[dict[str, Any]]
    interval_days: int | None
    """Dosing interval of the attributed drug."""
    study: dict[str, Any]
    """The study settings, as in the manifest."""
    is_vault_read: bool

    def rules(self) -> list[tuple[str, str]]:
        """The rules that applied, in order of first use, with the definition's own numbers."""
        fired = dict.fromkeys(step["rule"] for step in self.steps)
        return [(rule, sentence(rule, self.definition, self.interval_days, self.study)) for rule in fired]


def trace(settings: Settings, episode_id: str, release_id: str | None = None) -> Trace:
    """Trace an episode of a release, by default the current one.

    Args:
        settings: the registry.
        episode_id: the id, or enough of its first digits to identify one episode.
        release_id: another release.

    Raises:
        UserError: if no episode or more than one matches, or if there is no release.
    """
    if not re.fullmatch(r"[0-9a-f]{4,64}", episode_id):
        raise UserError(f"{episode_id!r} is not an episode id: give its 32 hex digits, or at least the first four")
    columns, found = query(
        settings, f"SELECT * FROM main.fct_neutropenia_episode WHERE episode_id LIKE '{episode_id}%'", release_id
    )
    if len(found) != 1:
        what = "no episode id begins" if not found else f"{len(found)} episode ids begin"
        raise UserError(
            f'{what} with {episode_id}; list them with: registry sql "select episode_id, patient_key, onset_date '
            'from fct_neutropenia_episode"'
        )
    episode = dict(zip(columns, found[0], strict=True))
    columns, rows = query(settings, _DEFINITION.format(**episode), release_id)
    definition = dict(zip(columns, rows[0], strict=True))
    _, ((interval_days,),) = query(settings, _INTERVAL.format(**episode), release_id)
    columns, rows = query(settings, _STEPS.format(**episode), release_id)
    names = file_names(settings)
    steps = [dict(zip(columns, row, strict=True)) for row in rows]
    for step in steps:
        named = (names or {}).get(step["source_file"])
        step["file"] = "/".join(named) if named else step["source_file"]
        step["what"] = _what(step)
    release = load(settings, release_id) if release_id else current(settings)
    study = release.manifest["study"] if release else {}
    return Trace(episode, definition, steps, interval_days, study, names is not None)


def _what(step: dict[str, Any]) -> str:
    """The record behind a step, in words; empty for a count, which is shown by its value."""
    if step["earlier_episode_id"]:
        return f"episode {step['earlier_episode_id'][:10]}"
    if step["part"]:
        unit = "%" if step["part"].endswith("_pct") else "10^9/L"
        return f"{step['derivation']}: {step['part']} {step['part_value']:g} {unit}"
    if step["record_of"] == "dose":
        return f"{step['drug']}, dose {step['dose_number']}{_HOW_KNOWN.get(step['dose_source'], '')}"
    if step["record_of"] == "line":
        reason = f" ({step['end_reason']})" if step["end_reason"] else ""
        end = f" to {step['line_end']}{reason}" if step["line_end"] else ", no end"
        return f"line of {step['drug']} from {step['line_start']}{end}"
    return _OTHER_RECORDS.get(step["record_of"], "")
