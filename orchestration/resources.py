"""What every step shares: which registry, who owns the assets, and how a step gets its plan.

`RegistrySettings` is the one Dagster resource of the project; tests and the command line hand in other folders by it.
"""

from __future__ import annotations

from pathlib import Path

import dagster as dg
from pydantic import Field

from registry.config.settings import Settings, load_settings

DATA_TEAM = "team:data-management"
SAFETY_TEAM = "team:pharmacovigilance"


class RegistrySettings(dg.ConfigurableResource):
    """Folders and limits of one registry; what is left empty comes from REGISTRY_* variables and defaults."""

    home: str = Field(default="", description="Folder of the registry. Empty: REGISTRY_HOME.")
    deliveries: str = Field(default="", description="Folder of exports. Empty: REGISTRY_DELIVERIES, or in the home.")
    config: str = Field(default="", description="Study settings. Empty: registry.yml beside the deliveries.")
    through: str = Field(default="", description="Load deliveries up to this month (YYYY-MM). Empty: all.")
    accept_missing: bool = Field(
        default=False, description="Go on although settings or all files are gone that the last refresh found."
    )

    def load(self) -> Settings:
        """Read the settings now, registry.yml included: what begins a refresh does.

        Raises:
            registry.errors.UserError: if registry.yml holds a mistake (what, where, what to do).
        """
        return self._load(for_reading=False)

    def places(self) -> Settings:
        """Folders and limits without registry.yml: the study settings of a step are those of the plan.

        Raises:
            registry.errors.UserError: if a REGISTRY_* variable holds a mistake.
        """
        return self._load(for_reading=True)

    def _load(self, *, for_reading: bool) -> Settings:
        return load_settings(
            home=Path(self.home) if self.home else None,
            deliveries=Path(self.deliveries) if self.deliveries else None,
            config=Path(self.config) if self.config else None,
            through=self.through or None,
            for_reading=for_reading,
        )
