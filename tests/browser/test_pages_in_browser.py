"""What a browser fetches and says of every page."""

import pytest
from playwright.sync_api import Page, Response, expect

from bgen_core.store.store import Store
from pages._ui.app.page_files import PATHS
from tests.browser.acting import settle
from tests.serving import RunningApp

pytestmark = pytest.mark.browser

# What the browser counts as moved, but what follows an act of the visitor; see web.dev/articles/cls: good is below 0.1.
MOST_SHIFT = 0.05
SHIFTS = """
window.shifts = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
TITLES = {"/": "Subject", "/sweep": "Sweep", "/compare": "Compare", "/run": "Run"}


@pytest.mark.parametrize("path", [*PATHS, "/subject?x=1"])
def test_nothing_that_a_page_fetches_fails(compared: tuple[RunningApp, Store], page: Page, path: str) -> None:
    app, _ = compared
    troubles: list[str] = []

    def note(answer: Response) -> None:
        if answer.status >= 400:
            troubles.append(f"{answer.status} {answer.url}")

    page.on("response", note)
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    page.goto(f"{app.url}{path}")
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLES.get(path, "Subject"))
    settle(page)
    assert troubles == []
    # The sweep page adds the subject that it opens with.
    assert page.url.partition("?subject=")[0] == f"{app.url}{path.replace('/subject', '/')}"


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
@pytest.mark.parametrize("path", ["/subject", "/sweep", "/compare"])
def test_nothing_moves_while_a_page_comes(
    compared: tuple[RunningApp, Store], page: Page, path: str, size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.add_init_script(SHIFTS)
    page.goto(f"{compared[0].url}{path}")
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLES.get(path, "Subject"))
    settle(page)
    expect(page.locator(".stSkeleton")).to_have_count(0)
    assert page.evaluate("window.shifts") < MOST_SHIFT
