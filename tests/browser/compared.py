"""Runs that are compared, and what tests of the compare page do with them."""

import re
from dataclasses import replace

import numpy as np
from playwright.sync_api import Locator, Page

from bgen_core.extent import Extent
from bgen_core.metrics import METRICS, MetricValue
from bgen_core.store.store import Store
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from tests.browser.acting import settle
from tests.made_up import VISITOR, commit, made_up_run, made_up_subject, made_up_sweep, painted, run_id
from tests.serving import RunningApp

EXTENT = Extent(width=1200, height=900)  # larger than the version that is fetched first
WORDY = "a beach before a large and very old castle in the fog, oil on canvas"


def picture(number: int) -> np.ndarray:
    """uint8, HWC, RGB: the same for all but a block on the left, which is another one in each."""
    image = np.full((EXTENT.height, EXTENT.width, 3), 90, np.uint8)
    image[300:600, 100:500] = [10 + 20 * number, 200 - 30 * number, 60]
    return image


def fill_with_runs(store: Store) -> None:
    """A sweep of two guidances and two seeds, another of its first half, a run that looks like the first, and one with
    a long prompt.
    """
    axes = (Axis(name="guidance", values=(1.0, 3.0)), Axis(name="seed", values=(0, 1)))
    plan = SweepPlan(subject_id="s" * 64, model="demo", base=InpaintParams(prompt="a beach"), axes=axes)
    for cell in plan.cells():
        record = replace(made_up_run(cell.index, params=cell.params.to_json()), extent=EXTENT, model_extent=EXTENT)
        store.runs.commit(painted(record), image=picture(cell.index), raw_image=picture(cell.index))
    ids = [run_id(cell.index) for cell in plan.cells()]
    store.sweeps.add(made_up_sweep("sweep-1", cells=ids, plan=plan.to_json(), state="done"), ids)
    half = replace(plan, axes=(axes[1],))
    store.sweeps.add(made_up_sweep("sweep-2", cells=ids[:2], plan=half.to_json(), state="done", title="half"), ids[:2])
    wordy = made_up_run(8, params={"prompt": WORDY}, extent=EXTENT, model_extent=EXTENT)
    store.runs.commit(painted(wordy), image=picture(4), raw_image=picture(4))
    twin = made_up_run(9, params={"prompt": "a beach", "shadow": 0.5}, extent=EXTENT, model_extent=EXTENT)
    store.runs.commit(painted(twin), image=picture(0), raw_image=picture(0))


def add_own_sweep(store: Store) -> list[str]:
    """The sweep "accessible" of `VISITOR`, measured and rated; its last cell failed.

    Returns
    -------
    Ids of its runs.
    """
    subject = made_up_subject(name="axe")
    store.subjects.save(subject, {})
    axes = (Axis(name="guidance", values=(1.0, 3.0, 5.0)), Axis(name="seed", values=(70, 71)))
    plan = SweepPlan(subject_id=subject.id, model="demo", base=InpaintParams(prompt="a beach"), axes=axes)
    records = [
        replace(made_up_run(700 + cell.index, params=cell.params.to_json()), subject_id=subject.id)
        for cell in plan.cells()
    ]
    ids = [record.id for record in records]
    for number, record in enumerate(records[:-1]):
        commit(store, record)
        store.metrics.save(
            record.id,
            [MetricValue(name=each.name, value=number / 10, reason="", version=each.version) for each in METRICS],
        )
        store.opinions.rate(record.id, 1 + number % 5)
    sweep = made_up_sweep(
        "accessible", cells=ids, plan=plan.to_json(), state="failed", message="The disk is full.",
        owner=VISITOR.id, subject_id=subject.id,
    )  # fmt: skip
    store.sweeps.add(sweep, ids)
    store.sweeps.set_cell_error(sweep.id, len(ids) - 1, "There is no memory for it.")
    return ids[:-1]


def open_page(page: Page, app: RunningApp, query: str) -> None:
    page.goto(f"{app.url}/compare{query}")
    drawn = "[data-testid=stDataFrame] canvas" if "list=table" in query else ".viewer .frame, .gallery img"
    page.locator(drawn).first.wait_for()
    settle(page)


def viewer(page: Page) -> Locator:
    found = page.get_by_role("group", name=re.compile(r"pictures, "))
    page.wait_for_function("[...document.images].every(image => image.complete)")
    return found


def ids_of(*numbers: int) -> str:
    return ",".join(run_id(number)[:12] for number in numbers)
