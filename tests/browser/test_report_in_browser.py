"""The report as a file on a disk: arranged, filtered and read without a server, on a desk and on a phone."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from bgen_core.ids import SweepId
from bgen_core.metrics import METRICS, MetricValue
from bgen_core.reports.html_report import html_report
from bgen_core.settings import load_settings
from bgen_core.store.store import open_store
from bgen_core.sweep.axes import parse_axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from tests.html_page import HOSTILE
from tests.made_up import commit, made_up_run, made_up_sweep

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2 steps by 2 prompts by 3 seeds; the last is rated."""
    folder = tmp_path_factory.mktemp("report")
    plan = SweepPlan(
        subject_id="s" * 64,
        model="demo",
        base=InpaintParams(prompt="a beach"),
        axes=(parse_axis("steps", "10,20"), parse_axis("prompt", f"{HOSTILE}\na forest"), parse_axis("seed", "1-3")),
    )
    with open_store(load_settings(home=folder / "home")) as store:
        runs = [commit(store, made_up_run(cell.index, params=cell.params.to_json())) for cell in plan.cells()]
        ids = [run.id for run in runs]
        store.sweeps.add(made_up_sweep(cells=ids, state="done", plan=plan.to_json()), ids)
        store.opinions.rate(runs[-1].id, 4)
        store.metrics.save(ids[0], [MetricValue(name=m.name, value=0.5, reason="", version=m.version) for m in METRICS])
        store.decisions.ask(SweepId("sweep-1"), f"which is best? {'a' * 150}")
        store.decisions.decide(SweepId("sweep-1"), "b" * 200, evidence="c" * 200)
        (folder / "report.html").write_bytes(b"".join(html_report(store, sweep_id="sweep-1")))
    return folder / "report.html"


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_it_is_arranged_and_filtered_without_a_server(report: Path, page: Page, width: int, height: int) -> None:
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.set_viewport_size({"width": width, "height": height})
    page.goto(report.as_uri())
    headings = page.locator("#pictures thead th")
    expect(headings).to_have_text(["1", "2", "3"] * 2)
    page.get_by_label("Across").select_option("Steps")
    expect(headings).to_have_text(["10", "20"] * 3)
    page.get_by_label("Down").select_option("Steps")  # both change places, as a picture has one place on an axis
    expect(page.get_by_label("Across")).to_have_value("1")
    page.get_by_label("Filter").fill("forest, seed 2")
    expect(page.get_by_role("status")).to_have_text("2 of 12 pictures")
    assert page.locator("#pictures figure:visible").count() == 2
    page.get_by_label("Filter").fill("")
    page.get_by_label("Rated").select_option("4 ★ or more")
    expect(page.get_by_role("status")).to_have_text("1 of 12 pictures")
    expect(page.locator("#pictures .stars:visible")).to_have_text("★★★★")
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    page.get_by_label("Rated").select_option("any")
    assert page.locator("#pictures img").count() == 12  # none is lost by being laid out again
    assert told == []


def test_neither_long_words_nor_tables_make_it_wider_than_the_window(report: Path, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(report.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_labels_stay_in_view_and_a_picture_stands_in_its_column(report: Path, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 500})
    page.goto(report.as_uri())
    page.get_by_label("Size").select_option("L")
    box = page.locator("#pictures .scroll").first
    box.evaluate("box => box.scrollTo(600, 300)")
    outer = box.bounding_box()
    assert outer is not None
    column, row = box.locator("thead th").nth(2), box.locator("tbody th").first
    top, left = column.bounding_box(), row.bounding_box()
    assert top is not None
    assert left is not None
    assert abs(top["y"] - outer["y"]) < 2
    assert abs(left["x"] - outer["x"]) < 2
    picture = box.locator("tbody tr").first.locator("td").nth(2).locator("img").bounding_box()
    assert picture is not None
    assert top["x"] <= picture["x"] < top["x"] + top["width"]
