"""Paths inside the checkout, from which the registry runs."""

from __future__ import annotations

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
DBT_PROJECT = CHECKOUT / "dbt_project"
SEEDS = DBT_PROJECT / "seeds"
