"""First exports for the tests of `registry profile`, and what is proposed for them."""

from __future__ import annotations

from pathlib import Path

from registry.config.site import SiteProfile, load_profile
from registry.profile import Proposal, render, survey

PATIENTS = tuple(f"PZ-{number}" for number in range(1, 9))
LAB_HEADER = ("result_id", "patient_id", "test_code", "test_name", "value", "unit", "collected_at")


def write(folder: Path, name: str, rows: list[tuple[str, ...]], delimiter: str = ";", encoding: str = "utf-8") -> Path:
    """One delimited file; the first row is its header."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes("".join(delimiter.join(row) + "\r\n" for row in rows).encode(encoding))
    return path


def lab(
    code: str = "751-8", name: str = "", value: str = "1.5", unit: str = "10*9/L", date: str = "2024-02-03", n: int = 3
) -> list[tuple[str, ...]]:
    """`n` results of each of eight patients, without a header."""
    return [
        (f"r{code}{date}{patient}{number}", patient, code, name, value, unit, date)
        for patient in PATIENTS
        for number in range(n)
    ]


def write_lab(folder: Path, *rows: list[tuple[str, ...]], encoding: str = "utf-8") -> Path:
    """A native file lab_results.csv of these rows, separated by semicolons."""
    return write(folder, "lab_results.csv", [LAB_HEADER, *(row for part in rows for row in part)], encoding=encoding)


def propose(folder: Path) -> Proposal:
    """The proposal for the export in `folder`."""
    return render(survey(folder))


def profile_of(proposal: Proposal, folder: Path) -> SiteProfile:
    """The profile that the proposal is, as the registry reads it."""
    place = folder / "site-of-the-test"
    place.mkdir(exist_ok=True)
    (place / "site.yml").write_text(proposal.text, encoding="utf-8")
    return load_profile(place)
