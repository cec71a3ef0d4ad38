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

import duckdb
import psutil
import pytest

from expectations.remedies import remedy_of
from registry.paths import CHECKOUT
from registry.simulate import simulate_udine

pytestmark = pytest.mark.xdist_group("ui")

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
STAGES = ("deliveries", "raw", "seeds", "staging", "intermediate", "marts", "meta", "counts", "statistics", "release")
FLAGS = ("--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update")


def browser() -> str:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no chromium on this machine: install Debian's chromium to run the browser test")
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the demo's deliveries, nothing refreshed yet."""
    home: Path = tmp_path_factory.mktemp("ui")
    simulate_udine(home / "deliveries")
    return home


def shot(page: Any, name: str) -> None:
    """Keep a picture of the page, where REGISTRY_SCREENSHOTS names a folder."""
    if folder := os.environ.get("REGISTRY_SCREENSHOTS"):
        page.wait_for_timeout(2000)
        page.screenshot(path=f"{folder}/{name}.png")


@pytest.fixture(scope="module")
def served(home: Path) -> Iterator[str]:
    """The UI of that home; its address."""
    browser()
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
        shot(page, "asset_graph")
        for stage in STAGES:
            assert page.get_by_text(stage, exact=True).first.is_visible(), stage
        page.get_by_role("button", name="Materialize all").click()

        assert ended(served) == "SUCCESS"

        page.goto(f"{served}/assets/gate?view=checks")
        page.get_by_text("fct_anc").first.wait_for(timeout=60_000)
        assert page.get_by_text("Passed", exact=True).first.is_visible()
        assert page.get_by_text("Failed", exact=True).count() == 0
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
    assert len(checks) > 35
    assert set(checks) == {"SUCCEEDED"}


LAUNCH = """
mutation {
  launchPipelineExecution(executionParams: {
    selector: {
      repositoryLocationName: "%s", repositoryName: "%s", pipelineName: "__ASSET_JOB",
      assetSelection: [{path: ["gate"]}, {path: ["release"]}]
    }
    mode: "default"
    executionMetadata: {tags: []}
  }) { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } }
}
"""


def test_a_refused_release_shows_which_expectation_failed_and_what_to_do(served: str, home: Path) -> None:
    """The second test in this browser: everything is materialised."""
    from playwright.sync_api import sync_playwright

    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute("UPDATE main.fct_anc SET anc_10e9_l = 250")
    where = ask(served, "{ repositoriesOrError { ... on RepositoryConnection { nodes { name location { name } } } } }")
    (repository,) = where["repositoriesOrError"]["nodes"]
    ask(served, LAUNCH % (repository["location"]["name"], repository["name"]))
    assert ended(served) == "FAILURE"
    results = ask(
        served,
        """{ assetNodes(assetKeys: [{path: ["gate"]}]) { assetChecksOrError { ... on AssetChecks { checks { name
        blocking executionForLatestMaterialization { status evaluation { severity metadataEntries { __typename label
        ... on MarkdownMetadataEntry { mdStr } } } } } } } } }""",
    )
    (checks,) = [node["assetChecksOrError"]["checks"] for node in results["assetNodes"]]
    assert all(check["blocking"] for check in checks)
    (refused,) = [check for check in checks if check["name"] == "fct_anc"]
    assert refused["executionForLatestMaterialization"]["status"] == "FAILED"
    entries = refused["executionForLatestMaterialization"]["evaluation"]["metadataEntries"]
    (table,) = [entry["mdStr"] for entry in entries if entry["label"] == "results"]
    line = next(line for line in table.splitlines() if "anc_possible" in line)
    assert "**refused**" in line
    assert remedy_of("anc_possible").action[:40] in line
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser(), args=list(FLAGS))
        page = chromium.new_page(viewport={"width": 1600, "height": 1000})
        page.goto(f"{served}/assets/gate?view=checks&checkDetail=fct_anc")
        page.get_by_text("Failed", exact=True).first.wait_for(timeout=60_000)
        page.get_by_text("Show Markdown").first.click()
        page.get_by_text("anc_possible").last.wait_for(timeout=60_000)
        shot(page, "gate_check")
        page.goto(f"{served}/assets/release")
        page.get_by_text("release").first.wait_for(timeout=60_000)
        shot(page, "refused_release")
        chromium.close()


def ended(address: str) -> str:
    """How the newest run ended."""
    for _ in range(300):
        runs = ask(address, "{ runsOrError(limit: 1) { ... on Runs { results { runId status } } } }")
        found = runs["runsOrError"]["results"]
        status = found[0]["status"] if found else "NONE"
        if status in {"SUCCESS", "FAILURE", "CANCELED"}:
            return str(status)
        time.sleep(1)
    return "NONE"
