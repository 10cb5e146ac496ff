"""How far the sweeps in hand are: each worker writes its own part, and pages read them together."""

import time
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from bgen_core.ids import SweepId, WorkerId
from bgen_core.records.progress import CellProgress, SweepProgress
from bgen_core.store.coordination.database_clock import database_now
from bgen_core.store.coordination.upserts import insert_into
from bgen_core.store.database import Database
from bgen_core.store.schema import ProgressRow, WorkerRow


class Progresses:
    """The part of the store that knows how far sweeps are that are being made."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, worker_id: WorkerId, sweep_id: SweepId, progress: SweepProgress) -> None:
        """Say how far a worker is with a sweep; it has beaten before."""
        content = asdict(progress) | {"lasted": max(0.0, time.time() - progress.began)}
        del content["began"]  # by the clock of this machine
        with self._database.coordinating() as session:
            insert = insert_into(session, ProgressRow).values(
                sweep_id=sweep_id, worker_id=worker_id, content=content, written=database_now()
            )
            session.execute(
                insert.on_conflict_do_update(
                    index_elements=[ProgressRow.sweep_id, ProgressRow.worker_id],
                    set_={"content": insert.excluded.content, "written": insert.excluded.written},
                )
            )

    def read(self, sweep_id: SweepId) -> SweepProgress | None:
        """How far all are that make a sweep, or None where nobody does. `began` is by this machine's clock."""
        query = (
            sa.select(ProgressRow.content, database_now() - ProgressRow.written)
            .join(WorkerRow, WorkerRow.id == ProgressRow.worker_id)
            .where(ProgressRow.sweep_id == sweep_id, WorkerRow.until > database_now())
            .order_by(ProgressRow.worker_id)
        )
        with self._database.reading() as session:
            parts = [(content, age) for content, age in session.execute(query)]
        if not parts:
            return None
        return SweepProgress(
            cells={index: cell for content, _ in parts for index, cell in _cells(content).items()},
            made=sum(content["made"] for content, _ in parts),
            began=time.time() - max(content["lasted"] + max(0.0, age) for content, age in parts),
            fetched=sum(content["fetched"] for content, _ in parts),
            to_fetch=sum(content["to_fetch"] for content, _ in parts),
            measuring=any(content.get("measuring", False) for content, _ in parts),  # none of a worker of before
        )

    def clear(self, sweep_id: SweepId, worker_id: WorkerId | None = None) -> None:
        """Forget how far a worker is with a sweep, or all are."""
        query = sa.delete(ProgressRow).where(ProgressRow.sweep_id == sweep_id)
        with self._database.coordinating() as session:
            session.execute(query if worker_id is None else query.where(ProgressRow.worker_id == worker_id))


def _cells(content: dict[str, Any]) -> dict[int, CellProgress]:
    return {int(index): CellProgress(**cell) for index, cell in content["cells"].items()}
