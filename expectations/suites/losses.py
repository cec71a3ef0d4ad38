"""What one site or one case lost since the previous release, although the whole still looks sound.

`drift.py` asks the same of whole tables. A month of one site is a small part of them: an export that came back
without it would pass. Why an emptied month blocks, and what lets it through:
docs/decisions/0019-a-month-that-comes-back-empty.md.
"""

from __future__ import annotations

from expectations.check import Check
from expectations.check_types import no_rows
from expectations.suites.accounts import NOTHING_LOST
from expectations.suites.drift import COMMON_END, EXPLAINED, PATIENTS_TAKEN_BACK, rested_on_retracted

# Of fewer, one patient who moved away or one corrected date is a large share.
FEWEST_ROWS = 10

_ANC = "SELECT site, collected_on AS day FROM {before}main.fct_anc"
_LAB = "SELECT site, collected_on AS day FROM {before}main.fct_lab_grade"
# Assumed doses follow from the recorded ones and move with them.
_DOSE = """SELECT patient.site, dose.administered_on AS day FROM {before}main.fct_dose AS dose
            JOIN {before}main.dim_patient AS patient ON dose.patient_key = patient.patient_key
            WHERE dose.dose_source = 'recorded'"""


def _months(rows: str, before: str) -> str:
    """Rows by site and month, and by site alone (month NULL), up to the end that both releases have reached."""
    return f"""
        SELECT site, date_trunc('month', day) AS month, count(*) AS n FROM ({rows.format(before=before)}) AS dated
        WHERE day <= {COMMON_END} GROUP BY GROUPING SETS ((site, date_trunc('month', day)), (site))
    """


def _shrunk(check_id: str, table: str, rows: str, what: str) -> Check:
    return no_rows(
        check_id,
        table,
        f"""
        SELECT before.site, coalesce(strftime(before.month, '%Y-%m'), 'all months') AS month,
            coalesce(now.n, 0) || ' of ' || before.n AS still_there
        FROM ({_months(rows, "previous.")}) AS before
        LEFT JOIN ({_months(rows, "")}) AS now
            ON before.site = now.site AND before.month IS NOT DISTINCT FROM now.month
        WHERE before.n >= {FEWEST_ROWS} AND 2 * coalesce(now.n, 0) < before.n
        """,
        description=f"No site has lost more than half of its {what} of a month, or of all months, that the previous "
        "release had.",
        source=f"Promise 1: nothing is lost. This registry's choice: half, of at least {FEWEST_ROWS}",
        severity="warning",
        finds="months of a site",
        needs_previous=True,
        names_offenders=True,
    )


_EMPTIED_MONTH = no_rows(
    "site_anc_month_emptied",
    "main.fct_anc",
    f"""
    WITH emptied AS (
        SELECT before.site, before.month FROM ({_months(_ANC, "previous.")}) AS before
        LEFT JOIN ({_months(_ANC, "")}) AS now
            ON before.site = now.site AND before.month IS NOT DISTINCT FROM now.month
        WHERE before.n >= {FEWEST_ROWS} AND now.site IS NULL
    ), gone AS (
        -- A result that now has another date is not gone. Of the candidate only the keys of sites with an emptied month
        -- are compared: mostly none.
        SELECT anc.site, count(*) AS n,
            count(CASE WHEN {rested_on_retracted("anc", "anc_key")} THEN 1 END) AS n_retracted
        FROM previous.main.fct_anc AS anc
        ANTI JOIN (
            SELECT anc_key FROM main.fct_anc WHERE site IN (SELECT site FROM emptied)
        ) AS still ON anc.anc_key = still.anc_key
        WHERE anc.collected_on <= {COMMON_END}
            AND EXISTS (
                SELECT 1 FROM emptied WHERE emptied.site = anc.site
                    AND coalesce(emptied.month = date_trunc('month', anc.collected_on), true)
            )
            AND anc.patient_key NOT IN ({PATIENTS_TAKEN_BACK})
        GROUP BY anc.site
    ), taken_back AS (
        -- cancellations that came since
        SELECT now.site, sum(now.rows_cancelled) AS n_results
        FROM meta.reconciliation AS now
        ANTI JOIN previous.meta.reconciliation AS before ON now.source_file = before.source_file
        WHERE now.entity = 'lab_results' GROUP BY now.site
    )
    SELECT emptied.site, coalesce(strftime(emptied.month, '%Y-%m'), 'all months') AS month,
        CASE
            WHEN gone.n - gone.n_retracted - coalesce(taken_back.n_results, 0) < {FEWEST_ROWS} THEN 'retracted'
        END AS explained
    FROM emptied
    JOIN gone ON emptied.site = gone.site
    LEFT JOIN taken_back ON emptied.site = taken_back.site
    WHERE gone.n - coalesce(taken_back.n_results, 0) >= {FEWEST_ROWS}
    """,
    description="No month of a site that had neutrophil counts in the previous release has none now, unless they were "
    f"taken back: cancelled by the site, or of patients who were cancelled or forgotten. {EXPLAINED}",
    source=f"Promise 1: nothing is lost. Decision 0019, of at least {FEWEST_ROWS} counts",
    finds="months of a site",
    needs_previous=True,
    names_offenders=True,
    has_explanations=True,
    explained_by_rules=True,
)


def _usable(before: str) -> str:
    """Rows of a delivery and entity that are neither quarantined nor retracted."""
    return f"""
        SELECT site, delivery, entity,
            sum(rows_current + rows_superseded + rows_duplicate + rows_not_mapped + rows_erased) AS n
        FROM {before}meta.reconciliation GROUP BY site, delivery, entity
    """


_SHRUNK_DELIVERY = no_rows(
    "delivery_shrunk",
    "meta.reconciliation",
    f"""
    SELECT before.site, before.delivery, before.entity, coalesce(now.n, 0) || ' of ' || before.n AS still_usable
    FROM ({_usable("previous.")}) AS before
    LEFT JOIN ({_usable("")}) AS now
        ON before.site = now.site AND before.delivery = now.delivery AND before.entity = now.entity
    WHERE before.n >= {FEWEST_ROWS} AND 2 * coalesce(now.n, 0) < before.n
    """,
    description="No delivery of the previous release, sent again or judged again, has lost more than half of an "
    "entity's rows: replaced by fewer, quarantined, or retracted.",
    source=f"{NOTHING_LOST}. This registry's choice: half, of at least {FEWEST_ROWS}",
    severity="warning",
    finds="tables of a delivery",
    needs_previous=True,
    names_offenders=True,
)

# After a rotation of the key nobody can be found again: then there is nothing to compare.
_LOST_CASE = no_rows(
    "case_episodes_lost",
    "main.fct_neutropenia_episode",
    f"""
    SELECT lost.site, lost.severity, lost.became || ': '
            || count(*) OVER (PARTITION BY lost.site, lost.severity, lost.became) AS n_lost
    FROM (
        SELECT before.site, coalesce(before.severity, 'ungraded') AS severity, CASE
                WHEN now.adjudication IN ('other_cause', 'lab_error') THEN 'ruled out by review'
                WHEN now.attributed_drug IS NULL AND now.episode_id IS NOT NULL THEN 'no longer attributed'
                WHEN now.episode_id IS NOT NULL THEN 'no longer in the cohort'
                WHEN patient.patient_key IS NULL THEN 'patient absent'
                ELSE 'absent'
            END AS became
        FROM previous.main.fct_neutropenia_episode AS before
        JOIN main.dim_case_definition AS definition
            ON before.definition_id = definition.definition_id AND definition.is_primary
        LEFT JOIN main.fct_neutropenia_episode AS now
            ON before.definition_id = now.definition_id AND before.patient_key = now.patient_key
            AND before.onset_date = now.onset_date
        LEFT JOIN main.dim_patient AS patient ON before.patient_key = patient.patient_key
        WHERE before.is_case_episode AND before.onset_date <= {COMMON_END}
            AND NOT EXISTS (
                SELECT 1 FROM main.fct_neutropenia_episode AS still
                WHERE still.definition_id = before.definition_id AND still.patient_key = before.patient_key
                    AND still.is_case_episode
                    AND still.onset_date <= coalesce(before.end_date, DATE '9999-12-31')
                    AND coalesce(still.end_date, DATE '9999-12-31') >= before.onset_date
            )
            AND EXISTS (
                SELECT 1 FROM previous.main.dim_patient AS known
                JOIN main.dim_patient AS again ON known.patient_key = again.patient_key
            )
    ) AS lost
    """,
    description="Every case episode of the previous release under the primary definition is still one: same patient "
    "and onset, or overlapping if the onset has moved. `registry releases diff` lists the others.",
    source="This registry's choice: a case that was published does not vanish unnoticed",
    severity="warning",
    finds="episodes",
    needs_previous=True,
    names_offenders=True,
)

CHECKS: tuple[Check, ...] = (
    _EMPTIED_MONTH,
    _shrunk("site_anc_month_shrunk", "main.fct_anc", _ANC, "neutrophil counts"),
    _shrunk("site_lab_month_shrunk", "main.fct_lab_grade", _LAB, "other counts"),
    _shrunk("site_dose_month_shrunk", "main.fct_dose", _DOSE, "recorded doses"),
    _SHRUNK_DELIVERY,
    _LOST_CASE,
)
