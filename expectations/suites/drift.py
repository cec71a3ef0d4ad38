"""A release against the one before: what went missing, and what moved.

The previous release is attached read-only as `previous`. Where there is none, these checks do not apply.
Tables are compared up to the earlier of the two releases' ends of observation, so that a study whose data
cut-off was moved back on purpose is not taken for one that lost half its rows. What a single site or case lost is
`losses.py`'s question, what has not come at all `completeness.py`'s.
"""

from __future__ import annotations

from expectations.check import Check
from expectations.check_types import no_rows

# The median of one or two results moves threefold with one infection or one G-CSF dose; of five it does not.
FEWEST_RESULTS = 5
FOLD = 3

COMMON_END = """least(
            (SELECT max(observation_end) FROM main.dim_patient),
            (SELECT max(observation_end) FROM previous.main.dim_patient)
        )"""

# Patients whom the previous release had and this one has not, of sites where no more are gone than were forgotten or
# cancelled since: what was theirs is not lost.
PATIENTS_TAKEN_BACK = """
            SELECT gone.patient_key FROM (
                SELECT before.patient_key, before.site, count(*) OVER (PARTITION BY before.site) AS n_gone
                FROM previous.main.dim_patient AS before
                ANTI JOIN main.dim_patient AS now ON before.patient_key = now.patient_key
            ) AS gone
            JOIN (
                SELECT now.site, sum(CASE WHEN before.source_file IS NULL THEN now.rows_cancelled ELSE 0 END
                    + now.rows_erased - coalesce(before.rows_erased, 0)) AS n_patients
                FROM meta.reconciliation AS now
                LEFT JOIN previous.meta.reconciliation AS before ON now.source_file = before.source_file
                WHERE now.entity = 'patients' GROUP BY now.site
            ) AS taken_back ON gone.site = taken_back.site AND gone.n_gone <= taken_back.n_patients"""


def _counted(account: str) -> str:
    """Rows of a file that took part: 0 where it was retracted already, in a release that may not know the word."""
    columns = ("current", "superseded", "duplicate", "quarantined", "not_mapped")
    return " + ".join(f"{account}.rows_{column}" for column in columns)


# Files that counted in the previous release and are retracted now, in the version of then or in a later one.
_RETRACTED_SINCE = f"""
            SELECT file.file_id FROM meta.input_file AS file
            JOIN previous.meta.reconciliation AS account ON file.file_id = account.source_file
            WHERE file.is_retracted AND {_counted("account")} > 0"""
_RESTED_ON = f"FROM previous.meta.lineage WHERE source_file IN ({_RETRACTED_SINCE})"


def rested_on_retracted(record_of: str, key: str = "") -> str:
    """Whether a row of the previous release rested on a file retracted since, or its patient did."""
    patient = f"patient_key IN (SELECT patient_key {_RESTED_ON} AND record_of = 'patient')"
    own = (
        f"({key}) IN (SELECT ({key.replace('treatment_key', 'record_key')}) {_RESTED_ON} AND record_of = '{record_of}')"
    )
    return f"({patient} OR {own})" if key else patient


# A count that is not an ANC has no lineage of its own: as many as the retracted files had current results.
_RESULTS_RETRACTED = f"""(
            SELECT coalesce(sum(rows_current), 0) FROM previous.meta.reconciliation
            WHERE entity = 'lab_results' AND source_file IN ({_RETRACTED_SINCE})
        )"""
EXPLAINED = "Warns where a retraction or changed rules of the registry explain it."


def _halved(check_id: str, table: str, day: str | None, retracted: str, n_more: str = "0") -> Check:
    until = f"WHERE {day} <= {COMMON_END}" if day else ""
    of_others = f"{'AND' if day else 'WHERE'} patient_key NOT IN ({PATIENTS_TAKEN_BACK})"
    name = table.partition(".")[2]
    return no_rows(
        check_id,
        table,
        f"""
        SELECT '{name}' AS halved, now.n AS n_now, before.n AS n_before,
            CASE WHEN 2 * now.n >= before.n - before.n_retracted - {n_more} THEN 'retracted' END AS explained
        FROM (SELECT count(*) AS n FROM {table} {until}) AS now
        CROSS JOIN (
            SELECT count(*) AS n, count(CASE WHEN {retracted} THEN 1 END) AS n_retracted
            FROM previous.{table} {until} {of_others}
        ) AS before
        WHERE 2 * now.n < before.n
        """,
        description=f"{name} has at least half the rows of the previous release, over the same time, without those of "
        f"patients who were forgotten or cancelled since. {EXPLAINED}",
        source="Promise 1: nothing is lost. Decision 0019",
        finds="tables",
        needs_previous=True,
        names_offenders=True,
        has_explanations=True,
        explained_by_rules=True,
    )


CHECKS: tuple[Check, ...] = (
    no_rows(
        "delivery_month_lost",
        "meta.input_file",
        f"""
        SELECT DISTINCT before.site, before.delivery,
            CASE WHEN retracted.site IS NOT NULL THEN 'retracted' END AS explained
        FROM previous.meta.reconciliation AS before
        ANTI JOIN (SELECT * FROM meta.input_file WHERE NOT is_retracted) AS now
            ON before.site = now.site AND before.delivery = now.delivery
        LEFT JOIN (SELECT DISTINCT site, delivery FROM meta.input_file WHERE is_retracted) AS retracted
            ON before.site = retracted.site AND before.delivery = retracted.delivery
        WHERE before.source_file IN ({_RETRACTED_SINCE}) OR (
            retracted.site IS NULL
            AND ({_counted("before")} > 0 OR before.rows_delivered = before.rows_erased)
        )
        """,
        description="Every month that a site had delivered by the previous release is still there. Warns where it is "
        "retracted.",
        source="Promise 1: nothing is lost. Decision 0019",
        finds="deliveries",
        needs_previous=True,
        names_offenders=True,
        has_explanations=True,
    ),
    _halved("patients_halved", "main.dim_patient", None, rested_on_retracted("patient")),
    _halved("treatments_halved", "main.fct_treatment", "start_date", rested_on_retracted("line", "treatment_key")),
    _halved(
        "doses_halved",
        "main.fct_dose",
        "administered_on",
        rested_on_retracted("dose", "patient_key, drug, administered_on"),
    ),
    _halved("anc_halved", "main.fct_anc", "collected_on", rested_on_retracted("anc", "anc_key")),
    _halved(
        "lab_grades_halved", "main.fct_lab_grade", "collected_on", rested_on_retracted("patient"), _RESULTS_RETRACTED
    ),
    no_rows(
        "site_median_anc_moved",
        "main.fct_anc",
        f"""
        WITH usual AS (
            SELECT site, median(anc_10e9_l) AS anc FROM previous.main.fct_anc
            WHERE operator IS NULL GROUP BY site
        ), month_before AS (
            SELECT site, date_trunc('month', collected_on) AS month, count(*) AS n, median(anc_10e9_l) AS anc
            FROM previous.main.fct_anc WHERE operator IS NULL GROUP BY site, month
        ), month_now AS (
            SELECT site, date_trunc('month', collected_on) AS month, count(*) AS n, median(anc_10e9_l) AS anc
            FROM main.fct_anc WHERE operator IS NULL GROUP BY site, month
        )
        SELECT month_now.site, strftime(month_now.month, '%Y-%m') AS month FROM month_now
        JOIN usual ON month_now.site = usual.site
        LEFT JOIN month_before ON month_now.site = month_before.site AND month_now.month = month_before.month
        WHERE month_now.n >= {FEWEST_RESULTS}
            AND (month_before.n IS DISTINCT FROM month_now.n OR month_before.anc IS DISTINCT FROM month_now.anc)
            AND (month_now.anc >= {FOLD} * usual.anc OR {FOLD} * month_now.anc <= usual.anc)
        """,
        description="No site's median ANC of a new or changed month is three times, or a third of, its median in "
        "the previous release: a changed unit or method.",
        source=f"This registry's choice: threefold, months with at least {FEWEST_RESULTS} results",
        severity="warning",
        finds="months of a site",
        needs_previous=True,
        names_offenders=True,
    ),
)
