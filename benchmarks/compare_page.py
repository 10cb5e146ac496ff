"""How fast the compare page opens and filters with 10,000 runs, and how much memory its server takes.

    python -m benchmarks.compare_page --runs 10000

Makes a store of runs that nobody computed (with metrics, ratings, tags and a sweep), measures the page's own work
without a browser, then serves the app and measures what a visitor sees in Chromium. Prints one line for each figure;
times are medians. On a busy machine the server's CPU time says more than the clock.
"""

import argparse
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect

from bgen_core.ids import VisitorId
from bgen_core.metrics import METRICS, MetricValue
from bgen_core.records.visitor import Visitor
from bgen_core.runs.run_filter import Condition, RunFilter, filter_runs, sort_runs
from bgen_core.runs.wide_table import run_table
from bgen_core.settings import load_settings
from bgen_core.store.schema import MetricRow, OpinionRow, RunOwnerRow, RunRow, TagRow
from bgen_core.store.store import Store, open_store
from bgen_core.subject.decoding.image_io import encode_png
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from tests.browser.chromium import running_chromium, wait_until_settled
from tests.made_up import LONG_AGO, made_up_run, made_up_sweep, run_id
from tests.serving import RunningApp, serve

PICTURES = 200
PATIENCE_MS = 60_000
OWN_COLUMNS = ("id", "created", "owner", "subject_id", "subject_name", "model", "model_revision", "device", "dtype")
PEOPLE = ("ada", "bo", "cleo", "")
WORDS = ("a beach at sunset", "a snowy forest", "an office", "red mountains", "a quiet street", "a desert at night")


def fill(store: Store, count: int) -> None:
    """Runs 0 to `count`, each third rated, each fifth tagged, all measured; the first 240 are a sweep."""
    rng = np.random.default_rng(0)
    blobs = [store.blobs.put(encode_png(rng.integers(0, 256, (192, 256, 3), dtype=np.uint8))) for _ in range(PICTURES)]
    axes = (
        Axis(name="steps", values=(10, 20, 30)),
        Axis(name="guidance", values=(1.0, 3.0, 5.0, 7.0)),
        Axis(name="seed", values=tuple(range(20))),
    )
    plan = SweepPlan(subject_id="s" * 64, model="demo", base=InpaintParams(prompt=WORDS[0]), axes=axes)
    swept = {cell.index: cell.params for cell in plan.cells()}
    chance = random.Random(0)
    runs, metrics, tags, owners, opinions = [], [], [], [], []
    for number in range(count):
        params = swept.get(number)
        record = made_up_run(
            number,
            params=params.to_json()
            if params
            else {
                "prompt": f"{chance.choice(WORDS)}, version {number % 97}",
                "num_inference_steps": chance.choice((4, 10, 20, 30, 50)),
                "guidance_scale": chance.choice((1, 3, 5, 7)),
            },
            created=LONG_AGO + timedelta(minutes=7 * number),
            subject_name=chance.choice(("Ada", "Grace", "Mary")),
        )
        runs.append(
            {name: getattr(record, name) for name in OWN_COLUMNS}
            | record.params.to_json()
            | {
                "width": 256,
                "height": 192,
                "model_width": 256,
                "model_height": 192,
                "versions": record.versions,
                "seconds": record.seconds | {"denoise": record.params.num_inference_steps * 0.1},
                "peak_memory_mb": record.peak_memory_mb,
                "image": blobs[number % PICTURES],
                "raw": blobs[number % PICTURES],
                "raw_id": record.id,
            }
        )
        owners += [{"run_id": record.id, "owner": chance.choice(PEOPLE), "is_shared": number % 10 > 0}]
        if number % 3 == 0:
            notes = "look at the hands" if number % 50 == 0 else None
            rating = chance.randint(1, 5)
            opinions += [{"run_id": record.id, "owner": chance.choice(PEOPLE), "rating": rating, "notes": notes}]
        metrics += [
            {
                "run_id": record.id,
                "name": metric.name,
                "value": None if metric.name == "clip_score" else chance.random() * record.params.guidance_scale,
                "reason": "",
                "version": metric.version,
            }
            for metric in METRICS
        ]
        given = {"run_id": record.id, "owner": "", "tag": chance.choice(("good", "print", "again"))}
        tags += [given] if number % 5 == 0 else []
    with store.database.writing() as session:
        session.execute(sa.insert(RunRow), runs)
        session.execute(sa.insert(MetricRow), metrics)
        session.execute(sa.insert(RunOwnerRow), owners)
        session.execute(sa.insert(OpinionRow), opinions)
        session.execute(sa.insert(TagRow), tags)
    ids = [run_id(number) for number in range(min(len(swept), count))]
    store.sweeps.add(made_up_sweep("sweep-1", cells=ids, plan=plan.to_json(), state="done"), ids)


def median_of(times: int, act: Callable[[], Any]) -> float:
    """Seconds of the middle one of several tries."""
    taken: list[float] = []
    for _ in range(times):
        started = time.perf_counter()
        act()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def measure_core(store: Store) -> None:
    started = time.perf_counter()
    table = run_table(store)
    say("read the wide table once", time.perf_counter() - started)
    say("ask for it again", median_of(9, lambda: run_table(store)))
    wanted = RunFilter(text="beach version 5", conditions=(Condition(column="guidance_scale", piece="3..7"),))
    say("filter: two words and a range", median_of(9, lambda: filter_runs(table, wanted)))
    say("sort by a metric", median_of(9, lambda: sort_runs(table, "expansion", descending=True)))
    store.opinions.rate(run_id(1), 4)
    started = time.perf_counter()
    run_table(store, metrics_age=60)
    say("the table after a rating", time.perf_counter() - started)
    member = store.seen_by(Visitor(id=VisitorId(PEOPLE[0])))
    run_table(member)
    member.opinions.rate(run_id(0), 4)
    started = time.perf_counter()
    run_table(member, metrics_age=60)
    say("the same for one of several who do not see all", time.perf_counter() - started)


def measure_browser(app: RunningApp, store: Store, browser: Browser) -> None:
    server = psutil.Process(app.process.pid)
    page = browser.new_context(viewport={"width": 1400, "height": 1000}).new_page()
    page.set_default_timeout(PATIENCE_MS)

    def measured(what: str, act: Callable[[], None], times: int = 1) -> None:
        before = sum(server.cpu_times()[:2])
        seconds = median_of(times, act)
        say(what, seconds, f"   server's CPU {(sum(server.cpu_times()[:2]) - before) / times:.2f} s each")

    page.goto(app.url)  # the browser has fetched Streamlit's own scripts then, and the server has imported its modules
    wait_until_settled(page)
    measured("open, the first visit", lambda: _open(page, app, ""))
    measured("open, later ones", lambda: _open(page, app, ""), 5)
    measured("open a filtered link", lambda: _open(page, app, "?q=beach&f=guidance_scale:3..7&sort=-seam"), 3)
    _open_settled(page, app, "")
    measured("scroll to more runs", lambda: _scroll(page), 9)
    measured("tick a picture, with a thousand listed", lambda: _tick(page), 4)
    _open_settled(page, app, "")
    words = cycle(["forest", "office", "mountains", "street", "desert"])
    measured("filter by a word, from Enter to the new rows", lambda: _search(page, next(words)), 15)
    with measuring(store):
        measured("the same while a worker measures", lambda: _search(page, next(words)), 15)
    says = "?sweep=sweep-1&show=says&measure=expansion"
    measured("what the sweep says, the first time", lambda: _open_settled(page, app, says))
    measured("what the sweep says, later", lambda: _open_settled(page, app, says), 3)
    print(f"{'memory of the server':<48}{server.memory_info().rss / 1e6:8.0f} MB")


@contextmanager
def measuring(store: Store) -> Iterator[None]:
    """Metrics are committed three times a second, as a worker does that measures."""
    over = threading.Event()

    def work() -> None:
        values = [MetricValue(name=each.name, value=0.5, reason="", version=each.version) for each in METRICS]
        for number in range(10_000):
            if over.wait(0.3):
                return
            store.metrics.save(run_id(number % 100), values)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield
    finally:
        over.set()
        worker.join()


def _open(page: Page, app: RunningApp, query: str) -> None:
    page.goto("about:blank")
    page.goto(f"{app.url}/compare{query}")
    page.locator(".gallery .card img").first.wait_for()


def _open_settled(page: Page, app: RunningApp, query: str) -> None:
    _open(page, app, query)
    wait_until_settled(page)


def _scroll(page: Page) -> None:
    """To the end of what is listed, until more is there."""
    page.locator(".gallery").evaluate(
        """gallery => new Promise(done => {
            const before = gallery.querySelectorAll(".card").length;
            const look = () => gallery.querySelectorAll(".card").length > before ? done() : requestAnimationFrame(look);
            gallery.scrollTo(0, gallery.scrollHeight);
            look();
        })"""
    )


def _tick(page: Page) -> None:
    """A picture, until the server has answered: the number of the chosen stands above them."""
    pick = page.locator(".gallery .pick").first
    was = pick.get_attribute("aria-pressed")
    pick.click()
    expect(pick).not_to_have_attribute("aria-pressed", was or "", timeout=PATIENCE_MS)
    wait_until_settled(page)


def _search(page: Page, word: str) -> None:
    """Until the first card is of a run with that word; two words in turn may find equally many."""
    search = page.get_by_role("searchbox", name="Search")
    search.fill(word)
    search.press("Enter")
    came = page.locator(".gallery").evaluate(  # what Playwright waits for by itself, it looks at once a second
        """(gallery, [word, patience]) => new Promise(done => {
            const end = performance.now() + patience;
            const look = () => {
                const first = gallery.querySelector(".card .pick");
                if (first && first.title.includes(word)) done(true);
                else if (performance.now() > end) done(false);
                else requestAnimationFrame(look);
            };
            look();
        })""",
        [word, PATIENCE_MS],
    )
    if not came:
        raise TimeoutError(f"no run with {word!r} came within {PATIENCE_MS / 1000:.0f} s")


def say(what: str, seconds: float, more: str = "") -> None:
    print(f"{what:<48}{seconds:8.3f} s{more}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, open_store(load_settings(home=Path(folder) / "home")) as store:
        fill(store, arguments.runs)
        print(f"{arguments.runs:,} runs, load {psutil.getloadavg()[0]:.1f} on {psutil.cpu_count()} cores")
        measure_core(store)
        with serve(Path(folder)) as app, running_chromium() as browser:
            measure_browser(app, store, browser)


if __name__ == "__main__":
    main()
