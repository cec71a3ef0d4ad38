"""What was delivered and can't be used: cells that can't be read, codes in no list, a delivery in the wrong place.

`losses.py` asks what is gone since the previous release, `completeness.py` what has not come.
"""

from __future__ import annotations

from expectations.check import Check
from expectations.check_types import no_rows
from expectations.suites.accounts import NOTHING_LOST
from expectations.suites.drift import PATIENTS_TAKEN_BACK

FEWEST_PATIENTS = 5
EMPTIED_PCT = 5
FEWEST_CELLS = 3
UNMAPPED_PCT = 5
FEWEST_ROWS = 10

CHECKS: tuple[Check, ...] = (
    no_rows(
        "patients_left_cohort_for_a_cell",
        "main.dim_patient",
        """
        SELECT site, n || ' patients' AS n_left FROM (
            SELECT now.site, count(*) AS n FROM main.dim_patient AS now
            JOIN previous.main.dim_patient AS before ON now.patient_key = before.patient_key
            WHERE before.in_cohort AND now.exclusion_reason = 'missing_demographics' GROUP BY now.site
        ) AS gone
        """,
        description="Nobody of the previous release's cohort is outside it now because the birth date or sex is blank "
        "or can't be read.",
        source=NOTHING_LOST,
        severity="warning",
        finds="sites",
        needs_previous=True,
        names_offenders=True,
    ),
    no_rows(
        "site_cohort_shrunk",
        "main.dim_patient",
        f"""
        SELECT before.site, coalesce(now.n, 0) || ' of ' || before.n AS still_there
        FROM (
            SELECT site, count(*) AS n FROM previous.main.dim_patient
            WHERE in_cohort AND patient_key NOT IN ({PATIENTS_TAKEN_BACK}) GROUP BY site
        ) AS before
        LEFT JOIN (SELECT site, count(*) AS n FROM main.dim_patient WHERE in_cohort GROUP BY site) AS now
            ON before.site = now.site
        WHERE before.n >= {FEWEST_PATIENTS} AND 2 * coalesce(now.n, 0) < before.n
        """,
        description="No site has lost more than half of the cohort that the previous release had, without patients who "
        "were forgotten or cancelled since.",
        source=f"{NOTHING_LOST}. This registry's choice: half, of at least {FEWEST_PATIENTS}",
        severity="warning",
        finds="sites",
        needs_previous=True,
        names_offenders=True,
    ),
    no_rows(
        "demographics_emptied",
        "meta.column_defect",
        f"""
        SELECT emptied.site, emptied.column_name, emptied.n || ' of ' || patients.n AS n_emptied
        FROM (
            SELECT site, column_name, sum(n_cells) AS n FROM meta.column_defect
            WHERE entity = 'patients' AND column_name IN ('birth_date', 'sex') GROUP BY site, column_name
        ) AS emptied
        JOIN (SELECT site, count(*) AS n FROM main.dim_patient GROUP BY site) AS patients
            ON emptied.site = patients.site
        WHERE emptied.n >= {FEWEST_CELLS} AND 100 * emptied.n >= {EMPTIED_PCT} * patients.n
        """,
        description="No site has many birth dates or sexes that could not be read. Those patients are outside the "
        "cohort.",
        source=f"This registry's choice: {EMPTIED_PCT} %, at least {FEWEST_CELLS}",
        severity="warning",
        finds="columns of a site",
        names_offenders=True,
    ),
    no_rows(
        "dose_amounts_read",
        "meta.column_defect",
        """
        SELECT site, sum(n_cells) || ' doses' AS n_counted FROM meta.column_defect
        WHERE entity = 'administrations' AND column_name = 'dose' GROUP BY site
        """,
        description="No site has doses with an unreadable amount. They count as given, although one of them may mean"
        " that nothing was given.",
        source="Input contract",
        severity="warning",
        finds="sites",
        names_offenders=True,
    ),
    no_rows(
        "neutrophil_codes_mapped",
        "meta.unmapped_code",
        f"""
        SELECT unmapped.site, n_neutrophil_like_codes || ' codes in ' || n_neutrophil_like_rows || ' rows' AS found
        FROM meta.unmapped_code AS unmapped
        LEFT JOIN (SELECT site, count(*) AS n FROM main.fct_anc GROUP BY site) AS used ON unmapped.site = used.site
        WHERE n_neutrophil_like_rows >= {FEWEST_ROWS}
            AND 100 * n_neutrophil_like_rows >= {UNMAPPED_PCT} * (n_neutrophil_like_rows + coalesce(used.n, 0))
        """,
        description="No site sends many results that look like neutrophils under an unmapped code.",
        source=f"This registry's choice: {UNMAPPED_PCT} % of them and the ANC in use, at least {FEWEST_ROWS}",
        severity="warning",
        finds="sites",
        names_offenders=True,
    ),
    no_rows(
        "delivery_month_in_the_future",
        "meta.input_file",
        """
        SELECT DISTINCT site, delivery FROM meta.input_file
        -- a month has begun somewhere 14 hours before it does in UTC
        WHERE is_current AND NOT is_retracted
            AND delivery > strftime(CAST(now() AS TIMESTAMP) + INTERVAL 14 HOURS, '%Y-%m')
        """,
        description="No delivery in use is for a future month: it would move the site's cut-off.",
        source="Input contract",
        severity="warning",
        finds="deliveries",
        names_offenders=True,
    ),
    no_rows(
        "delivery_in_its_place",
        "meta.quarantine_summary",
        f"""
        SELECT held.site, held.delivery, held.entity, held.reason, held.n || ' of ' || account.n AS n_held
        FROM (
            SELECT site, delivery, entity, reason, sum(n_rows) AS n FROM meta.quarantine_summary
            WHERE reason IN ('date_after_delivery', 'unknown_patient') GROUP BY site, delivery, entity, reason
        ) AS held
        JOIN (
            SELECT site, delivery, entity, sum(rows_delivered) AS n FROM meta.reconciliation
            GROUP BY site, delivery, entity
        ) AS account ON held.site = account.site AND held.delivery = account.delivery AND held.entity = account.entity
        WHERE held.n >= {FEWEST_ROWS} AND 2 * held.n > account.n
        """,
        description="In no delivery are most rows later than its month, or of patients whom the site has not "
        "delivered. It may belong to another month or site.",
        source=f"This registry's choice: more than half, of at least {FEWEST_ROWS}",
        severity="warning",
        finds="tables of a delivery",
        names_offenders=True,
    ),
)
