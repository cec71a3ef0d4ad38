"""The output folder of a simulation: labelled before any row is written, and never one with real data."""

from __future__ import annotations

import re
from pathlib import Path

from registry.errors import UserError

SIMULATED = "# Simulated: no patient is behind these deliveries."
"""The first line of every YAML file that a simulation writes."""
ANSWER_KEY = "answer_key.json"
_LABEL = "synthetic: true"
_MONTH = re.compile(r"\d{4}-\d{2}")
_DELIVERED = re.compile(r".*_synthetic\.(csv|csv\.gz|parquet|xlsx)")


def prepare(out: Path, study: dict[str, object]) -> None:
    """Remove an earlier simulation from the folder and write its registry.yml.

    The label is written before the first row. Raises UserError if the folder has anything that a simulation did not
    write.
    """
    settings = out / "registry.yml"
    files = [path for path in out.rglob("*") if path.is_file()] if out.is_dir() else []
    labelled = settings.is_file() and _LABEL in settings.read_text(encoding="utf-8").splitlines()
    foreign = [path for path in files if path != settings and not _simulated(path, out)]
    if out.exists() and (not out.is_dir() or foreign or (files and not labelled)):
        raise UserError(f"{out} contains other data: simulate into a new or empty folder")
    for path in files:
        if path != settings:
            path.unlink()
    for folder in sorted((path for path in out.rglob("*") if path.is_dir()), reverse=True):
        folder.rmdir()
    out.mkdir(parents=True, exist_ok=True)
    lines = [SIMULATED]
    lines += [f"{key}: {_yaml(value)}" for key, value in study.items()]
    settings.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")


def _simulated(path: Path, out: Path) -> bool:
    parts = path.relative_to(out).parts
    if len(parts) == 1:
        return path.name == ANSWER_KEY
    if len(parts) == 2:
        return path.name == "site.yml" and path.read_text(encoding="utf-8").startswith(SIMULATED)
    named = _DELIVERED.fullmatch(path.name) is not None
    return named and len(parts) == 3 and _MONTH.fullmatch(parts[1]) is not None


def _yaml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
