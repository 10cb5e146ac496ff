"""The worker process: takes sweeps from the queue, one at a time, and runs them to the end.

Started by the supervisor as `python -m bgen_core.jobs.worker`. It shares nothing with the app but the store and the
worker folder, and it ends when its standard input does: a killed app leaves no worker behind.
"""

import logging
import os
import sys
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING

from filelock import FileLock

from bgen_core.errors import BgenError, StoreError
from bgen_core.jobs.orphans import requeue_orphans
from bgen_core.jobs.progress import ProgressWriter
from bgen_core.jobs.worker_folder import WorkerFolder, WorkerStatus
from bgen_core.models.devices import is_lasting_device_fault, prepare_process_for_inference
from bgen_core.settings import Settings, load_settings
from bgen_core.store.store import Store, open_store
from bgen_core.store.sweeps import SweepRecord

if TYPE_CHECKING:
    from bgen_core.jobs.runner import Runner

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.25
BEAT_SECONDS = 3.0
CANCEL_CHECK_SECONDS = 0.5
ORPHAN_CHECK_SECONDS = 10.0
MEASURE_CHECK_SECONDS = 3.0
STORE_PAUSE_SECONDS = 2.0


class Heartbeat:
    """Writes the worker's status every few seconds from a thread of its own, also while a model loads."""

    def __init__(self, folder: WorkerFolder) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._content: dict[str, str] = {"state": "starting"}
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> "Heartbeat":
        self._write()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        del kind, error, trace

    def say(self, **changes: str) -> None:
        """Change what the status says, at once."""
        with self._lock:
            self._content |= changes
        self._write()

    def _beat(self) -> None:
        while True:
            time.sleep(BEAT_SECONDS)
            self._write()

    def _write(self) -> None:
        with self._lock:
            self._folder.write_status(WorkerStatus(pid=os.getpid(), **self._content))  # pyright: ignore[reportArgumentType]


def main() -> None:
    """Entry point of the process."""
    prepare_process_for_inference()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    threading.Thread(target=_end_with_parent, daemon=True).start()
    settings = load_settings()
    folder = WorkerFolder(settings.home)
    folder.prepare()
    with FileLock(folder.lock), open_store(settings) as store, Heartbeat(folder) as heartbeat:
        work(store, settings, folder, heartbeat)


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def work(store: Store, settings: Settings, folder: WorkerFolder, heartbeat: Heartbeat) -> None:
    """Serve the queue for ever."""
    from bgen_core.jobs.runner import Runner  # imports torch: the status says "starting" meanwhile

    runner = Runner(store, settings)
    device = runner.device
    heartbeat.say(device_kind=device.kind, dtype_name=device.dtype_name)
    requeue_orphans(store, folder)
    heartbeat.say(state="loading")
    runner.warm_up()
    heartbeat.say(state="ready")
    look = _Clock(ORPHAN_CHECK_SECONDS)
    measure = _Clock(MEASURE_CHECK_SECONDS)
    while True:
        try:
            sweep = store.sweeps.claim_next()
            if sweep is None:
                if measure.is_due() and measure_next(store, settings):
                    measure.make_due()
                    continue
                if look.is_due():  # a killed command line leaves its sweep behind
                    requeue_orphans(store, folder)
                time.sleep(POLL_SECONDS)
                continue
            heartbeat.say(state="loading", sweep_id=sweep.id)
            with FileLock(folder.sweep_lock(sweep.id)):
                run_sweep(store, folder, runner, sweep, heartbeat)
            folder.sweep_lock(sweep.id).unlink(missing_ok=True)
            heartbeat.say(state="ready", sweep_id="")
        except (BgenError, OSError):  # a full disk, a store that became read-only: it may be mended meanwhile
            logger.warning("the store cannot be used; trying again", exc_info=True)
            time.sleep(STORE_PAUSE_SECONDS)


class _Clock:
    """Says now and then that something is due."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due = 0.0

    def is_due(self) -> bool:
        if time.monotonic() < self._due:
            return False
        self._due = time.monotonic() + self._seconds
        return True

    def make_due(self) -> None:
        self._due = 0.0


def measure_next(store: Store, settings: Settings) -> bool:
    """Measure one run that is not measured yet; False where there is none."""
    from bgen_core.jobs.measuring import measure_pending
    from bgen_core.reports.mlflow_mirror import mirror_run

    for run_id in measure_pending(store, settings, limit=1):
        if settings.mlflow_url:
            run = store.runs.get(run_id)
            mirror_run(settings, run, store.metrics.of([run_id]).get(run_id, {}), store.blobs.get(run.image))
        return True
    return False


def run_sweep(
    store: Store,
    folder: WorkerFolder,
    runner: "Runner",
    sweep: SweepRecord,
    heartbeat: Heartbeat,
) -> None:
    """Run one sweep to its end, a cancellation or an error; the queue goes on with the next one."""
    events = runner.run(sweep.id)
    progress = ProgressWriter(folder, sweep.id)
    next_check = 0.0
    try:
        for event in events:
            heartbeat_needed = progress.note(event)
            if heartbeat_needed:
                heartbeat.say(state="painting")
            if time.monotonic() >= next_check:
                state = store.sweeps.get(sweep.id).state
                if state != "running":
                    logger.info("sweep %s is %s", sweep.id, state)
                    return
                next_check = time.monotonic() + CANCEL_CHECK_SECONDS
        failed = sum(bool(cell.error) and not cell.done for cell in store.sweeps.cells(sweep.id))
        if store.sweeps.get(sweep.id).state == "running":
            store.sweeps.set_state(sweep.id, "done", f"{failed} cells failed" if failed else "")
    except BgenError as error:
        logger.warning("sweep %s: %s", sweep.id, error)
        end_sweep(store, sweep.id, str(error))
    except Exception as error:  # a bug: loud in the log, one sentence on the page, and the queue goes on
        logger.exception("sweep %s failed", sweep.id)
        if is_lasting_device_fault(error):
            raise SystemExit("the device is lost to this process: a new one goes on with the sweep") from error
        end_sweep(
            store, sweep.id, "An internal error stopped this sweep: what is made is kept. The worker's log has it."
        )
    finally:
        events.close()
        folder.clear_progress(sweep.id)


def end_sweep(store: Store, sweep_id: str, reason: str) -> None:
    """Mark a sweep as failed, as soon as the store takes it: a full disk must not leave it running for ever."""
    while True:
        try:
            store.sweeps.set_state(sweep_id, "failed", reason)
            return
        except StoreError:
            logger.warning("sweep %s cannot be marked as failed yet", sweep_id, exc_info=True)
            time.sleep(STORE_PAUSE_SECONDS)


if __name__ == "__main__":
    main()
