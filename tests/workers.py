"""Workers that are rows alone, for tests of what others make of them."""

from typing import Any

import sqlalchemy as sa

from bgen_core.ids import WorkerId
from bgen_core.process_identity import ProcessIdentity
from bgen_core.records.worker import WorkerKind, WorkerRecord, WorkerStatus
from bgen_core.store.schema import WorkerRow
from bgen_core.store.store import Store

READY: dict[str, Any] = {"state": "ready", "device_kind": "cpu", "dtype_name": "float32"}


def says(
    store: Store,
    worker_id: str = "worker",
    *,
    process: ProcessIdentity | None = None,
    kind: WorkerKind = "worker",
    lasting: float = 0.0,
    **said: Any,
) -> WorkerId:
    """A worker, of another machine unless told otherwise, says this; its beat stays fresh for some seconds more."""
    name = WorkerId(worker_id)
    process = process or ProcessIdentity(host="another machine", pid=1, start=1.0)
    store.workers.beat(name, kind, process, WorkerStatus(**(READY | said)))
    if lasting:
        with store.database.coordinating() as session:
            columns = {"beat": WorkerRow.beat + lasting, "until": WorkerRow.until + lasting}
            session.execute(sa.update(WorkerRow).where(WorkerRow.id == name).values(columns))
    return name


def forget(store: Store, worker_id: str = "worker") -> None:
    """As if it had ended as it should."""
    store.workers.leave(WorkerId(worker_id))


def record(worker_id: str = "worker", *, beat: float = 1.0, **said: Any) -> WorkerRecord:
    """What others read of a worker that beats."""
    return WorkerRecord(
        id=WorkerId(worker_id),
        kind="worker",
        process=ProcessIdentity(host="another machine", pid=1, start=1.0),
        status=WorkerStatus(**(READY | said)),
        began=0.0,
        beat=beat,
        age=0.0,
        holds=True,
    )
