"""The sweep page in a browser: a second visitor on the same link, a cell opened large, two passes, pausing."""

import json
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from bgen_core.ids import SweepId
from bgen_core.records.sweep import SweepRecord
from bgen_core.settings import load_settings
from bgen_core.store.store import Store, open_store
from bgen_core.sweep.plan import SweepPlan
from tests.browser.acting import SWEEP_SECONDS, fill, settle
from tests.forking import starting
from tests.serving import RunningApp
from tests.terminal import new_sweep, sweeping
from tests.waiting import wait_until

pytestmark = pytest.mark.browser

PATIENCE = SWEEP_SECONDS * 1000
# A tab that is not seen, a person who allows notifications, and what they would have been shown.
RECORD = """
Object.assign(window, { titles: [], notified: [], asked: 0 });
new MutationObserver(() => titles.push(document.title)).observe(document, { childList: true, subtree: true });
Object.defineProperty(document, "hidden", { value: true });
window.Notification = class {
  static permission = "default";
  static async requestPermission() { window.asked += 1; return (Notification.permission = "granted"); }
  constructor(title, { body }) { notified.push([title, body]); }
};
"""
RESUME = "python -m bgen_core sweep --resume"


def open_sweep_page(app: RunningApp, page: Page) -> None:
    page.goto(f"{app.url}/sweep")
    offer = page.get_by_role("button", name="Start with the sample photo")
    prompt = page.get_by_label("Prompt", exact=True)
    offer.or_(prompt).first.wait_for()  # before the first run of its script a page is empty, and not running either
    settle(page)
    if offer.count():
        offer.click()
        prompt.wait_for()
        settle(page)


def start(page: Page, cells: str) -> None:
    expect(page.get_by_text(cells)).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name=re.compile("^Run")).click()
    page.wait_for_url(re.compile("id="))


def sweep_in(address: str) -> SweepId:
    return SweepId(parse_qs(urlsplit(address).query)["id"][0])


def test_a_cell_opens_large_and_a_colleague_sees_the_same_grid(app: RunningApp, page: Page, browser: Browser):
    page.add_init_script(RECORD)
    open_sweep_page(app, page)
    fill(page, "Prompt", "a beach")
    fill(page, "Steps", "2,3")
    fill(page, "Seed", "901-902")
    start(page, "4 cells: 0 known, 4 to make")
    assert page.evaluate("asked") == 0  # nobody is asked who did not press the button
    page.get_by_role("button", name="Notify").click()
    colleague = browser.new_context(viewport={"width": 1200, "height": 900}).new_page()
    colleague.goto(page.url, timeout=PATIENCE)
    for each in (page, colleague):
        expect(each.get_by_role("button", name="Compare these")).to_be_visible(timeout=PATIENCE)
        expect(each.locator("td img[alt^='a beach, Steps']")).to_have_count(4)
    colleague.context.close()
    expect(page).to_have_title("done · bgen")
    assert "0/4 · bgen" in page.evaluate("titles")
    assert page.evaluate("[asked, notified]") == [1, [["bgen: done", "4 of 4 pictures · a beach"]]]

    page.evaluate("window.sameSession = true")
    page.locator("td img").nth(1).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("2 of 4 · a beach, Steps 2, Seed 902")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_text("3 of 4 · a beach, Steps 3, Seed 901")).to_be_visible()
    page.wait_for_url(re.compile("cell=3"))
    page.go_back()  # one step for the opened cell, however far one walked
    expect(dialog).to_have_count(0)
    page.go_forward()
    expect(dialog.get_by_text("3 of 4 · a beach, Steps 3, Seed 901")).to_be_visible()
    settle(page)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.wait_for_url(lambda url: "cell=" not in url)
    assert page.evaluate("window.sameSession")
    assert "Traceback" not in app.log.read_text()


def test_explored_cells_are_finished_with_full_steps(app: RunningApp, page: Page):
    open_sweep_page(app, page)
    fill(page, "Prompt", "a forest")
    fill(page, "Seed", "911-913")
    fill(page, "Explore with steps", "2")
    start(page, "3 cells: 0 known, 3 to make")
    panel = page.get_by_text("Finish the best with more steps")
    expect(panel).to_be_visible(timeout=PATIENCE)
    page.get_by_label("Full steps").fill("5")
    page.get_by_label("Full steps").press("Enter")
    settle(page)
    page.get_by_label("Cells", exact=True).click()
    page.get_by_role("option", name=re.compile("Seed 912")).click()
    page.keyboard.press("Escape")
    settle(page)
    expect(page.get_by_text("1 cell: 0 known, 1 to make")).to_be_visible()
    explored = sweep_in(page.url)
    page.get_by_role("button", name="Finish these").click()
    page.wait_for_url(lambda url: sweep_in(url) != explored)  # the ticks leave the address a moment before
    expect(page.locator("td img[alt*='Seed 912']")).to_be_visible(timeout=PATIENCE)
    with open_store(load_settings(home=app.home)) as store:
        sweep = store.sweeps.get(sweep_in(page.url))
        (cell,) = SweepPlan.from_json(sweep.plan).cells()
        assert (cell.params.seed, cell.params.num_inference_steps) == (912, 5)
        assert sweep.explored == explored


def test_a_paused_sweep_waits_for_its_visitor_after_a_reload(app: RunningApp, page: Page):
    open_sweep_page(app, page)
    fill(page, "Prompt", "a desert")
    fill(page, "Steps", "60")
    fill(page, "Seed", "921-926")
    start(page, "6 cells: 0 known, 6 to make")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text(re.compile("Paused: . of 6"))).to_be_visible(timeout=PATIENCE)
    page.reload()
    settle(page)
    page.get_by_text("My sweeps · 1").click()
    page.get_by_role("button", name="Cancel", exact=True).last.click()
    page.get_by_role("button", name="Cancel it").last.click()
    expect(page.get_by_text(re.compile("Cancelled: . of 6"))).to_be_visible()


def test_a_sweep_of_the_command_line_is_paused_continued_and_cancelled(app: RunningApp, page: Page, tmp_path: Path):
    with (
        starting(sweeping(tmp_path, app.home, new_sweep(tmp_path, cells=200))) as line,
        open_store(load_settings(home=app.home)) as store,
    ):

        def running() -> list[SweepRecord]:
            """The line's own: another test's last sweep may still be under way in this app."""
            found = store.sweeps.select(states=["running"])
            return [each for each in found if len(store.sweeps.cells(each.id)) == 200]

        wait_until(running, "the sweep")
        (sweep,) = running()
        page.goto(f"{app.url}/sweep?id={sweep.id}")
        settle(page)
        page.get_by_role("button", name="Pause").click()
        line.waits_until_it_says("paused from the app")
        expect(page.get_by_text(re.compile("Paused: .* of 200"))).to_be_visible()
        before = made(store, sweep.id)
        page.wait_for_timeout(1000)
        assert made(store, sweep.id) == before
        page.get_by_role("button", name="Continue").click()
        line.waits_until_it_says("continued from the app")
        expect(page.locator("img[alt^='a beach']").first).to_be_visible(timeout=PATIENCE)
        page.get_by_role("button", name="Cancel", exact=True).click()
        page.get_by_role("button", name="Cancel it").click()
        line.waits_until_it_says(f"cancelled from the app; what is made is kept. Continue with: {RESUME} {sweep.id}")
        expect(page.get_by_text(re.compile("Cancelled: .* of 200"))).to_be_visible()
        assert line.ends() == 130
        document = json.loads(line.out.read_text())
        assert (document["state"], document["sweep"], document["reused"]) == ("cancelled", sweep.id, 0)
        assert before < document["made"] == made(store, sweep.id) < 200
        assert sum(cell["image"] is not None for cell in document["cells"]) == document["made"]


def made(store: Store, sweep_id: str) -> int:
    return sum(cell.done for cell in store.sweeps.cells(sweep_id))
