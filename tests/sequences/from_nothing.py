"""What a release has to be: the content of one that is built in a new home, with the same key, from the same input."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from integration.known_builds import Builder

from registry import refresh
from registry.config.input_contract import ENTITIES
from registry.config.settings import load_settings
from registry.curation import retraction
from registry.refresh import Plan
from registry.release.content import contents

Tree = Mapping[str, bytes]
"""Files by their path under the deliveries folder."""
Content = dict[str, str]


@dataclass(frozen=True)
class Input:
    """What counts: the deliveries of the plan, what was loaded before and is gone from them, and what is retracted.

    gone: trees that were loaded one after the other before, each with the site.yml that it was read by.
    """

    delivered: tuple[tuple[str, bytes], ...]
    gone: tuple[tuple[tuple[str, bytes], ...], ...]
    retracted: frozenset[str]


def content(database: Path) -> Content:
    """Content hash of every table; of the files those in force, since versions that were replaced stay."""
    hashes = {name: table.content_hash for name, table in contents(database).items()}
    with duckdb.connect(str(database), read_only=True) as connection:
        row = connection.execute("SELECT sum(hash(f)) FROM meta.input_file AS f WHERE is_current").fetchone()
    return hashes | {"meta.input_file": str(row)}


class FromNothing:
    """Builds from nothing, each input once."""

    def __init__(self, key: bytes, builder: Builder) -> None:
        self._key = key
        self._builder = builder
        self._known: dict[Input, tuple[Content, str]] = {}

    def expected(self, asked: Input) -> tuple[Content, str]:
        """The content that a release of this input has, and its study as JSON."""
        if asked not in self._known:
            with TemporaryDirectory() as folder:
                self._known[asked] = self._build(asked, Path(folder) / "home")
        return self._known[asked]

    def _build(self, asked: Input, home: Path) -> tuple[Content, str]:
        (home / "vault").mkdir(parents=True, mode=0o700)
        key_file = load_settings(home=home).key_file
        key_file.write_bytes(self._key)
        key_file.chmod(0o600)
        for tree in (*asked.gone, asked.delivered):
            shutil.rmtree(home / "deliveries", ignore_errors=True)
            write(home / "deliveries", dict(tree))
            plan = self._load(home)
        for place in sorted(asked.retracted):
            retraction.retract(plan.settings, retraction.find(plan.settings, retraction.parse(place)))
        refresh.build_warehouse(plan, run_dbt=self._builder)
        refresh.write_statistics(plan)
        return content(plan.settings.warehouse), plan.settings.study.model_dump_json(exclude={"keep_releases"})

    def _load(self, home: Path) -> Plan:
        plan = refresh.make_plan(load_settings(home=home), "from nothing", accept_missing=True)
        for entity in ENTITIES:
            refresh.load_entity(plan, entity)
        return plan


def write(folder: Path, tree: Tree) -> None:
    """Put files there; a path that ends with a slash is a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content_of in tree.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        else:
            path.write_bytes(content_of)
