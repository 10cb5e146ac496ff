"""Who runs a sweep: at most one living process holds it, and what a dead one held is found and queued again."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from bgen_core.errors import StoreError
from bgen_core.ids import SweepId
from bgen_core.jobs.worker_folder import WorkerFolder
from bgen_core.records.sweep import SweepRecord
from bgen_core.records.sweep_states import REQUEUE
from bgen_core.store.store import Store

LOOK_SECONDS = 1.0  # far longer than somebody holds a sweep who only looks whether it is held


@contextmanager
def holding(folder: WorkerFolder, sweep_id: SweepId, *, patience: float = LOOK_SECONDS) -> Generator[bool]:
    """Hold a sweep for the body of a `with`, which gets False where another living process holds it.

    Parameters
    ----------
    patience
        Seconds for which one that is held is waited for.

    Raises
    ------
    StoreError
        The worker's folder cannot be written.
    """
    path = folder.sweep_lock(sweep_id)
    lock = FileLock(path, timeout=patience)
    try:
        lock.acquire()
    except Timeout:
        pass
    except OSError as error:
        raise StoreError(f"the file {path} cannot be written ({error.strerror}).") from error
    try:
        yield lock.is_locked
    finally:
        if lock.is_locked:
            path.unlink(missing_ok=True)  # before it is released: afterwards it may be another process's
            lock.release()


def is_held(folder: WorkerFolder, sweep_id: SweepId) -> bool:
    """Whether a living process runs this sweep, or waits with it."""
    if not folder.sweep_lock(sweep_id).exists():
        return False
    with holding(folder, sweep_id, patience=0) as mine:
        return not mine


def orphans(store: Store, folder: WorkerFolder) -> Iterator[SweepRecord]:
    """Running sweeps that no living process holds; the caller holds each of them until it asks for the next."""
    for sweep in store.sweeps.select(states=["running"]):
        with holding(folder, sweep.id, patience=0) as mine:
            if mine:
                yield sweep


def requeue_orphans(store: Store, folder: WorkerFolder) -> None:
    """Put them back into the queue, in their old places."""
    for sweep in orphans(store, folder):
        store.sweeps.change_state(sweep.id, REQUEUE)
        folder.clear_progress(sweep.id)
