"""Confidence intervals of a risk, of a rate and of a ratio of rates, 95 % two-sided.

Exact and approximate intervals stand side by side: the exact ones are right for few cases, and
published tables often use the others (Waldrop 2025, 10.1212/NXI.0000000000200430, prints log-Wald),
so that both can be compared with the literature.
"""

from dataclasses import dataclass
from math import exp, sqrt

_ALPHA = 0.05


@dataclass(frozen=True)
class RiskInterval:
    """Cases per 100 patients; None where there are no patients."""

    pct: float | None
    low: float | None
    high: float | None
    low_wilson: float | None
    high_wilson: float | None


@dataclass(frozen=True)
class RateInterval:
    """Events per 100 person-years; None without person-time or where undefined."""

    per_100py: float | None
    low: float | None
    high: float | None
    low_logwald: float | None
    high_logwald: float | None


@dataclass(frozen=True)
class RateRatio:
    """One rate by another; None where undefined, `high` also where nothing bounds it from above."""

    ratio: float | None
    low: float | None
    high: float | None


def risk_interval(k: int, n: int) -> RiskInterval:
    """Risk of `k` cases among `n` patients, in per cent.

    `low` and `high` are Clopper-Pearson (exact, from the beta distribution), `low_wilson` and
    `high_wilson` Wilson's score interval. Raises ValueError unless 0 <= k <= n.
    """
    if not 0 <= k <= n:
        raise ValueError(f"{k} cases among {n} patients")
    if n == 0:
        return RiskInterval(None, None, None, None, None)
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(k, n, alpha=_ALPHA, method="beta")
    low_wilson, high_wilson = proportion_confint(k, n, alpha=_ALPHA, method="wilson")
    return RiskInterval(
        100 * k / n,
        100 * float(low),
        100 * float(high),
        # Wilson's bounds at no or only cases are 0 and 1 but for float noise.
        100 * float(low_wilson) if k > 0 else 0.0,
        100 * float(high_wilson) if k < n else 100.0,
    )


def rate_interval(events: int, person_years: float) -> RateInterval:
    """Rate of `events` in `person_years`, per 100 person-years.

    `low` and `high` are exact Poisson (Garwood, chi-squared), `low_logwald` and `high_logwald` the
    Wald interval on the log scale, undefined without events. Raises ValueError where either number
    is negative.
    """
    if events < 0 or person_years < 0:
        raise ValueError(f"{events} events in {person_years} person-years")
    if person_years == 0:
        return RateInterval(None, None, None, None, None)
    from scipy.stats import norm
    from statsmodels.stats.rates import confint_poisson

    rate = 100 * events / person_years
    low, high = confint_poisson(events, person_years, method="exact-c", alpha=_ALPHA)
    if events == 0:
        return RateInterval(rate, 100 * float(low), 100 * float(high), None, None)
    factor = exp(float(norm.isf(_ALPHA / 2)) / sqrt(events))
    return RateInterval(rate, 100 * float(low), 100 * float(high), rate / factor, rate * factor)


def rate_ratio_interval(events: int, person_years: float, other_events: int, other_person_years: float) -> RateRatio:
    """The rate of `events` in `person_years` by that of `other_events` in `other_person_years`.

    The interval is exact, conditional on the number of all events: of these, the share of the first is binomial, and
    its Clopper-Pearson bounds are turned into ratios (R's `poisson.test` does the same). Without events of the second
    kind the ratio has a lower bound alone; without any event, or where one has no person-time, there is none. Raises
    ValueError where a number is negative.
    """
    if min(events, person_years, other_events, other_person_years) < 0:
        raise ValueError(f"{events} in {person_years} against {other_events} in {other_person_years} person-years")
    if person_years == 0 or other_person_years == 0 or events + other_events == 0:
        return RateRatio(None, None, None)
    from statsmodels.stats.proportion import proportion_confint

    def as_ratio(share: float) -> float | None:
        return share / (1 - share) * other_person_years / person_years if share < 1 else None

    total = events + other_events
    low, high = proportion_confint(events, total, alpha=_ALPHA, method="beta")
    return RateRatio(as_ratio(events / total), as_ratio(float(low)), as_ratio(float(high)))
