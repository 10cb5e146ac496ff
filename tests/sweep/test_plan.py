"""Plans: expansion, addresses, arrangement on the screen."""

import itertools
from dataclasses import replace

import pytest

from bgen_core.content_address import hash_content
from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.jobs.running.planned import group_cells
from bgen_core.models.catalogue import describe_model
from bgen_core.sweep.axes import Axis, parse_axis
from bgen_core.sweep.build import build_plan
from bgen_core.sweep.canvas import choose_model_extent
from bgen_core.sweep.explore import explored_plan, finish_plan
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
        build_plan([describe_model("demo")], {"s": "Ada"}, {"prompt": "a", **texts})


CHANGES = [
    {"prompt": "a forest"}, {"negative_prompt": "people"}, {"scheduler": "euler"}, {"num_inference_steps": 21},
    {"guidance_scale": 3.5}, {"strength": 0.9}, {"seed": 1}, {"mask_grow": 2.0}, {"mask_feather": 1.0},
    {"edge_softness": 1.0}, {"harmonisation": 0.5}, {"shadow": 0.5},
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


def test_a_place_without_a_prompt_begins_with_its_axes():
    plan = replace(make_plan(parse_axis("steps", "10,20")), base=replace(BASE, prompt=""))
    assert describe_place(plan, 1) == "Steps 20"
    assert describe_place(replace(plan, axes=()), 0) == "demo"


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
        (Extent(width=128, height=96), 7, Extent(width=16, height=16)),  # two latents: networks normalise over them
    ],
)
def test_model_size_keeps_aspect_and_area(photo: Extent, side: int, expected: Extent):
    assert choose_model_extent(photo, side=side, factor=8) == expected


@pytest.mark.parametrize("change", [{"edge_softness": 1.0}, {"harmonisation": 0.5}, {"shadow": 0.5}])
def test_pasting_does_not_change_the_raw_address(change: dict[str, float]):
    plain, pasted = address_cell(BASE, **ADDRESS), address_cell(replace(BASE, **change), **ADDRESS)
    assert pasted.raw_id == plain.raw_id == plain.run_id


def test_an_address_is_that_of_the_first_version():
    # Stores keep addresses for years: a parameter that a later version adds must not move those of old cells.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bgen_core.sweep.plan.pixel_versions", lambda: {"torch": "2.13.0"})
        address = address_cell(BASE, **ADDRESS)
    content = {
        "params": {
            "prompt": "a beach", "negative_prompt": "", "scheduler": "ddim", "num_inference_steps": 20,
            "guidance_scale": 3.0, "strength": 1.0, "seed": 0, "mask_grow": 1.5, "mask_feather": 0.0,
        },
        "subject": "s", "model": "m", "device": "cpu", "dtype": "float32", "versions": {"torch": "2.13.0"},
    }  # fmt: skip
    assert address.run_id == hash_content(content)


def test_models_and_subjects_are_axes():
    subjects = Axis(name="subject", values=("s1", "s2"), names=("Ada", "Max"))
    plan = make_plan(Axis(name="model", values=("m1", "m2")), subjects, parse_axis("seed", "1,2"))
    assert [(c.model, c.subject_id, c.params.seed) for c in plan.cells()] == list(
        itertools.product(("m1", "m2"), ("s1", "s2"), (1, 2))
    )
    assert (plan.models, plan.subject_ids) == (("m1", "m2"), ("s1", "s2"))
    assert describe_place(plan, 3) == "a beach, Model m1, Subject Max, Seed 2"
    again = SweepPlan.from_json(plan.to_json())
    assert again == plan
    assert again.axes[1].labels == ("Ada", "Max")


def test_replacements_work_on_every_prompt_in_their_order():
    base = replace(BASE, negative_prompt="a red car")
    plan = SweepPlan(
        subject_id="s",
        model="demo",
        base=base,
        axes=(
            parse_axis("prompt", "a red beach\na red forest"),
            parse_axis("replace", "red, blue"),
            parse_axis("replace-2", '"blue", "green, pale"'),
        ),
    )
    found = [(cell.params.prompt, cell.params.negative_prompt) for cell in plan.cells()]
    assert found[:4] == [
        ("a red beach", "a red car"),
        ("a red beach", "a red car"),
        ("a blue beach", "a blue car"),
        ("a green, pale beach", "a green, pale car"),
    ]
    assert len(found) == 8


def test_a_replacement_of_nothing_is_refused():
    with pytest.raises(UserInputError, match="looks for 'sunset', which is in no prompt"):
        make_plan(parse_axis("replace", "sunset, night"))


def test_a_chosen_part_keeps_its_places():
    plan = replace(make_plan(parse_axis("steps", "10,20"), parse_axis("seed", "1-3")), only=(1, 5))
    assert [(cell.index, cell.params.seed) for cell in plan.cells()] == [(1, 2), (5, 3)]
    assert (len(plan), plan.places) == (2, 6)
    assert SweepPlan.from_json(plan.to_json()) == plan


def test_two_passes_meet_in_the_same_places():
    plan = make_plan(parse_axis("guidance", "1,3"), parse_axis("steps", "20,30"), parse_axis("seed", "1-3"))
    first = explored_plan(plan, 4)
    assert {cell.params.num_inference_steps for cell in first.cells()} == {4}
    assert len(first) == 6
    second = finish_plan(first, [4, 1], parse_axis("steps", "20,30"))
    chosen = {cell.index: cell.params for cell in first.cells()}
    assert [cell.params for cell in second.cells()] == [
        replace(chosen[index], num_inference_steps=steps) for index in (1, 4) for steps in (20, 30)
    ]


@pytest.mark.parametrize("chosen", [[], [6], [-1]])
def test_cells_that_are_not_there_cannot_be_finished(chosen: list[int]):
    plan = make_plan(parse_axis("seed", "1-6"))
    with pytest.raises(UserInputError, match="cannot be finished"):
        finish_plan(plan, chosen, parse_axis("steps", "20"))


def test_models_vary_slowest_then_subjects_whatever_the_axes_say():
    subjects, models = Axis(name="subject", values=("s1", "s2")), Axis(name="model", values=("m1", "m2"))
    plan = make_plan(parse_axis("seed", "1,2"), subjects, models)
    groups = group_cells(plan.cells())
    assert list(groups) == [("m1", "s1"), ("m1", "s2"), ("m2", "s1"), ("m2", "s2")]
    assert [[cell.params.seed for cell in cells] for cells in groups.values()] == [[1, 2]] * 4


def test_words_that_would_make_a_prompt_of_gigabytes_are_refused_before_it_is_made() -> None:
    words = Axis(name="replace", values=("a", "a" * 19_990))
    plan = SweepPlan(subject_id="s" * 64, model="demo", base=InpaintParams(prompt="a" * 20_000), axes=(words,))
    with pytest.raises(UserInputError, match="A prompt has 399,800,000 letters with 'aaa"):
        plan.cells()
