"""Writes a generated cohort as a folder of deliveries that `registry refresh` can load.

Layout: `<dir>/<site>/<YYYY-MM>/<file>`, `<dir>/<site>/site.yml`, `<dir>/registry.yml`.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import yaml

from .cohort import Cohort
from .model import COLUMNS, KEYS, MALFORMED, CaseDefinition, File, Site, Study


def write(cohort: Cohort, folder: Path) -> None:
    """Write all files, every site's profile and the study settings; `folder` may exist, empty."""
    for file in cohort.files:
        _write_file(file, folder / file.site / file.delivery, cohort.study.site(file.site))
    for name in sorted({file.site for file in cohort.files}):
        _write_yaml(_site_settings(cohort.study.site(name)), folder / name / "site.yml")
    _write_yaml(_study_settings(cohort.study), folder / "registry.yml")


def _write_file(file: File, folder: Path, site: Site) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    columns = [column for column in COLUMNS[file.entity] if column != KEYS[file.entity] or file.entity not in site.keys]
    with (folder / file.name).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        for row in file.rows:
            if MALFORMED in row:
                stream.write(row[MALFORMED] + "\n")
            else:
                writer.writerow([row.get(column, "") for column in columns])


def _write_yaml(settings: dict[str, Any], path: Path) -> None:
    path.write_text(yaml.safe_dump(settings, sort_keys=True, allow_unicode=True), encoding="utf-8")


def _site_settings(site: Site) -> dict[str, Any]:
    kinds = {"tests": {**site.tests, **site.told}, "units": site.units, "drugs": site.drugs, **site.words}
    return {
        "mode": site.mode,
        "keys": {entity: list(columns) for entity, columns in site.keys.items()},
        "time_zone": site.time_zone,
        "codes": {kind: dict(codes) for kind, codes in kinds.items() if codes},
        "missing": list(site.missing),
        "flags": list(site.flags),
        "units": {"lab_results": site.constant_units},
        "neutrophils_pct_includes_bands": site.neutrophils_pct_includes_bands,
    }


def _study_settings(study: Study) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "study_id": "reference",
        "primary_definition": study.primary_definition,
        "anc_interval_days": study.anc_interval_days,
        "time_zone": "UTC",
        "synthetic": True,
        "definitions": [_definition(d) for d in study.definitions],
    }
    for name in ("enrolment_start", "enrolment_end", "data_cutoff"):
        if (day := getattr(study, name)) is not None:
            settings[name] = day
    return settings


def _definition(definition: CaseDefinition) -> dict[str, Any]:
    return {
        "definition_id": definition.definition_id,
        "severity_scale": definition.severity_scale,
        "onset_below": float(definition.onset_below),
        "onset_inclusive": definition.onset_inclusive,
        "recovery_at": float(definition.recovery_at),
        "max_gap_days": definition.max_gap_days,
        "gcsf_days": definition.gcsf_days,
        "attribution_days": definition.attribution_days,
        "late_days": definition.late_days,
    }
