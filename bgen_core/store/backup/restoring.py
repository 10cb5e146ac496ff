"""From a backup to a store, which then holds what the backup does; it may be in use."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bgen_core.content_address import hash_bytes
from bgen_core.errors import UserInputError
from bgen_core.ids import BlobHash
from bgen_core.store.backup.database_copy import copy_in, copy_name, is_sqlite
from bgen_core.store.backup.places import BackupPlace, reading
from bgen_core.store.backup.saving import MANIFEST, VERSION, picture_path
from bgen_core.store.database import Database
from bgen_core.store.pictures import Pictures
from bgen_core.store.store import Store
from bgen_core.store.upkeep.check import Looked


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What was restored.

    Attributes
    ----------
    created
        When the backup was made.
    pictures, new
        In the backup, and those of them that the store did not have, or had damaged.
    lost
        Pictures that the backup lacks or has damaged, and the store too.
    """

    created: str
    pictures: int
    new: int
    lost: int


def restore(store: Store, source: Path) -> Iterator[Looked | Restored]:
    """Put a backup in the place of what a store holds. The last event says what was restored.

    Pictures come first and the database last, in one step: until then the store is as it was. Pictures that it held
    before stay where they are, for `store gc`.

    Raises
    ------
    UserInputError
        It is no backup, or one of another kind of database.
    StoreError
        The store cannot be written, or the backup was made by a newer version of the program.
    """
    with ExitStack() as stack:
        place = stack.enter_context(reading(source))
        manifest = _fitting_manifest(place, source, store)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bgen-restore-")))
        copy = folder / copy_name(store.database)
        place.copy_out(copy.name, copy)
        new, lost = 0, 0
        names = sorted(_names(store, place, copy))
        for done, name in enumerate(names, 1):
            if not store.blobs.has_whole(name):
                data = place.read(picture_path(name)) if place.has(picture_path(name)) else b""
                if hash_bytes(data) == name:
                    store.blobs.put(data)
                    new += 1
                else:
                    lost += 1
            yield Looked(done=done, of=len(names))
        copy_in(store.database, copy)
        store.database.migrate()
    yield Restored(created=str(manifest["created"]), pictures=len(names), new=new, lost=lost)


def check_backup(store: Store, source: Path) -> None:
    """Raise UserInputError unless it is a backup that `restore` would put into this store."""
    with reading(source) as place:
        _fitting_manifest(place, source, store)


def _fitting_manifest(place: BackupPlace, source: Path, store: Store) -> dict[str, Any]:
    manifest = _manifest(place, source)
    if manifest["database"] != copy_name(store.database):
        kinds = {"database.sqlite3": "SQLite", "database.sql": "PostgreSQL"}
        raise UserInputError(
            f"{source} is a backup of {kinds.get(str(manifest['database']), 'another database')}, and this store's "
            f"is {kinds[copy_name(store.database)]}: bring runs over with `runs export` and `runs import`."
        )
    return manifest


def _manifest(place: BackupPlace, source: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = {}
    try:
        manifest = json.loads(place.read(MANIFEST))
        known = manifest["bgen_backup"] == VERSION and {"database", "created"} <= manifest.keys()
    except (ValueError, KeyError, TypeError, RecursionError):
        known = False
    if not known:
        raise UserInputError(f"{source} is no backup that this version of bgen reads.")
    return manifest


def _names(store: Store, place: BackupPlace, copy: Path) -> set[BlobHash]:
    """The pictures that the backup's rows name; of a dump, which cannot be asked, all pictures that are in it."""
    if not is_sqlite(store.database):
        return place.pictures()
    with closing(Database(sa.URL.create("sqlite", database=str(copy)))) as saved:
        saved.migrate()  # an older one, before anybody sees it; a newer one is refused
        return set(Pictures(saved, store.blobs, store.access).uses())
