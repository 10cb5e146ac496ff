"""Keeps one worker process alive for as long as the app runs."""

import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import bgen_core
from bgen_core.jobs.holding import orphans
from bgen_core.jobs.worker_folder import WorkerFolder
from bgen_core.records.sweep_states import FAIL
from bgen_core.settings import Settings
from bgen_core.store.store import Store

logger = logging.getLogger(__name__)

PROJECT = Path(bgen_core.__file__).parents[1]  # from where `bgen_core` can be imported

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
HEALTHY_SECONDS = 60.0
CRASHES_ALLOWED = 3  # of one sweep, without a single new picture between them


class WorkerSupervisor:
    """Starts the worker, and starts it again when it dies.

    A sweep that takes the worker down `CRASHES_ALLOWED` times without making a picture is marked as failed, so that the
    queue goes on.

    Parameters
    ----------
    store, settings
        The worker gets the same ones: its environment names the same home.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._folder = WorkerFolder(settings.home)
        self._environment = os.environ | {
            "BGEN_HOME": str(settings.home),
            "BGEN_MODEL": settings.model,
            "BGEN_DEVICE": settings.device,
            "OMP_WAIT_POLICY": "PASSIVE",
            "PYTHONPATH": os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH", "")])),
        }
        self._crashes: dict[tuple[str, int], int] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._supervise, name="worker-supervisor", daemon=True)

    def start(self) -> None:
        self._folder.prepare()
        self._thread.start()

    def stop(self) -> None:
        """End the worker and wait for it; for tests and an orderly end of the app."""
        self._stopping.set()
        if self._process and self._process.poll() is None:
            self._process.terminate()
        self._thread.join(timeout=10)

    def _supervise(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                ended = self._run_worker()
                if self._stopping.is_set():
                    return
                code = ended.returncode
                logger.error("the worker ended with code %s and is started again; see %s", code, self._folder.log)
                self._count_crash(ended.pid)
            except Exception:  # a full disk, a store that is away: without this thread nothing is computed any more
                logger.exception("the worker cannot be watched now; trying again")
            pause = FIRST_PAUSE_SECONDS if time.monotonic() - began > HEALTHY_SECONDS else pause * 2
            self._stopping.wait(min(pause, LONGEST_PAUSE_SECONDS))

    def _run_worker(self) -> subprocess.Popen[bytes]:
        with (
            self._folder.log.open("ab") as log,
            subprocess.Popen(
                # -P: the app is started in any folder, and modules that lie there are not this program's.
                [sys.executable, "-P", "-m", "bgen_core.jobs.worker"],
                stdin=subprocess.PIPE,  # its end tells the worker that the app is gone
                stdout=log,
                stderr=log,
                env=self._environment,
            ) as process,
        ):
            self._process = process
            process.wait()
        return process

    def _count_crash(self, pid: int) -> None:
        """Count it against the sweep that this worker had in hand, and not against one that a command line left."""
        status = self._folder.read_status()
        in_hand = status.sweep_id if status and status.pid == pid else ""
        for sweep in orphans(self._store, self._folder):
            if sweep.id != in_hand:
                continue
            made = sum(cell.done for cell in self._store.sweeps.cells(sweep.id))
            key = (sweep.id, made)
            self._crashes[key] = self._crashes.get(key, 0) + 1
            if self._crashes[key] >= CRASHES_ALLOWED:
                self._store.sweeps.change_state(
                    sweep.id,
                    FAIL,
                    f"This sweep stopped the worker {CRASHES_ALLOWED} times in a row, most likely for lack of memory: "
                    "what is made is kept. Try a smaller photo or model.",
                )
