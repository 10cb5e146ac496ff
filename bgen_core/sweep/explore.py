"""Two passes: explore a grid with few steps, then finish the cells that are worth it with full steps."""

from collections.abc import Sequence
from dataclasses import replace

from bgen_core.errors import UserInputError
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.plan import SweepPlan

STEPS = "steps"


def explored_plan(plan: SweepPlan, steps: int) -> SweepPlan:
    """The same grid with few steps everywhere: an axis of steps is folded away.

    Raises
    ------
    UserInputError
        The number of steps is not allowed, or leaves none at the plan's strength; or the steps are paired with what
        cannot be folded away with them; or cells are to be drawn again, which few steps tell nothing of.
    """
    if plan.redraw is not None:
        raise UserInputError("exploring and drawing again do not go together: clear one of them, and draw again later.")
    for axis in plan.axes:
        if axis.paired and STEPS in (each.name for each in axis.together):
            raise UserInputError(f"{axis.label} are paired: explore without that pair, and finish with it.")
    base = replace(plan.base, num_inference_steps=steps)
    axes = tuple(axis for axis in plan.axes if axis.name != STEPS)
    return replace(plan, base=base, axes=axes, only=None)


def finish_plan(explored: SweepPlan, chosen: Sequence[int], steps: Axis) -> SweepPlan:
    """The chosen cells of an explored grid, with full steps.

    Parameters
    ----------
    explored
        A plan without an axis of steps.
    chosen
        Indices of its cells.
    steps
        One or several numbers of steps, for each of them.

    Raises
    ------
    UserInputError
        Nothing is chosen, or cells that the grid does not have.
    """
    places = sorted(set(chosen))
    if not places or places[0] < 0 or places[-1] >= explored.places:
        raise UserInputError(
            f"the cells {places} cannot be finished: choose one or several of 0 to {explored.places - 1}."
        )
    if sweeps_steps(explored):
        raise UserInputError("this sweep has an axis of steps: explore with one number of steps.")
    count = len(steps.values)
    base = replace(explored.base, num_inference_steps=int(steps.values[0]))
    if count == 1:
        return replace(explored, base=base, only=tuple(places))
    only = tuple(place * count + step for place in places for step in range(count))
    return replace(explored, base=base, axes=(*explored.axes, steps), only=only)


def sweeps_steps(plan: SweepPlan) -> bool:
    """Whether an axis changes the number of steps, alone or together with others."""
    return any(each.name == STEPS for axis in plan.axes for each in axis.together)
