"""Cells that were under way when their painter died: at the third time one fails alone, and the rest go on."""

import logging
from collections import Counter

from bgen_core.errors import UserInputError
from bgen_core.ids import SweepId, WorkerId
from bgen_core.store.store import Store

logger = logging.getLogger(__name__)

DEATHS_ALLOWED = 3
REASON = (
    f"This cell was under way when a painter died, {DEATHS_ALLOWED} times: most likely for lack of memory. "
    "Try a smaller photo or model."
)


class Deaths:
    """Counts deaths against the cells that were under way. What was only taken, and not begun, is not counted."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._count: Counter[tuple[SweepId, int]] = Counter()

    @property
    def suspects(self) -> list[tuple[SweepId, int]]:
        """Cells that have seen a death: to be painted alone, so that the guilty one is found."""
        return list(self._count)

    def note(self, worker_id: WorkerId) -> None:
        """A painter is gone: what it held is free for others."""
        under_way = self._store.progress.under_way(worker_id)
        self._store.workers.lose([worker_id])
        for cell in under_way:
            self._count[cell] += 1
            if self._count[cell] >= DEATHS_ALLOWED:
                sweep_id, index = cell
                logger.error("cell %d of sweep %s was under way at %d deaths", index, sweep_id, DEATHS_ALLOWED)
                try:
                    self._store.sweeps.set_cell_error(sweep_id, index, REASON)
                except UserInputError:  # the sweep was deleted meanwhile
                    logger.info("sweep %s is gone", sweep_id)
                del self._count[cell]
