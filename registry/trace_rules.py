"""The rules of an episode's trace (`meta.episode_trace`): the text of each and the fields that it decides.

Rules without an underlying record are in RESTS_ON_NOTHING: something is absent, or a conclusion from other steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Rule:
    """A sentence with {parameters} of the definition, the drug and the study, and the published fields it decides.

    `decides` is empty if a step shows what was considered and left out.
    """

    sentence: str
    decides: tuple[str, ...]


def _rule(sentence: str, decides: str) -> Rule:
    return Rule(sentence, tuple(decides.split()))


_COUNTED = "n_measurements"
_NADIR = "nadir_anc_10e9_l nadir_operator nadir_date severity ctcae_v5_grade n_measurements"
_IN_FORCE = "the last review, or the one with the highest id if dates are equal or missing"
_OVERRULED = "another one counts: reviewed later, or with a date if this has none, or else with a higher id"
_NOTHING_SINCE = "no anti-CD20 dose is recorded and no line of another drug began since onset"

RULES: dict[str, Rule] = {
    # who is in the cohort, and on what
    "index_dose": _rule("the first anti-CD20 dose, which decides membership in the cohort", "is_case_episode"),
    "never_treated": _rule("there is no known anti-CD20 dose: not in the cohort", "is_case_episode"),
    "missing_demographics": _rule("birth date or sex is unknown: not in the cohort", "is_case_episode"),
    "outside_enrolment": _rule(
        "the first anti-CD20 dose is outside the enrolment window ({enrolment}): not in the cohort", "is_case_episode"
    ),
    "baseline_neutropenia": _rule(
        "an ANC {low} within the 365 days up to the first anti-CD20 dose (the last one is shown): not in the cohort",
        "is_case_episode",
    ),
    # attribution
    "attributed_dose": _rule(
        "the last anti-CD20 dose before the day of onset, at most {attribution_days} days earlier; the onset "
        "is late from "
        "{late_days} days after it, unless a first_dose_of_course is shown",
        "attributed_drug last_dose_date days_since_last_dose dose_number dose_source onset_type is_case_episode",
    ),
    "first_dose_of_course": _rule(
        "a drug given every {interval_days} days: the onset is late from {late_days} days after the first dose of the "
        "current course of anti-CD20 drugs, doses no more than {attribution_days} days apart",
        "onset_type",
    ),
    "previous_drug": _rule("the last earlier dose of a different anti-CD20 drug", "previous_drug"),
    "dose_too_long_before": _rule(
        "the last anti-CD20 dose before onset is more than {attribution_days} days earlier: not attributed",
        "is_case_episode",
    ),
    "no_dose_before": _rule(
        "there is no known anti-CD20 dose before the day of onset: not attributed", "is_case_episode"
    ),
    "other_suspect_drug": _rule(
        "another drug with a neutropenia risk: a dose within 90 days before onset, or a line that had begun by onset "
        "and had not ended more than 90 days before it",
        "other_suspect_drugs",
    ),
    # the course
    "last_normal": _rule("the last ANC >= {recovery_at} before onset", "last_normal_date"),
    "onset": _rule("the first ANC {low} outside an episode starts one", f"onset_date {_NADIR}"),
    "low": _rule("an ANC {low} inside an episode continues it", _NADIR),
    "not_yet_recovered": _rule("an ANC below {recovery_at} continues the episode", _COUNTED),
    "gcsf": _rule(
        "a G-CSF dose from onset to recovery, or to 30 days after onset if there is no recovery",
        "gcsf_treated gcsf_doses gcsf_first_date",
    ),
    "gcsf_before_recovery": _rule(
        "a G-CSF dose that does not count as treatment of the episode, at most {gcsf_days} days before a "
        "recovery, which "
        "it makes provisional",
        "n_gcsf_rebounds",
    ),
    "provisional_recovery": _rule(
        "an ANC >= {recovery_at} within {gcsf_days} days after G-CSF: provisional, because a low value followed within "
        "{gcsf_days} days",
        f"n_gcsf_rebounds {_COUNTED}",
    ),
    "gcsf_rebound": _rule("that low value: the episode continues", f"n_gcsf_rebounds {_NADIR}"),
    "not_lowest_of_day": _rule("only the lowest value of a day counts: this one decides nothing", ""),
    "before_the_rebound": _rule(
        "a value between a provisional recovery and the low value that followed it: not counted", ""
    ),
    "left_out_for_operator": _rule(
        "a value whose operator leaves open whether it is {low} or >= {recovery_at}: it does not count as a "
        "measurement, "
        "for onset, episode or the {max_gap_days} days",
        "",
    ),
    "recovered": _rule(
        "the first ANC >= {recovery_at} ends the episode", f"end_status end_date duration_days {_COUNTED}"
    ),
    "lost_after_this": _rule(
        "no measurement for more than {max_gap_days} days: the episode ends as 'lost' on its last measurement",
        "end_status end_date",
    ),
    "open_at_end_of_observation": _rule("the episode is still open at the end of observation", "end_status"),
    # what happened around it
    "infection": _rule("an infection from 7 days before onset to 14 days after the end", "infection"),
    "febrile": _rule("febrile neutropenia from 7 days before onset to 14 days after the end", "febrile"),
    "hospitalised": _rule(
        "a hospital stay that began from 7 days before onset to 14 days after the end", "hospitalised"
    ),
    "relapse_within_90d": _rule("a relapse from onset to 90 days after it", "relapse_within_90d"),
    # what happened to the treatment: the earliest event from the day of onset
    "continued_with_dose": _rule(
        "continued: the first treatment recorded since onset is a dose of the same drug, at most {tolerated_days} days "
        "(1.5 intervals) after the dose before onset",
        "treatment_action",
    ),
    "resumed_with_dose": _rule(
        "resumed: the first treatment recorded since onset is a dose of the same drug, more than {tolerated_days} days "
        "(1.5 intervals) after the dose before onset",
        "treatment_action",
    ),
    "switched_in_class": _rule(
        "switched in class: the first treatment recorded since onset is another anti-CD20 drug, by a dose or the "
        "start of its line",
        "treatment_action next_drug",
    ),
    "switched_out_of_class": _rule(
        "switched out of class: the first treatment recorded since onset is the start of a line of another class",
        "treatment_action next_drug",
    ),
    "continued_by_line": _rule(
        f"continued: {_NOTHING_SINCE}, but the line of this drug, injected at home, has no end or "
        "ends more than {tolerated_days} days (1.5 intervals) after onset, with a later contact (last_contact)",
        "treatment_action",
    ),
    "last_contact": _rule(
        "the last documented contact, more than {tolerated_days} days (1.5 intervals) after onset", "treatment_action"
    ),
    "discontinued_by_line": _rule(
        f"discontinued: {_NOTHING_SINCE}, and the drug's line ends on this day", "treatment_action"
    ),
    "discontinued_without_dose": _rule(
        f"discontinued: {_NOTHING_SINCE}, and this last documented contact is more than "
        "{tolerated_days} days (1.5 intervals) after the dose before onset",
        "treatment_action",
    ),
    "pending": _rule(
        f"pending: {_NOTHING_SINCE}, and this last documented contact is at most {{tolerated_days}} "
        "days (1.5 intervals) after the dose before onset",
        "treatment_action",
    ),
    # recurrence
    "first_episode": _rule(
        "the patient's first attributed episode, apart from those that a chart review excluded: recurrence number 0",
        "recurrence_number continuation_possible",
    ),
    "earlier_episode": _rule(
        "the onset of the previous attributed episode, apart from those that a chart review excluded, from which "
        "recurrences are counted",
        "recurrence_number continuation_possible recurrence_context",
    ),
    "recovered_between": _rule(
        "the first ANC >= {recovery_at} from the end of the earlier episode until before this onset: the recurrence "
        "number increases by one",
        "recurrence_number continuation_possible",
    ),
    "not_recovered_between": _rule(
        "no ANC >= {recovery_at} from the end of the earlier episode until before this onset: the number "
        "stays the same, "
        "and this may be its continuation",
        "recurrence_number continuation_possible",
    ),
    "rechallenge": _rule(
        "the last treatment between the two onsets is a dose of the earlier episode's drug", "recurrence_context"
    ),
    "after_switch_in_class": _rule(
        "the last treatment between the two onsets is another anti-CD20 drug", "recurrence_context"
    ),
    "after_switch_out_of_class": _rule(
        "the last treatment between the two onsets is the start of a line of a drug of another class",
        "recurrence_context",
    ),
    "no_further_treatment": _rule(
        "no anti-CD20 dose and no start of a line of another drug between the two onsets", "recurrence_context"
    ),
    # the result of a chart review, and the conclusion
    "review_confirmed": _rule(f"the adjudication that counts ({_IN_FORCE}): confirmed", "adjudication is_case_episode"),
    "review_other_cause": _rule(
        f"the adjudication that counts ({_IN_FORCE}): another cause; this is not a case episode",
        "adjudication is_case_episode",
    ),
    "review_lab_error": _rule(
        f"the adjudication that counts ({_IN_FORCE}): a laboratory error; this is not a case episode",
        "adjudication is_case_episode",
    ),
    "overruled_confirmed": _rule(f"an adjudication as confirmed, but {_OVERRULED}", ""),
    "overruled_other_cause": _rule(f"an adjudication as another cause, but {_OVERRULED}", ""),
    "overruled_lab_error": _rule(f"an adjudication as laboratory error, but {_OVERRULED}", ""),
    "case_episode": _rule(
        "a case episode: attributed, in a patient of this definition's cohort, and not ruled out by an adjudication",
        "is_case_episode",
    ),
    "no_case_episode": _rule(
        "not a case episode, for the reasons above: not attributed, not in the cohort, or ruled out by an adjudication",
        "is_case_episode",
    ),
}

RESTS_ON_NOTHING = frozenset(
    {
        "never_treated",
        "no_dose_before",
        "lost_after_this",
        "open_at_end_of_observation",
        "first_episode",
        "not_recovered_between",
        "no_further_treatment",
        "case_episode",
        "no_case_episode",
    }
)


def sentence(rule: str, definition: Mapping[str, Any], interval_days: int | None, study: Mapping[str, Any]) -> str:
    """The text of a rule with its numbers.

    Args:
        rule: a key of RULES.
        definition: a row of dim_case_definition.
        interval_days: dosing interval of the attributed drug, None if there is none.
        study: the study settings as in a release's manifest, dates as ISO text or None.
    """
    low = f"{'<=' if definition['onset_inclusive'] else '<'} {_plain(definition['onset_below'])}"
    numbers = dict(definition) | {
        "low": low,
        "recovery_at": _plain(definition["recovery_at"]),
        "interval_days": interval_days,
        "tolerated_days": None if interval_days is None else _plain(Decimal("1.5") * interval_days),
        "enrolment": f"{_day(study['enrolment_start'])} to {_day(study['enrolment_end'])}",
    }
    return RULES[rule].sentence.format(**numbers)


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _day(day: str | date | None) -> str:
    return "open" if day is None else str(day)
