"""Five browsers that sweep at the same time: whose pictures they see, and how long a rerun of the page takes.

    python -m benchmarks.visitors --browsers 5

Each visitor has a prompt of their own, changes the seeds, runs, and looks at the grid until it is full; meanwhile each
measures how long the page takes from a click to its answer.
"""

import argparse
import json
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from bgen_core.settings import load_settings
from bgen_core.store.store import Store, open_store
from bgen_core.subject.cutout import cut_out_subject
from bgen_core.subject.decoding.image_io import DecodeLimits, read_photo
from bgen_core.subject.samples.samples import SAMPLES
from bgen_core.sweep.plan import SweepPlan
from tests.browser.chromium import running_chromium, wait_until_settled
from tests.serving import RunningApp, serve

PROMPTS = ("a beach", "a forest", "a city skyline", "a desert", "a starry sky", "a meadow", "clouds", "a brick wall")
RERUNS = 6


def visit(app: RunningApp, number: int, seeds: int, results: list[dict[str, Any]]) -> None:
    """One visitor, from the first page to the last picture."""
    prompt = PROMPTS[number % len(PROMPTS)]
    with running_chromium() as browser:
        page = browser.new_page(viewport={"width": 1300, "height": 900})
        page.set_default_timeout(180_000)
        page.goto(f"{app.url}/sweep")
        wait_until_settled(page)
        fill(page, "Prompt", prompt)
        fill(page, "Seed", f"{100 * number + 1}-{100 * number + seeds}")
        page.get_by_text(f"{seeds} cells: 0 known").wait_for()
        page.get_by_role("button", name="Run").first.click()
        page.wait_for_url("**id=*")
        reruns = [rerun(page, 20 + turn) for turn in range(RERUNS)]
        page.get_by_role("button", name="Compare these").wait_for(timeout=900_000)
        page.wait_for_function(f"document.querySelectorAll('td img').length == {seeds}")
        alternatives = [image.get_attribute("alt") or "" for image in page.locator("td img").all()]
        results.append(
            {
                "prompt": prompt,
                "id": page.url.partition("id=")[2].partition("&")[0],
                "reruns": reruns,
                "shown": len(alternatives),
                "foreign": sum(not text.startswith(prompt) for text in alternatives),
            }
        )


def fill(page: Page, label: str, text: str) -> None:
    """Type into a control and wait for the page's answer."""
    field = page.get_by_label(label, exact=True)
    field.fill(text)
    field.press("Tab")  # Ctrl+Enter in a long field would run
    page.wait_for_timeout(200)
    wait_until_settled(page)


def rerun(page: Page, guidance: int) -> float:
    """Seconds from a changed control to the page's finished answer."""
    field = page.get_by_label("Guidance", exact=True)
    field.fill(str(guidance))
    began = time.perf_counter()
    field.press("Enter")
    page.wait_for_function(f"location.search.includes('guidance={guidance}')", polling=20)
    wait_until_settled(page)
    return time.perf_counter() - began


def check(store: Store, results: list[dict[str, Any]]) -> int:
    """How many runs of the visitors' sweeps do not belong to their plans."""
    wrong = 0
    for result in results:
        plan = SweepPlan.from_json(store.sweeps.get(result["id"]).plan)
        cells = {cell.index: cell for cell in store.sweeps.cells(result["id"])}
        wrong += sum(store.runs.get(cells[cell.index].run_id).params != cell.params for cell in plan.cells())
        wrong += plan.base.prompt != result["prompt"]
    return wrong


def main() -> None:
    """Serve the app, send the visitors, print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--browsers", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=6)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        with open_store(load_settings(home=home)) as store:
            sample = SAMPLES[0]
            photo = read_photo(sample.path, limits=DecodeLimits.from_settings(load_settings(home=home)))
            store.subjects.save(cut_out_subject(sample.name, photo.image), {})
            results: list[dict[str, Any]] = []
            with serve(Path(folder)) as app:
                visitors = [
                    threading.Thread(target=visit, args=(app, number, arguments.seeds, results))
                    for number in range(arguments.browsers)
                ]
                for visitor in visitors:
                    visitor.start()
                for visitor in visitors:
                    visitor.join()
                log = app.log.read_text()
            reruns = [seconds for result in results for seconds in result["reruns"]]
            figures = {
                "browsers": arguments.browsers,
                "finished": len(results),
                "pictures shown": sum(result["shown"] for result in results),
                "pictures of others": sum(result["foreign"] for result in results),
                "runs outside their plan": check(store, results),
                "page rerun, seconds, median": round(statistics.median(reruns), 2),
                "page rerun, seconds, longest": round(max(reruns), 2),
                "errors in the server's log": log.count("Traceback") + log.count("ERROR"),
            }
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
