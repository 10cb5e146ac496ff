"""What the grid's component is told: what stands in its places, and how the address arranges them."""

from dataclasses import replace
from typing import Any

import pytest
import streamlit as st

from bgen_core.metrics import Direction
from bgen_core.records.progress import CellProgress, SweepProgress
from bgen_core.records.sweep import CellAttempt, SweepCellRow
from bgen_core.runs.analysis.columns import Measure
from bgen_core.sweep.axes import Axis, parse_axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from bgen_core.sweep.seeds.redraw import Redraw
from pages._ui.sweep.cell_dialog import beside
from pages._ui.sweep.grid_arrangement import ALL, Arrangement, arrangement_in_address, keep_in_address, told_arrangement
from pages._ui.sweep.sweep_grid import GridContent, grid_data
from tests.made_up import EXTENT, run_id

THREE = (parse_axis("steps", "2,3"), parse_axis("guidance", "1,3"), parse_axis("seed", "1-3"))


def plan_of(*axes: Axis, only: tuple[int, ...] | None = None) -> SweepPlan:
    return SweepPlan(subject_id="s" * 64, model="demo", base=InpaintParams(prompt="a beach"), axes=axes, only=only)


def told(plan: SweepPlan, **content: Any) -> dict[str, Any]:
    return grid_data(GridContent(plan=plan, extent=EXTENT, **content), Arrangement())


def made(*indices: int) -> dict[str, Any]:
    cells = {index: SweepCellRow(index=index, run_id=run_id(index), done=True, error="") for index in indices}
    return {"cells": cells, "pictures": {run_id(index): f"{index:064x}" for index in indices}}


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The address, and a session that has said nothing yet."""

    class Address(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            return self.get_all(key)[-1] if key in self else default

        def get_all(self, key: str) -> list[str]:
            value = super().get(key, [])
            return [value] if isinstance(value, str) else value

    kept = Address()
    monkeypatch.setattr(st, "query_params", kept)
    monkeypatch.setattr(st, "session_state", {})
    monkeypatch.setattr(st, "toast", lambda text: None)
    return kept


def test_every_picture_stands_in_its_place_and_leads_to_its_run():
    data = told(plan_of(parse_axis("guidance", "2,3"), parse_axis("seed", "4-6")), **made(0, 1, 2, 3, 4, 5))
    assert [(axis["label"], axis["values"]) for axis in data["axes"]] == [
        ("Guidance", ["2", "3"]),
        ("Seed", ["4", "5", "6"]),
    ]
    assert data["places"] == [{"p": f"{index:064x}", "r": run_id(index)[:16]} for index in range(6)]


def test_a_place_without_a_picture_says_how_far_it_is():
    cells = {0: SweepCellRow(index=0, run_id=run_id(0), done=False, error="The GPU is out of memory.")}
    progress = SweepProgress(
        cells={1: CellProgress(step=3, of=20, preview="data:image/jpeg;base64,AA=="), 2: CellProgress(step=1, of=20)},
        made=0,
        began=0.0,
    )
    plan = plan_of(parse_axis("seed", "1-5"), only=(0, 1, 2, 3))
    assert told(plan, cells=cells, progress=progress)["places"] == [
        {"e": "The GPU is out of memory."},
        {"s": [3, 20], "v": "data:image/jpeg;base64,AA=="},
        {"s": [1, 20], "v": ""},
        None,
        0,
    ]


def test_explored_pictures_stay_beside_their_finished_ones():
    plan = plan_of(parse_axis("seed", "1-3"), only=(1,))
    places = told(plan, explored={0: "aa", 1: "bb"}, **made(1))["places"]
    assert places == [{"u": "aa"}, {"p": f"{1:064x}", "r": run_id(1)[:16], "u": "bb"}, 0]


def test_a_cell_that_was_drawn_again_says_which_seed_it_shows():
    plan = replace(plan_of(parse_axis("seed", "1-2")), redraw=Redraw(max_expansion=3, attempts=4))
    tried = (CellAttempt(run_id=run_id(7), expansion=5.0), CellAttempt(run_id=run_id(0), expansion=2.5))
    cells = made(0, 1)
    cells["cells"][0] = replace(cells["cells"][0], attempts=tried)
    cells["cells"][1] = replace(cells["cells"][1], attempts=tried[1:])
    first, second = told(plan, **cells)["places"]
    assert (first["n"], first["w"]) == (2, False)
    assert first["t"] == "2nd seed of at most 4: 2.50 % (limit 3 %); earlier: 5.00 %."
    assert "n" not in second


def badge(direction: Direction, noise: float = 0.0) -> Measure:
    return Measure(name="seam", label="Seam", direction=direction, noise=noise, decimals=2)


@pytest.mark.parametrize(("direction", "best"), [("lower", "0"), ("higher", "2")])
def test_heat_is_highest_where_a_metric_is_best(direction: Direction, best: str):
    values = {run_id(index): value for index, value in enumerate((0.1, 0.2, 0.3))}
    heat = told(plan_of(THREE[2]), values=values, measure=badge(direction), **made(0, 1, 2))["heat"]
    assert max(heat, key=lambda index: heat[index][0]) == best
    assert {text for _, text in heat.values()} == {"0.10", "0.20", "0.30"}


def test_long_prompts_are_labelled_by_what_differs():
    prompts = tuple(f"a {colour} barn at dusk beside a quiet river, oil on canvas" for colour in ("red", "blue"))
    (axis,) = told(plan_of(Axis(name="prompt", values=prompts)))["axes"]
    assert axis["values"] == list(prompts)
    assert [("red" in text, "blue" in text) for text in axis["short"]] == [(True, False), (False, True)]
    assert all(len(text) < 41 for text in axis["short"])


ARRANGED = Arrangement(across=("seed", "guidance"), at={"steps": ALL}, hide={"seed": (0, 2)}, size="l", badge="stars")


@pytest.mark.parametrize(
    "shown",
    [
        Arrangement(across=("seed",), down=("guidance",), at={"steps": 1}),
        Arrangement(across=("steps",), down=("seed", "guidance")),
        ARRANGED,
    ],
)
def test_an_arrangement_comes_back_from_its_address(address: dict[str, Any], shown: Arrangement):
    keep_in_address(told_arrangement(shown.to_json()))
    assert arrangement_in_address(plan_of(*THREE), badges=["stars"]) == shown


def test_another_arrangement_leaves_nothing_of_the_last_one_in_the_address(address: dict[str, Any]):
    address["steps"] = "2,3"
    keep_in_address(ARRANGED)
    keep_in_address(Arrangement(across=("seed",), down=("steps",), at={"guidance": 0}))
    assert dict(address) == {"steps": "2,3", "x": ["Seed"], "y": ["Steps"]}


@pytest.mark.parametrize(
    "asked", [{}, {"x": "Colour"}, {"at_steps": "9", "hide_seed": "1,2,3"}, {"at_steps": "-1", "cells": "xl"}]
)
def test_what_an_address_asks_for_and_means_nothing_leaves_the_usual_grid(
    address: dict[str, Any], asked: dict[str, str]
):
    address |= asked
    usual = Arrangement(across=("seed",), down=("guidance",), at={"steps": 0})
    assert arrangement_in_address(plan_of(*THREE), badges=["stars"]) == usual


@pytest.mark.parametrize("strange", [{}, {"across": 1}, {"across": [], "down": [], "at": {"seed": "<b>"}}])
def test_a_strange_message_gives_the_usual_arrangement(strange: dict[str, Any]):
    assert told_arrangement(strange) == Arrangement()


def test_a_page_of_a_thousand_places_has_them_all():
    data = told(plan_of(parse_axis("guidance", "1..7/25"), parse_axis("seed", "1-40")), **made(*range(1000)))
    assert [place["r"] for place in data["places"]] == [run_id(index)[:16] for index in range(1000)]
    assert len({place["p"] for place in data["places"]}) == 1000


@pytest.mark.parametrize(("down", "across", "found"), [(0, 1, 5), (0, -1, 2), (1, 0, 6), (-1, 0, 3), (2, 0, 3)])
def test_arrows_walk_as_the_grid_is_shown(down: int, across: int, found: int):
    assert beside([[3, 2], [4, 5], [6]], 4, down=down, across=across) == found


def test_colours_of_a_badge_show_no_differences_within_its_noise() -> None:
    plan = plan_of(*THREE[1:])
    values = dict(zip(map(run_id, range(4)), (0.5, 0.502, 0.501, 0.6), strict=True))
    told_heat = told(plan, **made(0, 1, 2, 3), values=values, measure=badge("lower", noise=0.02))["heat"]
    assert [share for share, _ in told_heat.values()] == [1, 1, 1, 0]
    level = told(plan, **made(0, 1, 2, 3), values=values, measure=badge("lower", noise=0.2))["heat"]
    assert {share for share, _ in level.values()} == {0.5}
