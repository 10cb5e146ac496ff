"""Which pictures the database refers to, and removing those that it does not."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bgen_core.errors import StoreError
from bgen_core.store.blobs import BlobStore, is_older
from bgen_core.store.database import Database, id_chunks
from bgen_core.store.schema import RunRow, SubjectRow

PictureRole = Literal["image", "raw", "photo", "alpha"]

# A run in the making has its pictures before its row; so has an import. Younger files are nobody's business.
GRACE = timedelta(minutes=10)
_COLUMNS: tuple[tuple[PictureRole, Any, Any], ...] = (
    ("image", RunRow.id, RunRow.image),
    ("raw", RunRow.id, RunRow.raw),
    ("photo", SubjectRow.id, SubjectRow.photo),
    ("alpha", SubjectRow.id, SubjectRow.alpha),
)
_FILES_AT_ONCE = 200  # in one transaction: other writers wait for it


@dataclass(frozen=True, kw_only=True)
class PictureUse:
    """One row that needs a picture: a run its finished or raw picture, a subject its photo or alpha."""

    role: PictureRole
    owner_id: str


@dataclass(frozen=True, kw_only=True)
class Removed:
    """Files that were removed, or would be: how many, and their length in bytes."""

    files: int = 0
    size: int = 0

    def __add__(self, other: "Removed") -> "Removed":
        return Removed(files=self.files + other.files, size=self.size + other.size)


class PictureRows:
    """The part of the store that knows what its pictures are for."""

    _database: Database
    blobs: BlobStore

    def picture_uses(self) -> dict[str, list[PictureUse]]:
        """Content address -> every row that needs it."""
        found: dict[str, list[PictureUse]] = {}
        with self._database.reading() as session:
            for role, owner, column in _COLUMNS:
                for owner_id, name in session.execute(sa.select(owner, column)):
                    found.setdefault(name, []).append(PictureUse(role=role, owner_id=owner_id))
        return found

    def remove_unused_pictures(self, names: Collection[str]) -> Removed:
        """Remove those of these pictures that no row needs, with their small versions.

        Nobody can commit a row meanwhile, and who commits later looks whether its pictures are still there.
        """
        removed = Removed()
        for chunk in id_chunks(sorted(names), _FILES_AT_ONCE):
            with self._database.writing() as session:
                for name in set(chunk) - used_pictures(session, chunk):
                    removed += self._remove(name)
        return removed

    def _remove(self, name: str) -> Removed:
        try:
            size = self.blobs.size(name)
        except StoreError:
            return Removed()
        self.blobs.delete(name)
        return Removed(files=1, size=size)


def used_pictures(session: Session, names: Collection[str]) -> set[str]:
    """Which of these pictures a row needs."""
    found: set[str] = set()
    for chunk in id_chunks(names):
        for _, _, column in _COLUMNS:
            found.update(session.scalars(sa.select(column).where(column.in_(chunk))))
    return found


def collect_garbage(store: PictureRows, *, dry_run: bool = False, older_than: timedelta = GRACE) -> Removed:
    """Remove pictures that nothing refers to, small versions of pictures that are gone, and halves of dead writers.

    Parameters
    ----------
    dry_run
        Only count what would go.
    older_than
        What was changed later stays: its row may be about to be written.
    """
    listing, uses = store.blobs.listing(), store.picture_uses()
    unused = {
        name: file.size
        for name, file in listing.pictures.items()
        if name not in uses and is_older(file, older_than)
    }  # fmt: skip
    strays = [
        file
        for name, files in listing.thumbnails.items()
        for file in files
        if name not in listing.pictures and is_older(file, older_than)
    ]
    strays += [file for file in listing.incoming if is_older(file, older_than)]
    gone = Removed(files=len(strays), size=sum(file.size for file in strays))
    if dry_run:
        return gone + Removed(files=len(unused), size=sum(unused.values()))
    for file in strays:
        store.blobs.remove_path(file.path)
    return gone + store.remove_unused_pictures(unused.keys())
