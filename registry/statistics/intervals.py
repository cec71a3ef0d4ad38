"""Two-sided 95 % confidence intervals of a risk, a rate and a ratio of rates.

Both exact and approximate intervals are given: the exact ones are correct for few cases, the others are common in
published tables (Waldrop 2025, 10.1212/NXI.0000000000200430, prints log-Wald) and allow a comparison.
"""

from dataclasses import dataclass
from math import exp, sqrt

_ALPHA = 0.05


@dataclass(frozen=True)
class RiskInterval:
    """Cases per 100 patients; None without patients."""

    pct: float | None
    low: float | None
    high: float | None
    low_wilson: float | None
    high_wilson: float | None


@dataclass(frozen=True)
class RateInterval:
    """Events per 100 person-years; None without person-time or if undefined."""

    per_100py: float | None
    low: float | None
    high: float | None
    low_logwald: float | None
    high_logwald: float | None


@dataclass(frozen=True)
class RateRatio:
    """One rate divided by another; None if undefined; `high` is also None without an upper bound."""

    ratio: float | None
    low: float | None
    high: float | None


def risk_interval(k: int, n: int) -> RiskInterval:
    """Risk of `k` cases among `n` patients, in percent.

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
        # Wilson's bounds with no cases or only cases are 0 and 1, apart from rounding errors.
        100 * float(low_wilson) if k > 0 else 0.0,
        100 * float(high_wilson) if k < n else 100.0,
    )


def rate_interval(events: int, person_years: float) -> RateInterval:
    """Rate of `events` in `person_years`, per 100 person-years.

    `low` and `high` are exact Poisson (Garwood, chi-squared), `low_logwald` and `high_logwald` the
    Wald interval on the log scale, undefined without events. Raises ValueError if either number
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
    """The rate of `events` in `person_years` divided by that of `other_events` in `other_person_years`.

    The interval is exact, conditional on the number of all events: the share of the first kind is binomial, and its
    Clopper-Pearson bounds are turned into ratios (as in R's `poisson.test`). Without events of the second kind the
    ratio has only a lower bound; without any event, or if one person-time is 0, it is undefined. Raises ValueError if a
    number is negative.
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
