"""Sweeps computed on this machine, by a worker process that is supervised by the server."""

import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import SubjectId, SweepId
from bgen_core.jobs.background_faults import BackgroundFault, BackgroundFaults
from bgen_core.jobs.executors.agreement import disagreement, terms_of
from bgen_core.jobs.executors.executor import Health
from bgen_core.jobs.executors.visitor_limits import check_cells, check_store_room
from bgen_core.jobs.leases.holding import is_held
from bgen_core.jobs.submission import SweepForecast, forecast_sweep, submit_sweep
from bgen_core.jobs.supervisor import WorkerSupervisor
from bgen_core.records.early_stop import EarlyWish
from bgen_core.records.progress import SweepProgress
from bgen_core.records.sweep_states import CANCEL, CONTINUE, CONTINUE_HELD, PAUSE, RETRY
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from bgen_core.sweep.allowed_plan import check_allowed
from bgen_core.sweep.plan import SweepPlan

_submitting = threading.Lock()  # what comes at once is counted one after another


@contextmanager
def serving(store: Callable[[], Store], settings: Settings) -> Generator[None]:
    """Keep a worker process alive for as long as the server lives; models load while the first page is painted.

    With `BGEN_WORKERS` it is a dispatcher with painters, with `BGEN_RAY` nothing: the cluster has its own.

    Parameters
    ----------
    store
        Gives the store, which may be away while the server starts.
    """
    if settings.ray:  # the cluster's dispatcher is a service of its own, and outlives each server
        yield
        return
    supervisor = WorkerSupervisor(store, settings)
    supervisor.start()
    try:
        yield
    finally:
        supervisor.stop()


def worker_health(store: Store) -> Health | None:
    """What the workers last said about themselves, if that was lately; the first of them says where it computes."""
    living = [each.status for each in store.workers.serving() if each.is_alive and each.status.device_kind]
    if not living:
        return None
    return Health(
        device_kind=living[0].device_kind,
        dtype_name=living[0].dtype_name,
        is_busy=any(each.sweep_id for each in living),
        trouble=living[0].trouble,
    )


class LocalExecutor:
    """An `Executor` whose worker shares store and home with the server. Made anew at each look: it costs nothing.

    Parameters
    ----------
    store
        As whoever asks may use it.
    settings
        Whose home the worker has.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    def health(self) -> Health | None:
        return worker_health(self._store)

    def faults(self) -> Sequence[BackgroundFault]:
        return BackgroundFaults(self._settings.home).all()

    def forecast(self, plan: SweepPlan, *, photos: Mapping[SubjectId, Extent]) -> SweepForecast | None:
        plan.check_size(self._settings.max_cells)
        check_allowed(plan, self._settings)
        health = self.health()
        if health is None:
            return None
        if self._settings.ray:
            self._check_terms()
        kinds = {"device_kind": health.device_kind, "dtype_name": health.dtype_name}
        forecast = forecast_sweep(self._store, self._settings, plan, photos=photos, **kinds)
        check_cells(self._store, self._settings, forecast.to_make)
        return forecast

    def _check_terms(self) -> None:
        """Refuse sweeps whose cells the painters would call otherwise.

        Raises
        ------
        UserInputError
            Says in what this server and they differ.
        """
        ours = terms_of(self._settings)
        for each in self._store.workers.serving()[:1]:
            if what := disagreement(ours, each.status.terms, other_machine=True):
                raise UserInputError(f"this server and the painters differ in {what}: make both alike.")

    def submit(
        self, forecast: SweepForecast, *, explored: SweepId | None = None, early: EarlyWish | None = None
    ) -> SweepId:
        check_allowed(forecast.plan, self._settings)
        with _submitting:
            check_cells(self._store, self._settings, forecast.to_make)
            if forecast.to_make:
                check_store_room(self._store, self._settings)
            return submit_sweep(self._store, forecast, explored=explored, early=early)

    def events(self, sweep_id: SweepId, *, previews: bool = True) -> SweepProgress | None:
        if previews:
            self._store.looks.note()
        return self._store.progress.read(sweep_id)

    def pause(self, sweep_id: SweepId) -> bool:
        return self._store.sweeps.change_state(sweep_id, PAUSE)

    def go_on(self, sweep_id: SweepId) -> bool:
        """Continue a sweep: in the queue, or at once where a command line waits with it, which no worker can run."""
        change = CONTINUE_HELD if is_held(self._store, sweep_id) else CONTINUE
        return self._store.sweeps.change_state(sweep_id, change)

    def cancel(self, sweep_id: SweepId) -> bool:
        return self._store.sweeps.change_state(sweep_id, CANCEL)

    def retry(self, sweep_id: SweepId, cell: int | None = None, *, stopped: bool = False) -> bool:
        sweep = self._store.sweeps.get(sweep_id)
        check_allowed(SweepPlan.from_json(sweep.plan), self._settings)
        with _submitting:
            if self._store.sweeps.get(sweep_id).state not in RETRY.starts:
                return self._store.sweeps.change_state(sweep_id, RETRY)  # no: its cells keep why they failed
            missing = sum(not each.is_final for each in self._store.sweeps.cells(sweep_id))
            if sweep.state == "done" and not missing:
                return False  # queued anew, it could be cancelled, and whole as it is it would count as that for good
            check_cells(self._store, self._settings, missing)
            if missing:
                check_store_room(self._store, self._settings)
            self._store.sweeps.clear_cell_errors(sweep_id, cell, stopped=stopped)
            return self._store.sweeps.change_state(sweep_id, RETRY)
