"""Cells that are drawn again: measured where they are committed, and decided one after another.

What was decided is in the store before anything follows from it. So a sweep that was stopped goes on at the attempt
where it was, and of two processes that measured the same picture only one decides.
"""

from bgen_core.jobs.measuring import measure_missing
from bgen_core.jobs.running.work import Work
from bgen_core.metrics import find_metric
from bgen_core.records.run import RunRecord
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from bgen_core.sweep.plan import SweepCell
from bgen_core.sweep.seeds.redraw import EXPANSION

_MEASURED = (EXPANSION, "expansion_of_subject")  # both come of one look at the picture


class Redraws:
    """Decides which cells get another seed.

    Parameters
    ----------
    store, settings
        Where runs are, and with what they are measured.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    def measure(self, run: RunRecord) -> float | None:
        """A run's expansion in percent of the picture, measured where that was not done yet; safe in any thread."""
        measure_missing(self._store, self._settings, run, names=_MEASURED)
        found = self._store.metrics.of([run.id]).get(run.id, {}).get(EXPANSION)
        is_current = found is not None and found.version == find_metric(EXPANSION).version
        return found.value if found is not None and is_current else None

    def decide(self, work: Work, cell: SweepCell, expansion: float | None) -> SweepCell | None:
        """The same cell with the next seed, to be made; None where this one stays, or somebody else has decided."""
        redraw = work.redraw
        if redraw is None:
            return None
        run_id = work.addresses[cell.index].run_id
        following = cell.at_attempt(cell.attempt + 1)
        address = None
        if not redraw.holds(expansion) and following.attempt < redraw.attempts:
            address = work.address(following)
        if address is not None and address.run_id == run_id:  # a model that no seed changes
            address = None
        happened = self._store.attempts.decide(
            work.sweep_id,
            cell.index,
            run_id=run_id,
            expansion=expansion,
            following=None if address is None else address.run_id,
        )
        if not happened or address is None:
            return None
        work.addresses[cell.index] = address
        return following
