"""Who acts on a failed check, and how: one entry for each check that a hospital's data can fail.

Everything else can only be broken by the registry itself (`PIPELINE`): rows that break the input contract are
quarantined long before the gate.
"""

from __future__ import annotations

from expectations.check import Remedy

REGISTRY = "registry team"
DATA_MANAGER = "data manager of the registry"
SITE = "site (its data manager or laboratory)"

PIPELINE = Remedy(
    REGISTRY,
    "No delivery can cause this. Undo the latest change of code, seeds or settings and refresh, or report it with the "
    "check's name. The current release stays.",
)
_LOST = Remedy(
    DATA_MANAGER,
    "Look for an incomplete export that replaced a complete one (`registry quarantine`, `meta.reconciliation`), have "
    "it sent again under the same name and refresh. What a retraction or changed rules explain only warns: compare "
    "both releases with `registry releases diff`. Where the fall is real, change the threshold in "
    "`expectations/suites/drift.py`, with the reason, as reviewed code.",
)
_UNIT = Remedy(
    SITE,
    "Look up the results with their source (`fct_anc.source_value`, `source_unit`, `meta.lineage`) and ask the "
    "laboratory for their unit. A wrong unit is mended in the site's `site.yml` or by a corrected export.",
)
_LIMIT = Remedy(
    SITE,
    "Ask the laboratory for its reference limits and their unit; have the export corrected. Grades that rest on the "
    "limit are wrong until then.",
)
_SITE_YML = Remedy(
    SITE,
    "Compare test codes, units and `neutrophils_pct_includes_bands` in the `site.yml` with what the laboratory says it "
    "sends; mend the file and refresh: what it changes is evaluated again.",
)
_ASK = Remedy(SITE, "Ask the site whether the export failed or was not made, and have it sent.")
_MONTH = Remedy(
    DATA_MANAGER,
    "Look for an export that replaced a fuller one (`registry quarantine`, `meta.reconciliation`) and have it sent "
    "again, whole, under the same name. Results that are meant to go are taken back in the data: sent once more with "
    "status cancelled (docs/runbooks.md), a patient by `registry forget`.",
)
_CASES = Remedy(
    DATA_MANAGER,
    "`registry releases diff BEFORE AFTER` lists these episodes by pseudonym, with the columns that changed and why, "
    "`registry trace EPISODE_ID --release BEFORE` what they rested on. Have corrected or withdrawn rows confirmed by "
    "the site, and tell whoever has reported these cases.",
)
_SPAN = Remedy(
    DATA_MANAGER,
    "`registry review --orphaned` names file and record. Where the onset has moved, `registry review` offers the "
    "episode again. Have the site send the record again with a span that holds the onset, or cancel it.",
)
_UNTESTED = Remedy(
    SITE,
    "Ask the site for its neutrophil counts. Where lab results were delivered, look for codes that are not mapped and "
    "for quarantined rows (`registry quarantine`, `meta.reconciliation`), and map the codes in `site.yml`. Where "
    "patients are really not tested, their risk stays unknown.",
)
_CELLS = Remedy(
    SITE,
    "`registry status` says which cells were emptied and why. Map the site's words in its `site.yml` (`codes`), add "
    "its date formats (`csv.date_formats`), or have the patients sent again; then refresh.",
)
_CODES = Remedy(
    SITE,
    "`registry status` names the codes that several patients share; ask the laboratory what they measure and map them "
    "in `codes.tests` of the site's `site.yml`, then refresh. Counts under them are used nowhere until then.",
)
_PLACE = Remedy(
    DATA_MANAGER,
    "Move the files to the site and month that they belong to, `registry retract SITE/MONTH` where they were, and "
    "refresh (docs/runbooks.md). Where the place is right, the site's dates or its patients table are wrong.",
)

_BY_CHECK = {
    "patients_left_cohort_for_a_cell": _CELLS,
    "site_cohort_shrunk": _CELLS,
    "demographics_emptied": _CELLS,
    "dose_amounts_read": Remedy(
        SITE,
        "`meta.column_defect` names the files, column dose. Have the amount sent as a number, with or without unit, "
        "and as 0 where nothing was given; or map the site's word for that to not_given (`codes.status` in its "
        "`site.yml`) and have it sent as the status.",
    ),
    "neutrophil_codes_mapped": _CODES,
    "delivery_month_in_the_future": _PLACE,
    "delivery_in_its_place": _PLACE,
    "treatment_end_unknown": Remedy(
        SITE,
        "`meta.column_defect` names the files, column end_date. Add the format of the dates to the `site.yml`, or have "
        "the ends corrected and the lines sent again under their keys; blank is a line that goes on.",
    ),
    "patient_age_plausible": Remedy(SITE, "Have the birth date looked up in the chart and the patient sent again."),
    "anc_plausible": _UNIT,
    "lab_value_plausible": _UNIT,
    "lab_unit_in_doubt": _UNIT,
    "site_median_anc_moved": _UNIT,
    "anc_lower_limit_plausible": _LIMIT,
    "lab_lower_limit_plausible": _LIMIT,
    "verdict_speaks_of_an_episode": _SPAN,
    "derived_anc_agrees_with_measured": _SITE_YML,
    "bands_are_read_right": _SITE_YML,
    "derived_anc_is_possible": _SITE_YML,
    "parts_are_of_one_draw": Remedy(
        SITE,
        "Have the laboratory's export give each result its specimen id or its time, or the measured ANC: of two draws "
        "on one day nothing says which leukocytes belong to which percentage. Look up these draws in the charts.",
    ),
    "parts_are_paired": Remedy(
        SITE,
        "Have the laboratory's export give all parts of a draw the same specimen id, or no id and the same time; or "
        "have it send the measured ANC. Look up these days in the charts.",
    ),
    "percentages_are_percentages": Remedy(
        SITE,
        "Ask the laboratory what it sends under %. Where all its percentages are fractions, say so in the `site.yml` "
        '(`codes: {units: {"%": "1"}}`) or have the export corrected; counts need the code and unit of a count.',
    ),
    "differentials_were_counted": Remedy(
        SITE,
        "Have the laboratory send a blank, not a zero, for a differential that it did not count, and the measured ANC "
        "where there is one. Look at these patients' charts meanwhile: too few cells to count may be a neutropenia.",
    ),
    "site_silent_in_latest_month": _ASK,
    "entity_missing_or_low": _ASK,
    "stratum_never_tested": _UNTESTED,
    "site_without_counts": _UNTESTED,
    "delivery_month_lost": _LOST,
    "patients_halved": _LOST,
    "treatments_halved": _LOST,
    "doses_halved": _LOST,
    "anc_halved": _LOST,
    "lab_grades_halved": _LOST,
    "site_anc_month_emptied": _MONTH,
    "site_anc_month_shrunk": _MONTH,
    "site_lab_month_shrunk": _MONTH,
    "site_dose_month_shrunk": _MONTH,
    "delivery_shrunk": _MONTH,
    "case_episodes_lost": _CASES,
    "same_inputs_same_content": Remedy(
        REGISTRY,
        "The build is not reproducible: refresh once more; if it stays, report it with the tables in the detail.",
    ),
}


def remedy_of(check_id: str) -> Remedy:
    """Who mends what this check found, and how."""
    return _BY_CHECK.get(check_id, PIPELINE)


def known() -> frozenset[str]:
    """The checks that have a remedy of their own."""
    return frozenset(_BY_CHECK)
