"""A server with a password, in a real browser: a deep link on a cold server, the pictures, wrong and right."""

import re
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from bgen_core.runs.links import picture_url, sheet_url, thumbnail_url, zip_url
from bgen_core.settings import load_settings
from bgen_core.store.store import open_store
from bgen_core.subject.decoding.image_io import encode_png
from tests.browser.acting import settle
from tests.browser.conftest import Serve
from tests.serving import RunningApp

pytestmark = pytest.mark.browser

PASSWORD = "Größe & 日本"


@pytest.fixture(scope="module")
def locked(serving: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """A fresh server that nobody has visited yet."""
    with serving(tmp_path_factory.mktemp("locked"), BGEN_PASSWORD=PASSWORD) as running:
        yield running


def enter(page: Page, tried: str, name: str = "Anna") -> None:
    page.get_by_label("Password").fill(tried)
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Open").click()


def test_a_deep_link_on_a_cold_server_shows_the_form_and_leads_back(locked: RunningApp, page: Page):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with open_store(load_settings(home=locked.home)) as store:
        blob = store.pictures.give_reference(encode_png(np.full((8, 8, 3), 90, np.uint8)))

    page.goto(f"{locked.url}/sweep?y=steps")
    expect(page.get_by_label("Password")).to_be_focused()
    assert page.locator("[data-testid=stApp]").count() == 0
    own = [picture_url(blob), thumbnail_url(blob), zip_url("x"), sheet_url("x", across=None, down=None)]
    for url in own:
        assert page.request.get(f"{locked.url}/{url}").status == 401

    enter(page, "wrong")
    expect(page.get_by_role("alert")).to_have_text("This is not the password.")
    assert not page.context.cookies()
    # Nothing of the app was fetched or connected to so far.
    assert not [url for url in asked if re.search("/static/|/_stcore/|/i/", url)]

    enter(page, PASSWORD)
    page.wait_for_url(re.compile(r"/sweep\?y=steps"))
    settle(page)
    expect(page.get_by_role("heading", name="Sweep")).to_be_visible()
    expect(page.get_by_role("link", name="Compare")).to_be_visible()
    (cookie,) = [cookie for cookie in page.context.cookies() if cookie.get("name") == "bgen_login"]
    assert cookie.get("httpOnly")
    assert cookie.get("sameSite") == "Lax"
    assert "bgen_login" not in page.evaluate("document.cookie")
    assert [page.request.get(f"{locked.url}/{url}").status for url in own] == [200, 200, 404, 404]
    assert "Traceback" not in locked.log.read_text()


def test_a_second_browser_is_asked_again(locked: RunningApp, page: Page, browser: Browser):
    page.goto(locked.url)
    enter(page, PASSWORD)
    settle(page)
    expect(page.get_by_role("heading", name="Subject")).to_be_visible()
    page.locator("canvas.upper-canvas").first.wait_for()  # the component's files and the media pass the gate too
    context = browser.new_context()
    other = context.new_page()
    other.goto(f"{locked.url}/compare")
    expect(other.get_by_label("Password")).to_be_visible()
    context.close()


def test_the_name_in_the_corner_changes_and_logs_out_everywhere(locked: RunningApp, browser: Browser):
    context = browser.new_context()
    page, second = context.new_page(), context.new_page()
    page.goto(f"{locked.url}/compare")
    enter(page, PASSWORD, "Anna *1*")
    settle(page)
    page.get_by_role("button", name="Anna *1*").click()
    expect(page.get_by_text("Member: you upload, sweep, and change what is yours.")).to_be_visible()
    page.get_by_label("Your name").fill("Berta")
    page.get_by_role("button", name="Save name").click()
    expect(page.get_by_role("button", name="Berta")).to_be_visible()
    assert page.url.endswith("/compare")
    settle(page)

    second.goto(f"{locked.url}/sweep?y=steps")
    settle(second)
    page.bring_to_front()
    page.get_by_role("button", name="Berta").click()
    page.get_by_role("button", name="Log out", exact=True).click()
    expect(page.get_by_text("You are logged out here.")).to_be_visible()
    expect(second.get_by_label("Password")).to_be_visible()  # its websocket was closed
    assert second.url.endswith("/sweep?y=steps")
    expect(second.get_by_label("Your name")).to_have_value("Berta")
    context.close()
    assert "Traceback" not in locked.log.read_text()
