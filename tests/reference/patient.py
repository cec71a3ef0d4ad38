"""One patient under one definition, as rows: cohort, episodes, cases, days at risk."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from . import outcomes, review
from .episodes import Episode
from .grades import grade
from .history import History, days_at_risk, in_baseline
from .model import Adjudication, CaseDefinition

FIRST_YEAR_DAYS = 365


@dataclass
class AssessedEpisode:
    """An episode with all that is said of it."""

    number: int
    episode: Episode
    attribution: outcomes.Attribution | None
    adjudication: str | None
    is_case: bool
    recurrence_number: int | None = None
    continuation_possible: bool = False
    recurrence_context: str | None = None


def patient_died(history: History) -> bool:
    """Died by the end of observation."""
    return history.patient.death is not None and history.patient.death <= history.observation_end


@dataclass
class PatientResult:
    """A patient as one definition sees them."""

    history: History
    definition: CaseDefinition
    exclusion: str | None
    episodes: list[AssessedEpisode]

    @property
    def in_cohort(self) -> bool:
        return self.exclusion is None

    @property
    def cases(self) -> list[AssessedEpisode]:
        """Case episodes in order of onset."""
        return [e for e in self.episodes if e.is_case]

    @property
    def first_case(self) -> AssessedEpisode | None:
        return self.cases[0] if self.cases else None

    @property
    def last_unrecurred(self) -> AssessedEpisode | None:
        """The last case episode numbered 0, which a recurrence is held against."""
        numbered_0 = [e for e in self.cases if e.recurrence_number == 0]
        return numbered_0[-1] if numbered_0 else None

    @property
    def index_date(self) -> date | None:
        doses = self.history.class_doses
        return doses[0].day if doses else None

    def in_first_year(self, day: date) -> bool:
        """At most 365 days after the index date."""
        return self.index_date is not None and (day - self.index_date).days <= FIRST_YEAR_DAYS

    def _who(self) -> dict[str, Any]:
        return {"site": self.history.site, "patient_id": self.history.patient.patient_id}

    def patient_row(self) -> dict[str, Any]:
        """The row of dim_patient, where this is the primary definition."""
        history, patient, index = self.history, self.history.patient, self.index_date
        baseline = [r for r in history.anc if index and in_baseline(r.day, index)]
        birth = patient.birth
        age = None
        if birth and index:
            age = index.year - birth.year - ((index.month, index.day) < (birth.month, birth.day))
        return self._who() | {
            "sex": patient.sex,
            "birth_year": birth.year if birth else None,
            "age_at_index": age,
            "ms_phenotype": patient.ms_phenotype,
            "duffy_null": patient.duffy_null,
            "first_drug": history.class_doses[0].drug if index else None,
            "index_date": index,
            "observation_end": history.observation_end,
            "death_date": patient.death if patient_died(history) else None,
            "follow_up_end": history.last_contact,
            "days_at_risk": sum(row["days_at_risk"] for row in self.risk_rows) if self.in_cohort else None,
            "in_cohort": self.in_cohort,
            "exclusion_reason": self.exclusion,
            "no_baseline_anc": not baseline if index else None,
        }

    def cohort_rows(self) -> list[dict[str, Any]]:
        """One row where the patient is in the cohort."""
        if not self.in_cohort:
            return []
        first = self.first_case
        return [
            {"definition_id": self.definition.definition_id}
            | self._who()
            | {
                "first_drug": self.history.class_doses[0].drug,
                "index_date": self.index_date,
                "follow_up_end": self.history.last_contact,
                "has_died": patient_died(self.history),
                "first_case_onset": first.episode.onset if first else None,
                "is_case_of_first_year": self.in_first_year(first.episode.onset) if first else None,
                "first_case_drug": first.attribution.dose.drug if first and first.attribution else None,
            }
        ]

    def exposed_drugs(self) -> list[str]:
        """Anti-CD20 drugs with a dose before the first case episode."""
        onset = self.first_case.episode.onset if self.first_case else date.max
        return sorted({d.drug for d in self.history.class_doses if d.day < onset})

    def exposure_rows(self) -> list[dict[str, Any]]:
        """One row for each drug whose denominator the patient belongs to."""
        if not self.in_cohort:
            return []
        head = {"definition_id": self.definition.definition_id} | self._who()
        return [head | {"drug": drug, "is_never_tested": self.never_tested(drug)} for drug in self.exposed_drugs()]

    @cached_property
    def days_at_risk(self) -> list[tuple[date, str]]:
        """Each day at risk with its drug."""
        return days_at_risk(self.history, self.definition.attribution_days)

    @cached_property
    def risk_rows(self) -> list[dict[str, Any]]:
        """Days at risk by drug, up to the first case and in all; ANC taken on the former."""
        if not self.in_cohort:
            return []
        days: dict[str, dict[str, int]] = {}
        stop = self.first_case.episode.onset if self.first_case else date.max
        tests = Counter(r.day for r in self.history.anc)
        for day, drug in self.days_at_risk:
            results = tests[day]
            count = days.setdefault(
                drug,
                dict.fromkeys(
                    (
                        "days_at_risk",
                        "days_at_risk_first_year",
                        "days_at_risk_total",
                        "n_anc_tests",
                        "n_anc_tests_first_year",
                        "n_anc_tests_total",
                        "n_anc_days",
                    ),
                    0,
                ),
            )
            count["days_at_risk_total"] += 1
            count["n_anc_tests_total"] += results
            if day <= stop:
                count["days_at_risk"] += 1
                count["days_at_risk_first_year"] += self.in_first_year(day)
                count["n_anc_tests"] += results
                count["n_anc_tests_first_year"] += results * self.in_first_year(day)
                count["n_anc_days"] += results > 0
        head = {"definition_id": self.definition.definition_id} | self._who()
        return [head | {"drug": drug} | days[drug] for drug in sorted(days)]

    def never_tested(self, drug: str | None = None) -> bool:
        """No count on a day at risk up to the first case, of this drug's days or of all."""
        return not any(row["n_anc_tests"] for row in self.risk_rows if drug in (None, row["drug"]))

    def rechallenge_rows(self) -> list[dict[str, Any]]:
        """One row a case episode: what was given after it, and whether it came back."""
        return [self._rechallenge_row(e) for e in self.cases]

    def _rechallenge_row(self, assessed: AssessedEpisode) -> dict[str, Any]:
        episode, history = assessed.episode, self.history
        assert assessed.attribution
        number = assessed.recurrence_number or 0
        back = next((e for e in self.cases if (e.recurrence_number or 0) > number), None)
        came_back = back.episode.onset if back else None
        given, drug, day = outcomes.given_next(history, episode.onset, assessed.attribution, came_back)
        after = outcomes.treatments_after(history, assessed.attribution.dose.drug, episode.onset, came_back)
        first_days = {treatment: day_given for day_given, treatment in reversed(after)}
        assert history.last_contact
        counted = {result.day for result in history.anc}
        counted_at_risk = [day for day, _ in self.days_at_risk if day in counted]
        return (
            {"definition_id": self.definition.definition_id}
            | self._who()
            | {
                "episode_number": assessed.number,
                "onset_date": episode.onset,
                "recovery_date": episode.recovery,
                "attributed_drug": assessed.attribution.dose.drug,
                "treatment_action": outcomes.treatment_after(history, episode.onset, assessed.attribution)[0],
                "continuation_possible": assessed.continuation_possible,
                "is_first_case_episode": assessed is self.first_case,
                "is_counted_in_recurrence": assessed is self.last_unrecurred,
                "next_treatment": given,
                "next_drug": drug,
                "next_treatment_date": day,
                "days_from_onset": (day - episode.onset).days if day else None,
                "days_from_recovery": (day - episode.recovery).days if day and episode.recovery else None,
                "last_treatment": after[-1][1] if after else "none",
                "same_drug_date": first_days.get("same_drug"),
                "same_drug_recorded_date": outcomes.first_recorded(
                    history, assessed.attribution.dose.drug, episode.onset, came_back
                ),
                "another_in_class_date": first_days.get("another_in_class"),
                "out_of_class_date": first_days.get("out_of_class"),
                "given_on_onset_day": bool(after) and after[0][0] == episode.onset,
                "recurred": back is not None,
                "recurrence_date": came_back,
                "days_to_recurrence": (came_back - episode.onset).days if came_back else None,
                "recurrence_drug": back.attribution.dose.drug if back and back.attribution else None,
                "recurrence_context": back.recurrence_context if back else None,
                "follow_up_days": (history.last_contact - episode.onset).days,
                "follow_up_days_after_treatment": (history.last_contact - day).days if day else None,
                "last_count_at_risk_date": max(counted_at_risk),
                "observed_days": (episode.last_measured - episode.onset).days,
            }
        )

    def episode_rows(self) -> list[dict[str, Any]]:
        """The rows of fct_neutropenia_episode."""
        return [self._episode_row(e) for e in self.episodes]

    def _for_review(self) -> list[tuple[dict[str, Any], list[Adjudication]]]:
        """Attributed episodes of a patient in the cohort, each with the verdicts on it."""
        if not self.in_cohort:
            return []
        return [
            (
                {"definition_id": self.definition.definition_id} | self._who() | {"onset_date": e.episode.onset},
                review.verdicts(self.history, e.episode.onset),
            )
            for e in self.episodes
            if e.attribution
        ]

    def review_rows(self) -> list[dict[str, Any]]:
        """The rows of mart_chart_review."""
        return [head | review.summary(spoken) for head, spoken in self._for_review()]

    def verdict_pair_rows(self) -> list[dict[str, Any]]:
        """Pairs of verdicts that are compared."""
        names = ("comparison", "first_reading", "second_reading", "first_verdict", "second_verdict")
        return [
            head | dict(zip(names, pair, strict=True))
            for head, spoken in self._for_review()
            for pair in review.pairs(spoken)
        ]

    def _episode_row(self, assessed: AssessedEpisode) -> dict[str, Any]:
        episode, attribution, history = assessed.episode, assessed.attribution, self.history
        nadir, gcsf = episode.nadir, outcomes.gcsf_doses(history, episode)
        action: tuple[str | None, str | None] = (None, None)
        if attribution:
            action = outcomes.treatment_after(history, episode.onset, attribution)
        recovery = episode.recovery
        scale = self.definition.severity_scale
        return (
            {"definition_id": self.definition.definition_id}
            | self._who()
            | {
                "episode_number": assessed.number,
                "onset_date": episode.onset,
                "last_normal_date": episode.last_normal,
                "last_not_low_date": episode.last_not_low,
                "nadir_anc_10e9_l": nadir.value,
                "nadir_operator": nadir.operator,
                "nadir_date": nadir.day,
                "severity": grade(scale, nadir.value, nadir.operator, nadir.lln),
                "ctcae_v5_grade": grade("ctcae_v5", nadir.value, nadir.operator, nadir.lln),
                "end_date": episode.end,
                "end_status": episode.end_status,
                "duration_days": (recovery - episode.onset).days if recovery else None,
                "n_measurements": episode.n_measurements,
                "n_gcsf_rebounds": episode.n_gcsf_rebounds,
                "attributed_drug": attribution.dose.drug if attribution else None,
                "previous_drug": attribution.previous_drug if attribution else None,
                "last_dose_date": attribution.dose.day if attribution else None,
                "days_since_last_dose": attribution.days if attribution else None,
                "dose_number": attribution.dose_number if attribution else None,
                "dose_source": attribution.dose.source if attribution else None,
                "onset_type": attribution.onset_type if attribution else None,
                "gcsf_treated": bool(gcsf),
                "gcsf_first_date": gcsf[0] if gcsf else None,
                "gcsf_doses": len(gcsf),
                "infection": outcomes.has_event(history, episode, "infection"),
                "febrile": outcomes.has_event(history, episode, "febrile_neutropenia"),
                "hospitalised": outcomes.has_event(history, episode, "hospitalisation"),
                "relapse_within_90d": outcomes.relapsed(history, episode.onset),
                "other_suspect_drugs": ", ".join(outcomes.other_suspects(history, episode.onset)) or None,
                "treatment_action": action[0],
                "next_drug": action[1],
                "recurrence_number": assessed.recurrence_number,
                "continuation_possible": assessed.continuation_possible,
                "recurrence_context": assessed.recurrence_context,
                "adjudication": assessed.adjudication,
                "is_case_episode": assessed.is_case,
            }
        )
