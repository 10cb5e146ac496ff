"""Who advances at the next tick: first come, first served, but nobody is left to run alone at the end."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bgen_core.sweep.engine.cohort import Cohort
from bgen_core.sweep.engine.schedule import ScheduleKey
from bgen_core.sweep.events import PaintCell
from bgen_core.sweep.params import InpaintParams

LANES_PER_BATCH = 8  # finer lanes fill a batch better; each costs one scheduler step per tick


@dataclass(kw_only=True, eq=False)
class Lane:
    """A few cells of one schedule that enter together and advance in lockstep.

    Attributes
    ----------
    cells
        At least one.
    rows
        Evaluations of its next tick.
    ticks
        So many its scheduler will need.
    cohort
        Their latents and scheduler once they are under way; None while they wait, when they hold no memory.
    """

    cells: tuple[PaintCell, ...]
    rows: int
    ticks: int
    cohort: Cohort | None = None

    @property
    def remaining(self) -> int:
        """Ticks until they are done."""
        return self.ticks if self.cohort is None else len(self.cohort.schedule) - self.cohort.index


def form_lanes(
    cells: Sequence[PaintCell],
    batch_size: int,
    *,
    rows: Callable[[InpaintParams], int],
    ticks: Callable[[InpaintParams], int],
) -> list[Lane]:
    """Group neighbours of one schedule into lanes of about an eighth of a batch.

    Parameters
    ----------
    rows, ticks
        Evaluations of a cell in one tick, and ticks that its scheduler needs.
    """
    limit = max(1, batch_size // LANES_PER_BATCH)
    groups: list[list[PaintCell]] = []
    filled = 0
    for cell in cells:
        needed = rows(cell.params)
        alike = groups and ScheduleKey.of(groups[-1][0].params) == ScheduleKey.of(cell.params)
        if not alike or filled + needed > limit:
            groups.append([])
            filled = 0
        groups[-1].append(cell)
        filled += needed
    return [
        Lane(cells=tuple(group), rows=sum(rows(cell.params) for cell in group), ticks=ticks(group[0].params))
        for group in groups
    ]


def choose_lanes(lanes: Sequence[Lane], batch_size: int) -> list[Lane]:
    """The lanes of the next tick, at most one batch of rows.

    Lanes come in the order of the plan, those under way before those that wait. Only a lane with at least as many
    ticks to go as full batches are left goes first: otherwise it would end alone in half-empty batches.

    Parameters
    ----------
    lanes
        All that are not done, in the order of the plan; at least one.
    batch_size
        Most rows; a single lane may have more.
    """
    batches_left = math.ceil(sum(lane.rows * lane.remaining for lane in lanes) / batch_size)
    urgent = sorted((lane for lane in lanes if lane.remaining >= batches_left), key=lambda lane: -lane.remaining)
    ranked = dict.fromkeys([*urgent, *(lane for lane in lanes if lane.cohort), *lanes])
    chosen: list[Lane] = []
    rows = 0
    for lane in ranked:
        if not chosen or rows + lane.rows <= batch_size:
            chosen.append(lane)
            rows += lane.rows
    return chosen
