"""Agreement of reviewers of the same chart: `mart_review_agreement`.

The model int_adjudication_pair pairs the adjudications, count_review_agreement counts them; Cohen's kappa is from
statsmodels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

VERDICTS = ("confirmed", "other_cause", "lab_error")
"""The possible adjudications, in the order of the table from which kappa is computed."""


@dataclass(frozen=True)
class Agreement:
    """Episodes adjudicated by both, those with the same result, and kappa with its 95 % interval (None: undefined)."""

    n_episodes: int
    n_agreeing: int
    kappa: float | None = None
    kappa_low: float | None = None
    kappa_high: float | None = None

    @property
    def pct(self) -> float | None:
        """Percentage with the same adjudication; None without episodes."""
        return 100 * self.n_agreeing / self.n_episodes if self.n_episodes else None


def cohens_kappa(pairs: Mapping[tuple[str, str], int]) -> Agreement:
    """Agreement of two reviewers, from the number of episodes by (first adjudication, second adjudication).

    Kappa is unweighted, with its asymptotic interval limited to -1 to 1. Kappa is undefined (None) if both use only the
    same adjudication, because all agreement may then be chance; the interval is undefined if either uses only one.
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
    """A DataFrame, one row per definition and pair of reviewers; `comparison` is order or role."""
    import pandas as pd

    found: dict[tuple[str, ...], dict[tuple[str, str], int]] = {}
    for *compared, first, second, n in connection.execute(
        "select * from counts.count_review_agreement order by all"
    ).fetchall():
        pairs = found.setdefault(tuple(compared), {})
        if n:
            pairs[first, second] = n
    rows = []
    for readings, pairs in found.items():
        agreement = cohens_kappa(pairs)
        row = dict(zip(("definition_id", "comparison", "first_reading", "second_reading"), readings, strict=True))
        rows.append({**row, **asdict(agreement), "agreement_pct": agreement.pct})
    return pd.DataFrame(rows)
