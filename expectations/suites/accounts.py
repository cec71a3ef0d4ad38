"""The registry's books: every delivered row accounted for, every result traced to its file and record."""

from __future__ import annotations

from expectations.check import Check
from expectations.check_types import no_rows, one_of
from registry.trace_rules import RESTS_ON_NOTHING, RULES

NOTHING_LOST = "Promise 1: nothing is lost"
TRACEABLE = "Promise 3: every number can be traced"

OUTCOMES = (
    "rows_current",
    "rows_superseded",
    "rows_duplicate",
    "rows_quarantined",
    "rows_not_mapped",
    "rows_retracted",
    "rows_erased",
)
_sum = " + ".join(OUTCOMES)
_of_the_course = "'onset', 'low', 'not_yet_recovered', 'provisional_recovery', 'gcsf_rebound', 'recovered'"
_resting_on_nothing = ", ".join(f"'{rule}'" for rule in sorted(RESTS_ON_NOTHING))
_negative = " OR ".join(f"{column} < 0" for column in (*OUTCOMES, "rows_cancelled", "rows_not_given", "rows_open"))

CHECKS: tuple[Check, ...] = (
    no_rows(
        "reconciliation_adds_up",
        "meta.reconciliation",
        f"""
        SELECT source_file FROM meta.reconciliation
        WHERE coalesce(rows_delivered <> {_sum}, true) OR {_negative}
            OR rows_cancelled + rows_not_given > rows_current OR rows_open > rows_quarantined
        """,
        description="Every delivered row is current, superseded, a duplicate, quarantined, not mapped, retracted or "
        "erased, and counted once; cancellations, and doses that were not given, are among the current, and open rows "
        "among the quarantined.",
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
        description="Every current file is accounted for with all its rows.",
        source=NOTHING_LOST,
        finds="files",
        names_offenders=True,
    ),
    no_rows(
        "reconciliation_file_known",
        "meta.reconciliation",
        """
        SELECT source_file FROM meta.reconciliation
        WHERE source_file NOT IN (SELECT file_id FROM meta.input_file WHERE is_current)
        """,
        description="Only current files are accounted for.",
        source=NOTHING_LOST,
        names_offenders=True,
    ),
    no_rows(
        "retracted_files_count_nowhere",
        "meta.reconciliation",
        """
        SELECT account.source_file FROM meta.reconciliation AS account
        JOIN meta.input_file AS file ON account.source_file = file.file_id
        WHERE CASE
            WHEN file.is_retracted THEN account.rows_delivered <> account.rows_retracted + account.rows_erased
            ELSE account.rows_retracted <> 0
        END
        """,
        description="All rows of a retracted file are retracted or erased, and no row of another file is retracted.",
        source=NOTHING_LOST,
        names_offenders=True,
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
    no_rows(
        "anc_has_lineage",
        "meta.lineage",
        """
        SELECT anc_key FROM main.fct_anc
        WHERE anc_key NOT IN (SELECT anc_key FROM meta.lineage WHERE anc_key IS NOT NULL)
        """,
        description="Every result can be traced to at least one file and record.",
        source=TRACEABLE,
        finds="results",
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
        description="Every dose can be traced to a record: its administration, or the line that it is taken from.",
        source=TRACEABLE,
        finds="doses",
    ),
    no_rows(
        "line_has_lineage",
        "meta.lineage",
        """
        SELECT treatment_key FROM main.fct_treatment
        WHERE treatment_key NOT IN (SELECT record_key FROM meta.lineage WHERE record_key IS NOT NULL)
        """,
        description="Every line of therapy can be traced to its record.",
        source=TRACEABLE,
        finds="lines",
    ),
    one_of(
        "trace_rule_values",
        "meta.episode_trace",
        "rule",
        tuple(RULES),
        description="Every step of an episode's trace has a rule with a sentence that explains it.",
        source=TRACEABLE,
    ),
    no_rows(
        "trace_step_has_lineage",
        "meta.episode_trace",
        f"""
        SELECT step.episode_id, step.step FROM meta.episode_trace AS step
        JOIN main.fct_neutropenia_episode AS episode ON step.episode_id = episode.episode_id
        LEFT JOIN meta.lineage AS origin
            ON episode.patient_key = origin.patient_key
            AND step.record_of = origin.record_of
            AND step.anc_key IS NOT DISTINCT FROM origin.anc_key
            AND step.record_key IS NOT DISTINCT FROM origin.record_key
            AND (step.record_of <> 'dose' OR (step.drug = origin.drug AND step.on_date = origin.administered_on))
        WHERE origin.record_of IS NULL AND step.rule NOT IN ({_resting_on_nothing})
        """,
        description="Every step of a trace leads to a record, except those that rest on something not recorded.",
        source=TRACEABLE,
    ),
    no_rows(
        "trace_agrees_with_the_episode",
        "meta.episode_trace",
        f"""
        SELECT episode.episode_id FROM main.fct_neutropenia_episode AS episode
        LEFT JOIN (
            SELECT episode_id, min(CASE WHEN rule = 'onset' THEN on_date END) AS onset_date,
                min(CASE WHEN is_nadir THEN anc_10e9_l END) AS nadir,
                count(CASE WHEN rule IN ({_of_the_course}) THEN anc_key END) AS n_counts
            FROM meta.episode_trace GROUP BY episode_id
        ) AS traced ON episode.episode_id = traced.episode_id
        WHERE traced.onset_date IS DISTINCT FROM episode.onset_date
            OR traced.nadir IS DISTINCT FROM episode.nadir_anc_10e9_l
            OR traced.n_counts IS DISTINCT FROM episode.n_measurements
        """,
        description="The trace of an episode has its onset, its nadir and as many counts as the episode.",
        source=TRACEABLE,
        finds="episodes",
    ),
    no_rows(
        "lineage_record_exists",
        "meta.lineage",
        """
        SELECT furthest.source_file FROM (
            SELECT source_file, min(record_number) AS first_record, max(record_number) AS last_record
            FROM meta.lineage GROUP BY source_file
        ) AS furthest
        LEFT JOIN meta.input_file AS file
            ON furthest.source_file = file.file_id AND file.is_current AND NOT file.is_retracted
        WHERE file.file_id IS NULL OR first_record < 1 OR last_record > file.n_rows
        """,
        description="Every trace leads to a current file that is not retracted, and to a record in it.",
        source=TRACEABLE,
        finds="files",
        names_offenders=True,
    ),
)
