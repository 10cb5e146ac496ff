"""One worker for a home: who is second waits for a while, and ends a first one that hangs and whose app is gone."""

import logging
import os
import time
from collections.abc import Generator
from contextlib import contextmanager

import psutil
from filelock import FileLock, Timeout

from bgen_core.errors import StoreError
from bgen_core.jobs.worker_folder import WorkerFolder

logger = logging.getLogger(__name__)

LOCK_SECONDS = 30.0
MODULE = "bgen_core.jobs.worker"


class SecondWorkerError(StoreError):
    """Another worker serves this home."""


@contextmanager
def only_worker(folder: WorkerFolder, *, stall_seconds: float, patience: float = LOCK_SECONDS) -> Generator[None]:
    """Be the one worker of a home for the body of a `with`.

    Parameters
    ----------
    stall_seconds
        How old the last word of the worker that is there must be for it to be ended.
    patience
        Seconds for which another worker is waited for.

    Raises
    ------
    SecondWorkerError
        Another worker serves this home and is well, or cannot be ended.
    StoreError
        The folder cannot be written.
    """
    lock = FileLock(folder.lock, timeout=patience)
    try:
        try:
            lock.acquire()
        except Timeout:
            _end_if_forsaken(folder, stall_seconds)
            lock.acquire()
    except Timeout as error:
        status = folder.read_status()
        who = f"process {status.pid}" if status else "another process"
        raise SecondWorkerError(
            f"the worker of another server ({who}) serves {folder.path.parent}: end that server, or give this one "
            "another folder with BGEN_HOME."
        ) from error
    except OSError as error:
        raise StoreError(f"the file {folder.lock} cannot be written ({error.strerror}).") from error
    try:
        yield
    finally:
        lock.release()


def is_served(folder: WorkerFolder) -> bool:
    """Whether a living worker serves this home: its lock ends with its process, however that ends."""
    if not folder.lock.exists():
        return False
    try:
        with FileLock(folder.lock, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        return False


def _end_if_forsaken(folder: WorkerFolder, stall_seconds: float) -> None:
    """Kill a worker that has said nothing for so long: a living app would have done it, this one has none any more."""
    status = folder.read_status()
    if status is None or time.time() - status.beat < stall_seconds or status.pid == os.getpid():
        return
    try:
        process = psutil.Process(status.pid)
        if MODULE not in process.cmdline() or process.create_time() > status.beat:  # the number is another one's now
            return
        logger.warning("the worker %d has said nothing for long, and is killed", status.pid)
        process.kill()
    except psutil.Error:
        logger.warning("the worker %d cannot be ended", status.pid, exc_info=True)
