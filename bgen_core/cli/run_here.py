"""Running a sweep in this process, with progress on stderr."""

import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from filelock import FileLock, Timeout
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bgen_core.cli.called_as import called_as
from bgen_core.errors import BgenError, UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import VisitorId
from bgen_core.jobs.submission import SweepForecast, forecast_sweep, new_sweep_id, submit_sweep
from bgen_core.jobs.worker_folder import WorkerFolder
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from bgen_core.sweep.events import Committed, Failed, Stepped
from bgen_core.sweep.plan import SweepPlan

OWNER = VisitorId("command line")


@dataclass(frozen=True, kw_only=True)
class InlineResult:
    """What became of a sweep that ran here.

    Attributes
    ----------
    made, reused, failed
        Numbers of cells.
    reused_ids
        Runs that were in the store before.
    seconds
        From the first event to the last, loading the model included.
    """

    sweep_id: str
    made: int
    reused_ids: frozenset[str]
    reused: int
    failed: int
    seconds: float


def forecast_inline(store: Store, settings: Settings, plan: SweepPlan, photos: Mapping[str, Extent]) -> SweepForecast:
    """What a plan for photos (subject -> size) will cost on this process's device."""
    from bgen_core.models.devices import find_device

    device = find_device(settings.device)
    return forecast_sweep(store, settings, plan, photos=photos, device_kind=device.kind, dtype_name=device.dtype_name)


def run_inline(store: Store, settings: Settings, forecast: SweepForecast, *, explored: str = "") -> InlineResult:
    """Submit a sweep and run it here to its end; `explored` names the sweep whose chosen cells it finishes, if any.

    An interruption (Ctrl-C) keeps what is made, marks the sweep as cancelled and says how to go on.
    """
    sweep_id = new_sweep_id()
    with _owned(settings, sweep_id):  # before it is in the store: no worker takes it for an orphan
        submit_sweep(store, forecast, owner=OWNER, queued=False, sweep_id=sweep_id, explored=explored)
        return _run(store, settings, sweep_id)


def resume_inline(store: Store, settings: Settings, sweep_id: str) -> InlineResult:
    """Run what is missing of a sweep that is in the store.

    Raises
    ------
    UserInputError
        There is no such sweep, or another process is running it.
    """
    store.sweeps.get(sweep_id)
    with _owned(settings, sweep_id):
        store.sweeps.clear_cell_errors(sweep_id)
        return _run(store, settings, sweep_id)


@contextmanager
def _owned(settings: Settings, sweep_id: str) -> Generator[None]:
    """Hold the sweep's lock, so that everybody sees that its process lives."""
    folder = WorkerFolder(settings.home)
    folder.prepare()
    path = folder.sweep_lock(sweep_id)
    try:
        with FileLock(path, timeout=0):
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
    except Timeout as error:
        raise UserInputError(f"sweep {sweep_id!r} is being run by another process: wait for it.") from error


def _run(store: Store, settings: Settings, sweep_id: str) -> InlineResult:
    from bgen_core.jobs.runner import Runner

    began = time.monotonic()
    made = reused = failed = 0
    reused_ids: set[str] = set()
    try:
        with _progress(store.sweeps.get(sweep_id).total) as bar:
            store.sweeps.set_state(sweep_id, "running")
            for event in Runner(store, settings).run(sweep_id):
                if isinstance(event, Committed):
                    made, reused = made + (not event.reused), reused + event.reused
                    reused_ids.update([event.run_id] if event.reused else [])
                    bar.advance_cell()
                elif isinstance(event, Failed):
                    failed += 1
                elif isinstance(event, Stepped):
                    bar.note_step(event.step, event.of)
        store.sweeps.set_state(sweep_id, "done")
    except KeyboardInterrupt:
        store.sweeps.set_state(sweep_id, "cancelled")
        sys.stderr.write(f"stopped; what is made is kept. Go on with: {called_as()} sweep --resume {sweep_id}\n")
        raise
    except BgenError as error:
        store.sweeps.set_state(sweep_id, "failed", str(error))
        raise
    except Exception:
        store.sweeps.set_state(sweep_id, "failed", "An internal error stopped this sweep.")
        raise
    return InlineResult(
        sweep_id=sweep_id,
        made=made,
        reused_ids=frozenset(reused_ids),
        reused=reused,
        failed=failed,
        seconds=round(time.monotonic() - began, 2),
    )


class _Bar:
    """One line on a terminal; silence where stderr is a file."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=total, step="")

    def advance_cell(self) -> None:
        self._progress.advance(self._task)

    def note_step(self, step: int, of: int) -> None:
        self._progress.update(self._task, step=f"step {step}/{of}")


@contextmanager
def _progress(total: int) -> Generator[_Bar]:
    progress = Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[step]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with progress if sys.stderr.isatty() else nullcontext():
        yield _Bar(progress, total)
