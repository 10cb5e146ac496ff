"""What a browser fetches and says of every page."""

import pytest
from playwright.sync_api import Page, Response, expect

from pages._ui.app.page_files import PATHS
from tests.browser.acting import settle
from tests.serving import RunningApp

pytestmark = pytest.mark.browser

TITLES = {"/": "Subject", "/sweep": "Sweep", "/compare": "Compare", "/run": "Run"}


@pytest.mark.parametrize("path", [*PATHS, "/subject?x=1"])
def test_nothing_that_a_page_fetches_fails(app: RunningApp, page: Page, path: str) -> None:
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
