"""Chart reviews: which episodes they cover, which verdict counts, how far reviewers agree, what matches no episode."""

from __future__ import annotations

from expectations.check import Check
from expectations.check_types import no_rows

REVIEW = "main.mart_chart_review"
AGREEMENT = "main.mart_review_agreement"
ORPHANED = "meta.orphaned_verdict"

CHECKS: tuple[Check, ...] = (
    no_rows(
        "review_agrees_with_episodes",
        REVIEW,
        """
        SELECT episode.episode_id FROM main.fct_neutropenia_episode AS episode
        LEFT JOIN main.mart_chart_review AS review ON episode.episode_id = review.episode_id
        WHERE (review.episode_id IS NULL AND episode.is_case_episode)
            OR (review.episode_id IS NOT NULL AND (
                review.verdict IS DISTINCT FROM episode.adjudication
                OR episode.is_case_episode <> (coalesce(review.verdict, 'confirmed') = 'confirmed')
            ))
        """,
        description="Every case episode can be reviewed, and the episode has the verdict that was given last. Only "
        "that verdict decides whether a reviewable episode counts.",
        source="Protocol: cohort",
        finds="episodes",
    ),
    no_rows(
        "review_status_fits_verdicts",
        REVIEW,
        """
        SELECT episode_id FROM main.mart_chart_review
        WHERE n_reviews < 0 OR n_reviewer_roles NOT BETWEEN 0 AND n_reviews
            OR n_readers NOT BETWEEN greatest(n_reviewer_roles, least(n_reviews, 1)) AND n_reviews
            OR (n_reviews = 0) <> (verdict IS NULL)
            OR (n_reviews > 1) <> (verdicts_agree IS NOT NULL)
            OR review_status <> CASE
                WHEN n_reviews = 0 THEN 'unreviewed'
                WHEN NOT coalesce(verdicts_agree, true) THEN 'disagreement'
                ELSE verdict
            END
        """,
        description="The status of a review follows from the number of its verdicts and their agreement. There are "
        "no more reviewers than verdicts.",
        source="Output contract",
    ),
    no_rows(
        "agreement_is_possible",
        AGREEMENT,
        """
        SELECT definition_id, first_reading, second_reading FROM main.mart_review_agreement
        WHERE n_agreeing NOT BETWEEN 0 AND n_episodes
            OR (agreement_pct IS NULL) <> (n_episodes = 0)
            OR abs(agreement_pct - 100.0 * n_agreeing / n_episodes) > 1e-6
            OR kappa NOT BETWEEN -1 AND 1 OR kappa < kappa_low - 1e-9 OR kappa > kappa_high + 1e-9
        """,
        description="No more episodes agree than were reviewed twice. Kappa lies between -1 and 1 and within its "
        "interval.",
        source="Output contract",
        names_offenders=True,
    ),
    no_rows(
        "agreement_agrees_with_reviews",
        AGREEMENT,
        """
        WITH read_twice AS (
            SELECT definition_id, count(*) AS n FROM main.mart_chart_review WHERE n_readers > 1 GROUP BY definition_id
        )
        SELECT definition.definition_id FROM main.dim_case_definition AS definition
        LEFT JOIN read_twice ON definition.definition_id = read_twice.definition_id
        LEFT JOIN main.mart_review_agreement AS agreement
            ON definition.definition_id = agreement.definition_id AND agreement.comparison = 'order'
        WHERE agreement.n_episodes IS DISTINCT FROM coalesce(read_twice.n, 0)
        """,
        description="The first verdicts of two reviewers are compared for every episode that has two.",
        source="Output contract: counts agree between marts",
        finds="definitions",
        names_offenders=True,
    ),
    no_rows(
        "adjudication_matches_an_episode",
        ORPHANED,
        "SELECT site, count(*) AS verdicts FROM meta.orphaned_verdict GROUP BY site",
        description="Every adjudication matches an episode: an onset lies in its span, under at least one definition.",
        source="This registry's choice: an adjudication that counts nowhere is reported",
        severity="warning",
        finds="sites",
        names_offenders=True,
    ),
)
