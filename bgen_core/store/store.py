"""The store: one database and one folder of pictures, under BGEN_HOME."""

from types import TracebackType

from bgen_core.settings import Settings
from bgen_core.store.blobs import BlobStore
from bgen_core.store.database import Database
from bgen_core.store.metrics import Metrics
from bgen_core.store.opinions import Opinions
from bgen_core.store.pictures import Pictures
from bgen_core.store.run_deletion import Deletion
from bgen_core.store.runs import Runs
from bgen_core.store.subjects import Subjects
from bgen_core.store.sweeps import Sweeps
from bgen_core.store.views import Views


class Store:
    """Everything that outlives the program, a part for each kind of thing.

    One store may be used by many threads at once, and several processes may open the same folder. Every method of every
    part raises StoreError where the database or the folder cannot be used. Opened by `open_store`.

    Attributes
    ----------
    database, blobs
        The rows and the pictures themselves, for what reads or writes more than one kind of thing.
    runs, sweeps, subjects, metrics, opinions, views
        What is kept.
    pictures
        What the pictures are for.
    deletion
        What goes when runs go.
    """

    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self.database = database
        self.blobs = blobs
        self.runs = Runs(database, blobs)
        self.sweeps = Sweeps(database)
        self.subjects = Subjects(database, blobs)
        self.metrics = Metrics(database)
        self.opinions = Opinions(database)
        self.views = Views(database)
        self.pictures = Pictures(database, blobs)
        self.deletion = Deletion(database, blobs, self.pictures)

    def revision(self) -> str:
        """A mark of everything in the database: equal marks, equal content. For caches, while this store is open."""
        return self.database.revision()


class OpenStore(Store):
    """A store that whoever opened it closes again; `with` does."""

    def close(self) -> None:
        self.database.close()

    def __enter__(self) -> "OpenStore":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_store(settings: Settings) -> OpenStore:
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
    return OpenStore(database, blobs)
