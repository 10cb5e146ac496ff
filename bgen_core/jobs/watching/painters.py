"""Who serves a store now: where each process is, what it does, and how fast."""

from dataclasses import dataclass

from bgen_core.ids import SweepId
from bgen_core.records.worker import SERVING, WorkerRecord
from bgen_core.store.store import Store

SPEED, LOST = "rows_per_second", "lost"


@dataclass(frozen=True, kw_only=True)
class SeenMember:
    """One process, as the others see it.

    Attributes
    ----------
    kind
        "worker", "painter", "dispatcher", "measurer" or "command line".
    host, pid
        Where it is.
    device
        What it computes on; empty where it computes nothing.
    rows_per_second
        Evaluations of networks, over the last seconds in which it painted.
    made
        Cells since it began.
    lost
        Pictures in its hands that others have taken, since it was taken for dead.
    silent_seconds
        Since it last said something.
    """

    kind: str
    host: str
    pid: int
    device: str
    state: str
    sweep_id: SweepId
    rows_per_second: float
    made: int
    lost: int
    trouble: str
    is_alive: bool
    silent_seconds: float

    @property
    def paints(self) -> bool:
        return self.kind in SERVING


def members_of(store: Store) -> list[SeenMember]:
    """All that have not ended, painters first, the oldest first."""
    living = [each for each in store.workers.all() if not each.is_gone]
    return [_member(each) for each in sorted(living, key=lambda each: (each.kind not in SERVING, each.began, each.id))]


def _member(worker: WorkerRecord) -> SeenMember:
    status = worker.status
    return SeenMember(
        kind=worker.kind,
        host=worker.process.host.partition(" ")[0],
        pid=worker.process.pid,
        device=status.device_name,
        state=status.state,
        sweep_id=status.sweep_id,
        rows_per_second=status.counts.get(SPEED, 0.0),
        made=int(status.counts.get("made", 0)),
        lost=int(status.counts.get(LOST, 0)),
        trouble=status.trouble,
        is_alive=worker.is_alive,
        silent_seconds=worker.age,
    )
