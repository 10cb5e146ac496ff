"""Who advances at the next tick: first come, first served, but nobody is left to run alone at the end."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bgen_core.models.schedulers import get_scheduler
from bgen_core.sweep.engine.cohort import Cohort
from bgen_core.sweep.engine.schedule import ScheduleKey
from bgen_core.sweep.events import PaintCell

LANES_PER_BATCH = 8  # finer lanes fill a batch better; each costs one scheduler step per tick


@dataclass(kw_only=True, eq=False)
class Lane:
    """A few cells of one schedule that enter together and advance in lockstep.

    Attributes
    ----------
    cells
        At least one.
    cohort
        Their latents and scheduler once they are under way; None while they wait, when they hold no memory.
    """

    cells: tuple[PaintCell, ...]
    cohort: Cohort | None = None

    @property
    def rows(self) -> int:
        """Evaluations of one tick."""
        return sum(rows_needed(cell) for cell in self.cells)

    @property
    def remaining(self) -> int:
        """Ticks until they are done; for those that wait, as many as their scheduler will need."""
        if self.cohort is not None:
            return len(self.cohort.schedule) - self.cohort.index
        params = self.cells[0].params
        return params.effective_steps * get_scheduler(params.scheduler).order


def rows_needed(cell: PaintCell) -> int:
    """Evaluations per tick: two with classifier-free guidance, else one."""
    return 2 if cell.params.uses_guidance else 1


def form_lanes(cells: Sequence[PaintCell], batch_size: int) -> list[Lane]:
    """Group neighbours of one schedule into lanes of about an eighth of a batch."""
    limit = max(1, batch_size // LANES_PER_BATCH)
    lanes: list[Lane] = []
    group: list[PaintCell] = []
    for cell in cells:
        full = sum(map(rows_needed, group)) + rows_needed(cell) > limit
        if group and (full or ScheduleKey.of(group[0].params) != ScheduleKey.of(cell.params)):
            lanes.append(Lane(cells=tuple(group)))
            group = []
        group.append(cell)
    if group:
        lanes.append(Lane(cells=tuple(group)))
    return lanes


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
