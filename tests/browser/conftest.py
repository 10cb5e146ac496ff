"""A running app with a store of its own, and one Chromium for all tests of this folder."""

import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

PROJECT = Path(__file__).resolve().parents[2]
FROM_THE_CLONE = (sys.executable, "-m", "streamlit", "run", "streamlit_app.py")
expect.set_options(timeout=60_000)  # far above what a busy machine needs
START_SECONDS = 90
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
# No sandbox inside containers; no look-ups of the browser maker's own hosts.
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True, kw_only=True)
class RunningApp:
    """Address of a served app, and the home of its store."""

    url: str
    home: Path
    log: Path


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """The app as `make run` starts it, on a free port."""
    with serve(tmp_path_factory.mktemp("app")) as running:
        yield running


@contextmanager
def serve(
    folder: Path, *, command: Sequence[str] = FROM_THE_CLONE, cwd: Path = PROJECT, **environment: str
) -> Iterator[RunningApp]:
    """A server of its own on a free port, with a store in `folder` and these variables in its environment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "app.log"
    variables = os.environ | {"BGEN_HOME": str(folder / "home"), "BGEN_DEVICE": "cpu"} | environment
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [*command, "--server.port", str(port)], cwd=cwd, env=variables, stdout=output, stderr=output
        ) as process,
    ):
        running = RunningApp(url=f"http://127.0.0.1:{port}", home=folder / "home", log=log)
        try:
            _wait_for(running)
            yield running
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait_for(app: RunningApp) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{app.url}/healthz", timeout=2):
                return
        except (OSError, http.client.HTTPException):  # not there yet, or not awake yet
            time.sleep(0.2)
    pytest.fail(f"the app did not start:\n{app.log.read_text()}")


def chromium_path() -> str | None:
    """Debian's Chromium where there is one, else None for the one that Playwright downloaded."""
    return next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)


# Closed after each file: Playwright's own event loop would run in the other tests' thread as long as it is open.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all tests of a file."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh visitor."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield page
    context.close()
