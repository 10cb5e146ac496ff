"""How a plan's cells lie on the screen: any axis across, any down, the others fixed to one value each."""

from collections.abc import Mapping
from dataclasses import dataclass

from bgen_core.sweep.axes import Axis
from bgen_core.sweep.plan import SweepPlan


@dataclass(frozen=True, kw_only=True)
class Grid:
    """One page of cells.

    Attributes
    ----------
    across, down
        The axes shown; None where the plan has too few.
    cells
        Rows of cell indices in the plan.
    """

    across: Axis | None
    down: Axis | None
    cells: tuple[tuple[int, ...], ...]

    @property
    def corner(self) -> str:
        """What runs down and what across, for the place where both labels meet: "Steps ↓ Seed →"."""
        signed = ((self.down, "↓"), (self.across, "→"))
        return " ".join(f"{axis.label} {sign}" for axis, sign in signed if axis)


def arrange(plan: SweepPlan, *, across: str | None, down: str | None, fixed: Mapping[str, int]) -> Grid:
    """Lay out one page of a plan; nothing is computed anew by showing it another way.

    Parameters
    ----------
    across, down
        Names of the axes for columns and rows; None for a single column or row.
    fixed
        Axis name -> place of its value, for every other axis; 0 where it is not named.
    """
    by_name = {axis.name: axis for axis in plan.axes}
    x, y = by_name.get(across or ""), by_name.get(down or "")
    rows = tuple(
        tuple(
            index_of(plan, {**fixed, **({y.name: row} if y else {}), **({x.name: column} if x else {})})
            for column in range(len(x.values) if x else 1)
        )
        for row in range(len(y.values) if y else 1)
    )
    return Grid(across=x, down=y, cells=rows)


def index_of(plan: SweepPlan, places: Mapping[str, int]) -> int:
    """Index of the cell at these places (axis name -> place of its value); unnamed axes are at their first."""
    index = 0
    for axis in plan.axes:
        index = index * len(axis.values) + places.get(axis.name, 0)
    return index


def places_of(plan: SweepPlan, index: int) -> tuple[int, ...]:
    """The place of a cell's value on each axis: what `index_of` turns into its index."""
    places: list[int] = []
    for axis in reversed(plan.axes):
        index, place = divmod(index, len(axis.values))
        places.insert(0, place)
    return tuple(places)


def describe_place(plan: SweepPlan, index: int) -> str:
    """What a cell shows, for those who do not see it: its prompt and its place on every axis."""
    placed = zip(plan.axes, places_of(plan, index), strict=True)
    labels = [f"{axis.label} {axis.labels[place]}" for axis, place in placed]
    begin = "" if "prompt" in [axis.name for axis in plan.axes] else beginning(plan)
    return ", ".join([begin, *labels] if begin else labels)


def beginning(plan: SweepPlan) -> str:
    """What all cells show: the prompt, or the model where there is neither a prompt nor an axis."""
    return plan.base.prompt or ("" if plan.axes else ", ".join(plan.models))


def default_axes(plan: SweepPlan) -> tuple[str | None, str | None]:
    """Columns and rows to begin with: the last axis across, the one before it down."""
    names = [axis.name for axis in plan.axes]
    return (names[-1] if names else None), (names[-2] if len(names) > 1 else None)
