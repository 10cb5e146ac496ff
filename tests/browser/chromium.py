"""Chromium as the browser tests and the benchmarks drive it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserType, Error, Page, sync_playwright

CHROMIUM_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
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
# A page that has not run yet is not running either: it has no title.
SETTLED = "[data-testid=stApp][data-test-connection-state=CONNECTED][data-test-script-state=notRunning]:has(h1)"


class NoBrowserError(Exception):
    """There is no Chromium on this machine; the text says how to get one."""


@contextmanager
def running_chromium(*more: str) -> Iterator[Browser]:
    """A Chromium of its own: Debian's where there is one, else the one that Playwright downloaded.

    Parameters
    ----------
    more
        Arguments beside `CHROMIUM_ARGUMENTS`.

    Raises
    ------
    NoBrowserError
        There is neither.
    """
    with sync_playwright() as playwright:
        browser = _launched(playwright.chromium, [*CHROMIUM_ARGUMENTS, *more])
        yield browser
        browser.close()


def _launched(chromium: BrowserType, arguments: list[str]) -> Browser:
    path = next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)
    if path is None:
        try:
            return chromium.launch(args=arguments)  # Playwright's headless shell, which costs a quarter less
        except Error as error:
            path = chromium.executable_path
            if not Path(path).is_file():
                told = "Chromium is not installed (Debian: apt-get install chromium-headless-shell)"
                raise NoBrowserError(told) from error
    return chromium.launch(executable_path=path, args=arguments)


def wait_until_settled(page: Page) -> None:
    """Wait until the page's script has run to its end."""
    page.wait_for_selector(SETTLED)
