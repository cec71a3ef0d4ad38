"""How far readers of the same chart agree: `mart_review_agreement`.

Which verdicts are compared is decided in the SQL (int_adjudication_pair); this module counts them and takes Cohen's kappa
from statsmodels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

VERDICTS = ("confirmed", "other_cause", "lab_error")
"""What a chart review may say, in the order of the table that kappa is taken from."""

AGREEMENT_TYPES = {
    "definition_id": "VARCHAR",
    "comparison": "VARCHAR",
    "first_reading": "VARCHAR",
    "second_reading": "VARCHAR",
    "n_episodes": "BIGINT",
    "n_agreeing": "BIGINT",
    "agreement_pct": "DOUBLE",
    "kappa": "DOUBLE",
    "kappa_low": "DOUBLE",
    "kappa_high": "DOUBLE",
}

# Every definition has its row of first and second verdicts, also where no episode was read twice.
_PAIRS = """
select definition_id, comparison, first_reading, second_reading, first_verdict, second_verdict, count(*) as n
from intermediate.int_adjudication_pair
group by all
union all
select definition_id, 'order', 'first verdict', 'second verdict', null, null, 0
from main.dim_case_definition
order by all
"""


@dataclass(frozen=True)
class Agreement:
    """Episodes that both read, those with the same verdict, and kappa with its 95 % interval (None: undefined)."""

    n_episodes: int
    n_agreeing: int
    kappa: float | None = None
    kappa_low: float | None = None
    kappa_high: float | None = None

    @property
    def pct(self) -> float | None:
        """Share with the same verdict, in per cent; None without episodes."""
        return 100 * self.n_agreeing / self.n_episodes if self.n_episodes else None


def cohens_kappa(pairs: Mapping[tuple[str, str], int]) -> Agreement:
    """Agreement of two readings, from the number of episodes by (first verdict, second verdict).

    Kappa is unweighted, its interval the asymptotic one cut to -1 to 1. Kappa is undefined, hence None, where both
    readings know the same verdict alone: all agreement may then be chance; the interval, where either knows one alone.
    """
    n = sum(pairs.values())
    agreeing = sum(count for (first, second), count in pairs.items() if first == second)
    if len({verdict for pair, count in pairs.items() if count for verdict in pair}) < 2:
        return Agreement(n, agreeing)
    import numpy as np
    from statsmodels.stats.inter_rater import cohens_kappa as from_table

    table = np.array([[pairs.get((first, second), 0) for second in VERDICTS] for first in VERDICTS])
    with np.errstate(invalid="ignore"):
        result = from_table(table)
    if any(np.count_nonzero(table.sum(axis)) == 1 for axis in (0, 1)):
        return Agreement(n, agreeing, float(result.kappa))
    low, high = max(-1.0, float(result.kappa_low)), min(1.0, float(result.kappa_upp))
    return Agreement(n, agreeing, float(result.kappa), low, high)


def review_agreement(connection: duckdb.DuckDBPyConnection) -> Any:
    """A DataFrame, one row a definition and pair of readings; `comparison` is order or role."""
    import pandas as pd

    found: dict[tuple[str, ...], dict[tuple[str, str], int]] = {}
    for *compared, first, second, n in connection.execute(_PAIRS).fetchall():
        pairs = found.setdefault(tuple(compared), {})
        if n:
            pairs[first, second] = n
    rows = []
    for readings, pairs in found.items():
        agreement = cohens_kappa(pairs)
        interval = (agreement.kappa, agreement.kappa_low, agreement.kappa_high)
        rows.append((*readings, agreement.n_episodes, agreement.n_agreeing, agreement.pct, *interval))
    return pd.DataFrame(rows, columns=list(AGREEMENT_TYPES))
