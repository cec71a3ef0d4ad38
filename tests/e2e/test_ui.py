"""The Dagster UI in a real browser: it loads, shows every stage, materialises everything, and the checks are green."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from registry.paths import CHECKOUT
from registry.simulate import simulate_udine

pytestmark = pytest.mark.xdist_group("ui")

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
STAGES = ("deliveries", "raw", "seeds", "staging", "intermediate", "marts", "meta", "statistics", "release")
FLAGS = ("--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update")


def browser() -> str:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no chromium on this machine: install Debian's chromium to run the browser test")
    return found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The UI of a home with the demo's deliveries, nothing refreshed yet; its address."""
    browser()
    home: Path = tmp_path_factory.mktemp("ui")
    simulate_udine(home / "deliveries")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (home / "dev.log").open("w")
    server = subprocess.Popen(
        [sys.executable, "-m", "orchestration", "dev", "--port", str(port)],
        cwd=CHECKOUT,
        env={**os.environ, "REGISTRY_HOME": str(home)},
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                with urllib.request.urlopen(f"{address}/server_info", timeout=2):
                    break
            except OSError:
                assert server.poll() is None, (home / "dev.log").read_text()[-3000:]
                time.sleep(1)
        yield address
    finally:
        os.killpg(server.pid, signal.SIGINT)
        try:
            server.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
        log.close()


def test_the_ui_listens_on_loopback_alone(served: str) -> None:
    port = int(served.rpartition(":")[2])
    listening = [
        at for at in psutil.net_connections("tcp") if at.status == psutil.CONN_LISTEN and at.laddr.port == port
    ]
    assert {at.laddr.ip for at in listening} == {"127.0.0.1"}


def ask(address: str, query: str) -> Any:
    """One GraphQL question to the server that the page asks too."""
    request = urllib.request.Request(
        f"{address}/graphql", json.dumps({"query": query}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())["data"]


def test_a_user_materialises_everything_in_the_browser_and_the_checks_are_green(served: str) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser(), args=list(FLAGS))
        page = chromium.new_page(viewport={"width": 1600, "height": 1000})
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.goto(f"{served}/asset-groups")
        page.get_by_text("Materialize all").wait_for(timeout=120_000)
        for stage in STAGES:
            assert page.get_by_text(stage, exact=True).first.is_visible(), stage
        page.get_by_role("button", name="Materialize all").click()

        status = "NONE"
        for _ in range(300):
            runs = ask(served, "{ runsOrError { ... on Runs { results { runId status } } } }")["runsOrError"]["results"]
            status = runs[0]["status"] if runs else "NONE"
            if status in {"SUCCESS", "FAILURE", "CANCELED"}:
                break
            time.sleep(1)
        assert status == "SUCCESS"

        page.goto(f"{served}/assets/gate?view=checks")
        page.get_by_text("fct_anc").first.wait_for(timeout=60_000)
        assert page.get_by_text("Passed").first.is_visible()
        assert page.get_by_text("Failed").count() == 0
        chromium.close()
    assert complaints == []
    results = ask(
        served,
        "{ assetNodes { assetKey { path } assetChecksOrError { ... on AssetChecks { checks { name "
        "executionForLatestMaterialization { status } } } } } }",
    )
    checks = [
        check["executionForLatestMaterialization"]["status"]
        for node in results["assetNodes"]
        for check in node["assetChecksOrError"].get("checks", [])
        if check["executionForLatestMaterialization"]
    ]
    assert len(checks) > 40
    assert set(checks) == {"SUCCEEDED"}
