"""What a refresh depends on, as one hash: files, settings, definitions, seeds, code, key, forgotten patients.

Two refreshes with the same fingerprint publish the same content, so the second has nothing to do.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.metadata import version
from pathlib import Path

from registry import identity, ingest
from registry.key_file import ensure_key
from registry.paths import CHECKOUT, DBT_PROJECT
from registry.settings import Settings
from registry.withdrawal.tombstones import tombstones_hash

CODE_FOLDERS = (
    CHECKOUT / "registry",
    CHECKOUT / "expectations",
    CHECKOUT / "orchestration",
    DBT_PROJECT / "models",
    DBT_PROJECT / "macros",
    DBT_PROJECT / "seeds",
)
SHAPES_ROWS = (
    CHECKOUT / "registry" / "ingest",
    CHECKOUT / "registry" / "contract.py",
    *(
        CHECKOUT / "registry" / f"{name}.py"
        for name in ("csv_profile", "site_codes", "site_profile", "vocabulary", "wide_profile")
    ),
    DBT_PROJECT / "models",
    DBT_PROJECT / "macros",
    DBT_PROJECT / "seeds",
)
"""From bytes to published rows."""
ENGINES = ("duckdb", "dbt-core", "dbt-duckdb", "great-expectations", "scipy", "statsmodels", "lifelines")


@cache
def code_hash() -> str:
    """SHA-256 over the shipped code, seeds and the versions of what runs them."""
    digest = _digest(CODE_FOLDERS, {".py", ".sql", ".yml", ".csv"})
    for engine in ENGINES:
        digest.update(f"{engine}=={version(engine)}\0".encode())
    return digest.hexdigest()


@cache
def rules_hash() -> str:
    """SHA-256 over what decides which rows a release has, without descriptions and tests.

    Where it differs from the previous release's, rows may be gone although nothing was lost.
    """
    return _digest(SHAPES_ROWS, {".py", ".sql", ".csv"}).hexdigest()


def _digest(places: tuple[Path, ...], suffixes: set[str]) -> hashlib._Hash:
    digest = hashlib.sha256()
    for place in places:
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and path.suffix in suffixes:
                digest.update(str(path.relative_to(CHECKOUT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest


def settings_hash(settings: Settings) -> str:
    """SHA-256 over the study settings and every site's profile."""
    profiles = {
        site: profile.model_dump(mode="json") for site, profile in sorted(ingest.load_profiles(settings).items())
    }
    # how many releases are kept changes none of them
    study = settings.study.model_dump(mode="json", exclude={"keep_releases"})
    text = json.dumps({"study": study, "sites": profiles}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def build_generation(settings: Settings) -> str:
    """What the rows already typed in the build file depend on besides their files."""
    key_id = identity.key_id(ensure_key(settings))
    return _joined(code_hash(), settings_hash(settings), key_id, tombstones_hash(settings))


def refresh_fingerprint(settings: Settings) -> str:
    """The fingerprint of a refresh of what is loaded now."""
    return _joined(build_generation(settings), ingest.ledger_fingerprint(settings))


def _joined(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
