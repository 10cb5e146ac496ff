"""What a visitor does on a page, patiently: a busy machine loses or delays a click, and nobody gives up after one."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Error, Page

SETTLED = "[data-testid=stApp][data-test-script-state=notRunning]"
TRIES = 10
SECONDS_PER_TRY = 5.0
SWEEP_SECONDS = 180  # far above what a busy machine needs


def settle(page: Page) -> None:
    """Wait until the script has run to its end; what was just clicked is given a moment to start it."""
    page.wait_for_timeout(300)
    page.wait_for_selector(SETTLED)


def until(page: Page, act: Callable[[], object], done: Callable[[], bool], *, tries: int = TRIES) -> None:
    """Act, and wait for the effect; where none comes, act again.

    Parameters
    ----------
    act
        Must be harmless when it is done twice.
    done
        Whether the effect is there.
    """
    for _ in range(tries):
        act()
        end = time.monotonic() + SECONDS_PER_TRY
        while time.monotonic() < end:
            if _holds(done):
                settle(page)
                return
            page.wait_for_timeout(100)
    pytest.fail(f"no effect after {tries} tries")


def enter(page: Page, text: str) -> None:
    """Type as fast as a hand, and press Enter: the table's fields lose what came in the same moment as Enter."""
    page.keyboard.type(text, delay=30)
    page.wait_for_timeout(300)
    page.keyboard.press("Enter")


def fill(page: Page, label: str, text: str) -> None:
    """Type into a field and leave it: Ctrl+Enter would run."""
    field = page.get_by_label(label, exact=True)
    field.fill(text)
    field.press("Tab")
    settle(page)


def _holds(done: Callable[[], bool]) -> bool:
    try:
        return done()
    except Error:  # the page is being drawn anew
        return False
