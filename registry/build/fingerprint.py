"""The fingerprint: one hash of what a refresh depends on (files, settings, seeds, code, key, withdrawn patients).

Two refreshes with the same fingerprint publish the same content, so the second has nothing to do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from registry.paths import CHECKOUT, DBT_PROJECT
from registry.vault import pseudonyms
from registry.vault.keys import ensure_key, read_keys
from registry.vault.tombstones import tombstones_hash

if TYPE_CHECKING:
    from registry.config.settings import Settings
    from registry.config.site import SiteProfile
    from registry.config.study import Study

SQL = (DBT_PROJECT / "models", DBT_PROJECT / "macros", DBT_PROJECT / "seeds")
SITE = ("csv_layout", "input_contract", "site", "site_codes", "terminology", "wide_layout")
SHAPES_ROWS = (
    CHECKOUT / "registry" / "ingest",
    *(CHECKOUT / "registry" / "config" / f"{name}.py" for name in SITE),
    *SQL,
)
"""From bytes to published rows."""
SHAPES_CONTENT = (
    *SHAPES_ROWS,
    *(CHECKOUT / "registry" / "config" / f"{name}.py" for name in ("study", "yaml_file")),
    *(CHECKOUT / "registry" / "build" / f"{name}.py" for name in ("fingerprint", "warehouse")),
    *(
        CHECKOUT / "registry" / "release" / f"{name}.py"
        for name in ("candidate", "content", "dictionary", "files", "judgement", "manifest", "new_cases", "publication")
    ),
    CHECKOUT / "registry" / "refresh",
    CHECKOUT / "registry" / "statistics",
    CHECKOUT / "registry" / "trace_rules.py",
    *(
        CHECKOUT / "registry" / "vault" / f"{name}.py"
        for name in (
            *("apply_tombstones", "compaction", "config_tables", "database", "erasure", "pseudonyms", "tombstones"),
        )
    ),
    CHECKOUT / "expectations",
    DBT_PROJECT / "dbt_project.yml",
)
"""Code that shapes, checks or describes published content. A change of the command line must not publish a release."""
ENGINES = ("duckdb", "dbt-core", "dbt-duckdb", "great-expectations", "scipy", "statsmodels", "lifelines")


@cache
def code_hash() -> str:
    """SHA-256 over the code and seeds that shape or check the content, and the versions of the engines."""
    digest = _digest(SHAPES_CONTENT, {".py", ".sql", ".yml", ".csv"})
    for engine in ENGINES:
        digest.update(f"{engine}=={version(engine)}\0".encode())
    return digest.hexdigest()


@cache
def rules_hash() -> str:
    """SHA-256 over the code that decides which rows a release has, without descriptions and tests.

    If it differs from the previous release's, rows may be gone although no data were lost.
    """
    return _digest(SHAPES_ROWS, {".py", ".sql", ".csv"}).hexdigest()


def _digest(places: tuple[Path, ...], suffixes: set[str]) -> hashlib._Hash:
    digest = hashlib.sha256()
    for place in places:
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and path.suffix in suffixes:
                digest.update(str(path.relative_to(CHECKOUT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest


def settings_hash(study: Study, profiles: Mapping[str, SiteProfile]) -> str:
    """SHA-256 over the study settings and the profile of every site."""
    # keep_releases does not affect content
    described = {
        "study": study.model_dump(mode="json", exclude={"keep_releases"}),
        "sites": {site: profile.model_dump(mode="json") for site, profile in sorted(profiles.items())},
    }
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def build_generation(settings: Settings, profiles: Mapping[str, SiteProfile]) -> str:
    """SHA-256 over what the typed rows in the build file depend on, apart from their files.

    Args:
        settings: with the study settings of the plan.
        profiles: every site's profile, from the plan.
    """
    # an existing key is only read: `registry status` must not change anything
    key = read_keys(settings.key_file).pseudonym if settings.key_file.exists() else ensure_key(settings)
    key_id = pseudonyms.key_id(key)
    return joined(code_hash(), settings_hash(settings.study, profiles), key_id, tombstones_hash(settings))


def joined(*parts: str) -> str:
    """SHA-256 over these parts in this order."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
