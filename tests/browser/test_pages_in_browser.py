"""What a browser fetches and says of every page."""

from urllib.parse import urlsplit

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
def test_a_page_comes_from_its_own_server_without_a_fault_and_nothing_moves(
    compared: tuple[RunningApp, Store], page: Page, path: str
) -> None:
    app, _ = compared
    asked: list[str] = []
    troubles: list[str] = []

    def note(answer: Response) -> None:
        if answer.status >= 400:
            troubles.append(f"{answer.status} {answer.url}")

    page.on("request", lambda request: asked.append(request.url))
    page.on("response", note)
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    come(page, f"{app.url}{path}", width=1440, height=900)
    expect(page.get_by_role("link", name="Compare").first).to_be_visible()
    assert troubles == []
    # The sweep page adds the subject that it opens with.
    assert page.url.partition("?subject=")[0] == f"{app.url}{path.replace('/subject', '/')}"
    own = (app.url, app.url.replace("http", "ws"), "data:", "blob:")
    assert asked and not [url for url in asked if not url.startswith(own)]


@pytest.mark.parametrize("path", ["/", "/sweep", "/compare"])
def test_nothing_moves_while_a_page_comes_on_a_telephone(
    compared: tuple[RunningApp, Store], page: Page, path: str
) -> None:
    come(page, f"{compared[0].url}{path}", width=390, height=844)


def come(page: Page, url: str, *, width: int, height: int) -> None:
    """Open a page in a window of this size, and see that nothing in it moves."""
    page.set_viewport_size({"width": width, "height": height})
    page.add_init_script(SHIFTS)
    page.goto(url)
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLES.get(urlsplit(url).path, "Subject"))
    settle(page)
    expect(page.locator(".stSkeleton")).to_have_count(0)
    assert page.evaluate("window.shifts") < MOST_SHIFT
