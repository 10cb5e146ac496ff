"""What is in the grid and in an opened cell by keys alone."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from bgen_core.settings import load_settings
from bgen_core.store.opinions import Opinion
from bgen_core.store.store import open_store
from pages._ui.app.visitor_cookie import COOKIE
from tests.browser.acting import settle, until
from tests.made_up import VISITOR
from tests.serving import RunningApp

pytestmark = pytest.mark.browser

HELD = """() => {
  let held = document.activeElement;
  while (held?.shadowRoot?.activeElement) held = held.shadowRoot.activeElement;
  return held?.ariaLabel ?? held?.textContent ?? "";
}"""


def open_cell(app: RunningApp, page: Page, cell: int) -> Locator:
    page.context.add_cookies([{"name": COOKIE, "value": VISITOR.id, "url": app.url}])
    page.goto(f"{app.url}/sweep?id=accessible&cell={cell}")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("img.picture")).to_be_visible()
    expect(dialog.get_by_label("Notes")).to_be_visible()
    expect(page.get_by_text("6 to make")).to_be_visible()  # drawn anew when the engine has started
    settle(page)
    return dialog


def test_the_picture_of_an_opened_cell_is_reached_and_left_by_tab(
    app: RunningApp, page: Page, own_runs: list[str]
) -> None:
    dialog = open_cell(app, page, 1)
    mark = dialog.get_by_role("button", name="Mark")
    mark.focus()
    order = ("1 picture", "Zoom out", "Zoom in", "The whole picture", "One pixel", "Full screen", "Open picture A")
    for name in order:
        page.keyboard.press("Tab")
        assert page.evaluate(HELD).startswith(name)
    page.keyboard.press("Tab")
    expect(dialog.get_by_role("button", name="Use as base")).to_be_focused()
    for name in reversed(order):
        page.keyboard.press("Shift+Tab")
        assert page.evaluate(HELD).startswith(name)
    page.keyboard.press("Shift+Tab")
    expect(mark).to_be_focused()


def test_digits_rate_and_arrows_walk_on_where_the_picture_has_the_focus(
    app: RunningApp, page: Page, own_runs: list[str]
) -> None:
    dialog = open_cell(app, page, 2)
    picture = dialog.locator(".viewer")
    picture.focus()
    page.keyboard.press("+")
    expect(picture.locator(".zoom")).to_have_text("1.3 ×")
    with open_store(load_settings(home=app.home)) as store:
        opinions = store.seen_by(VISITOR).opinions
        for key, stars in (("1", 1), ("0", None)):
            page.keyboard.press(key)
            until(page, lambda stars=stars: opinions.of([own_runs[1]]).get(own_runs[1], Opinion()).rating == stars)
        expect(picture.locator(".zoom")).to_have_text("1.3 ×")
        opinions.rate(own_runs[1], 2)
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_text("3 of 5")).to_be_visible()


def test_esc_keeps_a_note_that_is_being_typed(app: RunningApp, page: Page, own_runs: list[str]) -> None:
    dialog = open_cell(app, page, 4)
    dialog.get_by_label("Notes").click()
    page.keyboard.insert_text("the sky is too dark")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    with open_store(load_settings(home=app.home)) as store:
        opinions = store.seen_by(VISITOR).opinions
        until(page, lambda: opinions.of([own_runs[3]]).get(own_runs[3], Opinion()).notes == "the sky is too dark")
        opinions.note(own_runs[3], "")


def test_a_value_that_is_hidden_by_a_key_leaves_the_focus_where_it_is_shown_again(
    app: RunningApp, page: Page, own_runs: list[str]
) -> None:
    page.goto(f"{app.url}/sweep?id=accessible")
    page.locator("td img").first.wait_for()
    settle(page)
    expect(page.get_by_text("6 to make")).to_be_visible()
    settle(page)
    page.get_by_role("button", name="5", exact=True).press("Enter")
    expect(page.locator("td")).to_have_count(4)
    back = page.get_by_role("button", name=re.compile("^Guidance 5"))
    expect(back).to_be_focused()
    back.press("Enter")
    expect(page.locator("td")).to_have_count(6)
