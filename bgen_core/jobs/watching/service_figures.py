"""Figures of a running service: what waits, what is made, what is kept. All from the store."""

import shutil
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from bgen_core.jobs.background_faults import BackgroundFaults
from bgen_core.jobs.watching.painters import SeenMember, members_of
from bgen_core.records.worker import NO_SWEEP
from bgen_core.settings import Settings
from bgen_core.store.store import Store

PICTURES_SECONDS = 300.0  # between two looks at all pictures: there may be a million of them


@dataclass(frozen=True, kw_only=True)
class ServiceFigures:
    """One look.

    Attributes
    ----------
    sweeps
        State -> how many, of those that are not over.
    cells_waiting
        Cells that are neither made nor failed, of sweeps in hand or queued.
    oldest_wait_seconds
        Since the submission of the first sweep that has not had a turn; 0 where none waits.
    is_alive, beat_age_seconds
        Whether a worker is, and how long ago one said so; None where none did lately.
    cells_per_second
        Of the sweeps in hand; None while nothing is measured.
    counts
        Of all workers since they began: see `running.work_counts`.
    database_bytes, picture_bytes, disk_free_bytes
        Sizes; None where they are not known.
    faults
        Kinds of background work that are not well.
    painters
        Those that share sweeps; none where one worker makes them.
    """

    sweeps: Mapping[str, int]
    cells_waiting: int
    oldest_wait_seconds: float
    is_alive: bool
    beat_age_seconds: float | None
    cells_per_second: float | None
    counts: Mapping[str, float]
    database_bytes: int | None
    picture_bytes: int | None
    disk_free_bytes: int | None
    faults: tuple[str, ...] = field(default=())
    painters: tuple[SeenMember, ...] = field(default=())


class ServiceLook:
    """Looks at a service; what costs much is looked at seldom."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._pictures: tuple[float, int] | None = None

    def look(self) -> ServiceFigures:
        """The figures now.

        Raises
        ------
        StoreError
            The store cannot be read.
        """
        store, home = self._store, self._settings.home
        queue = store.sweeps.queue_left()
        paused = store.sweeps.count("paused")
        now = datetime.now(UTC)
        first = min((each.turn.created for each in queue.waiting if not each.has_begun), default=now)
        workers = store.workers.serving()
        in_hand = {each.status.sweep_id for each in workers} - {NO_SWEEP}
        progress = [store.progress.read(sweep_id) for sweep_id in sorted(in_hand)]
        speeds = [each.cells_per_second for each in progress if each is not None and each.cells_per_second is not None]
        return ServiceFigures(
            sweeps={"running": len(queue.in_hand), "queued": len(queue.waiting), "paused": paused},
            cells_waiting=sum(each.cells for each in (*queue.in_hand, *queue.waiting)),
            oldest_wait_seconds=max(0.0, (now - first).total_seconds()),
            is_alive=any(each.is_alive for each in workers),
            beat_age_seconds=min((each.age for each in workers), default=None),
            cells_per_second=sum(speeds) if speeds else None,
            counts=_sum_of(each.status.counts for each in workers),
            database_bytes=_database_bytes(store),
            picture_bytes=self._picture_bytes(),
            disk_free_bytes=shutil.disk_usage(home).free if home.exists() else None,
            faults=tuple(fault.what for fault in BackgroundFaults(home).all()),
            painters=tuple(each for each in members_of(store) if each.kind == "painter" and each.is_alive),
        )

    def _picture_bytes(self) -> int:
        if self._pictures is None or time.monotonic() - self._pictures[0] > PICTURES_SECONDS:
            size = self._store.blobs.total_size()
            self._pictures = time.monotonic(), size
        return self._pictures[1]


def _sum_of(counts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    together: dict[str, float] = {}
    for each in counts:
        for name, figure in each.items():
            together[name] = together.get(name, 0.0) + figure
    return together


def _database_bytes(store: Store) -> int | None:
    engine = store.database.engine
    if engine.dialect.name == "sqlite":
        size = 0
        for end in ("", "-wal"):
            with suppress(FileNotFoundError):  # SQLite removes the second when nobody has the store open
                size += Path(f"{engine.url.database}{end}").stat().st_size
        return size
    with store.database.reading() as session:
        return session.scalar(sa.text("SELECT pg_database_size(current_database())"))
