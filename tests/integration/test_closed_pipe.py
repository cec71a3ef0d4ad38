"""A command whose output nobody reads to its end (`registry sql … | head`) ends as quietly as any other tool."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from integration.publishing import SECOND_ID

from registry.cli.console import READER_GONE
from registry.config.settings import load_settings
from registry.paths import CHECKOUT
from registry.release.query import query

MANY = "select * from range(200000)"
COMMANDS = {
    "table": ("sql", MANY),
    "csv": ("sql", MANY, "--format", "csv"),
    "json": ("sql", MANY, "--format", "json"),
    "one row": ("sql", "select 1"),
    "releases": ("releases", "list"),
    "release": ("releases", "show", SECOND_ID),
    "trace": ("trace", "EPISODE"),
    "status": ("status",),
    "doctor": ("doctor",),
    "version": ("--version",),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_reader_who_has_gone_is_no_error(published: Path, name: str) -> None:
    command = list(COMMANDS[name])
    if "EPISODE" in command:
        _, rows = query(load_settings(home=published), "SELECT min(episode_id) FROM fct_neutropenia_episode")
        command[1] = rows[0][0]
    if name != "version":
        command += ["--home", str(published)]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "registry.cli", *command], cwd=CHECKOUT, stdout=writer, stderr=subprocess.PIPE,
        text=True, check=False,
    )  # fmt: skip
    os.close(writer)
    # click itself ends --version, with its own code
    assert (done.returncode, done.stderr) == (1 if name == "version" else READER_GONE, ""), name


def test_the_first_lines_are_what_they_would_be(published: Path) -> None:
    command = f'"{sys.executable}" -m registry.cli sql "{MANY}" --home "{published}" | head -2; echo ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", command], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert (done.stdout.split(), done.stderr) == (["range", "0", str(READER_GONE)], "")


def test_progress_that_nobody_reads_stops_nothing() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    code = (
        "import logging; from registry.cli.console import ProgressHandler, print_error;"
        "logging.getLogger('registry').addHandler(ProgressHandler());"
        "logging.getLogger('registry').setLevel(logging.INFO);"
        "logging.getLogger('registry').info('a step'); logging.getLogger('registry').info('another');"
        "print_error('an error'); print('done')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=writer, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stdout) == (0, b"done\n")
