"""One definition applied to one patient: cohort or why not, episodes, cases, recurrences."""

from __future__ import annotations

from collections.abc import Sequence

from . import outcomes, review
from .episodes import Measurement, find_episodes, measurements
from .history import History, in_baseline
from .model import CaseDefinition, Study
from .patient import AssessedEpisode, PatientResult

ADJUDICATED_AWAY = ("other_cause", "lab_error")


def assess(history: History, definition: CaseDefinition, study: Study) -> PatientResult:
    """Everything that one definition says of one patient."""
    series = measurements(history.anc, definition)
    result = PatientResult(history, definition, None, [])
    result.exclusion = _exclusion(result, series, study)
    found = find_episodes(series, history.gcsf_days, definition, history.observation_end)
    for number, episode in enumerate(found, start=1):
        attribution = outcomes.attribute(history, episode.onset, definition)
        adjudication = review.verdict(history, episode.onset)
        stands = attribution is not None and adjudication not in ADJUDICATED_AWAY
        is_case = stands and result.in_cohort
        result.episodes.append(AssessedEpisode(number, episode, attribution, adjudication, is_case))
    _number_recurrences(result, series)
    return result


def _exclusion(result: PatientResult, series: Sequence[Measurement], study: Study) -> str | None:
    patient, index = result.history.patient, result.index_date
    if index is None:
        return "never_treated"
    if patient.birth is None or patient.sex is None:
        return "missing_demographics"
    too_early = study.enrolment_start is not None and index < study.enrolment_start
    if too_early or (study.enrolment_end is not None and index > study.enrolment_end):
        return "outside_enrolment"
    if any(m.low and in_baseline(m.day, index) for m in series):
        return "baseline_neutropenia"
    return None


def _number_recurrences(result: PatientResult, series: Sequence[Measurement]) -> None:
    """Number the attributed episodes that are not adjudicated away."""
    before: AssessedEpisode | None = None
    for assessed in result.episodes:
        if assessed.attribution is None or assessed.adjudication in ADJUDICATED_AWAY:
            continue
        if before is None:
            assessed.recurrence_number = 0
        else:
            assert before.recurrence_number is not None
            assert before.attribution is not None
            onset = assessed.episode.onset
            documented = outcomes.recovered_between(series, before.episode, onset)
            assessed.recurrence_number = before.recurrence_number + documented
            assessed.continuation_possible = not documented
            if documented:
                assessed.recurrence_context = outcomes.recurrence_context(
                    result.history, before.attribution.dose.drug, before.episode.onset, onset
                )
        before = assessed
