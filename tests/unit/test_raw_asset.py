"""What a load says of columns that are not used: one line a site and entity."""

from __future__ import annotations

from orchestration.assets.raw import _by_site


def test_the_columns_of_a_site_are_named_together() -> None:
    found = _by_site({("udine", "Station"), ("udine", "Reparto"), ("trieste", "ward")})
    assert found == {"trieste": "'ward'", "udine": "'Reparto', 'Station'"}
