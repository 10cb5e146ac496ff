"""From a store in use to a backup, in which every row has its pictures."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bgen_core.content_address import hash_bytes
from bgen_core.errors import LostPictureError, StoreError
from bgen_core.ids import BlobHash
from bgen_core.store.backup.database_copy import copy_name, copy_out
from bgen_core.store.backup.places import BackupPlace, writing
from bgen_core.store.schema import SCHEMA_VERSION
from bgen_core.store.store import Store
from bgen_core.store.upkeep.check import Looked

MANIFEST = "backup.json"
VERSION = 1
_TRIES = 5  # each needs only what has changed since the one before


@dataclass(frozen=True, kw_only=True)
class Saved:
    """What was saved.

    Attributes
    ----------
    pictures, new
        In the backup, and those of them that were not there whole before.
    lost
        Pictures that the store itself lacks, or has damaged: rows name them, here as there.
    """

    pictures: int
    new: int
    lost: int


def picture_path(name: BlobHash) -> str:
    """Where a picture lies in a backup."""
    return f"blobs/{name[:2]}/{name}.png"


def back_up(store: Store, target: Path) -> Iterator[Looked | Saved]:
    """Save a store; it may be in use. The last event says what was saved.

    The database is copied first, and then the pictures that it names: a picture is there before its row, and never
    changes. Where something is deleted meanwhile, the database is copied again.

    Raises
    ------
    UserInputError
        The target is something else.
    StoreError
        The store cannot be read or the target not written, or so much is deleted that no state can be caught.
    """
    with ExitStack() as stack:
        place = stack.enter_context(writing(target))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bgen-backup-")))
        new = 0
        for _ in range(_TRIES):
            copy = folder / copy_name(store.database)
            copy.unlink(missing_ok=True)
            before = store.pictures.uses().keys()
            copy_out(store.database, copy)
            named = store.pictures.uses().keys()
            lost: set[BlobHash] = set()
            lengths = store.blobs.sizes(named)
            for done, name in enumerate(sorted(named), 1):
                new += _save(store, place, name, lengths.get(name), lost)
                yield Looked(done=done, of=len(named))
            if before <= named and lost <= store.pictures.uses().keys():
                break
        else:
            raise StoreError("So much is deleted at this moment that no state can be saved: try again later.")
        place.take_in(copy.name, copy)
        manifest = {
            "bgen_backup": VERSION,
            "database": copy.name,
            "schema": SCHEMA_VERSION,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "pictures": len(named) - len(lost),
        }
        place.write(MANIFEST, json.dumps(manifest, indent=2).encode())
    yield Saved(pictures=len(named) - len(lost), new=new, lost=len(lost))


def _save(store: Store, place: BackupPlace, name: BlobHash, length: int | None, lost: set[BlobHash]) -> bool:
    """Save a picture that the backup lacks, or has with another length than the store: one of both is damaged."""
    path = picture_path(name)
    is_there = place.has(path)
    if is_there and place.length(path) == length:
        return False
    try:
        data = store.blobs.get(name)
    except LostPictureError:
        if not is_there or hash_bytes(place.read(path)) != name:
            lost.add(name)
        return False
    place.write(path, data)
    return True
