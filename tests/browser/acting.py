"""What a visitor does on a page: each act once, as a person does it, and a patient look at what comes of it.

A machine that is busy is slow, but it loses no click: what a click does not do is a fault. Only where a library itself
loses an act is it repeated, by `repeat`, which says why; how often that was needed is told at the end of the test run.
"""

import base64
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Error, Page, expect

from tests.browser.chromium import SETTLED

PATIENCE_SECONDS = 60.0  # far above what a busy machine needs
SWEEP_SECONDS = 180
TRIES = 10
SECONDS_PER_TRY = 5.0

# What was done more than once since the test began, as sentences.
repeated: list[str] = []


def settle(page: Page) -> None:
    """Wait until the script has run to its end; what was just clicked is given a moment to start it."""
    page.wait_for_timeout(300)
    page.wait_for_selector(SETTLED)


def until(page: Page, done: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for an effect that no element of the page shows: an address, or a row in the store."""
    if not _comes(page, done, seconds):
        pytest.fail(f"no effect within {seconds:.0f} s")
    settle(page)


def repeat(page: Page, act: Callable[[], object], done: Callable[[], bool], *, trap: str) -> None:
    """Act, and act again where nothing comes of it.

    Parameters
    ----------
    act
        Must be harmless when it is done twice.
    done
        Whether the effect is there.
    trap
        Which library loses the act, and when; never "the machine is slow".
    """
    for tries in range(1, TRIES + 1):
        act()
        if _comes(page, done, SECONDS_PER_TRY):
            if tries > 1:
                repeated.append(f"{tries} times: {trap}")
            settle(page)
            return
    pytest.fail(f"no effect after {TRIES} tries")


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


def _comes(page: Page, done: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if done():
                return True
        except Error:  # the page is being drawn anew
            pass
        page.wait_for_timeout(100)
    return False


def drop(page: Page, content: bytes, name: str, *, on: str, invitation: str) -> None:
    """Hold a PNG over the page's title until it is invited, and let it go."""
    title, notice = page.get_by_role("heading", name=on), page.get_by_text(invitation)
    dropped = page.evaluate_handle(
        """([content, name]) => {
            const held = new DataTransfer();
            const bytes = Uint8Array.from(atob(content), letter => letter.charCodeAt(0));
            held.items.add(new File([bytes], name, { type: "image/png" }));
            return held;
        }""",
        [base64.b64encode(content).decode(), name],
    )
    title.dispatch_event("dragover", {"dataTransfer": dropped})
    expect(notice).to_be_visible()
    title.dispatch_event("drop", {"dataTransfer": dropped})
    expect(notice).to_be_hidden()
