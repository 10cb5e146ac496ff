"""Axes that change together: which cells they make, where those lie, and that nothing else moves."""

import pytest

from bgen_core.errors import UserInputError
from bgen_core.models.catalogue import describe_model
from bgen_core.sweep.build import build_plan
from bgen_core.sweep.explore import explored_plan, sweeps_steps
from bgen_core.sweep.grid import describe_place
from bgen_core.sweep.pairs import write_pairs
from bgen_core.sweep.plan import SweepPlan, address_plan


def plan_of(*pairs: str, **texts: str) -> SweepPlan:
    return build_plan([describe_model("demo")], {}, {"prompt": "a beach", **texts}, pairs=pairs)


def cells_of(plan: SweepPlan) -> list[tuple[int, float, int]]:
    found = [cell.params for cell in plan.cells()]
    return [(params.num_inference_steps, params.guidance_scale, params.seed) for params in found]


def test_paired_axes_go_together_and_the_others_with_each_of_them() -> None:
    plan = plan_of("steps + guidance", steps="10,20,30", guidance="2,4,8", seed="1,2")
    expected = [(10, 2.0, 1), (10, 2.0, 2), (20, 4.0, 1), (20, 4.0, 2), (30, 8.0, 1), (30, 8.0, 2)]
    assert cells_of(plan) == expected
    paired = plan.axes[0]
    assert (paired.name, paired.label, paired.labels) == ("steps", "Steps + Guidance", ("10 · 2", "20 · 4", "30 · 8"))
    assert not paired.is_scale
    assert describe_place(plan, 3) == "a beach, Steps + Guidance 20 · 4, Seed 2"
    assert write_pairs(plan.axes) == "steps+guidance"
    assert SweepPlan.from_json(plan.to_json()) == plan


def test_a_value_may_come_again_with_another_one_and_a_pair_counts_once() -> None:
    plan = plan_of("steps+guidance", steps="10,10,20,10", guidance="2,4,4,2")
    assert [cell[:2] for cell in cells_of(plan)] == [(10, 2.0), (10, 4.0), (20, 4.0)]


def test_cells_keep_their_addresses_whether_paired_or_not() -> None:
    def addresses(plan: SweepPlan) -> dict[tuple[int, float, int], str]:
        made = address_plan(plan, {"demo": "r"}, device_kind="cpu", dtype_name="float32")
        return {cell: address.run_id for cell, address in zip(cells_of(plan), made.values(), strict=True)}

    paired = addresses(plan_of("guidance+steps", steps="10,20", guidance="2,4"))
    assert len(paired) == 2
    assert paired.items() <= addresses(plan_of(steps="10,20", guidance="2,4")).items()


def test_plans_of_before_open_and_say_nothing_of_pairs() -> None:
    plan = plan_of(steps="10,20", seed="1,2")
    assert all("paired" not in axis for axis in plan.to_json()["axes"])


@pytest.mark.parametrize(
    ("pair", "complaint"),
    [
        ("steps", "'steps' is one axis: write two or more, such as steps.guidance"),
        ("steps+beauty", "axis 'beauty' is not known"),
        ("steps+model", "holds model: only parameters can be paired"),
        ("steps+guidance, steps+seed", "'steps.seed' holds steps again: an axis has one place"),
        ("steps+seed", "steps has 2 values and seed 3: axes that are paired need as many values each"),
        ("steps+strength", "strength has not several values, so nothing goes with them"),
    ],
)
def test_a_pair_that_cannot_be_is_refused_in_one_sentence(pair: str, complaint: str) -> None:
    with pytest.raises(UserInputError, match=complaint):
        plan_of(pair, steps="10,20", guidance="2,4", seed="1,2,3")


def test_what_is_checked_together_is_checked_in_pairs() -> None:
    """Each with each would hold 1 step at strength 0.5, which leaves none."""
    plan = plan_of("steps+strength", steps="1,10", strength="1,0.5")
    assert len(plan) == 2
    assert sweeps_steps(plan)
    with pytest.raises(UserInputError, match="are paired: explore without that pair"):
        explored_plan(plan, 4)
