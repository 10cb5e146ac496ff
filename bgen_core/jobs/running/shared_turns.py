"""Sweeps of several painters: each takes what waits in the queue, and else joins where cells are free."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

from bgen_core.ids import SweepId, VisitorId
from bgen_core.jobs.leases.holding import holding, try_again
from bgen_core.jobs.leases.member import Member
from bgen_core.records.sweep import SweepRecord
from bgen_core.records.worker import WorkerRecord
from bgen_core.store.store import Store

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0  # between two looks at how painters are spread over owners
EMPTY_SECONDS = 1.0  # for which a sweep is let alone that had nothing free


class SharedTurns:
    """Which sweep a painter makes.

    Owners share the painters: one that stands by itself joins the sweep of the owner who has the fewest, and one leaves
    an owner who has more than another one and itself would then have.

    Parameters
    ----------
    store, member
        Where sweeps are, and who this is.
    may_paint
        Why this painter cannot make a sweep, or "".
    is_asked_beside
        Whether something else waits for this painter than sweeps: it begins nothing more of one then, and comes back.
    """

    def __init__(
        self,
        store: Store,
        member: Member,
        *,
        may_paint: Callable[[SweepRecord], str],
        is_asked_beside: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store = store
        self._member = member
        self._may_paint = may_paint
        self._is_asked_beside = is_asked_beside
        self._let_alone: dict[SweepId, float] = {}
        self._next_look = 0.0
        self._following: SweepRecord | None = None

    @contextmanager
    def take(self) -> Generator[SweepRecord | None]:
        """A sweep to make, in whose hands this painter is among others; None where there is none."""
        sweep = self._store.sweeps.claim_next()
        if sweep is not None and (reason := self._may_paint(sweep)):  # continued after a pause: those join it
            logger.info("sweep %s is left to other painters: %s", sweep.id, reason)
            self.leave_alone(sweep.id)
            sweep = None
        sweep = sweep or self._to_join()
        if sweep is not None:
            try_again(self._member, sweep.id)
        if sweep is None:
            yield None
            return
        with holding(self._member, sweep.id, patience=0, shared=True) as mine:
            if not mine:  # a command line has it for itself
                self.leave_alone(sweep.id)
            yield sweep if mine else None

    def leave_alone(self, sweep_id: SweepId, seconds: float = EMPTY_SECONDS) -> None:
        """Look at other sweeps for a while."""
        self._let_alone[sweep_id] = time.monotonic() + seconds

    def next_after(self, sweep_id: SweepId) -> SweepRecord | None:
        """The sweep to which this painter goes over, this one again where something is asked beside; None: it stays."""
        if (queued := self._store.sweeps.next_after(sweep_id)) is not None:
            return queued
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + LOOK_SECONDS
            self._following = (
                self._store.sweeps.get(sweep_id) if self._is_asked_beside() else self._of_owner_with_fewer(sweep_id)
            )
        return self._following

    def _to_join(self) -> SweepRecord | None:
        """A running sweep with cells that nobody has taken: of the owner with the fewest painters, the oldest."""
        now = time.monotonic()
        self._let_alone = {sweep_id: until for sweep_id, until in self._let_alone.items() if until > now}
        running = self._store.sweeps.select(states=["running"])
        if not running:
            return None
        painters = self._others()
        by_owner = _by_owner(running, painters)
        for sweep in sorted(running, key=lambda each: by_owner[each.owner]):
            if sweep.id not in self._let_alone and self._has_free(sweep, painters) and not self._may_paint(sweep):
                return sweep
        return None

    def _of_owner_with_fewer(self, sweep_id: SweepId) -> SweepRecord | None:
        running = self._store.sweeps.select(states=["running"])
        own = next((sweep for sweep in running if sweep.id == sweep_id), None)
        if own is None or all(sweep.owner == own.owner for sweep in running):
            return None
        painters = self._others()
        by_owner = _by_owner(running, painters)
        for sweep in running:
            is_fewer = by_owner[sweep.owner] + 1 <= by_owner[own.owner] and sweep.owner != own.owner
            if is_fewer and sweep.id not in self._let_alone and self._has_free(sweep, painters):
                return sweep if not self._may_paint(sweep) else None
        return None

    def _others(self) -> list[WorkerRecord]:
        return [each for each in self._store.workers.serving() if each.id != self._member.id and each.is_alive]

    def _has_free(self, sweep: SweepRecord, painters: Sequence[WorkerRecord]) -> bool:
        at_it = [each.id for each in painters if each.status.sweep_id == sweep.id]
        if not at_it:  # even where nothing is missing: who made its last cell may have died before it said so
            return True
        return self._store.sweeps.missing(sweep.id) > self._store.leases.count(at_it, "raw")


def _by_owner(running: Sequence[SweepRecord], painters: Sequence[WorkerRecord]) -> Counter[VisitorId]:
    """How many painters each owner's sweeps have."""
    owners = {sweep.id: sweep.owner for sweep in running}
    return Counter(owners[each.status.sweep_id] for each in painters if each.status.sweep_id in owners)
