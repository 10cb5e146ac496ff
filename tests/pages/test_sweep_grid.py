"""The grid's HTML: what stands in its places, and that no text of a person or a model becomes markup."""

from typing import Any

import pytest

from bgen_core.records.progress import CellProgress, SweepProgress
from bgen_core.records.sweep import SweepCellRow
from bgen_core.sweep.axes import Axis, parse_axis
from bgen_core.sweep.grid import arrange, default_axes
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from pages._ui.sweep.sweep_grid import GridContent, grid_html
from tests.html_page import HOSTILE, HtmlPage
from tests.made_up import EXTENT, run_id

SEEDS = parse_axis("seed", "1,2")
TAGS = {"div", "table", "tr", "th", "td", "span", "a", "img"}


def page_of(axes: tuple[Axis, ...], *, prompt: str = "a beach", only: tuple[int, ...] | None = None, **content: Any):
    plan = SweepPlan(subject_id="s" * 64, model="demo", base=InpaintParams(prompt=prompt), axes=axes, only=only)
    across, down = default_axes(plan)
    grid = arrange(plan, across=across, down=down, fixed={})
    return HtmlPage(grid_html(grid, GridContent(plan=plan, extent=EXTENT, **content)))


def made(*indices: int) -> dict[str, Any]:
    cells = {index: SweepCellRow(index=index, run_id=run_id(index), done=True, error="") for index in indices}
    return {"cells": cells, "pictures": {run_id(index): f"{index:064x}" for index in indices}}


def test_every_picture_stands_in_its_place_and_leads_to_its_run():
    page = page_of((parse_axis("guidance", "2,3"), parse_axis("seed", "4-6")), **made(0, 1, 2, 3, 4, 5))
    assert "Guidance ↓ Seed →" in page.text
    assert [each["title"] for each in page.all("span")] == ["4", "5", "6", "2", "3"]
    links = page.all("a")
    assert [each["data-cell"] for each in links] == list("012345")
    assert [each["href"] for each in links] == [f"/run?id={run_id(index)[:16]}" for index in range(6)]
    assert page.all("img")[4]["alt"] == "a beach, Guidance 3, Seed 5"
    assert len(page.all("tr")) == 3


@pytest.mark.parametrize("count", [6, 7])
def test_a_single_long_axis_flows(count: int):
    page = page_of((parse_axis("seed", f"1-{count}"),), **made(*range(count)))
    assert [each["title"] for each in page.all("span")] == [str(seed + 1) for seed in range(count)]
    assert len(page.all("a")) == count
    assert bool(page.all("table")) == (count == 6)


def test_a_place_without_a_picture_says_how_far_it_is():
    cells = {0: SweepCellRow(index=0, run_id=run_id(0), done=False, error="The GPU is out of memory.")}
    progress = SweepProgress(
        cells={1: CellProgress(step=3, of=20, preview="data:image/jpeg;base64,AA=="), 2: CellProgress(step=1, of=20)},
        made=0,
        began=0.0,
    )
    page = page_of((parse_axis("seed", "1-5"),), cells=cells, progress=progress, only=(0, 1, 2, 3))
    (preview,) = page.all("img")
    assert (preview["src"], preview["alt"]) == ("data:image/jpeg;base64,AA==", "Preview after step 3")
    for said in ("The GPU is out of memory.", "3/20", "1/20"):
        assert said in page.text
    shaded = [each for each in page.all("div") if "background" in (each.get("style") or "")]
    assert len(shaded) == 3  # the failed one, the one without a preview, and the one to come, but not what is left out


def test_a_plan_without_axes_is_one_picture_without_edges():
    page = page_of((), **made(0))
    assert len(page.all("img")) == 1
    assert not page.all("th")


@pytest.mark.parametrize("flowing", [True, False])
def test_no_text_becomes_markup(flowing: bool):
    prompts = (*(f"{HOSTILE} {number}" for number in range(6 if flowing else 1)), "<b>short</b>")
    axes = (Axis(name="prompt", values=prompts),) if flowing else (Axis(name="prompt", values=prompts), SEEDS)
    content = made(1)
    content["cells"][0] = SweepCellRow(index=0, run_id=run_id(0), done=False, error=HOSTILE)
    content["progress"] = SweepProgress(cells={2: CellProgress(step=1, of=2, preview=HOSTILE)}, made=0, began=0.0)
    page = page_of(axes, prompt=HOSTILE, **content)
    assert {tag for tag, _ in page.elements} <= TAGS
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    titles = [each["title"] for each in page.all("span") if "title" in each]
    assert set(prompts) <= set(titles)
    assert HOSTILE in page.text
    alt, source = page.all("img")[0]["alt"], page.all("img")[1]["src"]
    assert HOSTILE in str(alt)
    assert source == HOSTILE


def test_a_page_of_a_thousand_places_has_them_all():
    page = page_of((parse_axis("guidance", "1..7/25"), parse_axis("seed", "1-40")), **made(*range(1000)))
    assert [each["data-cell"] for each in page.all("a")] == [str(index) for index in range(1000)]
    assert len({each["src"] for each in page.all("img")}) == 1000
