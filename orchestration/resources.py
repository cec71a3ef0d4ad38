"""Shared by all steps: the settings of the registry, and the owners of the assets.

`RegistrySettings` is the only Dagster resource; tests and the command line use it to pass other folders.
"""

from __future__ import annotations

from pathlib import Path

import dagster as dg
from pydantic import Field

from registry.config.settings import Settings, load_settings

DATA_TEAM = "team:data-management"
SAFETY_TEAM = "team:pharmacovigilance"


class RegistrySettings(dg.ConfigurableResource):
    """Folders and limits of one registry; empty fields come from REGISTRY_* variables and defaults."""

    home: str = Field(default="", description="Folder of the registry. Empty: REGISTRY_HOME.")
    deliveries: str = Field(
        default="", description="Folder of exports. Empty: REGISTRY_DELIVERIES, or that of the last refresh."
    )
    config: str = Field(
        default="", description="Study settings. Empty: those of the last refresh, or registry.yml in the deliveries."
    )
    through: str = Field(default="", description="Load deliveries up to this month (YYYY-MM). Empty: all.")
    accept_missing: bool = Field(
        default=False, description="Continue although settings or all files of the last refresh are gone."
    )

    def load(self) -> Settings:
        """Read the settings now, including registry.yml, to begin a refresh.

        Raises:
            registry.errors.UserError: if there is a mistake in registry.yml.
        """
        return self._load(for_reading=False)

    def places(self) -> Settings:
        """Folders and limits without registry.yml: a step uses the study settings of the plan.

        Raises:
            registry.errors.UserError: if there is a mistake in a REGISTRY_* variable.
        """
        return self._load(for_reading=True)

    def _load(self, *, for_reading: bool) -> Settings:
        return load_settings(
            home=Path(self.home) if self.home else None,
            deliveries=Path(self.deliveries) if self.deliveries else None,
            config=Path(self.config) if self.config else None,
            through=self.through or None,
            for_reading=for_reading,
            accept_missing=self.accept_missing,
        )
