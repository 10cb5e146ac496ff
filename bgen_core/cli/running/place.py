"""Which process computes a command's sweeps: the worker of a server that runs, or this one."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bgen_core.cli.inputs import say
from bgen_core.cli.running.by_worker import follow, resume_by_worker
from bgen_core.cli.running.here import OWNER, STOPS, SweepResult, forecast_here, resume_here, run_here
from bgen_core.cli.running.preview_files import PreviewFiles
from bgen_core.extent import Extent
from bgen_core.home_paths import with_home
from bgen_core.ids import SubjectId, SweepId
from bgen_core.jobs.executors.agreement import disagreement, terms_of
from bgen_core.jobs.submission import SweepForecast, forecast_sweep, submit_sweep
from bgen_core.records.early_stop import EarlyWish
from bgen_core.records.worker import WorkerRecord
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from bgen_core.sweep.plan import SweepPlan
from bgen_core.wording import quoted

START_SECONDS = 60.0  # for which a worker that starts is waited for: this process would need as long
LOOK_SECONDS = 0.1
HERE_HELP = "Compute in this process, also where a worker runs that would take it."


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the sweeps of a command are computed.

    Attributes
    ----------
    worker
        What the worker says of itself that computes them; None for this process.
    previews
        Where previews are written, if anywhere.
    """

    store: Store
    settings: Settings
    worker: WorkerRecord | None
    previews: PreviewFiles | None = None

    def forecast(self, plan: SweepPlan, photos: Mapping[SubjectId, Extent]) -> SweepForecast:
        """What a plan for photos (subject -> size) will cost there."""
        if self.worker is None:
            return forecast_here(self.store, self.settings, plan, photos)
        kind, dtype_name = self.worker.status.device_kind, self.worker.status.dtype_name
        return forecast_sweep(self.store, self.settings, plan, photos=photos, device_kind=kind, dtype_name=dtype_name)

    @property
    def device(self) -> tuple[str, str]:
        """Kind and number format of the device there."""
        if self.worker is not None:
            return self.worker.status.device_kind, self.worker.status.dtype_name
        from bgen_core.models.devices import find_device

        device = find_device(self.settings.device, self.settings.precision)
        return device.kind, device.dtype_name

    def run(
        self,
        forecast: SweepForecast,
        *,
        explored: SweepId | None = None,
        early: EarlyWish | None = None,
        submitted: Callable[[SweepId], None] | None = None,
    ) -> SweepResult:
        """Submit a sweep and see it through.

        Parameters
        ----------
        explored
            The sweep whose chosen cells it finishes, if any.
        early
            What its previews are measured for, if anything.
        submitted
            Called with its id as soon as it is in the store.
        """
        if self.worker is None:
            return run_here(
                self.store,
                self.settings,
                forecast,
                explored=explored,
                early=early,
                previews=self.previews,
                submitted=submitted,
            )
        known = self.store.runs.known(forecast.run_ids.values())
        sweep_id = submit_sweep(self.store, forecast, owner=OWNER, explored=explored, early=early)
        if submitted:
            submitted(sweep_id)
        return follow(self.store, self.settings, sweep_id, frozenset(known), previews=self.previews)

    def resume(self, sweep_id: SweepId) -> SweepResult:
        """Make what is missing of a sweep that is in the store.

        Raises
        ------
        UserInputError
            There is no such sweep, or another command line is running it.
        """
        if self.worker is None:
            return resume_here(self.store, self.settings, sweep_id, previews=self.previews)
        return resume_by_worker(self.store, self.settings, sweep_id, self.worker, previews=self.previews)


def find_place(
    store: Store,
    settings: Settings,
    models: Iterable[str],
    *,
    here: bool,
    dry_run: bool = False,
    previews: PreviewFiles | None = None,
) -> Place:
    """The worker that runs, if it can make these pictures as this process would; says which it is, or why not.

    Parameters
    ----------
    models
        As they were given: the worker looks for a relative path from a folder of its own.
    here
        Whether this process is insisted on.
    dry_run
        Whether nothing is computed.
    """
    worker = None if here else _running_worker(store)
    reason = _unfit(settings, worker, models) if worker else ""
    if worker and reason:
        say(f"the running worker is not used, since {reason}{'' if dry_run else '; computing in this process'}")
        worker = None
    elif worker:
        whose = f"the running worker (process {worker.process.pid} on {worker.status.device_kind})"
        say(
            f"it would be computed by {whose}"
            if dry_run
            else f"computed by {whose}; {STOPS}; --here computes in this process"
        )
    return Place(store=store, settings=settings, worker=worker, previews=previews)


def _running_worker(store: Store) -> WorkerRecord | None:
    """What a living worker of the store says of itself, as soon as it knows its device; None where there is none."""
    deadline = time.monotonic() + START_SECONDS
    while (living := store.workers.serving()) and time.monotonic() < deadline:
        ready = next((each for each in living if each.is_alive and each.status.device_kind), None)
        if ready is not None:
            return ready
        if all(each.status.device_kind for each in living):  # they hang
            return None
        time.sleep(LOOK_SECONDS)
    return None


def _unfit(settings: Settings, record: WorkerRecord, models: Iterable[str]) -> str:
    worker = record.status
    if worker.trouble:
        return f"it is in trouble: {worker.trouble.rstrip('.')}"
    if what := disagreement(terms_of(settings), worker.terms):
        return f"it has another {what}"
    if settings.device not in ("auto", worker.device_kind):
        return f"it computes on {worker.device_kind}, and BGEN_DEVICE={settings.device} is set here"
    relative = next((model for model in models if _is_relative(model)), None)
    return f"it does not know the folder from which {quoted(relative)} is meant" if relative else ""


def _is_relative(model: str) -> bool:
    given = with_home(model)
    return not given.is_absolute() and given.exists()
