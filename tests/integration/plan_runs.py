"""A small registry that is delivered to, edited and refreshed; what dbt would build is built by compiled SQL, once."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import duckdb
from integration.known_builds import SAME_KEY, Builder

from registry import refresh
from registry.config.input_contract import ENTITIES
from registry.config.settings import Settings, load_settings
from registry.refresh import Plan
from registry.release import Outcome
from registry.system import lock
from registry.vault.keys import write_new

PATIENTS = "patient_id,birth_date,sex\nSYN-1,1980-01-01,F\nSYN-2,1975-05-05,M\n"
DOSES = "administration_id,patient_id,drug,administered_on\nA1,SYN-1,ocrelizumab,2024-10-01\n"
RESULTS = """\
result_id,patient_id,test_code,value,unit,collected_at
R{month}a,SYN-1,751-8,3.1,10*9/L,2024-11-02
R{month}b,SYN-1,751-8,{anc},10*9/L,{month}-20
"""


class Registry:
    """One home, and what its users do with it."""

    def __init__(self, home: Path, dbt: Builder) -> None:
        self.home = home
        self.dbt = dbt
        self.settings().vault.mkdir(mode=0o700, parents=True)
        write_new(self.settings().key_file, SAME_KEY)

    def settings(self) -> Settings:
        """As they are now."""
        return load_settings(home=self.home)

    def write_settings(self, late_days: int) -> None:
        """Write registry.yml with one parameter of the first definition."""
        path = self.home / "deliveries" / "registry.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"definitions: [{{definition_id: udine_2025, late_days: {late_days}}}]\n")

    def deliver(self, month: str, anc: float, site: str = "udine") -> None:
        """Deliver a month with one low count."""
        folder = self.home / "deliveries" / site / month
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "patients.csv").write_text(PATIENTS)
        (folder / "administrations.csv").write_text(DOSES)
        (folder / "lab_results.csv").write_text(RESULTS.format(month=month, anc=anc))

    def plan(self) -> Plan:
        """The plan of a refresh that begins now."""
        return refresh.make_plan(self.settings(), str(uuid.uuid4()))

    def load(self) -> Plan:
        """A plan under which everything is loaded, and nothing built."""
        plan = self.plan()
        for entity in ENTITIES:
            refresh.load_entity(plan, entity)
        return plan

    def refresh(self) -> Outcome:
        """A whole refresh."""
        return refresh.run(self.plan(), run_dbt=self.dbt)

    def release_lock(self) -> None:
        """Give the lock back, where it was taken."""
        lock.release(self.settings())


def published_study(release: Path | None) -> tuple[int, int]:
    """`late_days` of the first definition by the manifest and by the table."""
    assert release is not None
    manifest = json.loads((release / "manifest.json").read_text())
    with duckdb.connect(str(release / "registry.duckdb"), read_only=True) as connection:
        row = connection.execute(
            "SELECT late_days FROM main.dim_case_definition WHERE definition_id = 'udine_2025'"
        ).fetchone()
    assert row is not None
    return manifest["study"]["definitions"][0]["late_days"], row[0]
