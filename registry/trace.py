"""From an episode back to what it was made of: each count and dose, the rule it fired, its file and record.

The steps are the release's own (`meta.episode_trace`); the files' names come from the vault, where it can be read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from registry.errors import UserError
from registry.release.query import query
from registry.settings import Settings
from registry.vault import connect_vault

# What a step of meta.episode_trace decided; {…} are parameters of the definition in force. Design: episodes 1 to 4.
RULES = {
    "attributed_dose": "the last anti-CD20 dose before the day of onset, at most {attribution_days} days back",
    "last_normal": "the last ANC >= {recovery_at} before onset",
    "onset": "the first ANC {low} outside an episode starts one",
    "low": "an ANC {low} inside an episode continues it",
    "not_yet_recovered": "an ANC below {recovery_at} continues the episode",
    "gcsf": "a G-CSF dose from onset to the recovery, or to 30 days after onset where there is none",
    "provisional_recovery": "an ANC >= {recovery_at} within {gcsf_days} days after G-CSF: provisional, since a low "
    "value followed within {gcsf_days} days",
    "gcsf_rebound": "that low value: the episode continues",
    "recovered": "the first ANC >= {recovery_at} ends the episode",
    "lost_after_this": "no measurement for more than {max_gap_days} days: the episode ends 'lost' on its last one",
    "open_at_end_of_observation": "the observation ends with the episode open",
}

_STEPS = """
SELECT step.step, step.on_date, step.rule, step.is_nadir, concat(step.operator, step.anc_10e9_l::DOUBLE) AS anc,
    concat_ws(' ', anc.source_value, anc.source_unit) AS as_reported, step.drug, origin.source_file,
    origin.record_number
FROM meta.episode_trace AS step
JOIN main.fct_neutropenia_episode AS episode USING (episode_id)
LEFT JOIN main.fct_anc AS anc ON anc.anc_key = step.anc_key
LEFT JOIN meta.lineage AS origin ON origin.anc_key = step.anc_key
    OR (origin.patient_key = episode.patient_key AND origin.drug = step.drug AND origin.administered_on = step.on_date)
LEFT JOIN meta.input_file AS file ON file.file_id = origin.source_file
WHERE step.episode_id = '{episode_id}'
ORDER BY step.step, file.delivery, origin.source_file, origin.record_number
"""


@dataclass(frozen=True)
class Trace:
    """An episode, the definition it follows, and its steps: as dictionaries by column."""

    episode: dict[str, Any]
    definition: dict[str, Any]
    steps: list[dict[str, Any]]
    is_vault_read: bool

    def rules(self) -> list[tuple[str, str]]:
        """The rules that fired, in the order in which they first did, with the definition's own numbers."""
        low = f"{'<=' if self.definition['onset_inclusive'] else '<'} {self.definition['onset_below'].normalize():f}"
        numbers = self.definition | {"low": low, "recovery_at": f"{self.definition['recovery_at'].normalize():f}"}
        fired = dict.fromkeys(step["rule"] for step in self.steps)
        return [(rule, RULES[rule].format(**numbers)) for rule in fired]


def trace(settings: Settings, episode_id: str, release_id: str | None = None) -> Trace:
    """Everything behind an episode of a release, by default the one in force.

    Args:
        settings: the registry.
        episode_id: the id, or as much of its beginning as names it alone.
        release_id: another release.

    Raises:
        UserError: where no episode, or more than one, begins so; where there is no release.
    """
    if not re.fullmatch(r"[0-9a-f]{4,64}", episode_id):
        raise UserError(f"{episode_id!r} is no episode id: 32 hex digits, or at least the first four of them")
    columns, found = query(
        settings, f"SELECT * FROM main.fct_neutropenia_episode WHERE episode_id LIKE '{episode_id}%'", release_id
    )
    if len(found) != 1:
        what = "no episode's id begins" if not found else f"{len(found)} episodes' ids begin"
        raise UserError(
            f'{what} with {episode_id}; list them with: registry sql "select episode_id, patient_key, onset_date '
            'from fct_neutropenia_episode"'
        )
    episode = dict(zip(columns, found[0], strict=True))
    columns, rows = query(
        settings,
        "SELECT shown.*, meaning.content_hash FROM main.dim_case_definition AS shown JOIN meta.definition AS meaning "
        f"USING (definition_id) WHERE definition_id = '{episode['definition_id']}'",
        release_id,
    )
    definition = dict(zip(columns, rows[0], strict=True))
    columns, rows = query(settings, _STEPS.format(episode_id=episode["episode_id"]), release_id)
    names = _file_names(settings)
    steps = [dict(zip(columns, row, strict=True)) for row in rows]
    for step in steps:
        step["file"] = (names or {}).get(step["source_file"], step["source_file"])
    return Trace(episode, definition, steps, names is not None)


def _file_names(settings: Settings) -> dict[str, str] | None:
    """File id → site/delivery/name, from the vault; None where it can't be read now."""
    try:
        with connect_vault(settings, read_only=True) as connection:
            rows = connection.execute("SELECT file_id, site, delivery, path FROM input_file").fetchall()
    except UserError:
        return None
    return {file_id: "/".join(place) for file_id, *place in rows}
