"""The plan of a race keeps every cell at its index, and its address with it."""

from dataclasses import replace

import pytest

from bgen_core.errors import UserInputError
from bgen_core.ids import SubjectId
from bgen_core.sweep.axes import parse_axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from bgen_core.sweep.race_plan import contexts, further_seeds, next_round, placed, raced_plan


def plan_of(**axes: str) -> SweepPlan:
    return SweepPlan(
        subject_id=SubjectId("s" * 64),
        model="demo",
        base=InpaintParams(prompt="a beach", seed=7),
        axes=tuple(parse_axis(name, text) for name, text in axes.items()),
    )


def cells(plan: SweepPlan) -> set[tuple[float, int, int]]:
    return {(cell.params.guidance_scale, cell.params.num_inference_steps, cell.params.seed) for cell in plan.cells()}


def test_the_first_round_has_the_made_cells_and_the_first_seeds_of_every_value():
    plan = plan_of(guidance="3,5,7", seed="11-16")
    made = [cell.index for cell in plan.cells() if cell.params.seed == 15]
    first = raced_plan(plan, "guidance", made=made, seeds=4)
    assert {(guidance, seed) for guidance, _, seed in cells(first)} == {
        (guidance, seed) for guidance in (3.0, 5.0, 7.0) for seed in (11, 12, 13, 14, 15)
    }


def test_without_seeds_the_one_seed_is_the_first():
    first = raced_plan(plan_of(guidance="3,5"), "guidance", made=[0], seeds=3)
    assert {seed for _, _, seed in cells(first)} == {7, 8, 9}


def test_a_round_adds_seeds_for_what_is_left_and_moves_nothing():
    first = raced_plan(plan_of(guidance="3,5,7", steps="10,20"), "guidance", made=[], seeds=2)
    second = next_round(first, "guidance", [0, 2], seeds=2, most_cells=100)
    assert second is not None
    before, after = {cell.index: cell for cell in first.cells()}, {cell.index: cell for cell in second.cells()}
    assert {index: after[index].params for index in before} == {index: cell.params for index, cell in before.items()}
    assert cells(second) - cells(first) == {(g, s, seed) for g in (3.0, 7.0) for s in (10, 20) for seed in (9, 10)}
    assert SweepPlan.from_json(second.to_json()) == second


@pytest.mark.parametrize(("most", "added"), [(100, 6), (5, 3), (3, 3), (2, None), (-1, None)])
def test_a_round_keeps_to_whole_seeds_within_the_budget(most: int, added: int | None):
    first = raced_plan(plan_of(guidance="3,5,7"), "guidance", made=[], seeds=2)
    second = next_round(first, "guidance", [0, 1, 2], seeds=2, most_cells=most)
    assert (None if second is None else len(second) - len(first)) == added


def test_seeds_that_are_made_already_are_no_new_ones():
    plan = plan_of(seed="1-6", guidance="3,5")
    first = raced_plan(plan, "guidance", made=range(12), seeds=4)
    second = next_round(first, "guidance", [0, 1], seeds=1, most_cells=100)
    assert second is not None
    assert cells(second) - cells(first) == {(guidance, first.base.num_inference_steps, 7) for guidance in (3.0, 5.0)}


def test_only_what_every_value_has_is_compared():
    plan = plan_of(guidance="3,5", steps="10,20")
    partly = SweepPlan(subject_id=plan.subject_id, model="demo", base=plan.base, axes=plan.axes, only=(0, 1, 2))
    first = raced_plan(partly, "guidance", made=[0, 1, 2], seeds=1)
    assert {(value, rest) for _, _, value, rest in placed(first, "guidance")} == {(0, 0), (1, 0)}
    assert len(contexts(first, "guidance")) == 2


@pytest.mark.parametrize(
    ("axes", "axis", "said"),
    [
        ({"guidance": "3,5"}, "steps", "choose guidance"),
        ({"guidance": "3,5"}, "seed", "choose guidance"),
        ({"seed": "1-3"}, "guidance", "sweep one with at least two values"),
    ],
)
def test_what_cannot_be_raced_is_said(axes: dict[str, str], axis: str, said: str):
    with pytest.raises(UserInputError, match=said):
        raced_plan(plan_of(**axes), axis, made=[], seeds=4)


def test_seeds_go_round_at_the_largest_allowed_one():
    largest = 2**32 - 1
    assert len(set(further_seeds([largest - 1], 5))) == 5


def test_without_a_model_that_paints_nothing_is_raced():
    plain = replace(plan_of(shadow="0,1"), model="plain-colour")
    with pytest.raises(UserInputError, match="another seed gives the same picture"):
        raced_plan(plain, "shadow", made=[], seeds=2)
