"""Running a sweep in this process, with progress on stderr."""

import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bgen_core.cli.called_as import called_as
from bgen_core.cli.inputs import say
from bgen_core.cli.running.preview_files import PreviewFiles
from bgen_core.cli.terminal_bar import SweepBar, sweep_bar
from bgen_core.errors import StoreError, UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import COMMAND_LINE, RunId, SubjectId, SweepId
from bgen_core.jobs.execute_sweep import (
    Continued,
    Ended,
    Paused,
    StoreAway,
    StoreBack,
    SweepEvent,
    execute_sweep,
)
from bgen_core.jobs.executors.agreement import terms_of
from bgen_core.jobs.leases.holding import holding
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.submission import SweepForecast, forecast_sweep, new_sweep_id, submit_sweep
from bgen_core.models.hub.download import Fetching
from bgen_core.records.early_stop import EarlyWish
from bgen_core.records.sweep_states import CANCEL, TAKE_UP, SweepState
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from bgen_core.sweep.events import Committed, Measuring, Redrawn, Relit, Stepped
from bgen_core.sweep.plan import SweepPlan
from bgen_core.wording import quoted

if TYPE_CHECKING:
    from bgen_core.jobs.runner import Runner

STOPS = "Ctrl-C stops and keeps what is made"
PAUSED = f"paused from the app; waiting until it is continued there ({STOPS})"
CONTINUED = "continued from the app"
OWNER = COMMAND_LINE
STORE_SECONDS = 300.0  # for which a store that is away, or does not take a sweep's end, is waited for


@dataclass(frozen=True, kw_only=True)
class SweepResult:
    """What became of a sweep.

    Attributes
    ----------
    state
        "done", or "cancelled" where somebody did that in the app.
    made, reused, failed
        Numbers of cells.
    reused_ids
        Runs that were in the store before.
    seconds
        From the first event to the last, loading the model included.
    """

    sweep_id: SweepId
    state: SweepState
    made: int
    reused_ids: frozenset[RunId]
    reused: int
    failed: int
    seconds: float


def forecast_here(
    store: Store, settings: Settings, plan: SweepPlan, photos: Mapping[SubjectId, Extent]
) -> SweepForecast:
    """What a plan for photos (subject -> size) will cost on this process's device."""
    from bgen_core.models.devices import find_device

    device = find_device(settings.device, settings.precision)
    return forecast_sweep(store, settings, plan, photos=photos, device_kind=device.kind, dtype_name=device.dtype_name)


def run_here(
    store: Store,
    settings: Settings,
    forecast: SweepForecast,
    *,
    explored: SweepId | None = None,
    early: EarlyWish | None = None,
    previews: PreviewFiles | None = None,
    submitted: Callable[[SweepId], None] | None = None,
) -> SweepResult:
    """Submit a sweep and run it here to its end; `explored` names the sweep whose chosen cells it finishes, if any;
    `early` is what its previews are measured for.

    `submitted` is called with its id as soon as it is in the store.

    It is paused, continued and cancelled from the app like any other, and says so on the terminal. An interruption
    (Ctrl-C, or a signal that ends the process) keeps what is made, marks the sweep as cancelled and
    says how to continue.
    """
    sweep_id = new_sweep_id()
    with _owned(store, settings, sweep_id) as member:  # before it is in the store: no worker takes it for an orphan
        runner = _new_runner(store, settings, member)
        with cancelled_when_interrupted(store, sweep_id):
            submit_sweep(store, forecast, owner=OWNER, queued=False, sweep_id=sweep_id, explored=explored, early=early)
            if submitted:
                submitted(sweep_id)
            return _run(store, member, runner, sweep_id, previews)


def resume_here(
    store: Store, settings: Settings, sweep_id: SweepId, *, previews: PreviewFiles | None = None
) -> SweepResult:
    """Run what is missing of a sweep that is in the store.

    Raises
    ------
    UserInputError
        There is no such sweep, or another process is running it.
    """
    store.sweeps.get(sweep_id)
    with _owned(store, settings, sweep_id) as member:
        runner = _new_runner(store, settings, member)
        with cancelled_when_interrupted(store, sweep_id):
            store.sweeps.clear_cell_errors(sweep_id)
            store.sweeps.change_state(sweep_id, TAKE_UP)
            return _run(store, member, runner, sweep_id, previews)


@contextmanager
def _owned(store: Store, settings: Settings, sweep_id: SweepId) -> Generator[Member]:
    """Hold the sweep, so that everybody sees that its process lives."""
    with Member(store, "command line", terms=terms_of(settings)) as member, holding(member, sweep_id) as mine:
        if not mine:
            raise UserInputError(f"sweep {quoted(sweep_id)} is being run by another process: wait for it.")
        yield member


@contextmanager
def cancelled_when_interrupted(store: Store, sweep_id: SweepId) -> Generator[None]:
    try:
        yield
    except KeyboardInterrupt:
        try:
            store.sweeps.change_state(sweep_id, CANCEL)
        except UserInputError:  # it has not come into the store yet
            raise KeyboardInterrupt from None
        except StoreError as error:
            say(f"the store was not told that this sweep is stopped, and a worker may go on with it: {error}")
        say(f"stopped; {how_to_go_on(sweep_id)}")
        raise


def _new_runner(store: Store, settings: Settings, member: Member) -> "Runner":
    """Made before the store is told of a sweep: torch takes long to import, and the device may be missing."""
    from bgen_core.jobs.runner import Runner

    if settings.compile == "auto":  # a process that ends with its sweep would end before its compiler
        settings = settings.model_copy(update={"compile": "off"})
    return Runner(store, settings, member)


def _run(
    store: Store, member: Member, runner: "Runner", sweep_id: SweepId, previews: PreviewFiles | None
) -> SweepResult:
    began = time.monotonic()
    sweep = execute_sweep(store, member, runner, sweep_id, waits_while_paused=True, patience=STORE_SECONDS)
    with sweep_bar(store.sweeps.get(sweep_id).total) as bar, closing(sweep) as events:
        try:
            if previews is not None:
                store.looks.note()
            ended, reused_ids = _follow(events, bar, previews, store)
        except StoreError:
            say(f"the store was not told that this sweep stops here, a worker may take it up; {how_to_go_on(sweep_id)}")
            raise
    if ended.fault is not None:
        raise ended.fault
    if ended.state == "running":
        say(f"another process goes on with this sweep, since this one was held up; {how_to_go_on(sweep_id)}")
    elif ended.state != "done":
        say(f"{ended.state} from the app; {how_to_go_on(sweep_id)}")
    return SweepResult(
        sweep_id=sweep_id,
        state=ended.state,
        made=ended.made,
        reused_ids=reused_ids,
        reused=ended.reused,
        failed=ended.failed,
        seconds=round(time.monotonic() - began, 2),
    )


def _follow(
    events: Iterable[SweepEvent], bar: SweepBar, previews: PreviewFiles | None, store: Store
) -> tuple[Ended, frozenset[RunId]]:
    """Show a sweep's events until the last one, which is returned with the runs that were there before."""
    made: set[RunId] = set()
    found: set[RunId] = set()
    for event in events:
        if isinstance(event, Committed):
            (found if event.reused else made).add(event.run_id)
            bar.note_cell(event.index)
        elif isinstance(event, Redrawn):
            (found if event.reused else made).add(event.run_id)
        elif isinstance(event, Stepped):
            bar.note_step(event.step, event.of)
            if previews is not None:
                store.looks.note()
                if event.preview is not None:
                    previews.note(event.cell.index, event.preview)
        elif isinstance(event, Relit):
            bar.note_light(event.step, event.of)
        elif isinstance(event, Fetching):
            bar.note_fetched(event.done, event.of)
        elif isinstance(event, Measuring):
            bar.note_measuring()
        elif isinstance(event, Paused):
            say(PAUSED)
        elif isinstance(event, Continued):
            say(CONTINUED)
        elif isinstance(event, StoreAway):
            say(f"{event.fault} Waiting for it ({STOPS})")
        elif isinstance(event, StoreBack):
            say("the store answers again")
        elif isinstance(event, Ended):
            return event, frozenset(found - made)
    raise RuntimeError("a sweep ended without saying how")


def how_to_go_on(sweep_id: SweepId) -> str:
    return f"what is made is kept. Continue with: {called_as()} sweep --resume {sweep_id}"
