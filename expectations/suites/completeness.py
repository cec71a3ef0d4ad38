"""What each site sent, against what its own past lets one expect. Needs no previous release.

`drift.py` asks what a release lost of the one before; here the question is what has not come at all.
"""

from __future__ import annotations

from expectations.check import Check
from expectations.check_types import no_rows
from expectations.suites.accounts import NOTHING_LOST

SILENT = "('no_delivery', 'not_due')"

CHECKS: tuple[Check, ...] = (
    no_rows(
        "completeness_covers_every_file",
        "meta.completeness",
        """
        SELECT coalesce(month.site, file.site) AS site, coalesce(month.delivery, file.delivery) AS delivery
        FROM (SELECT * FROM meta.completeness WHERE files_received > 0) AS month
        FULL JOIN (
            SELECT site, delivery, entity, count(*) AS n_files, sum(n_rows) AS n_rows
            FROM meta.input_file WHERE is_current AND NOT is_retracted GROUP BY site, delivery, entity
        ) AS file ON month.site = file.site AND month.delivery = file.delivery AND month.entity = file.entity
        WHERE month.files_received IS DISTINCT FROM file.n_files OR month.rows_received IS DISTINCT FROM file.n_rows
        """,
        description="Files and rows by site, month and entity are those of the current files.",
        source=NOTHING_LOST,
        finds="tables of a delivery",
        names_offenders=True,
    ),
    no_rows(
        "completeness_reaches_latest_month",
        "meta.completeness",
        """
        SELECT site, max(delivery) AS reached FROM meta.completeness
        GROUP BY site
        HAVING max(delivery) < (SELECT max(delivery) FROM meta.input_file WHERE is_current AND NOT is_retracted)
        """,
        description="Every site is followed up to the latest month that any site delivered.",
        source=NOTHING_LOST,
        finds="sites",
        names_offenders=True,
    ),
    no_rows(
        "site_silent_in_latest_month",
        "meta.completeness",
        """
        SELECT DISTINCT site, delivery FROM meta.completeness
        WHERE status = 'no_delivery' AND delivery = (SELECT max(delivery) FROM meta.completeness)
        """,
        description="Every site whose delivery is due, by the usual time between its deliveries, delivered something "
        "for the latest month.",
        source="This registry's choice: a late site is published as it is, and named",
        severity="warning",
        finds="sites",
        names_offenders=True,
    ),
    no_rows(
        "entity_missing_or_low",
        "meta.completeness",
        f"""
        SELECT site, delivery, entity, status, rows_received || ' rows, expected ' || round(rows_expected) AS found
        FROM meta.completeness
        WHERE status IN ('missing', 'low') AND (site, delivery) IN (
            SELECT (site, max(delivery)) FROM meta.completeness WHERE status NOT IN {SILENT} GROUP BY site
        )
        """,
        description="No site's latest delivery lacks an entity or has far fewer rows of it than the site's past "
        "leads one to expect.",
        source="This registry's choice: less than half, and less than chance explains (three times the spread)",
        severity="warning",
        finds="tables of a delivery",
        names_offenders=True,
    ),
)
