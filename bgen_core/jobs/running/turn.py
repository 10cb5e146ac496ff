"""One sweep's turn at the device: it lasts until others wait and it has had its share."""

import logging
import time
from collections.abc import Callable

from bgen_core.errors import BgenError
from bgen_core.extent import Extent
from bgen_core.ids import SweepId
from bgen_core.records.sweep import SweepRecord
from bgen_core.records.turn_rule import least_seconds
from bgen_core.sweep.events import Inpainter

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.1  # between two looks whether others wait: a cell of a small model takes longer

Joins = Callable[[SweepRecord, Inpainter, Extent], bool]


class Turn:
    """The turn of a sweep that runs.

    Parameters
    ----------
    sweep_id
        Whose turn it is.
    next_after
        To whom it gives way, or None while it goes on; None where nobody else is served by this process.
    joins
        Whether cells of that sweep can be made beside the last ones of this turn, by this model and at this size.

    Attributes
    ----------
    is_over
        Whether nothing more shall be begun. It stays so.
    loading
        Seconds for which models were loaded in it.
    """

    def __init__(
        self, sweep_id: SweepId, next_after: Callable[[SweepId], SweepRecord | None] | None, joins: Joins
    ) -> None:
        self._sweep_id = sweep_id
        self._next_after = next_after
        self._joins = joins
        self._known: dict[tuple[SweepId, int, Extent], bool] = {}
        self._began: float | None = None
        self._next_look = 0.0
        self.is_over = False
        self.loading = 0.0

    def begin(self) -> None:
        """Note that a cell is under way: without one, a turn is none."""
        if self._began is None:
            self._began = time.monotonic()

    def look(self, inpainter: Inpainter, extent: Extent) -> bool:
        """Whether it is over now."""
        now = time.monotonic()
        if self.is_over or self._next_after is None or self._began is None or now < self._next_look:
            return self.is_over
        self._next_look = now + LOOK_SECONDS
        try:
            following = self._next_after(self._sweep_id)
        except BgenError:  # the store is away: what is made meanwhile is nobody's loss
            logger.warning("it cannot be seen whether others wait", exc_info=True)
            return False
        if following is not None:
            joins = self._can_join(following, inpainter, extent)
            self.is_over = now - self._began >= least_seconds(joins=joins, loading=self.loading)
        return self.is_over

    def _can_join(self, following: SweepRecord, inpainter: Inpainter, extent: Extent) -> bool:
        key = (following.id, id(inpainter), extent)
        if key not in self._known:
            try:
                self._known[key] = self._joins(following, inpainter, extent)
            except Exception:  # what is wrong with the next sweep is said by its own run
                logger.warning("the next sweep cannot be looked at", exc_info=True)
                self._known[key] = False
        return self._known[key]
