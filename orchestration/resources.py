"""What every step shares: the settings of this refresh, and whether it has anything to do.

`RegistrySettings` is the one Dagster resource of the project; tests and the command line hand in other folders by it.
The word "unchanged" travels between the steps of a run in this process: all executors here are in-process.
"""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from registry.settings import Settings, load_settings

DATA_TEAM = "team:data-management"
SAFETY_TEAM = "team:pharmacovigilance"

_unchanged_runs: set[str] = set()


class RegistrySettings(dg.ConfigurableResource):
    """Folders and limits of one registry; what is left empty comes from REGISTRY_* variables and defaults."""

    home: str = ""
    deliveries: str = ""
    config: str = ""
    through: str = ""

    def load(self) -> Settings:
        """Read the settings now.

        Raises:
            registry.errors.UserError: if registry.yml holds a mistake (what, where, what to do).
        """
        return load_settings(
            home=Path(self.home) if self.home else None,
            deliveries=Path(self.deliveries) if self.deliveries else None,
            config=Path(self.config) if self.config else None,
            through=self.through or None,
        )


def mark_unchanged(run_id: str) -> None:
    """Say that the run's inputs equal the current release's: later steps have nothing to do."""
    _unchanged_runs.add(run_id)


def is_unchanged(run_id: str) -> bool:
    """Whether the first step of this very run found nothing new; False where that step was not part of the run."""
    return run_id in _unchanged_runs


UNCHANGED = {"status": "unchanged"}
