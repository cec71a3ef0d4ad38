"""Write the generated sections of docs/methods.md: `python -m scripts.methods`.

Definitions, scales, dosing intervals and units come from the seeds, worked intervals from `registry.statistics`, so the
page always matches the registry. A section is between `<!-- generated: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable

from registry.paths import CHECKOUT, SEEDS
from registry.statistics import rate_interval, rate_ratio_interval, risk_interval

PAGE = CHECKOUT / "docs" / "methods.md"
STRETCH = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

# Example, cases, patients, and the figure in the source.
RISKS = [
    ("Udine series: moderate or severe neutropenia", 6, 171, "6 of 171"),
    ("Udine series: recurrence", 3, 6, "3 of 6"),
    ("no case among as many patients", 0, 171, ""),
    ("rituximab in rheumatoid arthritis, label: severe neutropenia", 13, 1382, "0.94 %"),
    ("Rossi 2022: recurrence", 2, 11, "18.2 %"),
    ("Waldrop 2025: recurrence", 13, 37, "35 %"),
]
# Example, events, person-years, and the figure in the source.
RATES = [
    ("Waldrop 2025: first neutropenia", 37, 6009, "0.62 (0.45 to 0.85)"),
    ("Waldrop 2025: recurrent neutropenia", 13, 6009, "0.22 (0.13 to 0.39)"),
    ("few cases, little time (made up)", 3, 57.25, ""),
    ("no case (made up)", 0, 100, ""),
]
# Weeks of remission in acute leukaemia under 6-mercaptopurine (+ censored) and placebo: Freireich 1963.
REMISSIONS = {
    "6-mercaptopurine": "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+",
    "placebo": "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23",
}


def seed(name: str) -> list[dict[str, str]]:
    """The rows of a seed as text, blank cells as ''."""
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def definitions() -> str:
    """The shipped case definitions with all their parameters."""
    columns = ["recovery_at", "max_gap_days", "gcsf_days", "attribution_days", "late_days"]
    return _table(
        ["definition_id", "low: ANC", *columns],
        (
            [
                f"`{row['definition_id']}`",
                f"{'≤' if row['onset_inclusive'] == 'true' else '<'} {row['onset_below']}",
                *(row[column] for column in columns),
            ]
            for row in seed("case_definitions")
        ),
    )


def scales() -> str:
    """The ANC scales with their grades as intervals in 10^9/L, most severe first."""
    grades: dict[str, list[str]] = {}
    for row in sorted(seed("grading_scales"), key=lambda row: -int(row["severity_rank"])):
        if row["analyte"] == "anc":
            grades.setdefault(row["scale"], []).append(f"{row['grade']} {_interval(row)}")
    return _table(
        ["scale", "grades, from the most severe"],
        ([f"`{scale}`", " · ".join(parts)] for scale, parts in grades.items()),
    )


def drugs() -> str:
    """The anti-CD20 drugs with their maintenance intervals."""
    return _table(
        ["drug", "interval, days", "injected at home", "source"],
        (
            [row["drug"], row["interval_days"], "yes" if row["home_injected"] == "true" else "no", row["source"]]
            for row in seed("drugs")
            if row["drug_class"] == "anti_cd20"
        ),
    )


def units() -> str:
    """Units of cell counts and percentages by factor to 10*9/L or %."""
    known: dict[tuple[str, str], list[str]] = {}
    for row in seed("units"):
        if row["dimension"] in ("count", "percent"):
            known.setdefault((row["dimension"], row["factor"]), []).append(row["ucum"])
    to = {"count": "10*9/L", "percent": "%"}
    return _table(
        ["units (UCUM)", "factor", "to"],
        (
            [", ".join(f"`{unit}`" for unit in dict.fromkeys(found)), factor, f"`{to[dimension]}`"]
            for (dimension, factor), found in known.items()
        ),
    )


def risks() -> str:
    """Worked examples of intervals of a risk."""
    rows = []
    for label, k, n, printed in RISKS:
        found = risk_interval(k, n)
        wilson = _span(found.low_wilson, found.high_wilson)
        rows.append([label, f"{k} / {n:,}", f"{found.pct:.2f}", _span(found.low, found.high), wilson, printed])
    return _table(["example", "cases / patients", "risk, %", "Clopper–Pearson", "Wilson", "as printed"], rows)


def rates() -> str:
    """Worked examples of intervals of a rate and of a ratio of rates."""
    rows = []
    for label, events, years, printed in RATES:
        rate = rate_interval(events, years)
        logwald = _span(rate.low_logwald, rate.high_logwald)
        counts = f"{events} / {years:,}"
        rows.append([label, counts, f"{rate.per_100py:.2f}", _span(rate.low, rate.high), logwald, printed])
    ratio = rate_ratio_interval(11, 800, 21, 3011)
    counts = "11 / 800 by 21 / 3,011"
    of_ratio = ["ratio of two rates: R's `poisson.test`", counts, f"{ratio.ratio:.2f}", _span(ratio.low, ratio.high)]
    rows.append([*of_ratio, "", "1.97 (0.86 to 4.28)"])
    return _table(["example", "events / person-years", "rate", "exact", "log-Wald", "as printed"], rows)


def survival() -> str:
    """Worked examples of time to an event: Kaplan-Meier with its median, and Aalen-Johansen."""
    import pandas as pd

    from registry.statistics.survival import cumulative_incidence, kaplan_meier, time_quantiles

    columns = ["time_days", "n_patients", "n_events"]
    rows = []
    for group, text in REMISSIONS.items():
        weeks = [(int(week.rstrip("+")), not week.endswith("+")) for week in text.split()]
        counts = pd.DataFrame([(week, 1, int(relapse)) for week, relapse in weeks], columns=columns)
        counts = counts.groupby("time_days", as_index=False).sum()
        at_10 = kaplan_meier(counts).query("time_days <= 10").iloc[-1]
        interval = _span(at_10.ci_low, at_10.ci_high, 3)
        rows.append([f"{group}: in remission after 10 weeks", f"{at_10.survival:.3f}", interval])
        found = time_quantiles(counts)
        rows.append([f"{group}: median", f"{found.median:g} weeks", _span(found.median_low, found.median_high, 0)])
    deaths = pd.DataFrame([(1, 2, 1, 1), (2, 1, 1, 0), (3, 1, 0, 0)], columns=[*columns, "n_deaths"])
    at_2 = cumulative_incidence(deaths).query("time_days <= 2").iloc[-1]
    label = "four patients: a case and a death on day 1, a case on day 2, one censored; cumulative incidence by day 2"
    rows.append([label, f"{at_2.cumulative_incidence:.3f}", _span(at_2.cif_low, at_2.cif_high, 3)])
    return _table(["example", "estimate", "log-log interval"], rows)


STRETCHES: dict[str, Callable[[], str]] = {
    function.__name__: function for function in (definitions, scales, drugs, units, risks, rates, survival)
}


def written_again(page: str) -> str:
    """The page with every generated section rewritten; KeyError if a section's name is unknown."""
    return STRETCH.sub(lambda found: f"{found[1]}{STRETCHES[found[2]]()}{found[3]}", page)


def _interval(row: dict[str, str]) -> str:
    """Square brackets include the bound, round ones do not; ctcae_v5 uses the lower limit of normal (LLN)."""
    if row["lln_rule"] == "upper":
        return f"[{row['lower']}, LLN)"
    low = f"max({row['lower']}, LLN)" if row["lln_rule"] == "lower" else row["lower"]
    left = "[" if row["lower_inclusive"] == "true" else "("
    right = "]" if row["upper_inclusive"] == "true" else ")"
    return f"{left}{low}, {row['upper'] or '∞'}{right}"


def _span(low: float | None, high: float | None, places: int = 2) -> str:
    if low is None:
        return "none"
    return f"{low:.{places}f} to {'not reached' if high is None else f'{high:.{places}f}'}"


def _table(header: list[str], rows: Iterable[list[str]]) -> str:
    rule = "|" + "---|" * len(header)
    return "\n".join([_row(header), rule, *map(_row, rows), ""])


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(written_again(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
