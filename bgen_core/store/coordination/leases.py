"""Who holds what: rows that are their worker's own for as long as it beats, by the database's clock."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bgen_core.ids import WorkerId
from bgen_core.process_identity import ProcessIdentity
from bgen_core.records import worker as limits
from bgen_core.store.coordination.database_clock import database_now
from bgen_core.store.coordination.upserts import insert_into
from bgen_core.store.coordination.workers import Workers
from bgen_core.store.database import Database, id_chunks
from bgen_core.store.schema import LeaseRow, WorkerRow

LeaseKind = Literal["home", "sweep", "share", "raw", "cannot", "measure", "dispatcher"]
"""One worker's home; a sweep, alone or with others; a raw picture that is being painted; a sweep that one of those who
share it cannot make; a run that is being measured; the dispatcher's place."""
LEASE_KINDS: tuple[LeaseKind, ...] = get_args(LeaseKind)


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Who holds something.

    Attributes
    ----------
    epoch
        Rises with each holder that takes it from one that was lost: with the worker's id it tells the holders apart.
    """

    worker_id: WorkerId
    process: ProcessIdentity
    epoch: int


class Leases:
    """The part of the store that knows who holds what.

    A lease is its worker's until that has not beaten for `LEASE_SECONDS`, or its process is known to have ended. What
    was lost is another's at the next `take`; until then it comes back with the next beat.
    """

    def __init__(self, database: Database, workers: Workers) -> None:
        self._database = database
        self._workers = workers

    def take(self, worker_id: WorkerId, kind: LeaseKind, names: Iterable[str]) -> set[str]:
        """Take what is free or lost; returns those that the worker holds now. A worker without a row gets none."""
        wanted = sorted(set(names))  # in one order for all: who waits for a row holds none that comes later
        if not wanted:
            return set()
        mine = self._take(worker_id, kind, wanted)
        if left := set(wanted) - mine:
            with self._database.reading() as session:
                rows = _holders(session, kind, left).values()
            gone = {holder.worker_id for holder in rows if holder.process.is_gone}
            if gone:
                self._workers.lose(gone)
                mine |= self._take(worker_id, kind, sorted(left))
        return mine

    def release(self, worker_id: WorkerId, kind: LeaseKind, names: Iterable[str]) -> None:
        """Give back; what is not held is no error."""
        mine = sa.delete(LeaseRow).where(LeaseRow.worker_id == worker_id, LeaseRow.kind == kind)
        with self._database.coordinating() as session:
            for chunk in id_chunks(sorted(set(names))):
                session.execute(mine.where(LeaseRow.name.in_(chunk)))

    def of(self, worker_id: WorkerId) -> set[tuple[LeaseKind, str]]:
        """What a worker holds."""
        with self._database.reading() as session:
            query = sa.select(LeaseRow.kind, LeaseRow.name).where(LeaseRow.worker_id == worker_id)
            return {(cast(LeaseKind, kind), name) for kind, name in session.execute(query)}

    def holders(self, kind: LeaseKind, names: Collection[str], *, living: bool = True) -> Mapping[str, Holder]:
        """Of things that are held: by whom; with `living=False` also by those that lost them or are gone."""
        with self._database.reading() as session:
            found = _holders(session, kind, names, living=living)
        if not living:
            return found
        return {name: holder for name, holder in found.items() if not holder.process.is_gone}

    def sharing(self, kind: LeaseKind, beginning: str) -> Mapping[str, Holder]:
        """The same of all things whose names begin so."""
        with self._database.reading() as session:
            found = _held(session, kind, LeaseRow.name.startswith(beginning, autoescape=True))
        return {name: holder for name, holder in found.items() if not holder.process.is_gone}

    def count(self, worker_ids: Collection[WorkerId], kind: LeaseKind) -> int:
        """How many things these workers hold together."""
        query = sa.select(sa.func.count()).where(LeaseRow.worker_id.in_(worker_ids), LeaseRow.kind == kind)
        with self._database.reading() as session:
            return session.scalar(query) or 0

    def _take(self, worker_id: WorkerId, kind: LeaseKind, names: Collection[str]) -> set[str]:
        """What is true for one alone is said by one statement for each name: insert it, or take it from a lost one."""
        renew = sa.update(WorkerRow).where(WorkerRow.id == worker_id)
        lost = sa.select(WorkerRow.id).where(WorkerRow.until <= database_now())
        mine: set[str] = set()
        with self._database.coordinating(lasts=True) as session:  # who forgets it lets another do the same work
            found = session.execute(renew.values(until=database_now() + limits.LEASE_SECONDS))
            if cast("sa.CursorResult[Any]", found).rowcount == 0:
                return set()
            insert = insert_into(session, LeaseRow)
            take = insert.on_conflict_do_update(
                index_elements=[LeaseRow.kind, LeaseRow.name],
                set_={"worker_id": insert.excluded.worker_id, "epoch": LeaseRow.epoch + 1},
                where=LeaseRow.worker_id.in_(lost),
            )
            rows = [{"kind": kind, "name": name, "worker_id": worker_id, "epoch": 1} for name in names]
            session.connection().execute(take, rows)
            own = sa.select(LeaseRow.name).where(LeaseRow.worker_id == worker_id, LeaseRow.kind == kind)
            for chunk in id_chunks(list(names)):
                mine.update(session.scalars(own.where(LeaseRow.name.in_(chunk))))
        return mine


def _holders(session: Session, kind: LeaseKind, names: Collection[str], *, living: bool = True) -> dict[str, Holder]:
    found: dict[str, Holder] = {}
    for chunk in id_chunks(sorted(names)):
        found |= _held(session, kind, LeaseRow.name.in_(chunk), living=living)
    return found


def _held(
    session: Session, kind: LeaseKind, which: sa.ColumnElement[bool], *, living: bool = True
) -> dict[str, Holder]:
    columns = (
        LeaseRow.name,
        LeaseRow.worker_id,
        LeaseRow.epoch,
        WorkerRow.host,
        WorkerRow.pid,
        WorkerRow.process_start,
    )
    query = sa.select(*columns).join(WorkerRow, WorkerRow.id == LeaseRow.worker_id).where(LeaseRow.kind == kind, which)
    if living:
        query = query.where(WorkerRow.until > database_now())
    return {
        name: Holder(worker_id=worker_id, process=ProcessIdentity(host=host, pid=pid, start=start), epoch=epoch)
        for name, worker_id, epoch, host, pid, start in session.execute(query)
    }
