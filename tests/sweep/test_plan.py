"""Plans: expansion, addresses, arrangement on the screen."""

import itertools
from dataclasses import replace

import pytest

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.models.catalogue import describe_model
from bgen_core.sweep.axes import Axis, parse_axis
from bgen_core.sweep.build import build_plan
from bgen_core.sweep.canvas import choose_model_extent
from bgen_core.sweep.grid import arrange, describe_place, index_of
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan, address_cell

BASE = InpaintParams(prompt="a beach")
ADDRESS = {"subject_id": "s", "model_revision": "m", "device_kind": "cpu", "dtype_name": "float32"}


def make_plan(*axes: Axis) -> SweepPlan:
    return SweepPlan(subject_id="s", model="demo", base=BASE, axes=axes)


def test_cells_are_the_product_of_the_axes_last_fastest():
    plan = make_plan(parse_axis("steps", "10,20"), parse_axis("guidance", "1,3,7"), parse_axis("seed", "1-2"))
    found = [(c.params.num_inference_steps, c.params.guidance_scale, c.params.seed) for c in plan.cells()]
    assert found == list(itertools.product((10, 20), (1.0, 3.0, 7.0), (1, 2)))
    assert len(plan) == 12
    assert [cell.index for cell in plan.cells()] == list(range(12))


def test_a_plan_survives_json():
    plan = make_plan(parse_axis("steps", "10,20"), parse_axis("scheduler", "ddim,euler"))
    assert SweepPlan.from_json(plan.to_json()) == plan


def test_a_billion_cells_are_refused_with_count_and_limit():
    plan = make_plan(*(parse_axis(name, "1-1000") for name in ("seed", "steps")), parse_axis("guidance", "0..99.9:0.1"))
    with pytest.raises(UserInputError, match=r"1,000,000,000 cells: at most 10,000"):
        plan.check_size(10_000)


def test_an_axis_twice_is_refused():
    with pytest.raises(UserInputError, match="'seed' is given 2 times"):
        make_plan(parse_axis("seed", "1,2"), parse_axis("seed", "3,4"))


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ({"steps": "0,10"}, "steps 0"),
        ({"guidance": "3,101"}, "guidance 101"),
        ({"steps": "2,20", "strength": "0.1"}, "effective steps"),
        ({"strength": "0.5,2"}, "strength 2"),
    ],
)
def test_a_value_out_of_range_is_refused_before_anything_runs(texts: dict[str, str], words: str):
    with pytest.raises(UserInputError, match=words):
        build_plan(describe_model("demo"), texts, [parse_axis("prompt", "a")], subject_id="s")


CHANGES = [
    {"prompt": "a forest"}, {"negative_prompt": "people"}, {"scheduler": "euler"}, {"num_inference_steps": 21},
    {"guidance_scale": 3.5}, {"strength": 0.9}, {"seed": 1}, {"mask_grow": 2.0}, {"mask_feather": 1.0},
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_every_parameter_changes_the_address(change: dict[str, object]):
    assert address_cell(replace(BASE, **change), **ADDRESS) != address_cell(BASE, **ADDRESS)  # pyright: ignore


@pytest.mark.parametrize("name", ADDRESS)
def test_subject_model_and_device_change_the_address(name: str):
    assert address_cell(BASE, **ADDRESS | {name: "other"}) != address_cell(BASE, **ADDRESS)


def test_library_versions_change_the_address(monkeypatch: pytest.MonkeyPatch):
    before = address_cell(BASE, **ADDRESS)
    monkeypatch.setattr("bgen_core.sweep.plan.pixel_versions", lambda: {"torch": "9.9"})
    assert address_cell(BASE, **ADDRESS) != before


def test_equal_numbers_have_one_address():
    assert address_cell(replace(BASE, guidance_scale=7), **ADDRESS) == address_cell(
        replace(BASE, guidance_scale=7.0), **ADDRESS
    )


def test_any_axes_across_and_down_show_the_right_cells():
    plan = make_plan(parse_axis("steps", "10,20"), parse_axis("guidance", "1,3,7"), parse_axis("seed", "1-4"))
    cells = list(plan.cells())
    names = {"steps": "num_inference_steps", "guidance": "guidance_scale", "seed": "seed"}
    for across, down in itertools.permutations(names, 2):
        other = next(name for name in names if name not in (across, down))
        grid = arrange(plan, across=across, down=down, fixed={other: 1})
        x, y, fixed = (next(a for a in plan.axes if a.name == name) for name in (across, down, other))
        for row, column in itertools.product(range(len(y.values)), range(len(x.values))):
            params = cells[grid.cells[row][column]].params
            assert getattr(params, names[across]) == x.values[column]
            assert getattr(params, names[down]) == y.values[row]
            assert getattr(params, names[other]) == fixed.values[1]


def test_a_place_says_what_it_shows():
    plan = make_plan(parse_axis("steps", "10,20"), parse_axis("guidance", "1,3,7"))
    for cell in plan.cells():
        steps, guidance = cell.params.num_inference_steps, cell.params.guidance_scale
        assert describe_place(plan, cell.index) == f"a beach, Steps {steps}, Guidance {guidance:g}"


def test_a_plan_without_axes_is_one_cell():
    grid = arrange(make_plan(), across=None, down=None, fixed={})
    assert grid.cells == ((0,),)
    assert index_of(make_plan(), {}) == 0


@pytest.mark.parametrize(
    ("photo", "side", "expected"),
    [
        (Extent(width=512, height=512), 256, Extent(width=256, height=256)),
        (Extent(width=4000, height=3000), 512, Extent(width=592, height=440)),
        (Extent(width=100, height=4000), 256, Extent(width=144, height=440)),  # squeezed to 1 : 3
    ],
)
def test_model_size_keeps_aspect_and_area(photo: Extent, side: int, expected: Extent):
    assert choose_model_extent(photo, side=side, factor=8) == expected
