"""About when each sweep of the queue begins."""

from collections.abc import Mapping
from dataclasses import dataclass

from bgen_core.records.progress import SweepProgress
from bgen_core.records.sweep import SweepRecord
from bgen_core.store.store import Store


@dataclass(frozen=True, kw_only=True)
class QueuePlace:
    """A queued sweep's place.

    Attributes
    ----------
    sweep
        The sweep.
    ahead
        How many sweeps are made before it, the one in hand included.
    seconds
        Expected time until it begins; None where the speed of one of those ahead is not known.
    """

    sweep: SweepRecord
    ahead: int
    seconds: float | None


def waiting_sweeps(store: Store, progress: Mapping[str, SweepProgress] | None = None) -> list[QueuePlace]:
    """The queue in the order in which it will be served.

    Parameters
    ----------
    progress
        Sweep -> how far it is, for those in hand.
    """
    running = store.sweeps.select(states=["running"])
    left = [_seconds_left(store, sweep, (progress or {}).get(sweep.id)) for sweep in running]
    seconds = None if None in left else sum(part for part in left if part is not None)
    waiting: list[QueuePlace] = []
    for ahead, sweep in enumerate(store.sweeps.queue(), len(running)):
        waiting.append(QueuePlace(sweep=sweep, ahead=ahead, seconds=seconds))
        seconds = None if seconds is None or sweep.expected_seconds is None else seconds + sweep.expected_seconds
    return waiting


def _seconds_left(store: Store, sweep: SweepRecord, progress: SweepProgress | None) -> float | None:
    missing = sum(not cell.done and not cell.error for cell in store.sweeps.cells(sweep.id))
    if progress and progress.cells_per_second:
        return missing / progress.cells_per_second
    return None if sweep.expected_seconds is None else sweep.expected_seconds * missing / max(1, sweep.total)
