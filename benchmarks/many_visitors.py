"""Many visitors at once, each with a photo and a private sweep of their own, in browsers of their own.

    python -m benchmarks.many_visitors --visitors 30 --minutes 0

Serves the app with a password, lets everybody log in, submit a sweep and go on changing its form while the worker
paints, and looks whether each sees their own pictures and nobody else's. Prints one line for each figure; times are
medians. With `--minutes` they stay as long after that, each looking at the page now and then, for the memory.
"""

import argparse
import random
import re
import statistics
import tempfile
import time
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, expect

from benchmarks.compare_page import say
from bgen_core.ids import SubjectId, VisitorId
from bgen_core.records.visitor import Visitor
from bgen_core.settings import load_settings
from bgen_core.store.schema import VisitorRow
from bgen_core.store.store import Store, open_store
from tests.browser.chromium import running_chromium, wait_until_settled
from tests.made_up import made_up_subject
from tests.serving import RunningApp, serve

PASSWORD = "many visitors"
PATIENCE = 120_000  # ms: 30 browsers on two processors
ROUNDS = 3
_HASH = re.compile(r"i/([0-9a-f]{64})\.webp")


def enter(app: RunningApp, browser: Browser, name: str) -> Page:
    """Somebody who has logged in, on the Sweep page."""
    context = browser.new_context(viewport={"width": 1000, "height": 700})
    context.request.post(f"{app.url}/login", form={"password": PASSWORD, "name": name, "next": "/sweep"})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{app.url}/sweep")
    wait_until_settled(page)
    return page


def ids_of(store: Store) -> dict[str, VisitorId]:
    """Name -> id of those who have visited."""
    with store.database.reading() as session:
        return {row.name: row.id for row in session.query(VisitorRow)}


def submit(app: RunningApp, page: Page, subject: SubjectId) -> None:
    page.goto(f"{app.url}/sweep?subject={subject}&seed=1-2&steps=4")
    wait_until_settled(page)
    page.get_by_role("button", name="Run").click()
    page.wait_for_url(re.compile(r"[?&]id="))


def rerun(page: Page, seeds: int) -> float:
    """Seconds from a changed field to the page that heeds it."""
    field = page.get_by_label("Seed", exact=True)
    began = time.perf_counter()
    field.fill(f"1-{seeds}")
    field.press("Enter")
    expect(page.get_by_text(re.compile(rf"^{seeds} cells:")).first).to_be_visible(timeout=PATIENCE)
    return time.perf_counter() - began


def check_pictures(app: RunningApp, store: Store, page: Page, visitor: VisitorId, subject: SubjectId) -> set[str]:
    """The pictures on somebody's page, each of a run of their own photo."""
    page.reload()
    wait_until_settled(page)
    page.locator(".sweep-grid .cell a img").nth(1).wait_for()
    shown = set(_HASH.findall(" ".join(page.locator(".sweep-grid").evaluate("grid => [grid.innerHTML]"))))
    own = {run.image for run in store.runs.select(subject_id=subject)}
    assert len(own) == 2 and own <= shown, f"{visitor} misses pictures"
    assert shown <= own, f"{visitor} sees pictures of others"
    return own


def megabytes(process: psutil.Process) -> float:
    return process.memory_info().rss / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=0.0)
    asked = parser.parse_args()
    names = [f"Visitor {number:02}" for number in range(asked.visitors)]
    with (
        tempfile.TemporaryDirectory() as folder,
        serve(Path(folder), BGEN_PASSWORD=PASSWORD, BGEN_SHARING="private") as app,
        open_store(load_settings(home=app.home)) as store,
        running_chromium() as browser,
    ):
        server = psutil.Process(app.process.pid)
        before = megabytes(server)
        pages = {name: enter(app, browser, name) for name in names}
        ids = ids_of(store)
        subjects: dict[str, SubjectId] = {}
        for number, name in enumerate(names):
            seen = store.seen_by(Visitor(id=ids[name], name=name))
            subjects[name] = seen.subjects.save(made_up_subject(number, name), {})
            seen.subjects.share(subjects[name], "private")
        print(f"{len(names)} visitors, load {psutil.getloadavg()[0]:.1f} on {psutil.cpu_count()} cores")
        began = time.monotonic()
        for name in names:
            submit(app, pages[name], subjects[name])
        taken = [rerun(pages[name], 2 + turn % 2 + 1) for turn in range(ROUNDS) for name in names]
        say("rerun of a page while the worker paints", statistics.median(taken))
        say("the slowest of them", max(taken))
        while store.sweeps.select(states=["queued", "running"]):
            time.sleep(0.5)
        say("all sweeps were made after", time.monotonic() - began)
        sweeps = {sweep.owner: sweep for sweep in store.sweeps.select()}
        pictures = {
            name: check_pictures(app, store, _at(app, pages[name], sweeps[ids[name]].id), ids[name], subjects[name])
            for name in names
        }
        foreign = 0
        for name, other in zip(names, [*names[1:], names[0]], strict=True):
            for picture in pictures[other]:
                foreign += pages[name].request.get(f"{app.url}/i/{picture}.webp").status != 404
        print(f"{'pictures of others that were answered':48}{foreign}")
        print(f"{'memory of the server':48}{before:.0f} MB, then {megabytes(server):.0f} MB")
        end = time.monotonic() + 60 * asked.minutes
        while time.monotonic() < end:
            rerun(pages[random.choice(names)], random.choice((3, 4)))
            time.sleep(0.2)
        if asked.minutes:
            print(f"{f'memory after {asked.minutes:g} minutes of looking':48}{megabytes(server):.0f} MB")
        faults = [line for line in app.log.read_text().splitlines() if re.search("Traceback|ERROR|CRITICAL", line)]
        print(f"{'faults in the log':48}{len(faults)}")
        for line in faults[:5]:
            print(f"  {line}")


def _at(app: RunningApp, page: Page, sweep_id: str) -> Page:
    page.goto(f"{app.url}/sweep?id={sweep_id}")
    return page


if __name__ == "__main__":
    main()
