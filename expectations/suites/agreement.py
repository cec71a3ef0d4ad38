"""Derived neutrophil counts against measured ones of the same draw: is the derivation right at this site?"""

from __future__ import annotations

from expectations.check import Check
from expectations.check_types import no_rows

# A share of 20 draws moves by 5 points with one of them; a median of 20 with none.
FEWEST_DRAWS = 20

# An analyser works its own count out from leukocytes and percentage, so that the two differ by rounding. A wrong
# factor, unit or code moves the median by far more than a quarter (mimic-code pull request 1216: by a hundred).
LOWEST_RATIO, HIGHEST_RATIO = 0.8, 1.25
LEAST_CLOSE_PCT = 50

# Were either reading as near as the other, 16 of 20 draws would favour one by chance 6 times in 1000.
CLOSER_SHARE = 0.8

# Rounded percentages of a differential may exceed 100 together, and a key may slip: 1 draw in 100 is not a pattern.
# Nor are two draws on one day, once in 100 draws, with parts of one value or of several.
IMPOSSIBLE_SHARE = 0.01
AMBIGUOUS_SHARE = 0.01
UNPAIRED_SHARE = 0.01

CHOICE = "This registry's choice"

CHECKS: tuple[Check, ...] = (
    no_rows(
        "derivation_agreement_adds_up",
        "meta.derivation_agreement",
        """
        SELECT site, derivation, with_bands FROM meta.derivation_agreement
        WHERE n_impossible + n_pairs > n_draws OR n_closer > n_draws_with_bands OR n_draws_with_bands > n_draws
            OR least(n_draws, n_impossible, n_pairs, n_closer, ambiguous_parts, unpaired_parts, not_percentages,
                zero_differential) < 0
            OR NOT coalesce(share_within_5_pct, 0) BETWEEN 0 AND 100
        UNION ALL
        SELECT site, derivation, NULL FROM meta.derivation_agreement
        WHERE is_site_rule GROUP BY site, derivation HAVING count(*) > 1
        """,
        description="Pairs and impossible values are among the draws, and each site has one rule.",
        source="Output contract",
        finds="derivations of a site",
        names_offenders=True,
    ),
    no_rows(
        "derived_anc_is_counted",
        "meta.derivation_agreement",
        """
        SELECT used.site, used.derivation FROM (
            SELECT site, derivation, count(*) AS n FROM main.fct_anc
            WHERE derivation <> 'measured' GROUP BY site, derivation
        ) AS used
        LEFT JOIN meta.derivation_agreement AS rule
            ON used.site = rule.site AND used.derivation = rule.derivation AND rule.is_site_rule
        WHERE used.n > coalesce(rule.n_draws - rule.n_impossible - rule.n_pairs, 0)
        """,
        description="Every derived ANC comes from a draw without a measured one, for which the site's rule gives a "
        "possible value.",
        source="Measured ANC wins; an impossible derived value is none",
        finds="derivations of a site",
        names_offenders=True,
    ),
    no_rows(
        "derived_anc_agrees_with_measured",
        "meta.derivation_agreement",
        f"""
        SELECT site, derivation, concat(
            'median ratio ', round(median_ratio, 2), ', ', CAST(round(share_within_5_pct) AS INTEGER),
            ' % within 5 %, ', n_pairs, ' pairs'
        ) AS found
        FROM meta.derivation_agreement
        WHERE is_site_rule AND n_pairs >= {FEWEST_DRAWS} AND (
            NOT coalesce(median_ratio, 1) BETWEEN {LOWEST_RATIO} AND {HIGHEST_RATIO}
            OR share_within_5_pct < {LEAST_CLOSE_PCT}
        )
        """,
        description="Where a site measures and could derive an ANC at the same draw, the two agree: median ratio "
        f"{LOWEST_RATIO} to {HIGHEST_RATIO}, at least {LEAST_CLOSE_PCT} % within 5 %. Else a code, a unit or a factor "
        "may be wrong.",
        source=f"{CHOICE}: an analyser's count is its leukocytes times its percentage; from {FEWEST_DRAWS} pairs on",
        severity="warning",
        finds="derivations of a site",
        names_offenders=True,
    ),
    no_rows(
        "bands_are_read_right",
        "meta.derivation_agreement",
        f"""
        SELECT site, derivation, CASE WHEN with_bands THEN 'closer with bands added' ELSE 'closer without bands' END
            AS reading, n_closer || ' of ' || n_draws_with_bands AS draws
        FROM meta.derivation_agreement
        WHERE NOT is_site_rule AND n_draws_with_bands >= {FEWEST_DRAWS}
            AND n_closer >= {CLOSER_SHARE} * n_draws_with_bands
        """,
        description="No site's measured ANC are closer to the other reading of bands in four of five draws: bands "
        "counted twice, or left out. See neutrophils_pct_includes_bands and the test codes in its site.yml.",
        source=f"{CHOICE}: four fifths of the draws with bands and a measured ANC, from {FEWEST_DRAWS} on",
        severity="warning",
        finds="derivations of a site",
        names_offenders=True,
    ),
    no_rows(
        "derived_anc_is_possible",
        "meta.derivation_agreement",
        f"""
        SELECT site, derivation, n_impossible || ' of ' || n_draws AS draws
        FROM meta.derivation_agreement
        WHERE is_site_rule AND n_impossible > {IMPOSSIBLE_SHARE} * n_draws
        """,
        description="At no site do more than 1 % of the draws give an impossible ANC (percentages above 100 "
        "together, or above 100 x 10^9/L). None of them is used.",
        source=f"{CHOICE}: one in a hundred may be rounding or a slip",
        severity="warning",
        finds="derivations of a site",
        names_offenders=True,
    ),
    no_rows(
        "parts_are_of_one_draw",
        "meta.derivation_agreement",
        f"""
        SELECT site, derivation, ambiguous_parts || ' of ' || (n_draws - n_pairs + ambiguous_parts) AS draws
        FROM meta.derivation_agreement
        WHERE is_site_rule AND ambiguous_parts > {AMBIGUOUS_SHARE} * (n_draws - n_pairs + ambiguous_parts)
        """,
        description="At no site do more than 1 % of the draws without a measured ANC hold parts of different draws, "
        "whose lowest and highest values mean different things. None is derived from them; a neutropenia among them is "
        "missed.",
        source=f"{CHOICE}: one in a hundred may be two draws on one day",
        severity="warning",
        finds="derivations of a site",
        names_offenders=True,
    ),
    no_rows(
        "parts_are_paired",
        "meta.derivation_agreement",
        f"""
        SELECT site, derivation, unpaired_parts || ' days beside ' || (n_draws - n_pairs) || ' draws' AS found
        FROM meta.derivation_agreement
        WHERE is_site_rule AND unpaired_parts > {UNPAIRED_SHARE} * (n_draws - n_pairs + unpaired_parts)
        """,
        description="At no site do days whose parts lie in different draws make up more than 1 % of the draws without "
        "a measured ANC and these days. None is derived from them; a neutropenia among them is missed.",
        source=f"{CHOICE}: one in a hundred may be two draws on one day",
        severity="warning",
        finds="derivations of a site",
        names_offenders=True,
    ),
    no_rows(
        "percentages_are_percentages",
        "meta.derivation_agreement",
        """
        SELECT site, not_percentages || ' draws' AS draws FROM meta.derivation_agreement
        WHERE is_site_rule AND not_percentages > 0
        """,
        description="No site sends fractions or counts of a differential as %. None of them is used; a neutropenia "
        "among them is missed.",
        source="Protocol: harmonisation, nothing is derived from a part that contradicts its unit",
        severity="warning",
        finds="derivations of a site",
        names_offenders=True,
    ),
    no_rows(
        "differentials_were_counted",
        "meta.derivation_agreement",
        f"""
        SELECT site, zero_differential || ' of ' || (n_draws - n_pairs + zero_differential) AS draws
        FROM meta.derivation_agreement
        WHERE is_site_rule AND zero_differential > {IMPOSSIBLE_SHARE} * (n_draws - n_pairs + zero_differential)
        """,
        description="At no site do more than 1 % of the draws without a measured ANC have a differential of zeros "
        "although there are leukocytes. None is derived from them; a neutropenia among them is missed.",
        source=f"{CHOICE}: zeros for a differential that was not counted, often as there were too few cells",
        severity="warning",
        finds="derivations of a site",
        names_offenders=True,
    ),
)
