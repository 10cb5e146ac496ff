"""How fast the grid of a sweep of 512 cells opens, and how fast its axes are switched in the browser.

    python -m benchmarks.sweep_grid

Makes a store with a sweep that nobody computed, serves the app and measures what a visitor sees in Chromium. Prints one
line for each figure; times are medians. The browser has been on the page before, as has whoever comes back to a sweep.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page

from benchmarks.compare_page import say
from benchmarks.kills import make_subject
from bgen_core.settings import load_settings
from bgen_core.store.store import Store, open_store
from bgen_core.sweep.axes import parse_axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from tests.browser.chromium import running_chromium, wait_until_settled
from tests.made_up import commit, made_up_run, made_up_sweep
from tests.serving import RunningApp, serve

TIMES = 9
# From the click to the next picture that the browser has drawn with the other arrangement
_SWITCH = """(grid, [name, value]) => new Promise(done => {
    const began = performance.now();
    const field = [...grid.querySelectorAll("select")].find(each => each.closest("label").textContent.startsWith(name));
    field.value = value;
    field.dispatchEvent(new Event("change", { bubbles: true }));
    requestAnimationFrame(() => requestAnimationFrame(() => done((performance.now() - began) / 1000)));
})"""
# Written down by the page itself: each question from outside waits for what the page is doing, and holds it up.
_NOTE_WHEN_ALL_THERE = """(() => {
    const roots = [];
    const attach = Element.prototype.attachShadow;
    Element.prototype.attachShadow = function (how) {
        const root = attach.call(this, how);
        roots.push(root);
        return root;
    };
    const isThere = root => root.querySelectorAll(".sweep-grid .cell a img").length >= COUNT;
    const look = () => {
        if (roots.some(isThere)) requestAnimationFrame(() => window.allThere = performance.now() / 1000);
        else requestAnimationFrame(look);
    };
    look();
})()"""


def fill(store: Store) -> None:
    """8 guidances by 8 seeds by 8 steps, all made."""
    subject = make_subject(store)
    axes = (parse_axis("steps", "2..16:2"), parse_axis("guidance", "1..8"), parse_axis("seed", "1..8"))
    plan = SweepPlan(subject_id=subject.id, model="demo", base=InpaintParams(prompt="a beach"), axes=axes)
    runs = [made_up_run(cell.index, params=cell.params.to_json(), subject_id=subject.id) for cell in plan.cells()]
    for run in runs:
        commit(store, run)
    ids = [run.id for run in runs]
    store.sweeps.add(made_up_sweep("sweep-1", cells=ids, state="done", plan=plan.to_json()), ids)


def _page(browser: Browser, count: int) -> Page:
    """A page that notes when the frame is drawn in which the grid has the places of `count` pictures."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(60_000)
    page.add_init_script(_NOTE_WHEN_ALL_THERE.replace("COUNT", str(count)))
    return page


def _open(page: Page, app: RunningApp, shown: str) -> float:
    """Seconds from the address to the grid with all of its pictures' places, by the browser's own clock."""
    page.goto("about:blank")
    page.goto(f"{app.url}/sweep?id=sweep-1{shown}", wait_until="commit")
    page.wait_for_function("window.allThere", polling=100)
    return float(page.evaluate("window.allThere"))


def _switch(page: Page, name: str, value: str) -> float:
    return float(page.locator(".sweep-grid").evaluate(_SWITCH, [name, value]))


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with tempfile.TemporaryDirectory() as folder, open_store(load_settings(home=Path(folder) / "home")) as store:
        fill(store)
        print(f"512 cells, load {psutil.getloadavg()[0]:.1f} on {psutil.cpu_count()} cores")
        with serve(Path(folder)) as app, running_chromium() as browser:
            page = _page(browser, 64)
            say("open, the first visit", _open(page, app, ""))
            wait_until_settled(page)
            opened = [_open(page, app, "") for _ in range(TIMES)]
            say("open a page of 64 cells", statistics.median(opened))
            page = _page(browser, 512)
            _open(page, app, "&at_steps=all")
            wait_until_settled(page)
            opened = [_open(page, app, "&at_steps=all") for _ in range(TIMES)]
            say("open all 512 stacked", statistics.median(opened))
            wait_until_settled(page)
            switched = [_switch(page, "Across", name) for name in ("guidance", "seed") * TIMES]
            say("switch the axis across, all stacked", statistics.median(switched))
            sizes = [_switch(page, "Steps", value) for value in ("0", "all") * TIMES]
            say("from one page to all, and back", statistics.median(sizes))


if __name__ == "__main__":
    main()
