"""The build file: it can be deleted or damaged at any time."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.build import warehouse
from registry.config.settings import load_settings


@pytest.mark.parametrize("content", [None, b"", b"no database" * 1000])
def test_a_build_file_that_is_gone_or_damaged_is_made_again(tmp_path: Path, content: bytes | None) -> None:
    settings = load_settings(home=tmp_path)
    if content is not None:
        settings.warehouse.write_bytes(content)
    assert warehouse.row_counts_before(settings) == {}
    settings.vault_temp.mkdir(parents=True)
    warehouse.prepare(settings, "a generation")
    assert warehouse.stages(settings) == {}
