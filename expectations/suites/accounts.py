"""The registry's books: every delivered row accounted for, every result traced to its file and record."""

from __future__ import annotations

from expectations.check import Check
from expectations.kinds import in_range, no_rows, one_of, present, refers

NOTHING_LOST = "Promise 1: nothing is lost"
TRACEABLE = "Promise 3: every number can be traced"

ENTITIES = (
    "patients",
    "treatments",
    "administrations",
    "lab_results",
    "clinical_events",
    "adjudications",
)
OUTCOMES = (
    "rows_current",
    "rows_superseded",
    "rows_duplicate",
    "rows_quarantined",
    "rows_not_mapped",
    "rows_erased",
)
_sum = " + ".join(OUTCOMES)
_negative = " OR ".join(f"{column} < 0" for column in OUTCOMES)

CHECKS: tuple[Check, ...] = (
    no_rows(
        "reconciliation_adds_up",
        "meta.reconciliation",
        f"""
        SELECT source_file FROM meta.reconciliation
        WHERE coalesce(rows_delivered <> {_sum}, true) OR {_negative}
        """,
        description="Every delivered row is current, superseded, a duplicate, quarantined, not mapped or erased, "
        "and counted once.",
        source=NOTHING_LOST,
        names_offenders=True,
    ),
    no_rows(
        "reconciliation_covers_every_file",
        "meta.reconciliation",
        """
        SELECT file.file_id FROM meta.input_file AS file
        LEFT JOIN (
            SELECT source_file, sum(rows_delivered) AS n_rows FROM meta.reconciliation GROUP BY source_file
        ) AS accounted ON file.file_id = accounted.source_file
        WHERE file.is_current AND file.n_rows IS DISTINCT FROM accounted.n_rows
        """,
        description="Every file in force is accounted for with all its rows.",
        source=NOTHING_LOST,
        names_offenders=True,
    ),
    no_rows(
        "reconciliation_file_known",
        "meta.reconciliation",
        """
        SELECT source_file FROM meta.reconciliation
        WHERE source_file NOT IN (SELECT file_id FROM meta.input_file WHERE is_current)
        """,
        description="Nothing is accounted for that is not a file in force.",
        source=NOTHING_LOST,
        names_offenders=True,
    ),
    one_of(
        "input_file_entity_values",
        "meta.input_file",
        "entity",
        ENTITIES,
        description="Every delivered file is of one of the six entities.",
        source="Input contract",
    ),
    no_rows(
        "input_file_is_identified",
        "meta.input_file",
        """
        SELECT file_id FROM meta.input_file
        WHERE NOT coalesce(
            regexp_full_match(file_id, '[0-9a-f]{16}') AND regexp_full_match(sha256, '[0-9a-f]{64}')
            AND regexp_full_match(delivery, '[0-9]{4}-(0[1-9]|1[0-2])'),
            false
        )
        """,
        description="Every delivered file has a keyed id, a SHA-256 and a delivery month.",
        source="Output contract",
        names_offenders=True,
    ),
    in_range(
        "input_file_rows_possible",
        "meta.input_file",
        "n_rows",
        0,
        None,
        description="No file has fewer than no rows.",
        source="Output contract",
    ),
    no_rows(
        "anc_has_lineage",
        "meta.lineage",
        """
        SELECT anc_key FROM main.fct_anc
        WHERE anc_key NOT IN (SELECT anc_key FROM meta.lineage WHERE anc_key IS NOT NULL)
        """,
        description="Every result can be traced to at least one file and record.",
        source=TRACEABLE,
    ),
    no_rows(
        "dose_has_lineage",
        "meta.lineage",
        """
        SELECT dose.patient_key, dose.drug, dose.administered_on FROM main.fct_dose AS dose
        ANTI JOIN meta.lineage AS origin
            ON dose.patient_key = origin.patient_key AND dose.drug = origin.drug
            AND dose.administered_on = origin.administered_on
        """,
        description="Every dose can be traced to a record: of its administration, or of the line it is taken from.",
        source=TRACEABLE,
    ),
    refers(
        "trace_count_known",
        "meta.episode_trace",
        "anc_key",
        "main.fct_anc",
        "anc_key",
        description="Every count in an episode's trace stands in fct_anc.",
    ),
    no_rows(
        "trace_tells_the_episode",
        "meta.episode_trace",
        """
        SELECT episode.episode_id FROM main.fct_neutropenia_episode AS episode
        LEFT JOIN (
            SELECT episode_id, min(CASE WHEN rule = 'onset' THEN on_date END) AS onset_date,
                min(CASE WHEN is_nadir THEN anc_10e9_l END) AS nadir,
                count(CASE WHEN rule <> 'last_normal' THEN anc_key END) AS n_counts
            FROM meta.episode_trace GROUP BY episode_id
        ) AS told ON episode.episode_id = told.episode_id
        WHERE told.onset_date IS DISTINCT FROM episode.onset_date
            OR told.nadir IS DISTINCT FROM episode.nadir_anc_10e9_l
            OR told.n_counts IS DISTINCT FROM episode.n_measurements
        """,
        description="Every episode's trace has its onset, its nadir and as many counts as the episode says.",
        source=TRACEABLE,
    ),
    present(
        "lineage_record_present",
        "meta.lineage",
        "record_number",
        description="Every trace ends at a record.",
        source=TRACEABLE,
    ),
    no_rows(
        "lineage_record_exists",
        "meta.lineage",
        """
        SELECT furthest.source_file FROM (
            SELECT source_file, min(record_number) AS first_record, max(record_number) AS last_record
            FROM meta.lineage GROUP BY source_file
        ) AS furthest
        LEFT JOIN meta.input_file AS file ON furthest.source_file = file.file_id AND file.is_current
        WHERE file.file_id IS NULL OR first_record < 1 OR last_record > file.n_rows
        """,
        description="Every trace leads to a file in force, and to a record that the file has.",
        source=TRACEABLE,
        names_offenders=True,
    ),
)
