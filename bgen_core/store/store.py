"""The store: one database and one folder of pictures, under BGEN_HOME."""

from contextlib import suppress
from types import TracebackType

from bgen_core.errors import StoreError
from bgen_core.private_files import close_to_others, make_private_folder
from bgen_core.records.link import Link
from bgen_core.records.visitor import Visitor
from bgen_core.settings import Settings
from bgen_core.store.access import Access
from bgen_core.store.attempts import Attempts
from bgen_core.store.blobs import BlobStore
from bgen_core.store.coordination.early_values import EarlyValues
from bgen_core.store.coordination.leases import Leases
from bgen_core.store.coordination.looks import Looks
from bgen_core.store.coordination.repeats import Repeats
from bgen_core.store.coordination.sweep_progress import Progresses
from bgen_core.store.coordination.tunings import Tunings
from bgen_core.store.coordination.workers import Workers
from bgen_core.store.copies import Copies
from bgen_core.store.database import Database
from bgen_core.store.metrics import Metrics
from bgen_core.store.opinions import Opinions
from bgen_core.store.people.decisions import Decisions
from bgen_core.store.people.links import Links
from bgen_core.store.people.races import Races
from bgen_core.store.people.tokens import SeenTokens, Tokens
from bgen_core.store.people.visitors import Visitors
from bgen_core.store.picture_vectors import PictureVectors
from bgen_core.store.pictures import Pictures
from bgen_core.store.places.near_copies import NearCopies
from bgen_core.store.run_deletion import Deletion
from bgen_core.store.runs import Runs
from bgen_core.store.subjects import Subjects
from bgen_core.store.sweeps import Sweeps
from bgen_core.store.views import Views

_UNLIMITED = Access()


class Store:
    """Everything that outlives the program, a part for each kind of thing.

    One store may be used by many threads at once, and several processes may open the same folder. Every method of every
    part raises StoreError where the database or the folder cannot be used. Opened by `open_store`.

    Attributes
    ----------
    database, blobs
        The rows and the pictures themselves, for what reads or writes more than one kind of thing.
    access
        What whoever opened it may see and do: all parts keep to it.
    runs, sweeps, subjects, metrics, opinions, views, tokens
        What is kept.
    vectors
        Where runs' pictures lie in the space of a CLIP model.
    links
        Read-only links.
    attempts
        Cells that are drawn again with another seed.
    decisions
        Questions that sweeps were made to answer, and what was decided.
    races
        Which sweeps add seeds until one value is left, and what was decided on the way.
    visitors
        How people are called.
    copies
        Which runs are at another place too.
    pictures
        What the pictures are for.
    deletion
        What goes when runs go.
    early_values
        What previews said, and what became of them; learnt from by everybody's sweeps.
    workers, leases, progress, looks, tunings, repeats
        Who computes, who holds what, how far they are, whether somebody looks, what was measured, and what is to be
        made again elsewhere: no content, and nobody's.
    """

    def __init__(self, database: Database, blobs: BlobStore, access: Access = _UNLIMITED) -> None:
        self.database = database
        self.blobs = blobs
        self.access = access
        self.runs = Runs(database, blobs, access)
        self.sweeps = Sweeps(database, access)
        self.subjects = Subjects(database, blobs, access)
        self.metrics = Metrics(database)
        self.vectors = PictureVectors(database)
        self.opinions = Opinions(database, access)
        self.views = Views(database, access)
        self.tokens = Tokens(database)
        self.copies = Copies(database)
        self.pictures = Pictures(database, blobs, access)
        self.deletion = Deletion(database, blobs, self.pictures, access)
        self.links = Links(database, access)
        self.decisions = Decisions(database, access)
        self.races = Races(database, access)
        self.attempts = Attempts(database)
        self.visitors = Visitors(database)
        self.workers = Workers(database)
        self.leases = Leases(database, self.workers)
        self.progress = Progresses(database)
        self.looks = Looks(database)
        self.tunings = Tunings(database)
        self.repeats = Repeats(database)
        self.early_values = EarlyValues(database)

    def revision(self) -> str:
        """A mark of everything in the database: equal marks, equal content. For caches, while this store is open."""
        return self.database.revision()

    def seen_by(self, visitor: Visitor) -> "SeenStore":
        """The same, limited to what a visitor may see and do; costs nothing, so it is asked for at each look."""
        return SeenStore(self, Access(visitor=visitor, sharing=self.access.sharing), visitor)

    def through(self, link: Link, visitor: Visitor) -> "SeenStore":
        """The same, limited to what a read-only link shows to somebody who has it."""
        return SeenStore(self, Access(visitor=visitor, sharing=self.access.sharing, link=link), visitor)


class SeenStore(Store):
    """The store as pages and routes have it.

    Attributes
    ----------
    visitor
        Who looks. What is added here is theirs, whatever name stands in it.
    """

    def __init__(self, store: Store, access: Access, visitor: Visitor) -> None:
        super().__init__(store.database, store.blobs, access)
        self.visitor = visitor
        self.tokens = SeenTokens(store.database, visitor)


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


_BESIDE = ("worker", "compiled", "hashes", "near")  # folders of the home


def open_store(settings: Settings, *, begin_anew: bool = False) -> OpenStore:
    """Open the store of a deployment, creating its folders and bringing its schema to the newest version.

    Parameters
    ----------
    begin_anew
        Whether an empty database may be begun beside pictures that another one knew.

    Raises
    ------
    StoreError
        The folder or the database cannot be used, or the database is empty and the pictures are not: says which, why
        and what to do.
    """
    near = NearCopies(settings.home / "near", settings.near_bytes) if settings.near_bytes else None
    blobs = BlobStore(settings.blob_root, reserve=settings.disk_reserve, most_bytes=settings.most_stored, near=near)
    with suppress(OSError):  # where it is needed, whoever needs it says so
        make_private_folder(settings.home)
    blobs.prepare()
    for name in _BESIDE:
        close_to_others(settings.home / name)
    database = Database(settings.database_url)
    try:
        database.prepare_folder()  # the pictures may lie elsewhere
        if not begin_anew:
            _check_that_nothing_is_lost(database, blobs)
        database.migrate()
        database.close_to_others()
        Tunings(database).bring_along(settings.home / "tuning")
    except BaseException:
        database.close()
        raise
    return OpenStore(database, blobs, Access(sharing=settings.sharing))


def _check_that_nothing_is_lost(database: Database, blobs: BlobStore) -> None:
    """Refuse an empty database where there are pictures: it would look as if they had never been made."""
    if not database.is_empty():
        return
    pictures = len(blobs.listing().pictures)
    if pictures and database.is_empty():  # asked again: another process may have begun the store meanwhile
        raise StoreError(
            f"The database {database.place} is empty, but the folder {blobs.root} holds {pictures:,} pictures: restore "
            "the database from a backup, or let `store check --repair` begin a new one with the runs that the pictures "
            "describe. Subjects, sweeps and opinions are not in them."
        )
