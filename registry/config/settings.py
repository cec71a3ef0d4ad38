"""Paths, limits and study settings of a run: the only module that reads REGISTRY_* variables and derives paths.

registry/config/study.py and registry/config/site.py describe the YAML files; registry/vault/database.py opens the
vault. Importing this module must stay cheap.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from registry.config.inputs import absolute, last_inputs, study_file
from registry.config.study import CaseDefinition, Study, load_study
from registry.errors import UserError

__all__ = [
    "CaseDefinition",
    "Settings",
    "Study",
    "connect_options",
    "load_settings",
]

_GIB = 2**30
_MONTH = re.compile(r"(19|20)[0-9]{2}-(0[1-9]|1[0-2])")
_MEMORY = re.compile(r"\d+(\.\d+)?\s*([KMGT]i?B)", re.IGNORECASE)
_CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


@dataclass(frozen=True)
class Settings:
    """The settings of one run. Paths are absolute; reading them creates nothing."""

    home: Path
    deliveries: Path
    config: Path | None
    through: str | None
    study: Study
    memory_limit: str
    threads: int
    automation: bool = False
    alert_webhook: str | None = None
    given_key_file: Path | None = None

    @property
    def vault(self) -> Path:
        """Folder of everything that identifies anyone."""
        return self.home / "vault"

    @property
    def raw_db(self) -> Path:
        """DuckDB file with the rows as sent, the ledger and the patient map."""
        return self.vault / "raw.duckdb"

    @property
    def key_file(self) -> Path:
        """The pseudonym key: in the vault, or at the path in REGISTRY_KEY_FILE."""
        return self.given_key_file or self.vault / "pseudonym.key"

    @property
    def tombstones(self) -> Path:
        """Keyed hashes of withdrawn patients."""
        return self.vault / "forgotten.jsonl"

    @property
    def vault_temp(self) -> Path:
        """The only folder where rows as sent may be spilled or staged: inside the vault."""
        return self.vault / "tmp"

    @property
    def warehouse(self) -> Path:
        """The build file."""
        return self.home / "warehouse.duckdb"

    @property
    def releases(self) -> Path:
        """Folder of the releases."""
        return self.home / "releases"

    @property
    def dagster_home(self) -> Path:
        """DAGSTER_HOME."""
        return self.home / "dagster"

    @property
    def dbt_target(self) -> Path:
        """Folder of the parsed dbt project."""
        return self.dagster_home / "dbt"

    @property
    def dbt_runs(self) -> Path:
        """Output of dbt runs, with messages that may quote values."""
        return self.vault / "dbt"

    @property
    def vault_errors(self) -> Path:
        """Complete errors, including the values that they quote."""
        return self.vault / "errors"

    @property
    def lock_file(self) -> Path:
        """Locked by the running refresh."""
        return self.home / "refresh.lock"

    @property
    def journal(self) -> Path:
        """The event log: what happened, when, with counts; one JSON object a line."""
        return self.home / "logs" / "registry.jsonl"

    @property
    def alerts(self) -> Path:
        """One line for each failed refresh."""
        return self.home / "alerts.jsonl"

    @property
    def temp(self) -> Path:
        """Folder where DuckDB may spill pseudonymous data."""
        return self.home / "tmp"


def load_settings(
    home: str | Path | None = None,
    deliveries: str | Path | None = None,
    config: str | Path | None = None,
    through: str | None = None,
    *,
    for_reading: bool = False,
    accept_missing: bool = False,
) -> Settings:
    """Settings from arguments, else REGISTRY_* variables, else those of the home's last refresh, else defaults.

    The study settings come from `config` (which must exist), from those of the last refresh (which must exist, unless
    `accept_missing`) or from `registry.yml` next to the deliveries, if there is one. A UserError names the variable, or
    the file, line and key, that is wrong.

    `for_reading`: for commands that only read releases. A release contains its own study settings, so the defaults are
    used instead of the current ones: the user may have no access to the deliveries.
    """
    home_dir = absolute(home or os.environ.get("REGISTRY_HOME") or "data")
    if "?" in str(home_dir):
        raise UserError(f"{home_dir}: DuckDB can't use a path that contains '?': choose another REGISTRY_HOME")
    last = last_inputs(home_dir, or_none=for_reading)
    deliveries_dir = absolute(
        deliveries or os.environ.get("REGISTRY_DELIVERIES") or last.deliveries or home_dir / "deliveries"
    )
    config_file = None
    if not for_reading:
        kept = None if accept_missing and last.config and not last.config.is_file() else last.config
        config_file = study_file(config or os.environ.get("REGISTRY_CONFIG"), kept, deliveries_dir)
    return Settings(
        home=home_dir,
        deliveries=deliveries_dir,
        config=config_file,
        through=_month(through or os.environ.get("REGISTRY_THROUGH")),
        study=load_study(config_file),
        memory_limit=_memory_limit(os.environ.get("REGISTRY_MEMORY_LIMIT")),
        threads=_threads(os.environ.get("REGISTRY_THREADS")),
        automation=_switch("REGISTRY_AUTOMATION"),
        alert_webhook=os.environ.get("REGISTRY_ALERT_WEBHOOK") or None,
        given_key_file=absolute(key_file) if (key_file := os.environ.get("REGISTRY_KEY_FILE")) else None,
    )


def connect_options(settings: Settings) -> dict[str, str | int | bool | float | list[str]]:
    """DuckDB's configuration for pseudonymous data: limited memory, fixed threads, no downloads."""
    return {
        "memory_limit": settings.memory_limit,
        "threads": settings.threads,
        "temp_directory": str(settings.temp),
        "autoinstall_known_extensions": False,
    }


A_FEW_ROWS: dict[str, str | int | bool | float | list[str]] = {
    "memory_limit": "100MB",
    "threads": 1,
    "temp_directory": "",
    "autoinstall_known_extensions": False,
}
"""DuckDB's configuration for a count or a few rows. By default DuckDB would spill next to the file that it reads, in a
sealed release."""


def is_month(text: str) -> bool:
    """Is this a delivery month, YYYY-MM?"""
    return _MONTH.fullmatch(text) is not None


def _month(text: str | None) -> str | None:
    if text and not is_month(text):
        raise UserError(f"--through must be YYYY-MM, got '{text}'")
    return text or None


def _memory_limit(text: str | None) -> str:
    """The given limit, else half the memory of the machine or container, between 1 and 8 GiB."""
    if text:
        if not _MEMORY.fullmatch(text.strip()):
            raise UserError(f"REGISTRY_MEMORY_LIMIT must be a size such as 4GB, got '{text}'")
        return text.strip()
    available = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in _CGROUP_LIMITS:
        if path.is_file() and (limit := path.read_text().strip()).isdigit():
            available = min(available, int(limit))
    return f"{min(max(available // 2, _GIB), 8 * _GIB) // 2**20}MiB"


def _threads(text: str | None) -> int:
    if text:
        if not text.isdigit() or not 1 <= int(text) <= 1024:
            raise UserError(f"REGISTRY_THREADS must be a whole number of at least 1, got '{text}'")
        return int(text)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _switch(variable: str) -> bool:
    text = os.environ.get(variable, "").strip().lower()
    if text in ("", "off", "0", "false", "no"):
        return False
    if text in ("on", "1", "true", "yes"):
        return True
    raise UserError(f"{variable} must be on or off, got '{text}'")
