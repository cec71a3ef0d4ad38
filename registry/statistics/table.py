"""Shared by the statistical marts: strata as SQL, and tables that are identical on every machine."""

from __future__ import annotations

from typing import Any

DAYS_PER_YEAR = 365.25
_SIGNIFICANT_DIGITS = 10

STRATUM_KEY = ["definition_id", "stratum_type", "stratum"]
ORDER = "definition_id, position(stratum_type in 'overall drug site gcsf'), stratum"


def stratum(drug: str) -> str:
    """SQL that names a stratum of grouping sets over `drug` and `site`.

    A row never has both: strata are margins, not cells.
    """
    return f"""
    case
        when grouping({drug}) = 0 then 'drug'
        when grouping(site) = 0 then 'site'
        else 'overall'
    end as stratum_type,
    coalesce({drug}, site, 'all') as stratum"""


def named(drug: str) -> str:
    """SQL that keeps strata with a name: facts without a drug or site count in no stratum of drugs or sites."""
    return f"(grouping({drug}) = 1 or {drug} is not null) and (grouping(site) = 1 or site is not null)"


def typed(rows: Any, types: dict[str, str]) -> Any:
    """Give columns the types and order of their mart, and round numbers to ten significant digits."""
    of_type = {"VARCHAR": "object", "BIGINT": "int64", "DOUBLE": "float64"}
    rows = rows.reindex(columns=list(types)).astype({column: of_type[type_] for column, type_ in types.items()})
    for column in (column for column, type_ in types.items() if type_ == "DOUBLE"):
        rows[column] = [float(f"{value:.{_SIGNIFICANT_DIGITS - 1}e}") for value in rows[column]]
    return rows
