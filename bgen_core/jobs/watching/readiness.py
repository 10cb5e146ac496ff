"""Whether pages and sweeps can be used now, and why not: asked often, by what sends visitors here or elsewhere."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bgen_core.disk_room import check_disk
from bgen_core.errors import BgenError, StoreError
from bgen_core.ids import WorkerId
from bgen_core.jobs.executors.executor import Health
from bgen_core.jobs.worker_watch import WorkerWatch
from bgen_core.records.worker import WorkerRecord
from bgen_core.settings import Settings
from bgen_core.store.store import Store

OK = "ok"
_HANGS = "The worker shows no progress, and is about to be replaced."
_STARTING = "starting, or starting again"


class WorkerReadiness:
    """The workers as they look from outside, over all times that it was asked: one that hangs says that it is well.

    Parameters
    ----------
    workers
        Gives those that serve the store.
    """

    def __init__(
        self,
        settings: Settings,
        workers: Callable[[], Sequence[WorkerRecord]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._workers = workers
        self._limit = settings.stall_minutes * 60
        self._clock = clock
        self._watched: dict[WorkerId, WorkerWatch] = {}

    def reason(self, health: Health | None) -> str:
        """Why no sweep is made now, or `OK`; `health` is what the workers say of themselves."""
        if health is None:
            return _STARTING
        return _HANGS if self._hang(self._workers()) else health.trouble or OK

    def _hang(self, workers: Sequence[WorkerRecord]) -> bool:
        """Whether all of them do."""
        now = self._clock()
        self._watched = {
            each.id: self._watched.get(each.id) or WorkerWatch(limit=self._limit, began=now) for each in workers
        }
        hang = [self._watched[each.id].hangs(each, now) for each in workers]  # all are looked at
        return bool(hang) and all(hang)


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
