"""Back and forward, with a reload at every step: each leads where it led from, with its ticks and its zoom."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acting import settle
from tests.serving import RunningApp

pytestmark = pytest.mark.browser

SWEEP, RUN, COMPARE = r"/sweep\?id=accessible&", r"/run\?id=", r"/compare\?ids="


def test_no_step_loses_what_it_showed(app: RunningApp, page: Page, own_runs: list[str]) -> None:
    page.goto(f"{app.url}/sweep?id=accessible")
    page.locator("td img").first.wait_for()
    expect(page.get_by_text("6 to make")).to_be_visible()  # the engine has started
    settle(page)
    page.locator(".tick").nth(2).check()
    page.wait_for_url(re.compile("tick=3"))
    settle(page)
    page.locator("td img").nth(1).click()
    page.get_by_role("dialog").get_by_role("link", name="Permalink").click()
    page.wait_for_url(re.compile(RUN))
    settle(page)
    page.get_by_test_id("stMain").get_by_role("link", name="Compare").click()
    page.wait_for_url(re.compile(COMPARE))
    settle(page)
    page.get_by_role("button", name="Show the list").click()
    page.locator(f".pick[data-id='{own_runs[3]}']").click()
    page.wait_for_url(re.compile("ids=.*(,|%2C)"))
    expect(page.locator(".viewer .frame")).to_have_count(2)
    settle(page)
    page.get_by_role("group", name=re.compile("pictures, ")).focus()
    page.keyboard.press("+")
    page.wait_for_url(re.compile("at="))

    def is_compare_of_two() -> None:
        expect(page).to_have_url(re.compile(r"/compare\?ids=.*(,|%2C).*at="))
        expect(page.locator(".viewer .frame")).to_have_count(2)

    def is_compare_of_one() -> None:
        expect(page).to_have_url(re.compile(r"/compare\?ids=[0-9a-f]+$"))
        expect(page.locator(".viewer .frame")).to_have_count(1)

    def is_run() -> None:
        expect(page).to_have_url(f"{app.url}/run?id={own_runs[1]}")
        expect(page.get_by_role("heading", level=1, name="Run")).to_be_visible()
        expect(page.get_by_role("button", name="Use as base")).to_be_visible()

    def is_sweep() -> None:
        expect(page).to_have_url(re.compile(r"/sweep\?id=accessible&.*tick=3"))
        expect(page.locator(".cell input:checked")).to_have_count(1)

    def is_kept(look: Callable[[], None]) -> None:
        look()
        page.reload()
        look()
        settle(page)

    for look in (is_compare_of_one, is_run, is_sweep):
        page.go_back()
        is_kept(look)
    for look in (is_run, is_compare_of_one):  # without anything between
        page.go_forward()
        look()
        settle(page)
    page.go_forward()
    is_kept(is_compare_of_two)
