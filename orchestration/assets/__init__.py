"""Thin wrappers, one file a stage: raw, warehouse (dbt), statistics, release."""
