"""Thin wrappers, one file per stage: raw, warehouse (dbt), statistics, gate, release."""
