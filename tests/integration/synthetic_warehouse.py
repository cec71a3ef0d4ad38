"""A small, consistent build file made by SQL alone, for tests of the gate and of releases.

It holds every published table with the columns and types of its YAML, where a column that no check reads is NULL, and
nothing of the pipeline: a test of the gate should fail because the gate is wrong, not because a model is. Definitions
and scales are the shipped seeds.
Tests take it as it is and break one thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from expectations.published import published
from expectations.suites import staged

RULES = ", ".join(str(pair) for pair in staged.EXPECTED)
SEEDS = Path(__file__).parents[2] / "dbt_project" / "seeds"

REPORTABLE = """
CREATE OR REPLACE TABLE main.mart_reportable AS
SELECT 'episode' AS basis, episode_id, definition_id, patient_key, episode.site, onset_date, nadir_date,
    nadir_anc_10e9_l, nadir_operator, severity, NULL::VARCHAR AS lab_key, NULL::DECIMAL(18, 6) AS leukocytes_10e9_l,
    NULL::VARCHAR AS leukocytes_operator, ctcae_v5_grade IS NULL AS possibly_severe, is_case_episode,
    patient.exclusion_reason AS outside_cohort_reason, attributed_drug, days_since_last_dose, dose_number, onset_type,
    end_date
FROM main.fct_neutropenia_episode AS episode JOIN main.dim_patient AS patient USING (patient_key)
WHERE definition_id = 'udine_2025' AND (ctcae_v5_grade = '4' OR ctcae_v5_grade IS NULL)
    AND attributed_drug IS NOT NULL AND coalesce(adjudication, 'confirmed') = 'confirmed'
"""
"""The reportable episodes, once more after the episodes were altered."""

# Patients 1..n, two sites, one ocrelizumab or rituximab line each, monthly counts. Every tenth patient has one
# late severe episode in the fourth month after the first dose, recovered a month later.
_SQL = """
CREATE SCHEMA meta;
CREATE TABLE main.dim_drug AS
SELECT * FROM (VALUES
    ('ocrelizumab', 'anti_cd20', 182, false, true), ('rituximab', 'anti_cd20', 182, false, true),
    ('ofatumumab', 'anti_cd20', 28, true, true), ('filgrastim', 'gcsf', NULL, false, false),
    ('fingolimod', 'other', NULL, false, false), ('cladribine', 'other', NULL, false, true)
) AS t (drug, drug_class, interval_days, home_injected, neutropenia_risk);
CREATE TABLE main.dim_grading_scale AS
SELECT scale, version, analyte, grade, label, severity_rank::INTEGER AS severity_rank,
    lower::DECIMAL(18, 6) AS lower, lower_inclusive::BOOLEAN AS lower_inclusive,
    upper::DECIMAL(18, 6) AS upper, upper_inclusive::BOOLEAN AS upper_inclusive, lln_rule, unit, source
FROM read_csv('{seeds}/grading_scales.csv', header = true, all_varchar = true);
CREATE TABLE main.dim_case_definition AS
SELECT definition_id, label, definition_id = 'udine_2025' AS is_primary, severity_scale,
    onset_below::DECIMAL(18, 6) AS onset_below,
    onset_inclusive::BOOLEAN AS onset_inclusive, recovery_at::DECIMAL(18, 6) AS recovery_at,
    max_gap_days::INTEGER AS max_gap_days, gcsf_days::INTEGER AS gcsf_days,
    attribution_days::INTEGER AS attribution_days, late_days::INTEGER AS late_days, source
FROM read_csv('{seeds}/case_definitions.csv', header = true, all_varchar = true);

CREATE TABLE main.dim_patient AS
SELECT sha256('patient' || i) AS patient_key, CASE WHEN i % 3 = 0 THEN 'trieste' ELSE 'udine' END AS site,
    CASE WHEN i % 3 = 1 THEN 'M' ELSE 'F' END AS sex, (1960 + i % 40)::INTEGER AS birth_year,
    (2023 - 1960 - i % 40)::INTEGER AS age_at_index, 'RRMS' AS ms_phenotype, NULL::BOOLEAN AS duffy_null,
    CASE WHEN i % 2 = 0 THEN 'ocrelizumab' ELSE 'rituximab' END AS first_drug, DATE '2023-01-10' AS index_date,
    DATE '2024-03-31' AS observation_end, DATE '2024-03-20' AS follow_up_end,
    CASE WHEN i % 10 = 0 THEN 120 ELSE 435 END / 365.25 AS person_years,
    true AS in_cohort, NULL::VARCHAR AS exclusion_reason, false AS no_baseline_anc
FROM range(1, {patients} + 1) AS r (i);

CREATE TABLE main.fct_treatment AS
SELECT patient_key, left(sha256('line' || patient_key), 32) AS treatment_key, 1 AS line_number, first_drug AS drug,
    'anti_cd20' AS drug_class, index_date AS start_date, NULL::DATE AS end_date, false AS end_unknown,
    NULL::VARCHAR AS end_reason,
    3 AS n_doses
FROM main.dim_patient;

CREATE TABLE main.fct_dose AS
SELECT patient_key, first_drug AS drug, 'anti_cd20' AS drug_class,
    (index_date + (d * 182)::INTEGER)::DATE AS administered_on,
    (d + 1)::BIGINT AS dose_number, 'recorded' AS dose_source
FROM main.dim_patient CROSS JOIN range(3) AS r (d);

CREATE TABLE main.fct_anc AS
WITH counts AS (
    SELECT *, (DATE '2023-01-01' + (m * {every_days})::INTEGER)::DATE AS day,
        hash(patient_key || m) % 300 + 200 AS cents
    FROM main.dim_patient CROSS JOIN range({counts}) AS r (m)
), valued AS (
    SELECT *, CASE WHEN person_years < 1 AND day BETWEEN DATE '2023-05-01' AND DATE '2023-05-31'
        THEN 0.3 ELSE cents * 0.01 END::DECIMAL(18, 6) AS anc
    FROM counts
)
SELECT left(sha256(patient_key || m), 32) AS anc_key, patient_key, site, day AS collected_on,
    day::TIMESTAMP + INTERVAL 8 HOUR AS collected_at, anc AS anc_10e9_l, NULL::VARCHAR AS operator,
    'measured' AS derivation, anc::VARCHAR AS source_value, NULL::VARCHAR AS source_flag, '10*9/L' AS source_unit,
    2::DECIMAL(18, 6) AS lln_10e9_l,
    CASE WHEN anc < 0.5 THEN 'severe' WHEN anc < 1 THEN 'moderate' WHEN anc < 1.5 THEN 'mild' ELSE 'none' END
        AS severity,
    CASE WHEN anc < 0.5 THEN '4' WHEN anc < 1 THEN '3' WHEN anc < 1.5 THEN '2' WHEN anc < 2 THEN '1' ELSE '0' END
        AS ctcae_v5_grade,
    CASE WHEN anc < 0.1 THEN '4' WHEN anc < 0.5 THEN '3' WHEN anc < 1 THEN '2' WHEN anc < 1.5 THEN '1' ELSE '0' END
        AS ctcae_v6_grade,
    CASE WHEN anc < 0.4 THEN '4' WHEN anc < 0.6 THEN '3' WHEN anc < 0.8 THEN '2' WHEN anc <= 1 THEN '1' ELSE '0' END
        AS daids_2_1_grade,
    false AS below_cutoff_but_within_reference_range,
    CASE WHEN day > index_date THEN first_drug END AS last_drug,
    CASE WHEN day > index_date THEN (day - index_date) % 182 END::INTEGER AS days_since_last_dose,
    false AS within_gcsf_window
FROM valued;

-- leukocytes and platelets of one healthy level; the lymphocytes of a case are 0.15, grade 4
CREATE TABLE main.fct_lab_grade AS
SELECT left(sha256(anc_key || analyte), 32) AS lab_key, patient_key, site, analyte, collected_on, collected_at,
    CASE WHEN analyte = 'lymphocytes' AND anc_10e9_l = 0.3 THEN 0.15 ELSE healthy END::DECIMAL(18, 6) AS value_10e9_l,
    NULL::VARCHAR AS operator, lln::DECIMAL(18, 6) AS lln_10e9_l, false AS unit_in_doubt,
    CASE WHEN value_10e9_l = 0.15 THEN '4' ELSE '0' END AS ctcae_v5_grade,
    CASE WHEN analyte <> 'lymphocytes' THEN '0' END AS ctcae_v6_grade,
    CASE WHEN value_10e9_l = 0.15 THEN '4' ELSE '0' END AS daids_2_1_grade,
    false AS below_cutoff_but_within_reference_range
FROM main.fct_anc
CROSS JOIN (VALUES ('wbc', 6, 4), ('lymphocytes', 1.6, 1), ('platelets', 250, 150)) AS t (analyte, healthy, lln);

CREATE TABLE main.fct_neutropenia_episode AS
WITH low AS (
    SELECT definition_id, dim_patient.*, fct_anc.collected_on, fct_anc.anc_10e9_l
    FROM main.fct_anc JOIN main.dim_patient USING (patient_key)
    CROSS JOIN main.dim_case_definition
    WHERE fct_anc.anc_10e9_l < 0.5
), first_low AS (
    SELECT *, row_number() OVER (PARTITION BY definition_id, patient_key ORDER BY collected_on) AS n FROM low
)
SELECT left(sha256(definition_id || patient_key), 32) AS episode_id, definition_id, patient_key, site,
    1::BIGINT AS episode_number, collected_on AS onset_date,
    (collected_on - {every_days}::INTEGER)::DATE AS last_normal_date,
    anc_10e9_l AS nadir_anc_10e9_l, NULL::VARCHAR AS nadir_operator, collected_on AS nadir_date,
    'severe' AS severity, '4' AS ctcae_v5_grade, (collected_on + 31)::DATE AS end_date, 'recovered' AS end_status,
    31::BIGINT AS duration_days, 1::BIGINT AS n_measurements, first_drug AS attributed_drug,
    NULL::VARCHAR AS previous_drug, index_date AS last_dose_date,
    (collected_on - index_date)::INTEGER AS days_since_last_dose,
    1::BIGINT AS dose_number, 'recorded' AS dose_source, 'late' AS onset_type, false AS gcsf_treated,
    NULL::DATE AS gcsf_first_date, 0::BIGINT AS gcsf_doses, 0::BIGINT AS n_gcsf_rebounds, false AS infection,
    false AS febrile, false AS hospitalised, false AS relapse_within_90d, NULL::VARCHAR AS other_suspect_drugs,
    'continued' AS treatment_action, NULL::VARCHAR AS next_drug,
    0::BIGINT AS recurrence_number, false AS continuation_possible, NULL::VARCHAR AS recurrence_context,
    NULL::VARCHAR AS adjudication, true AS is_case_episode
FROM first_low WHERE n = 1;

CREATE TABLE main.mart_case_listing AS
SELECT definition_id, patient_key, attributed_drug AS drug, 1::BIGINT AS n_episodes, severity AS worst_severity,
    ctcae_v5_grade AS worst_ctcae_v5_grade, false AS possibly_severe,
    nadir_anc_10e9_l, onset_type, gcsf_treated, false AS recurred, treatment_action AS final_treatment_action, next_drug
FROM main.fct_neutropenia_episode;

CREATE TABLE main.mart_incidence AS
WITH strata AS (
    SELECT patient_key, 'overall' AS stratum_type, 'overall' AS stratum, person_years FROM main.dim_patient
    UNION ALL SELECT patient_key, 'drug', first_drug, person_years FROM main.dim_patient
    UNION ALL SELECT patient_key, 'site', site, person_years FROM main.dim_patient
), counted AS (
    SELECT definition_id, stratum_type, stratum, count(*) AS n_patients, count(episode.patient_key) AS n_cases,
        sum(person_years) AS person_years
    FROM strata CROSS JOIN main.dim_case_definition
    LEFT JOIN main.fct_neutropenia_episode AS episode USING (definition_id, patient_key)
    GROUP BY ALL
)
SELECT definition_id, stratum_type, stratum, n_patients, 0::BIGINT AS n_never_tested, n_cases,
    100.0 * n_cases / n_patients AS risk_pct,
    0.5 * risk_pct AS risk_low, least(100, 2 * risk_pct + 1) AS risk_high, 0.6 * risk_pct AS risk_low_wilson,
    least(100, 1.9 * risk_pct + 1) AS risk_high_wilson, person_years,
    100 * n_cases / person_years AS rate_per_100py, 0.5 * rate_per_100py AS rate_low,
    2 * rate_per_100py + 1 AS rate_high,
    CASE WHEN n_cases > 0 THEN 0.6 * rate_per_100py END AS rate_low_logwald,
    CASE WHEN n_cases > 0 THEN 1.8 * rate_per_100py END AS rate_high_logwald, n_cases AS n_episodes,
    person_years AS person_years_total, rate_per_100py AS episode_rate_per_100py, 12.0 AS anc_tests_per_py
FROM counted;

CREATE TABLE main.mart_incidence_by_period AS
WITH periods AS (
    SELECT definition_id, stratum_type, stratum, period, n_patients, n_never_tested,
        CASE period WHEN 'first_year' THEN n_cases ELSE 0 END AS n_cases,
        CASE period WHEN 'first_year' THEN 0.75 ELSE 0.25 END * person_years AS person_years
    FROM main.mart_incidence CROSS JOIN (VALUES ('first_year'), ('later')) AS p (period)
)
SELECT *, 100 * n_cases / person_years AS rate_per_100py, 0.5 * rate_per_100py AS rate_low,
    2 * rate_per_100py + 1 AS rate_high, CASE WHEN n_cases > 0 THEN 0.6 * rate_per_100py END AS rate_low_logwald,
    CASE WHEN n_cases > 0 THEN 1.8 * rate_per_100py END AS rate_high_logwald, NULL::DOUBLE AS rate_ratio,
    CASE WHEN n_cases > 0 THEN 0.1 END AS rate_ratio_low, NULL::DOUBLE AS rate_ratio_high
FROM periods;

CREATE TABLE main.mart_cohort_summary AS
SELECT 'n_patients' AS measure, 'overall' AS stratum, count(*) AS n, count(*) AS denominator, 100.0 AS value
FROM main.dim_patient
UNION ALL
SELECT 'never_tested', 'overall', 0, count(*), 0 FROM main.dim_patient
UNION ALL
SELECT 'median_days_from_dose_to_onset', 'overall', count(*), NULL, median(days_since_last_dose)
FROM main.fct_neutropenia_episode WHERE definition_id = 'udine_2025';
CREATE TABLE main.mart_time_to_onset AS
SELECT definition_id, 'overall' AS stratum_type, 'overall' AS stratum, 111 AS time_days, n_patients,
    n_never_tested, n_patients AS at_risk,
    n_cases AS events, 0::BIGINT AS deaths, 1 - n_cases / n_patients AS survival, 0.5 * survival AS ci_low,
    1.0::DOUBLE AS ci_high, n_cases / n_patients AS cumulative_incidence, 0.0::DOUBLE AS cif_low,
    0.5::DOUBLE AS cif_high
FROM main.mart_incidence WHERE stratum_type = 'overall';
CREATE TABLE main.mart_duration AS
WITH times AS (
    SELECT definition_id, measure,
        CASE measure WHEN 'onset_to_recovery' THEN duration_days ELSE days_since_last_dose END AS days
    FROM main.fct_neutropenia_episode
    CROSS JOIN (VALUES ('last_dose_to_first_onset'), ('last_dose_to_onset'), ('onset_to_recovery')) AS m (measure)
)
SELECT definition_id, measure, 'overall' AS stratum_type, 'all' AS stratum, count(*) AS n, count(*) AS n_events,
    median(days) AS median_days, NULL::DOUBLE AS median_low, NULL::DOUBLE AS median_high, min(days) AS q1_days,
    max(days) AS q3_days, min(days) AS min_days, max(days) AS max_days
FROM times GROUP BY definition_id, measure;
CREATE TABLE main.mart_rechallenge AS
SELECT episode_id, definition_id, patient_key, site, episode_number, true AS is_first_case_episode,
    continuation_possible, attributed_drug, onset_date, end_date AS recovery_date, treatment_action,
    'same_drug' AS next_treatment, attributed_drug AS next_drug, last_dose_date + 182 AS next_treatment_date,
    next_treatment_date - onset_date AS days_from_onset, next_treatment_date - end_date AS days_from_recovery,
    true AS is_counted_in_recurrence, 'same_drug' AS last_treatment, next_treatment_date AS same_drug_date,
    next_treatment_date AS same_drug_recorded_date,
    NULL::DATE AS another_in_class_date, NULL::DATE AS out_of_class_date, false AS given_on_onset_day,
    false AS recurred, NULL::DATE AS recurrence_date, NULL::INTEGER AS days_to_recurrence,
    NULL::VARCHAR AS recurrence_drug, NULL::VARCHAR AS recurrence_context, 300 AS follow_up_days,
    250 AS follow_up_days_after_treatment, DATE '2024-03-01' AS last_count_at_risk_date
FROM main.fct_neutropenia_episode;
CREATE TABLE main.mart_recurrence AS
SELECT definition_id, 'overall' AS stratum_type, 'all' AS stratum, treatment_after, count(*) AS n_patients,
    0::BIGINT AS n_never_tested, 0::BIGINT AS n_recurrent, 0.0::DOUBLE AS recurrence_pct, 0.0::DOUBLE AS recurrence_low,
    90.0::DOUBLE AS recurrence_high, 0.0::DOUBLE AS recurrence_low_wilson, 80.0::DOUBLE AS recurrence_high_wilson,
    300.0::DOUBLE AS median_follow_up_days
FROM main.mart_rechallenge
CROSS JOIN (VALUES ('all'), ('same_drug'), ('same_drug_recorded')) AS t (treatment_after)
GROUP BY definition_id, treatment_after
UNION ALL
SELECT definition_id, 'drug', attributed_drug, unnest(['all', 'same_drug', 'same_drug_recorded']), count(*), 0, 0, 0, 0,
    90, 0, 80, 300
FROM main.mart_rechallenge GROUP BY definition_id, attributed_drug;
{reportable};
-- A release that had all of them before: `publish` writes its own.
CREATE TABLE main.mart_new_cases AS
SELECT basis, episode_id, definition_id, patient_key, site, onset_date, severity, leukocytes_10e9_l,
    leukocytes_operator, possibly_severe, is_case_episode, outside_cohort_reason, attributed_drug,
    'unknown' AS known_as, false AS is_first_release, 'before' AS previous_release_id
FROM main.mart_reportable WHERE false;
CREATE TABLE main.mart_attrition AS
SELECT * FROM (VALUES
    (1, 'never_treated'), (2, 'missing_demographics'), (3, 'outside_enrolment'), (4, 'baseline_neutropenia')
) AS t (step, reason)
CROSS JOIN (SELECT count(*) AS n_in, 0::BIGINT AS n_excluded, count(*) AS n_out FROM main.dim_patient);
CREATE TABLE main.mart_sensitivity AS
SELECT definition_id, n_patients, n_never_tested, n_cases, n_episodes, 0::BIGINT AS n_recurrent, risk_pct,
    rate_per_100py
FROM main.mart_incidence WHERE stratum_type = 'overall';
CREATE TABLE main.mart_sensitivity_analysis AS
SELECT definition_id, analysis, stratum_type, CASE WHEN stratum_type = 'overall' THEN 'all' ELSE stratum END AS stratum,
    n_patients, n_never_tested, n_cases, n_episodes, 0::BIGINT AS n_recurrent, risk_pct, person_years, rate_per_100py
FROM main.mart_incidence
CROSS JOIN (VALUES ('main'), ('without_duffy_null'), ('with_baseline_anc'), ('late_effects_to_drug_before'))
    AS t (analysis)
WHERE stratum_type <> 'site';
CREATE TABLE main.mart_monitoring AS
SELECT patient_key, DATE '2024-01-09' AS last_dose_date, first_drug AS last_drug, DATE '2024-03-01' AS last_anc_date,
    30 AS days_since_anc, 3.0::DECIMAL(18, 6) AS last_anc_10e9_l, 'none' AS last_severity, false AS anc_overdue,
    false AS open_episode, 82 AS days_since_last_dose, false AS in_late_window, false AS deceased,
    false AS unresolved_episode, NULL::VARCHAR AS switched_to, follow_up_end AS last_contact_date, true AS is_followed
FROM main.dim_patient;

CREATE TABLE main.mart_chart_review AS
SELECT episode_id, definition_id, patient_key, site, onset_date, 'unreviewed' AS review_status,
    adjudication AS verdict, 0 AS n_reviews, 0 AS n_readers, 0 AS n_reviewer_roles,
    NULL::VARCHAR AS reviewer_roles, NULL::BOOLEAN AS verdicts_agree, NULL::DATE AS reviewed_on
FROM main.fct_neutropenia_episode;
CREATE TABLE main.mart_review_agreement AS
SELECT definition_id, 'order' AS comparison, 'first verdict' AS first_reading, 'second verdict' AS second_reading,
    0::BIGINT AS n_episodes, 0::BIGINT AS n_agreeing, NULL::DOUBLE AS agreement_pct, NULL::DOUBLE AS kappa,
    NULL::DOUBLE AS kappa_low, NULL::DOUBLE AS kappa_high
FROM main.dim_case_definition;

CREATE TABLE meta.input_file AS
WITH files AS (
    SELECT site, strftime(DATE '2023-01-01' + to_months(m::INTEGER), '%Y-%m') AS delivery, 'lab_results' AS entity
    FROM (SELECT DISTINCT site FROM main.dim_patient) CROSS JOIN range(15) AS r (m)
)
SELECT left(sha256('file' || site || delivery), 16) AS file_id, site, delivery, entity,
    sha256(site || delivery) AS sha256,
    (SELECT count(*) FROM main.fct_anc WHERE fct_anc.site = files.site) AS n_rows, true AS is_current,
    false AS is_retracted
FROM files;
CREATE TABLE meta.reconciliation AS
SELECT site, delivery, entity, file_id AS source_file, n_rows AS rows_delivered, n_rows AS rows_current,
    0::BIGINT AS rows_superseded, 0::BIGINT AS rows_duplicate, 0::BIGINT AS rows_quarantined,
    0::BIGINT AS rows_not_mapped, 0::BIGINT AS rows_retracted, 0::BIGINT AS rows_erased,
    0::BIGINT AS rows_cancelled, 0::BIGINT AS rows_not_given, 0::BIGINT AS rows_open
FROM meta.input_file;
CREATE TABLE meta.lineage AS
WITH first_file AS (SELECT site, min(file_id) AS file_id FROM meta.input_file GROUP BY site)
SELECT 'anc' AS record_of, anc_key, NULL::VARCHAR AS record_key, patient_key, NULL::VARCHAR AS drug,
    NULL::DATE AS administered_on, file_id AS source_file, row_number() OVER (PARTITION BY site) AS record_number,
    NULL::VARCHAR AS part, NULL::DECIMAL(18, 6) AS part_value
FROM main.fct_anc JOIN first_file USING (site)
UNION ALL
SELECT 'dose', NULL, NULL, patient_key, drug, administered_on, file_id, 1, NULL, NULL
FROM main.fct_dose JOIN main.dim_patient USING (patient_key) JOIN first_file USING (site)
UNION ALL
SELECT 'line', NULL, treatment_key, patient_key, drug, NULL, file_id, 1, NULL, NULL
FROM main.fct_treatment JOIN main.dim_patient USING (patient_key) JOIN first_file USING (site);
CREATE TABLE meta.episode_trace AS
SELECT episode_id, 1 AS step, onset_date AS on_date, 'onset' AS rule, true AS is_nadir, 'anc' AS record_of, anc_key,
    NULL::VARCHAR AS record_key, fct_anc.anc_10e9_l, NULL::VARCHAR AS operator, NULL::VARCHAR AS drug,
    NULL::VARCHAR AS earlier_episode_id
FROM main.fct_neutropenia_episode AS episode
JOIN main.fct_anc ON fct_anc.patient_key = episode.patient_key AND fct_anc.collected_on = onset_date;
INSERT INTO meta.episode_trace
SELECT episode_id, 2, last_dose_date, 'attributed_dose', false, 'dose', NULL, NULL, NULL, NULL, attributed_drug, NULL
FROM main.fct_neutropenia_episode;
CREATE TABLE meta.quarantine_summary (
    site VARCHAR, delivery VARCHAR, entity VARCHAR, source_file VARCHAR, reason VARCHAR, n_rows BIGINT,
    n_open BIGINT
);
CREATE TABLE meta.column_defect (
    site VARCHAR, delivery VARCHAR, entity VARCHAR, source_file VARCHAR, column_name VARCHAR, reason VARCHAR,
    n_cells BIGINT
);
CREATE TABLE meta.unmapped_code AS
SELECT site, 1::BIGINT AS n_codes, 20::BIGINT AS n_rows, 0::BIGINT AS n_neutrophil_like_codes,
    0::BIGINT AS n_neutrophil_like_rows
FROM (SELECT DISTINCT site FROM main.dim_patient);
CREATE TABLE meta.contested (
    site VARCHAR, entity VARCHAR, record_key VARCHAR, source_file VARCHAR, record_number BIGINT, reasons VARCHAR
);
CREATE TABLE meta.orphaned_verdict (
    site VARCHAR, patient_key VARCHAR, onset_from DATE, onset_to DATE, verdict VARCHAR, reviewed_on DATE,
    reviewer_role VARCHAR, source_file VARCHAR, record_number BIGINT
);
CREATE TABLE meta.derivation_agreement AS
SELECT site, 'derived_wbc_pct' AS derivation, with_bands, with_bands AS is_site_rule, 150::BIGINT AS n_draws,
    0::BIGINT AS n_impossible, 100::BIGINT AS n_pairs, 0::DECIMAL(18, 6) AS median_difference_10e9_l,
    1::DECIMAL(18, 6) AS median_ratio, 99.0::DOUBLE AS share_within_5_pct, 40::BIGINT AS n_draws_with_bands,
    CASE WHEN with_bands THEN 40 ELSE 0 END::BIGINT AS n_closer, 0::BIGINT AS ambiguous_parts,
    0::BIGINT AS unpaired_parts, 0::BIGINT AS not_percentages, 0::BIGINT AS zero_differential
FROM (SELECT DISTINCT site FROM main.dim_patient) CROSS JOIN (VALUES (true), (false)) AS r (with_bands);
CREATE TABLE meta.staged_check AS
SELECT entity, rule, 100::BIGINT AS n_rows, 0::BIGINT AS n_broken
FROM (VALUES {staged_rules}) AS t (entity, rule);
CREATE TABLE meta.completeness AS
SELECT site, delivery, entity, 1::BIGINT AS files_received, n_rows AS rows_received,
    n_rows::DECIMAL(18, 1) AS rows_expected, (n_rows // 2)::BIGINT AS rows_at_least, 100.0::DOUBLE AS share_pct,
    'received' AS status
FROM meta.input_file;
CREATE TABLE meta.definition AS
SELECT definition_id, label, severity_scale, sha256(definition_id) AS content_hash FROM main.dim_case_definition;
"""


def build(path: Path, *, patients: int = 40, counts: int = 14, every_days: int = 31) -> Path:
    """Write a consistent build file at `path`; `counts` monthly results a patient, every tenth a case."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            _SQL.format(
                seeds=SEEDS,
                patients=patients,
                counts=counts,
                every_days=every_days,
                staged_rules=RULES,
                reportable=REPORTABLE,
            )
        )
        for table in published():
            _conform(connection, table.name, table.columns)
    return path


def _conform(connection: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str]) -> None:
    """Give a table the columns and types of its YAML."""
    there = {column[0] for column in connection.execute(f"SELECT * FROM {table} LIMIT 0").description}
    assert there <= set(columns), f"{table}: {there - set(columns)}"
    listed = (f"CAST({name if name in there else 'NULL'} AS {type_}) AS {name}" for name, type_ in columns.items())
    connection.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT {', '.join(listed)} FROM {table}")


def alter(path: Path, *statements: str) -> Path:
    """Run statements on a build file or candidate: the one defect that a test plants."""
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)
    return path
