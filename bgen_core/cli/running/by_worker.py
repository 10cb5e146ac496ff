"""Following a sweep that the worker computes, on the terminal, as if it ran in this process."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import typer

from bgen_core.cli import exit_codes
from bgen_core.cli.inputs import say
from bgen_core.cli.running.here import (
    CONTINUED,
    PAUSED,
    STOPS,
    STORE_SECONDS,
    SweepResult,
    cancelled_when_interrupted,
    how_to_go_on,
    resume_here,
)
from bgen_core.cli.running.preview_files import PreviewFiles
from bgen_core.cli.terminal_bar import SweepBar, sweep_bar
from bgen_core.errors import StoreAwayError, UserInputError
from bgen_core.ids import RunId, SweepId
from bgen_core.jobs.execute_sweep import INTERNAL_FAULT
from bgen_core.jobs.executors.local import worker_health
from bgen_core.jobs.leases.holding import is_held
from bgen_core.jobs.queue_forecast import waiting_sweeps
from bgen_core.jobs.submission import describe_duration
from bgen_core.records.sweep import SweepCellRow, SweepRecord
from bgen_core.records.sweep_states import CONTINUE, ENDED_STATES, RETRY, SweepState
from bgen_core.records.worker import WorkerRecord
from bgen_core.settings import Settings
from bgen_core.store.patience import growing_pauses
from bgen_core.store.store import Store
from bgen_core.wording import quoted

Found = TypeVar("Found")

LOOK_SECONDS = 0.1
CELLS_SECONDS = 1.0  # between two looks at all cells of a sweep, which may be thousands
WORKER_SECONDS = 30.0  # for which a worker that has ended is waited for: its server starts it again


def resume_by_worker(
    store: Store, settings: Settings, sweep_id: SweepId, worker: WorkerRecord, *, previews: PreviewFiles | None = None
) -> SweepResult:
    """Let the worker make what is missing of a sweep, and follow it; one that it makes already is followed.

    Raises
    ------
    UserInputError
        There is no such sweep, or another command line is running it.
    """
    store.sweeps.get(sweep_id)
    if is_held(store, sweep_id) and worker.status.sweep_id != sweep_id:
        raise UserInputError(f"sweep {quoted(sweep_id)} is being run by another process: wait for it.")
    known = frozenset(cell.run_id for cell in store.sweeps.cells(sweep_id) if cell.done)
    if store.sweeps.get(sweep_id).state != "running":  # else its cells keep why they failed: nobody tries them again
        store.sweeps.clear_cell_errors(sweep_id)
    for change in (CONTINUE, RETRY):
        store.sweeps.change_state(sweep_id, change)
    return follow(store, settings, sweep_id, known, previews=previews)


def follow(
    store: Store,
    settings: Settings,
    sweep_id: SweepId,
    known: frozenset[RunId],
    *,
    previews: PreviewFiles | None = None,
) -> SweepResult:
    """Show a sweep of the queue until it ends. Where its worker ends and no other comes, this process goes on with it.

    An interruption (Ctrl-C, or a signal that ends the process) keeps what is made, marks the sweep as cancelled and
    says how to continue.

    Parameters
    ----------
    known
        Runs that were in the store before.

    Raises
    ------
    UserInputError
        The sweep failed: says why.
    StoreError
        The store was away for too long.
    """
    began = time.monotonic()
    with cancelled_when_interrupted(store, sweep_id):
        with sweep_bar(store.sweeps.get(sweep_id).total) as bar:
            ended = _Follower(store, sweep_id, bar, previews).until_it_ends()
        if ended is None:
            say(f"the worker has ended and no other has come in {WORKER_SECONDS:.0f} s: going on in this process")
            resume_here(store, settings, sweep_id, previews=previews)
            ended = store.sweeps.get(sweep_id)
    if ended.state == "failed":
        say(how_to_go_on(sweep_id))
        if ended.message == INTERNAL_FAULT:
            say(ended.message)
            raise typer.Exit(exit_codes.FAULT)
        raise UserInputError(ended.message or "the sweep failed, and the worker's log says why.")
    if ended.state != "done":
        say(f"{ended.state} from the app; {how_to_go_on(sweep_id)}")
    return _result(ended, store.sweeps.cells(sweep_id), known, round(time.monotonic() - began, 2))


def _result(sweep: SweepRecord, cells: list[SweepCellRow], known: frozenset[RunId], seconds: float) -> SweepResult:
    done = [cell.run_id for cell in cells if cell.done]
    made = set(done) - known
    return SweepResult(
        sweep_id=sweep.id,
        state=sweep.state,
        made=len(made),
        reused_ids=frozenset(done) - made,
        reused=len(done) - len(made),
        failed=sum(cell.has_failed for cell in cells),
        seconds=seconds,
    )


@dataclass
class _Follower:
    """What was seen of a sweep so far, and said."""

    store: Store
    sweep_id: SweepId
    bar: SweepBar
    previews: PreviewFiles | None
    _state: SweepState | None = field(default=None, init=False)
    _next_cells: float = field(default=0.0, init=False)
    _gone_since: float | None = field(default=None, init=False)
    _in_trouble: bool = field(default=False, init=False)

    def until_it_ends(self) -> SweepRecord | None:
        """The sweep at its end, or None where nobody makes it any more."""
        while True:
            sweep = self._patiently(lambda: self.store.sweeps.get(self.sweep_id))
            self._say_state(sweep.state)
            if sweep.state in ENDED_STATES:
                return sweep
            self._show_progress()
            if sweep.state != "paused" and self._is_forsaken():
                return None
            time.sleep(LOOK_SECONDS)

    def _say_state(self, state: SweepState) -> None:
        before, self._state = self._state, state
        if state == before:
            return
        if state == "paused":
            say(PAUSED)
        elif before == "paused" and state in ("queued", "running"):
            say(CONTINUED)
        if state == "queued" and before != "running":  # else it takes turns with others
            self._say_place()

    def _say_place(self) -> None:
        places = self._patiently(lambda: waiting_sweeps(self.store))
        place = next((each for each in places if each.sweep.id == self.sweep_id), None)
        if place is not None and place.ahead:
            about = f", about {describe_duration(place.seconds)}" if place.seconds else ""
            say(f"{place.ahead} sweep{'s are' if place.ahead > 1 else ' is'} made before this one{about}")

    def _show_progress(self) -> None:
        if self.previews is not None:
            self.store.looks.note()
        progress = self._patiently(lambda: self.store.progress.read(self.sweep_id))
        if progress is not None:
            if progress.to_fetch:
                self.bar.note_fetched(progress.fetched, progress.to_fetch)
            elif progress.measuring:
                self.bar.note_measuring()
            for index, cell in progress.cells.items():
                self.bar.note_step(cell.step, cell.of)
                if self.previews is not None:
                    self.previews.note_url(index, cell.preview)
        if time.monotonic() >= self._next_cells:
            for cell in self._patiently(lambda: self.store.sweeps.cells(self.sweep_id)):
                if cell.is_final:
                    self.bar.note_cell(cell.index)
            self._say_trouble()
            self._next_cells = time.monotonic() + CELLS_SECONDS

    def _say_trouble(self) -> None:
        """Why the worker waits, such as for room on a disk."""
        health = self._patiently(lambda: worker_health(self.store))
        trouble = health.trouble if health else ""
        if trouble and not self._in_trouble:
            say(f"{trouble} The worker waits for it ({STOPS})")
        elif self._in_trouble and not trouble:
            say("the worker goes on")
        self._in_trouble = bool(trouble)

    def _is_forsaken(self) -> bool:
        """Whether no worker serves this store for so long that none will; another command line may have the sweep."""
        if self._patiently(lambda: bool(self.store.workers.serving()) or is_held(self.store, self.sweep_id)):
            if self._gone_since is not None:
                say("a worker is there again")
            self._gone_since = None
            return False
        if self._gone_since is None:
            self._gone_since = time.monotonic()
            say(f"the worker has ended; waiting for {WORKER_SECONDS:.0f} s for it to be started again ({STOPS})")
        return time.monotonic() - self._gone_since > WORKER_SECONDS

    def _patiently(self, look: Callable[[], Found]) -> Found:
        """Look into the store, and wait for one that is away."""
        deadline, pauses = time.monotonic() + STORE_SECONDS, growing_pauses()
        said = False
        while True:
            try:
                found = look()
            except StoreAwayError as error:
                if time.monotonic() >= deadline:
                    raise
                if not said:
                    say(f"{error} Waiting for it ({STOPS})")
                    said = True
                time.sleep(next(pauses))
            else:
                if said:
                    say("the store answers again")
                return found
