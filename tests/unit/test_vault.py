"""The vault: rows that a killed process had spilled are swept."""

from __future__ import annotations

from pathlib import Path

from registry.config.settings import load_settings
from registry.vault.database import connect_vault, sweep_spilled


def test_rows_that_a_killed_process_spilled_are_swept(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path)
    with connect_vault(settings) as connection:
        connection.execute("SET memory_limit = '60MB'")
        connection.execute("CREATE TEMP TABLE wide AS SELECT md5(CAST(range AS VARCHAR)) AS key FROM range(4000000)")
        spilled = list(settings.vault_temp.iterdir())
        assert spilled, "the names below are those of this DuckDB"
        sweep_spilled(settings)
        assert list(settings.vault_temp.iterdir()) == []
