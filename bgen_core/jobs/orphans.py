"""Sweeps whose process died: they say "running", and nobody holds their lock."""

from filelock import FileLock, Timeout

from bgen_core.jobs.worker_folder import WorkerFolder
from bgen_core.store.store import Store
from bgen_core.store.sweeps import SweepRecord


def orphans(store: Store, folder: WorkerFolder) -> list[SweepRecord]:
    """Running sweeps that no living process runs, neither the worker nor a command line."""
    return [sweep for sweep in store.sweeps.select(states=["running"]) if _is_free(folder, sweep.id)]


def requeue_orphans(store: Store, folder: WorkerFolder) -> None:
    """Put them back into the queue, in their old places."""
    for sweep in orphans(store, folder):
        store.sweeps.set_state(sweep.id, "queued")


def _is_free(folder: WorkerFolder, sweep_id: str) -> bool:
    try:
        with FileLock(folder.sweep_lock(sweep_id), timeout=0):
            return True
    except Timeout:
        return False
