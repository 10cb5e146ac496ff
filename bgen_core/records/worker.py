"""A process that shares the work of a store, as it says of itself and as others see it."""

from dataclasses import dataclass, field
from typing import Literal

from bgen_core.ids import SweepId, WorkerId
from bgen_core.process_identity import ProcessIdentity

WorkerKind = Literal["worker", "painter", "command line", "dispatcher", "measurer"]
SERVING: tuple[WorkerKind, ...] = ("worker", "painter")  # take sweeps of others
WorkerState = Literal["starting", "ready", "loading", "painting"]

LEASE_SECONDS = 30.0
"""For how long after its last beat a worker holds what it holds, by the database's clock."""

FRESH_SECONDS = 15.0  # a living worker beats at least every five seconds, also while it loads a model
NO_SWEEP = SweepId("")


@dataclass(frozen=True, kw_only=True)
class WorkerStatus:
    """What a worker says of itself.

    Attributes
    ----------
    state
        "starting" until torch is imported, then "ready", "loading" (a model) or "painting".
    device_kind, device_name, dtype_name
        Where it computes; empty while it starts.
    sweep_id
        The sweep in hand, or `NO_SWEEP`.
    trouble
        Why the store is waited for, in a sentence for visitors; empty as long as it can be used.
    signs
        How often the worker has shown that it gets on: a step, a picture, a look into the queue.
    terms
        What a command line must have in common with it to hand it a sweep: see `executors.agreement`.
    counts
        Figures of its work: see `running.work_counts`.
    """

    state: WorkerState = "starting"
    device_kind: str = ""
    device_name: str = ""
    dtype_name: str = ""
    sweep_id: SweepId = NO_SWEEP
    trouble: str = ""
    signs: int = 0
    terms: dict[str, str] = field(default_factory=dict[str, str])
    counts: dict[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, kw_only=True)
class WorkerRecord:
    """A worker as others see it.

    Attributes
    ----------
    began, beat
        When it was registered and when it last said something, seconds since 1970 by the database's clock.
    age
        Seconds between that beat and this look.
    holds
        Whether what it held is still its own.
    """

    id: WorkerId
    kind: WorkerKind
    process: ProcessIdentity
    status: WorkerStatus
    began: float
    beat: float
    age: float
    holds: bool

    @property
    def is_alive(self) -> bool:
        """Whether it has said something lately."""
        return self.holds and self.age < FRESH_SECONDS

    @property
    def is_gone(self) -> bool:
        """Whether it has said nothing for long, or its process is known to have ended."""
        return not self.holds or self.process.is_gone
