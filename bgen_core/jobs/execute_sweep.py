"""The one loop that runs a sweep, for the worker and for the command line, as a generator of events."""

import logging
import math
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from bgen_core.errors import BgenError, NoRoomError, StoreAwayError, StoreError
from bgen_core.ids import SweepId
from bgen_core.jobs.leases.holding import has_lost, leave_to_others
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.progress import ProgressWriter
from bgen_core.models.devices import is_lasting_device_fault
from bgen_core.records.sweep_states import CLAIM, FAIL, FINISH, GIVE_WAY, SweepState
from bgen_core.store.patience import growing_pauses
from bgen_core.store.store import Store
from bgen_core.sweep.events import Committed, Failed, Redrawn, RunnerEvent
from bgen_core.wording import counted

if TYPE_CHECKING:
    from bgen_core.jobs.runner import Runner

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.25  # a GPU has begun one more evaluation when it is seen: together at most half a second
STORE_TRIES = 8  # of one sweep, at a store that answers and then takes no picture: 2 minutes together

INTERNAL_FAULT = "An internal error stopped this sweep: what is made is kept. The log of whatever ran it has the trace."


class DeviceLostError(BgenError):
    """This process has lost its device, and another one can go on with the sweep, which stays as it is."""


@dataclass(frozen=True, kw_only=True)
class Paused:
    """Somebody paused the sweep: it waits, held, until somebody continues or cancels it."""


@dataclass(frozen=True, kw_only=True)
class Continued:
    """Somebody continued the sweep that waited."""


@dataclass(frozen=True, kw_only=True)
class StoreAway:
    """The store does not answer, for this reason: it is waited for."""

    fault: StoreAwayError


@dataclass(frozen=True, kw_only=True)
class StoreBack:
    """The store answers again."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """The last event: how it ended here.

    Attributes
    ----------
    state
        What the store says now: "done", "failed" or (others wait) "queued" as this process wrote it, or what somebody
        else has set meanwhile; "running" where another process has taken the sweep over.
    made, reused, failed
        Numbers of cells: made here, there before, and not made for a reason that stands in their place.
    fault
        What stopped it, or None.
    """

    state: SweepState
    made: int
    reused: int
    failed: int
    fault: Exception | None = None


SweepEvent = RunnerEvent | Paused | Continued | StoreAway | StoreBack | Ended


@dataclass(frozen=True, kw_only=True)
class _Cells:
    """Indices of the cells that an event came of: a cell that is made before a pause is found as reused after it."""

    made: set[int] = field(default_factory=set[int])
    found: set[int] = field(default_factory=set[int])
    failed: set[int] = field(default_factory=set[int])

    def note(self, event: RunnerEvent) -> None:
        if isinstance(event, Committed | Redrawn):
            (self.found if event.reused else self.made).add(event.index)
        elif isinstance(event, Failed):
            self.failed.add(event.index)

    def ended(self, state: SweepState, fault: Exception | None) -> Ended:
        return Ended(
            state=state,
            made=len(self.made),
            reused=len(self.found - self.made),
            failed=len(self.failed),
            fault=fault,
        )


def execute_sweep(
    store: Store,
    member: Member,
    runner: "Runner",
    sweep_id: SweepId,
    *,
    waits_while_paused: bool = False,
    patience: float = math.inf,
) -> Generator[SweepEvent]:
    """Run a sweep that is held by `member` (see `holding`) until it is done, or somebody stops it, or it fails.

    Where the runner gives way to others, the sweep goes back into the queue with what is made. One that another process
    has taken over, because this one was held up for long, is left to that one as it is.

    Parameters
    ----------
    waits_while_paused
        Whether a paused sweep is waited with until it is continued; otherwise it is left.
    patience
        Seconds for which a store is waited for that does not answer, or takes nothing when the end is to be written
        down. A sweep whose end could not be written stays "running", and the next worker that looks takes it up.

    Raises
    ------
    DeviceLostError
        Every further call to the device would fail. The sweep stays "running", for a new process.
    StoreError
        The store was away for too long, or the end could not be written down.
    """
    cells = _Cells()
    fault: Exception | None = None
    tries = _Tries()
    while True:
        try:
            state = yield from _run_until_stopped(store, member, runner, sweep_id, cells)
        except Exception as error:
            if is_lasting_device_fault(error):
                raise DeviceLostError("the device is lost to this process: a new one goes on with the sweep") from error
            if has_lost(member, sweep_id):
                logger.warning("sweep %s is another process's now; this one stopped", sweep_id, exc_info=True)
                state = yield from _patiently(lambda: store.sweeps.get(sweep_id).state, patience)
                break
            is_full = isinstance(error, NoRoomError)  # tries are for what might never work: room is waited for
            if isinstance(error, StoreAwayError) and (is_full or tries.left(made=len(cells.made))):
                state = yield from _wait_for_store(store, sweep_id, error, tries, patience)
                if state == "running":
                    continue
            elif runner.shares and leave_to_others(store, member, sweep_id):
                # What is wrong may be wrong on this machine alone.
                fault, state = error, store.sweeps.get(sweep_id).state
                break
            else:
                fault = error
                reason = error.public if isinstance(error, BgenError) else INTERNAL_FAULT
                state = yield from _patiently(partial(_failed, store, sweep_id, reason), patience)
                break
        if state is None:
            leave = _left_to_others if runner.shares else _left if runner.gave_way else _finished
            state = yield from _patiently(partial(leave, store, sweep_id), patience)
        if state == "paused" and waits_while_paused:
            yield Paused()
            state = _wait_while_paused(store, member, sweep_id)
            if state == "running" and not has_lost(member, sweep_id):
                yield Continued()
                continue
        break
    yield cells.ended(state, fault)


def _run_until_stopped(
    store: Store, member: Member, runner: "Runner", sweep_id: SweepId, cells: _Cells
) -> Generator[RunnerEvent, None, SweepState | None]:
    """Returns the state in which somebody has put the sweep, or None after the last cell."""
    progress = ProgressWriter(member, sweep_id)
    try:
        with closing(runner.run(sweep_id)) as events:
            next_look, stopped = time.monotonic(), None
            while True:
                if stopped is None and time.monotonic() >= next_look:
                    state = _look(store, sweep_id)
                    if has_lost(member, sweep_id):
                        logger.warning("sweep %s is another process's now; leaving it", sweep_id)
                        stopped = state or "running"
                        runner.stop()
                    elif state not in ("running", None):
                        stopped = state
                        runner.stop()
                    next_look = time.monotonic() + LOOK_SECONDS
                if (event := next(events, None)) is None:
                    return stopped
                cells.note(event)
                progress.note(event)
                yield event
    finally:
        member.clear_progress(sweep_id)


def _look(store: Store, sweep_id: SweepId) -> SweepState | None:
    """Where the sweep stands, or None where the store does not answer: that stops nothing that goes on without it."""
    try:
        return _standing(store, sweep_id)
    except StoreError:
        logger.warning("it cannot be seen whether sweep %s shall stop", sweep_id, exc_info=True)
        return None


def _standing(store: Store, sweep_id: SweepId) -> SweepState:
    """Where the sweep stands; nobody but who holds it can take it from the queue, so that is done at once."""
    while (state := store.sweeps.get(sweep_id).state) == "queued":
        store.sweeps.change_state(sweep_id, CLAIM)
    return state


@dataclass
class _Tries:
    """How often a sweep was taken up again since its last picture."""

    count: int = 0
    made: int = 0

    def left(self, *, made: int) -> bool:
        self.count, self.made = (self.count + 1 if made == self.made else 1), made
        return self.count <= STORE_TRIES


def _wait_for_store(
    store: Store, sweep_id: SweepId, fault: StoreAwayError, tries: _Tries, patience: float
) -> Generator[SweepEvent, None, SweepState]:
    """Wait until the store says where the sweep stands, and has room for what it did not take."""
    deadline, length = time.monotonic() + patience, fault.length if isinstance(fault, NoRoomError) else 0
    # Longer, too, where it answers and then fails again.
    pauses = islice(growing_pauses(), max(0, tries.count - 1), None)
    while True:
        logger.warning("sweep %s waits for the store: %s", sweep_id, fault)
        yield StoreAway(fault=fault)
        time.sleep(next(pauses))
        try:
            state = _standing(store, sweep_id)
            if state == "running":
                store.blobs.check_room(length)
        except StoreAwayError as error:
            if time.monotonic() >= deadline:
                raise
            fault = error
        else:
            yield StoreBack()
            return state


def _wait_while_paused(store: Store, member: Member, sweep_id: SweepId) -> SweepState:
    while (state := _look(store, sweep_id)) in ("paused", None) and not has_lost(member, sweep_id):
        time.sleep(2 * LOOK_SECONDS)
    return state or "paused"


def _finished(store: Store, sweep_id: SweepId) -> SweepState:
    failed = sum(cell.has_failed for cell in store.sweeps.cells(sweep_id))
    while not store.sweeps.change_state(sweep_id, FINISH, f"{counted(failed, 'cell')} failed" if failed else ""):
        if (state := _standing(store, sweep_id)) != "running":
            return state
    return "done"


def _left(store: Store, sweep_id: SweepId) -> SweepState:
    if all(cell.is_over for cell in store.sweeps.cells(sweep_id)):
        return _finished(store, sweep_id)
    return "queued" if store.sweeps.change_state(sweep_id, GIVE_WAY) else store.sweeps.get(sweep_id).state


def _left_to_others(store: Store, sweep_id: SweepId) -> SweepState:
    """Where others have the rest in hand it goes on without this process: whoever makes the last cell finishes it."""
    return store.sweeps.get(sweep_id).state if store.sweeps.missing(sweep_id) else _finished(store, sweep_id)


def _failed(store: Store, sweep_id: SweepId, reason: str) -> SweepState:
    return "failed" if store.sweeps.change_state(sweep_id, FAIL, reason) else store.sweeps.get(sweep_id).state


def _patiently(write: Callable[[], SweepState], patience: float) -> Generator[SweepEvent, None, SweepState]:
    """Try again while the store takes nothing: a full disk must not leave a sweep running for ever."""
    deadline = time.monotonic() + patience
    pauses = growing_pauses()
    is_away = False
    while True:
        try:
            state = write()
        except StoreError as error:
            if time.monotonic() >= deadline:
                raise
            logger.warning("the end of a sweep cannot be written down yet", exc_info=True)
            if isinstance(error, StoreAwayError):
                is_away = True
                yield StoreAway(fault=error)
            time.sleep(next(pauses))
        else:
            if is_away:
                yield StoreBack()
            return state
