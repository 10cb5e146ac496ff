"""The plan of a race: the seeds vary slowest, so that further seeds keep every cell at its index.

Only some cells of the grid are to be made (`SweepPlan.only`): those that were made before, and for each value that is
still in the race those at its seeds.
"""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from bgen_core.errors import UserInputError
from bgen_core.models.catalogue import describe_model
from bgen_core.parameters import parameter_of
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.plan import SweepPlan
from bgen_core.wording import quoted

SEED = "seed"


def raced_plan(plan: SweepPlan, axis: str, *, made: Collection[int], seeds: int) -> SweepPlan:
    """The first round of a race on one axis of a plan.

    Parameters
    ----------
    plan
        Whose values are raced. Where it has no axis of seeds, its one seed is the first.
    made
        Indices of its cells that are made: they are part of the race in any case.
    seeds
        How many seeds each value gets at first.

    Raises
    ------
    UserInputError
        There is no such axis, it has one value, no two cells differ in it alone, or the seeds are paired with another
        parameter.
    """
    check_axis(plan, axis)
    seeded = next((each for each in plan.axes if each.name == SEED), None)
    others = tuple(each for each in plan.axes if each.name != SEED)
    own = (plan.base.seed,) if seeded is None else seeded.values
    axes = (Axis(name=SEED, values=further_seeds(own, seeds)), *others)
    whole = replace(plan, axes=axes, only=None, redraw=None)  # a race compares values at the same seeds
    places: set[int] = set()
    wanted: set[int] = set()
    for cell in plan.cells():
        at = dict(zip((each.name for each in plan.axes), cell.position, strict=True))
        place = 0
        for each in others:
            place = place * len(each.values) + at[each.name]
        places.add(place)
        if cell.index in made:
            wanted.add(at.get(SEED, 0) * stride(whole) + place)
    compared = contexts(replace(whole, only=tuple(sorted(places))), axis)
    if not compared:
        raise UserInputError(f"no two cells differ in {quoted(axis)} alone: race a sweep whose grid is whole.")
    wanted |= {seed * stride(whole) + place for seed in range(seeds) for place in compared}
    return replace(whole, only=tuple(sorted(wanted)))


def check_axis(plan: SweepPlan, axis: str) -> None:
    """Refuse an axis whose values cannot be raced; see `raced_plan`."""
    if not is_painted(plan):
        raise UserInputError("Without a diffusion model another seed gives the same picture: there is nothing to race.")
    allowed = raced_axes(plan)
    if axis not in allowed:
        choice = f"choose {', '.join(allowed)}" if allowed else "sweep one with at least two values first"
        raise UserInputError(f"{quoted(axis)} is no axis that can be raced: {choice}.")
    if any(each.name == SEED for outer in plan.axes if outer.paired for each in outer.together):
        raise UserInputError("the seeds are paired with another parameter: a race needs seeds of its own.")


def is_painted(plan: SweepPlan) -> bool:
    """Whether seeds and steps act in it: any of its models paints."""
    return any(describe_model(model).family.backdrop is None for model in plan.models)


def raced_axes(plan: SweepPlan) -> list[str]:
    """Names of the axes whose values can be raced."""
    return [axis.name for axis in plan.axes if axis.name != SEED and len(axis.values) > 1]


def further_seeds(seeds: Sequence[object], count: int) -> tuple[int, ...]:
    """The seeds, and as many new ones after the largest as make `count`."""
    known = [int(str(seed)) for seed in seeds]
    allowed = parameter_of(SEED).range
    following = max(known) + 1
    while len(known) < count:
        if allowed is not None and not allowed.holds(following):
            following = 0
        if following not in known:
            known.append(following)
        following += 1
    return tuple(known)


def next_round(plan: SweepPlan, axis: str, values: Collection[int], *, seeds: int, most_cells: int) -> SweepPlan | None:
    """The plan with further seeds for some values; None where not even one seed is within what is allowed.

    Parameters
    ----------
    plan
        Of a race.
    values
        Places of the values that are still in the race.
    seeds
        How many are wanted; fewer where the cells do not suffice.
    most_cells
        How many cells may come to the plan's.
    """
    wanted, own = set(plan.only or ()), plan.axes[0].values
    at_each = [place for place in contexts(plan, axis) if _value(plan, axis, place) in values]
    number = more = taken = 0
    while taken < seeds:
        new = {number * stride(plan) + place for place in at_each} - wanted
        number += 1
        if not new:  # made before the race began
            continue
        if more + len(new) > most_cells:
            break
        more, taken, wanted = more + len(new), taken + 1, wanted | new
    if not taken:
        return None
    axes = (replace(plan.axes[0], values=further_seeds(own, max(number, len(own)))), *plan.axes[1:])
    return replace(plan, axes=axes, only=tuple(sorted(wanted)))


def contexts(plan: SweepPlan, axis: str) -> list[int]:
    """Places without the seed at which the race compares: those that every value of the axis has."""
    inside = sorted({index % stride(plan) for index in plan.only or range(plan.places)})
    count = len(axis_of(plan, axis).values)
    found: dict[int, set[int]] = {}
    for place in inside:
        found.setdefault(_rest(plan, axis, place), set()).add(_value(plan, axis, place))
    return [place for place in inside if len(found[_rest(plan, axis, place)]) == count]


def placed(plan: SweepPlan, axis: str) -> Iterator[tuple[int, int, int, int]]:
    """Of each cell that is compared: its index, the place of its seed, of its value, and of the rest."""
    inside = set(contexts(plan, axis))
    for index in plan.only or range(plan.places):
        seed, place = divmod(index, stride(plan))
        if place in inside:
            yield index, seed, _value(plan, axis, place), _rest(plan, axis, place)


def axis_of(plan: SweepPlan, name: str) -> Axis:
    """The raced axis."""
    return next(axis for axis in plan.axes if axis.name == name)


def stride(plan: SweepPlan) -> int:
    """How many places one seed has."""
    return math.prod(len(axis.values) for axis in plan.axes[1:])


def _inner(plan: SweepPlan, name: str) -> int:
    """How many places lie between one value of the axis and the next."""
    after = plan.axes[plan.axes.index(axis_of(plan, name)) + 1 :]
    return math.prod(len(axis.values) for axis in after)


def _value(plan: SweepPlan, axis: str, place: int) -> int:
    return place // _inner(plan, axis) % len(axis_of(plan, axis).values)


def _rest(plan: SweepPlan, axis: str, place: int) -> int:
    """The place with the axis at its first value."""
    return place - _value(plan, axis, place) * _inner(plan, axis)
