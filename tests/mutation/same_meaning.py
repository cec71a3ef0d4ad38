"""Mutants that no comparison can notice, each with the reason: nothing can change, or nothing that is compared here."""

from __future__ import annotations

_NO_RECOVERY_AT_ONSET = "a day has one count, and that of the day of onset is low, so no recovery"
_NO_RECOVERY_AT_LOSS = (
    "a day has one count, and that on which an episode was lost is no recovery, or it had ended there"
)
_NEVER_ABOVE = "a count above some value is not low, so it is the nadir of no episode"
_GRADED_BEFORE = "1.0 itself was graded by the line before"
_SAME_DAY = "of the same day it is the same which one is taken"
_NO_SO_LONG_LINE = "2000 intervals of the shortest, 28 days, are 153 years"
_SPARES_ROWS = "a draw without the part has NULL for it, of which int_derivation makes nothing"
_SEVERE_ALONE = "only whether a count is or may be severe is asked for: its own line decides, or a bound from above"
_NEXT_BOUND = "what changes at 1.0 itself or just above it is held apart by the bound beside it"

SAME_MEANING: dict[tuple[str, str, str], str] = {
    ("int_number", "where thousands.digit < 2", "<"): _NO_SO_LONG_LINE,
    ("int_number", "where thousands.digit < 2", "2"): _NO_SO_LONG_LINE,
    ("int_site_cutoff", "study.data_cutoff < last_delivered.delivered_to", "<"): _SAME_DAY,
    ("int_observed_patient", "patient.death_date < cutoff.cutoff_date", "<"): _SAME_DAY,
    ("int_differential", "count(case when analyte = 'wbc' then 1 end) > 0", "="): _SPARES_ROWS,
    ("int_differential", "count(case when analyte = 'wbc' then 1 end) > 0", ">"): _SPARES_ROWS,
    ("int_differential", "in ('neutrophils_pct', 'segs_pct') then 1 end) > 0", ">"): _SPARES_ROWS,
    ("int_differential", "count(case when analyte = 'segs_abs' then 1 end) > 0", "="): _SPARES_ROWS,
    ("int_differential", "count(case when analyte = 'segs_abs' then 1 end) > 0", ">"): _SPARES_ROWS,
    ("int_differential", "count(case when analyte = 'bands_abs' then 1 end) > 0", "="): _SPARES_ROWS,
    ("int_differential", "count(case when analyte = 'bands_abs' then 1 end) > 0", ">"): _SPARES_ROWS,
    ("int_derivation", "when anc < anc_high and not", "<"): "equal values have the same meaning",
    ("int_derivation", "(anc < 1.000000) =", "<"): _NEXT_BOUND,
    ("int_derivation", "(anc < 1.000000) =", "1.000000"): _NEXT_BOUND,
    ("int_derivation", "= (anc_high <= 1.000000)", "<="): _NEXT_BOUND,
    ("int_differential_reading", "(percentages <= 1.1 or not has_several", "<="): "1.1 itself lies within 0.9 to 1.1",
    ("int_known_dose", "dose.administered_date >= line.start_date", ">="): "of a day's doses the recorded one is kept",
    ("int_episode", "and anc_day.collected_date < ended.onset_date", "<"): _NO_RECOVERY_AT_ONSET,
    ("int_recurrence", "and anc_day.collected_date < episodes.onset_date", "<"): _NO_RECOVERY_AT_ONSET,
    ("int_without_recovery", "and episode.end_date < anc_day.collected_date", "<"): _NO_RECOVERY_AT_LOSS,
    # a window of macros/windows.sql: drugs given every four weeks
    ("int_episode_attributed", "drugs.interval_days <= 28", "28"): "no drug of the seed has an interval of 29 days",
    ("int_episode_final", "episode.nadir_operator = '>'", "="): _NEVER_ABOVE + ", and below some value begins at 0",
    ("int_episode_final", "(nadir_low > 1.000000", ">"): _GRADED_BEFORE,
    ("int_episode_final", "(nadir_low = 1.000000", "1.000000"): _NEVER_ABOVE,
    ("int_episode_final", "(nadir_low = 1.000000", "="): _NEVER_ABOVE,
    ("int_episode_final", "nadir_low > 1.000000 and nadir_high < 1.500000", ">"): _GRADED_BEFORE,
    ("fct_lab_grade", "results.operator = '>'", "="): "every grade of these counts holds the value it begins with",
    ("int_leukocytes_below_severe", "coalesce(operator = '>', false) as is_low_open", "="): _SEVERE_ALONE,
    **{
        (model, f"when {low} >= {first} and {high} < {end} then '{severity}'", token): _SEVERE_ALONE
        for model, low, high in (
            ("int_leukocytes_below_severe", "low", "high"),
            ("int_severe_under_treatment", "anc.anc_low", "anc.anc_high"),
        )
        for first, end, severity in (("0.500000", "1.000000", "moderate"), ("1.000000", "1.500000", "mild"))
        for token in (">=", "<", first, end)
    },
    **{
        (model, f"when {low} >= 1.500000 then 'none'", token): _SEVERE_ALONE
        for model, low in (("int_leukocytes_below_severe", "low"), ("int_severe_under_treatment", "anc.anc_low"))
        for token in (">=", "1.500000")
    },
}

_RECORD_ALONE = "which record stands behind it, not what it says: unit test of the model"
_AGREEMENT_ALONE = "serves meta.derivation_agreement alone: unit test of the model"

# What is not in the comparison, and where it is tested.
TESTED_ELSEWHERE: dict[tuple[str, str, str], str] = {
    **{
        ("int_differential", f"filter (where analyte = '{part}') as {part}_key", "="): _RECORD_ALONE
        for part in ("segs_abs", "bands_abs", "wbc", "neutrophils_pct", "segs_pct", "bands_pct")
    },
    ("int_episode_review", "verdict_number = last_number then record_key end) as verdict_key", "="): (
        "which record stands behind the verdict: test_trace.py"
    ),
    ("int_differential", "when count(case when analyte = 'anc' then operator end) = 0", "="): _AGREEMENT_ALONE,
    ("int_differential", "when count(case when analyte = 'anc' then operator end) = 0", "0"): _AGREEMENT_ALONE,
    ("int_differential", "then min(case when analyte = 'anc' then canonical_value end)", "="): _AGREEMENT_ALONE,
    ("int_derivation", "bands_abs > 0 as has_bands", ">"): _AGREEMENT_ALONE,
    ("int_derivation", "bands_abs > 0 as has_bands", "0"): _AGREEMENT_ALONE,
    ("int_derivation", "coalesce(bands_pct, 0) > 0 as has_bands", ">"): _AGREEMENT_ALONE,
    ("int_derivation", "coalesce(bands_pct, 0) > 0 as has_bands", "0"): _AGREEMENT_ALONE,
    **{
        ("derivation_agreement", part, token): _AGREEMENT_ALONE
        for part, tokens in (
            ("when measured_anc > 0 then 1.0 * anc / measured_anc end as ratio", ("0", "1.0")),
            ("when measured_anc = 0 then anc < 0.05 else", ("=", "0", "<", "0.05")),
            ("abs(anc - measured_anc) <= measured_anc * 0.05", ("<=",)),
            ("when distance < greater_distance then", ("<",)),
            ("100.0 * totals.n_close", ("100.0",)),
        )
        for token in tokens
    },
}
