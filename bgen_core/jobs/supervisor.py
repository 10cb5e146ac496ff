"""Keeps one worker process alive for as long as the app runs."""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from bgen_core.errors import StoreError
from bgen_core.jobs.leases.holding import is_held
from bgen_core.jobs.worker_folder import WorkerFolder
from bgen_core.jobs.worker_watch import WorkerWatch
from bgen_core.models.default_model import default_model
from bgen_core.process_identity import this_host
from bgen_core.python_path import python_path
from bgen_core.records.sweep_states import FAIL
from bgen_core.records.worker import WorkerRecord
from bgen_core.settings import Settings
from bgen_core.store.store import Store

logger = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
HEALTHY_SECONDS = 60.0
CRASHES_ALLOWED = 3  # of one sweep, without a single new picture between them
LOOK_SECONDS = 0.5
FROZEN_SECONDS = 30.0  # between two rounds: so long takes no look
STATUS_SECONDS = 2.0  # between two looks at what the worker says of itself
END_SECONDS = 5.0  # for a process that was asked to end, and again for one that was killed

# -P: the app is started in any folder, and modules that lie there are not this program's.
WORKER = (sys.executable, "-P", "-m", "bgen_core.jobs.worker")
DISPATCHER = (sys.executable, "-P", "-m", "bgen_core.cluster.dispatch")  # which has painters in the worker's place


_CRASHED = (
    f"This sweep stopped the worker {CRASHES_ALLOWED} times in a row, most likely for lack of memory: "
    "what is made is kept. Try a smaller photo or model."
)
_HUNG = (
    f"The worker got stuck in this sweep {CRASHES_ALLOWED} times in a row: what is made is kept. "
    "Try a smaller photo or model; whoever runs this server may allow a step more time with BGEN_STALL_MINUTES."
)


class WorkerSupervisor:
    """Starts the worker, and starts it again when it dies; one that hangs is killed.

    A sweep that takes the worker down `CRASHES_ALLOWED` times without making a picture is marked as failed, so that the
    queue goes on.

    Parameters
    ----------
    store
        Gives the store, when a worker has died; until then it may be away.
    settings
        The worker gets the same ones: its environment names the same home.
    """

    def __init__(self, store: Callable[[], Store], settings: Settings) -> None:
        self._store = store
        self._folder = WorkerFolder(settings.home)
        self._environment = os.environ | {
            "BGEN_HOME": str(settings.home),
            "BGEN_MODEL": default_model(settings),
            "BGEN_DEVICE": settings.device,
            "BGEN_PRECISION": settings.precision,
            "BGEN_OFFLOAD": settings.offload,
            "BGEN_COMPILE": settings.compile,
            "BGEN_MODELS_KEPT": str(settings.models_kept),
            "BGEN_SAFETY_CHECKER": str(settings.safety_checker),
            "OMP_WAIT_POLICY": "PASSIVE",
            "PYTHONPATH": python_path(),
        }
        self._command = DISPATCHER if settings.has_painters else WORKER
        self._crashes: dict[tuple[str, int], int] = {}
        self._stall_seconds = settings.stall_minutes * 60
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._supervise, name="worker-supervisor", daemon=True)

    def start(self) -> None:
        self._folder.prepare()
        self._thread.start()

    def stop(self) -> None:
        """End the worker and wait for it; for tests and an orderly end of the app."""
        self._stopping.set()
        self._thread.join(timeout=3 * END_SECONDS)

    def _supervise(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                ended = self._run_worker()
                if self._stopping.is_set():
                    self._free(ended)
                    return
                logger.error("the worker %s and is started again; see %s", ended.how, self._folder.log)
                self._count_crash(ended)
            except Exception:  # a full disk, a store that is away: without this thread nothing is computed any more
                logger.exception("the worker cannot be watched now; trying again")
            pause = FIRST_PAUSE_SECONDS if time.monotonic() - began > HEALTHY_SECONDS else pause * 2
            self._stopping.wait(min(pause, LONGEST_PAUSE_SECONDS))

    def _run_worker(self) -> "EndedWorker":
        with self._folder.log.open("ab") as log:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,  # its end tells the worker that the app is gone
                stdout=log,
                stderr=log,
                env=self._environment,
            )
        try:
            hung = self._wait_for(process)
        finally:
            _end(process)
        return EndedWorker(pid=process.pid, code=process.returncode, hung=hung)

    def _wait_for(self, process: subprocess.Popen[bytes]) -> bool:
        """Wait until it has ended, or hangs, or the app ends; whether it hangs."""
        watch = WorkerWatch(limit=self._stall_seconds, began=time.monotonic())
        next_status, looked = 0.0, time.monotonic()
        while process.poll() is None and not self._stopping.wait(LOOK_SECONDS):
            now, before = time.monotonic(), looked
            looked = now
            if now - before > FROZEN_SECONDS:  # this process stood still, and so may all others of the machine
                watch.forgive(now)
            if now < next_status:
                continue
            next_status = now + STATUS_SECONDS
            try:
                if watch.hangs(self._said_by(process.pid), time.monotonic()):
                    self._store().workers.check()
                    return True
            except StoreError:  # what cannot be read cannot be written either: its silence means nothing
                watch.forgive(time.monotonic())
        return False

    def _said_by(self, pid: int) -> WorkerRecord | None:
        return self._store().workers.of_process(this_host(), pid)

    def _free(self, ended: "EndedWorker") -> WorkerRecord | None:
        """Take from a worker that has ended what it held, and give what it last said."""
        worker = self._said_by(ended.pid)
        if worker is not None and ended.code is not None:
            self._store().workers.lose([worker.id])
        return worker

    def _count_crash(self, ended: "EndedWorker") -> None:
        """Count it against the sweep that this worker had in hand, and not against one that a command line left."""
        store, worker = self._store(), self._free(ended)
        if worker is None:
            return
        for sweep in store.sweeps.select(states=["running"]):
            if sweep.id != worker.status.sweep_id or is_held(store, sweep.id):
                continue
            made = sum(cell.done + len(cell.attempts) for cell in store.sweeps.cells(sweep.id))
            key = (sweep.id, made)
            self._crashes[key] = self._crashes.get(key, 0) + 1
            if self._crashes[key] >= CRASHES_ALLOWED:
                store.sweeps.change_state(sweep.id, FAIL, _HUNG if ended.hung else _CRASHED)


@dataclass(frozen=True, kw_only=True)
class EndedWorker:
    """A worker that is gone: `code` is None where even killing did not end it."""

    pid: int
    code: int | None
    hung: bool

    @property
    def how(self) -> str:
        return "showed no progress, was killed" if self.hung else f"ended with code {self.code}"


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and kill it where it does not; one that has ended is left alone."""
    if process.stdin is not None:
        process.stdin.close()
    for ask in (process.terminate, process.kill):
        if process.poll() is not None:
            return
        ask()
        try:
            process.wait(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    if process.poll() is None:
        logger.error("the worker %d does not end, though it was killed", process.pid)
