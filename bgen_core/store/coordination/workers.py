"""The processes that share the store's work: each has a row, and beats."""

from collections.abc import Collection
from dataclasses import asdict
from typing import Any, cast

import sqlalchemy as sa

from bgen_core.ids import WorkerId
from bgen_core.process_identity import ProcessIdentity, this_host
from bgen_core.records import worker as limits
from bgen_core.records.worker import SERVING, WorkerKind, WorkerRecord, WorkerState, WorkerStatus
from bgen_core.store.coordination.database_clock import database_now
from bgen_core.store.coordination.upserts import insert_into
from bgen_core.store.database import Database
from bgen_core.store.schema import LeaseRow, WorkerRow

_KEPT_SECONDS = 24 * 3600.0  # what a lost worker last said may explain its loss


class Workers:
    """The part of the store that knows who works."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def beat(self, worker_id: WorkerId, kind: WorkerKind, process: ProcessIdentity, status: WorkerStatus) -> int:
        """Say how a worker is, and keep what it holds for another `LEASE_SECONDS`; the first beat registers it.

        Returns
        -------
        int
            How many leases are its own.
        """
        said = asdict(status) | {"beat": database_now(), "until": database_now() + limits.LEASE_SECONDS}
        with self._database.coordinating() as session:
            beaten = session.execute(sa.update(WorkerRow).where(WorkerRow.id == worker_id).values(said))
            if cast("sa.CursorResult[Any]", beaten).rowcount == 0:
                session.execute(sa.delete(WorkerRow).where(WorkerRow.beat < database_now() - _KEPT_SECONDS))
                row = said | {"id": worker_id, "kind": kind, "began": database_now()}
                row |= {"host": process.host, "pid": process.pid, "process_start": process.start}
                session.execute(insert_into(session, WorkerRow).values(row))
                return 0
            return session.scalar(sa.select(sa.func.count()).where(LeaseRow.worker_id == worker_id)) or 0

    def all(self) -> list[WorkerRecord]:
        """Those that work, and those that were lost in the last day; the newest first."""
        return self._select(sa.true())

    def serving(self) -> list[WorkerRecord]:
        """Those that take sweeps from the queue and are not known to be gone; this machine's first, then the oldest."""
        found = self._select(WorkerRow.kind.in_(SERVING), WorkerRow.until > database_now())
        living = [each for each in found if not each.is_gone]
        return sorted(living, key=lambda each: (each.process.host != this_host(), each.began, each.id))

    def of_process(self, host: str, pid: int) -> WorkerRecord | None:
        """What the last worker with that number on a machine has said; None where it has said nothing yet."""
        return next(iter(self._select(WorkerRow.host == host, WorkerRow.pid == pid)), None)

    def _select(self, *which: sa.ColumnElement[bool]) -> list[WorkerRecord]:
        columns = (WorkerRow, database_now() - WorkerRow.beat, WorkerRow.until > database_now())
        query = sa.select(*columns).where(*which).order_by(WorkerRow.began.desc(), WorkerRow.id)
        with self._database.reading() as session:
            return [_record(row, age, holds) for row, age, holds in session.execute(query)]

    def lose(self, worker_ids: Collection[WorkerId]) -> None:
        """Take from workers what they hold: their processes are known to have ended."""
        query = sa.update(WorkerRow).where(WorkerRow.id.in_(worker_ids), WorkerRow.until > database_now())
        with self._database.coordinating() as session:
            session.execute(query.values(until=0.0))

    def check(self) -> None:
        """See whether a beat would be taken now.

        Raises
        ------
        StoreError
            It would not.
        """
        with self._database.coordinating() as session:
            session.execute(sa.update(WorkerRow).values(began=WorkerRow.began))

    def leave(self, worker_id: WorkerId) -> None:
        """Forget a worker that ends as it should, with all that it holds."""
        with self._database.coordinating() as session:
            session.execute(sa.delete(WorkerRow).where(WorkerRow.id == worker_id))


def _record(row: WorkerRow, age: float, holds: bool) -> WorkerRecord:
    return WorkerRecord(
        id=row.id,
        kind=cast(WorkerKind, row.kind),
        process=ProcessIdentity(host=row.host, pid=row.pid, start=row.process_start),
        status=WorkerStatus(
            state=cast(WorkerState, row.state),
            device_kind=row.device_kind,
            device_name=row.device_name,
            dtype_name=row.dtype_name,
            sweep_id=row.sweep_id,
            trouble=row.trouble,
            signs=row.signs,
            terms=row.terms,
            counts=row.counts,
        ),
        began=row.began,
        beat=row.beat,
        age=max(0.0, age),
        holds=bool(holds),
    )
