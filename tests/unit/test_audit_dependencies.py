"""The audit of dependencies: a version known to be vulnerable is refused, an exception holds until its day."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from scripts.audit_dependencies import ROOT, applying, locked_versions, main

KNOWN = ROOT / "scripts" / "known-vulnerabilities.yml"


def audited(tmp_path: Path, *packages: tuple[str, str], known: Path = KNOWN) -> Result:
    lock = tmp_path / "uv.lock"
    lock.write_text("".join(f'[[package]]\nname = "{name}"\nversion = "{version}"\n' for name, version in packages))
    return CliRunner().invoke(main, ["--lock", str(lock), "--known", str(known)])


def test_what_is_locked_is_not_known_to_be_vulnerable() -> None:
    done = CliRunner().invoke(main, [])
    assert done.exit_code == 0, done.output
    assert ": none apply" in done.output


@pytest.mark.parametrize(
    ("package", "version", "advisory"),
    [
        ("jinja2", "3.1.5", "CVE-2025-27516"),
        ("protobuf", "6.31.0", "CVE-2025-4565"),
        ("duckdb", "1.0.0", "CVE-2024-41672"),
    ],
)
def test_an_affected_version_is_refused(package: str, version: str, advisory: str, tmp_path: Path) -> None:
    done = audited(tmp_path, ("click", "8.4.2"), (package, version))
    assert done.exit_code == 1
    assert f"{package} {version}: {advisory}; fixed in " in done.output


@pytest.mark.parametrize(("package", "version"), [("jinja2", "3.1.6"), ("protobuf", "5.29.5"), ("Protobuf", "4.25.8")])
def test_a_mended_version_passes(package: str, version: str, tmp_path: Path) -> None:
    assert audited(tmp_path, (package, version)).exit_code == 0


def test_an_exception_holds_until_its_day(tmp_path: Path) -> None:
    listed: dict[str, Any] = yaml.safe_load(KNOWN.read_text())
    listed["exceptions"] = [
        {"id": "CVE-2025-27516", "package": "Jinja2", "reason": "templates are our own", "until": dt.date(2026, 12, 31)}
    ]
    (tmp_path / "uv.lock").write_text('[[package]]\nname = "jinja2"\nversion = "3.1.5"\n')
    locked = locked_versions(tmp_path / "uv.lock")
    assert list(applying(locked, listed, dt.date(2026, 12, 31))) == []
    assert len(list(applying(locked, listed, dt.date(2027, 1, 1)))) == 1


def test_every_advisory_names_a_package_of_the_lock_its_versions_and_a_remedy() -> None:
    listed = yaml.safe_load(KNOWN.read_text())
    locked = locked_versions(ROOT / "uv.lock")
    for advisory in listed["advisories"]:
        assert advisory.keys() == {"id", "package", "affected", "remedy"}, advisory
        assert advisory["package"] in locked, f"{advisory['id']}: no longer in the lock, take it out"
    assert all(exception.keys() == {"id", "package", "reason", "until"} for exception in listed["exceptions"])


def test_a_list_that_cannot_be_read_is_no_pass(tmp_path: Path) -> None:
    (tmp_path / "known.yml").write_text("advisories: [}")
    assert audited(tmp_path, ("jinja2", "3.1.6"), known=tmp_path / "known.yml").exit_code == 2
