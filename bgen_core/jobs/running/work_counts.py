"""What a worker has done since it began, as figures for whoever watches it."""

from collections.abc import Callable

from bgen_core.fault_log import faults_logged
from bgen_core.jobs.execute_sweep import SweepEvent
from bgen_core.sweep.events import Committed, Failed, Redrawn


class WorkCounts:
    """Counts events of sweeps; figures that others know are asked for, by `ask`, when they are wanted."""

    def __init__(self, ask: Callable[[], dict[str, float]] = dict) -> None:
        self._made = 0
        self._reused = 0
        self._failed = 0
        self._ask = ask

    def note(self, event: SweepEvent) -> None:
        """Take an event of a sweep in."""
        if isinstance(event, Committed | Redrawn):
            self._reused += event.reused
            self._made += not event.reused
        elif isinstance(event, Failed):
            self._failed += 1

    def all(self) -> dict[str, float]:
        """Name -> figure; what grows begins at 0 with each worker."""
        counted = {"made": self._made, "reused": self._reused, "failed": self._failed, "faults": faults_logged()}
        return {**counted, **self._ask()}
