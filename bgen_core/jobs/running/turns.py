"""Sweeps of the queue in this process's hands: the one that runs, and the next one, which is taken before that ends."""

import logging
from collections.abc import Generator
from contextlib import ExitStack, contextmanager

from bgen_core.ids import SweepId
from bgen_core.jobs.leases.holding import holding
from bgen_core.jobs.leases.member import Member
from bgen_core.records.sweep import SweepRecord
from bgen_core.store.store import Store

logger = logging.getLogger(__name__)


class Turns:
    """Takes sweeps from the queue in turn, and holds them.

    Parameters
    ----------
    store, member
        Where the queue is, and who holds what is taken from it.
    """

    def __init__(self, store: Store, member: Member) -> None:
        self._store = store
        self._member = member
        self._ahead: tuple[SweepRecord, ExitStack] | None = None
        self._running: SweepRecord | None = None

    def look_ahead(self) -> SweepRecord | None:
        """Take the next sweep, which `take` gives then; None where nothing waits, or where it is taken already."""
        leaving = self._running.owner if self._running else None
        if self._ahead is not None or (sweep := self._store.sweeps.claim_next(leaving=leaving)) is None:
            return None
        self._ahead = self._hold(sweep)
        return sweep if self._ahead else None

    def next_after(self, sweep_id: SweepId) -> SweepRecord | None:
        """The sweep to which one gives way that runs here; None where it goes on."""
        if self._ahead is None:
            return self._store.sweeps.next_after(sweep_id)
        taken = self._ahead[0]
        return taken if self._running is None or taken.owner != self._running.owner else None

    @contextmanager
    def take(self) -> Generator[SweepRecord | None]:
        """The next sweep, held for the body of a `with`; None where nothing waits.

        One that a living command line holds is its own to run: it stays "running", and the one after it is given.
        """
        while self._ahead is None and (sweep := self._store.sweeps.claim_next()) is not None:
            self._ahead = self._hold(sweep)
        held, self._ahead = self._ahead, None
        if held is None:
            yield None
            return
        sweep, hold = held
        self._running = sweep
        with hold:
            yield sweep

    def _hold(self, sweep: SweepRecord) -> tuple[SweepRecord, ExitStack] | None:
        hold = ExitStack()
        if hold.enter_context(holding(self._member, sweep.id)):
            return sweep, hold
        hold.close()
        logger.info("sweep %s is run by another process", sweep.id)
        return None
