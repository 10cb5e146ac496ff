"""Whether pages and sweeps can be used now, and why not: asked often, by what sends visitors here or elsewhere."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from bgen_core.disk_room import check_disk
from bgen_core.errors import BgenError, StoreError
from bgen_core.jobs.executors.executor import Health
from bgen_core.jobs.worker_folder import WorkerFolder
from bgen_core.jobs.worker_watch import WorkerWatch
from bgen_core.settings import Settings
from bgen_core.store.store import Store

OK = "ok"
_HANGS = "The worker shows no progress, and is about to be replaced."
_STARTING = "starting, or starting again"


class WorkerReadiness:
    """The worker as it looks from outside, over all times that it was asked: one that hangs says that it is well."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = WorkerFolder(settings.home)
        self._limit = settings.stall_minutes * 60
        self._clock = clock
        self._watched: tuple[int, WorkerWatch] | None = None

    def reason(self, health: Health | None) -> str:
        """Why no sweep is made now, or `OK`; `health` is what the worker says of itself."""
        if health is None:
            return _STARTING
        return _HANGS if self._hangs() else health.trouble or OK

    def _hangs(self) -> bool:
        status = self._folder.read_status()
        if status is None:
            return False
        if self._watched is None or self._watched[0] != status.pid:
            self._watched = status.pid, WorkerWatch(limit=self._limit, began=self._clock())
        return self._watched[1].hangs(status, self._clock())


def store_reason(store: Store) -> str:
    """Why the store cannot be used, or `OK`: it is read, and a change begun that changes nothing."""
    try:
        store.sweeps.select(states=["running"])
        with store.database.writing():
            pass
    except StoreError as error:
        return error.public
    return OK


def disk_reason(store: Store, settings: Settings) -> str:
    """Why nothing more can be kept, or `OK`."""
    root = store.blobs.root
    folders = [settings.home, *([root] if isinstance(root, Path) else [])]
    try:
        for folder in folders:
            check_disk(folder, reserve=settings.disk_reserve)
        store.blobs.check_room()
    except BgenError as error:
        return error.public
    return OK


def is_ready(reasons: Mapping[str, str]) -> bool:
    return all(reason == OK for reason in reasons.values())
