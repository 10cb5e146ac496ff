"""The store: one database and one folder of pictures, under BGEN_HOME."""

from types import TracebackType

from bgen_core.settings import Settings
from bgen_core.store.blobs import BlobStore
from bgen_core.store.database import Database
from bgen_core.store.metric_rows import MetricRows
from bgen_core.store.opinion_rows import OpinionRows
from bgen_core.store.run_deletion import RunDeletions
from bgen_core.store.run_rows import RunRows
from bgen_core.store.subject_rows import SubjectEntry, SubjectRows
from bgen_core.store.sweep_rows import (
    ACTIVE_STATES,
    UNFINISHED_STATES,
    SweepCellRow,
    SweepRecord,
    SweepRows,
    SweepState,
)

__all__ = [
    "ACTIVE_STATES",
    "UNFINISHED_STATES",
    "Store",
    "SubjectEntry",
    "SweepCellRow",
    "SweepRecord",
    "SweepState",
    "open_store",
]


class Store(SubjectRows, SweepRows, RunRows, RunDeletions, MetricRows, OpinionRows):
    """Everything that outlives the program: subjects, sweeps and their queue, runs, measures and opinions.

    One store may be used by many threads at once, and several processes may open the same folder. Every method raises
    StoreError where the database or the folder cannot be used. Opened by `open_store`; close it, or use it in a `with`.

    Attributes
    ----------
    blobs
        The pictures.
    """

    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self._database = database
        self.blobs = blobs

    @property
    def database(self) -> Database:
        """The database, for what reads or writes more than one kind of row."""
        return self._database

    def revision(self) -> str:
        """A mark of everything in the database: equal marks, equal content. For caches, while this store is open."""
        return self._database.revision()

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_store(settings: Settings) -> Store:
    """Open the store of a deployment, creating its folders and bringing its schema to the newest version.

    Raises
    ------
    StoreError
        The folder or the database cannot be used: says which, why and what to do.
    """
    blobs = BlobStore(settings.blob_root)
    blobs.prepare()
    database = Database(settings.database_url)
    try:
        database.prepare_folder()  # the pictures may lie elsewhere
        database.migrate()
    except BaseException:
        database.close()
        raise
    return Store(database, blobs)
