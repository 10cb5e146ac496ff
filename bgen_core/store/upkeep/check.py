"""Whether database and pictures belong together: what is missing, damaged, left over or half-written."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from bgen_core.errors import StoreError
from bgen_core.ids import BlobHash
from bgen_core.store.blobs import is_older
from bgen_core.store.pictures import PictureUse
from bgen_core.store.store import Store
from bgen_core.store.upkeep.garbage import GRACE

FindingKind = Literal["missing", "damaged", "unused", "thumbnail", "unfinished"]
_NO_PICTURE = BlobHash("")
_ROLES = {
    "image": "the finished picture of the run",
    "raw": "the raw picture of the run",
    "photo": "the photo of the subject",
    "alpha": "the mask of the subject",
    "reference": "the reference picture of the run",
    "background": "the background picture of the run",
    "planned": "a reference or background picture of the sweep",
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is not as it should be.

    Attributes
    ----------
    kind
        "missing": a row names a picture that is not there. "damaged": its bytes are not those that its name stands for.
        "unused": no row names it. "thumbnail": a small version of a picture that is gone. "unfinished": half a file
        that its writer left.
    path
        Below the folder of pictures.
    picture
        Content address; empty for a half-written file.
    uses
        The rows that need the picture.
    """

    kind: FindingKind
    path: str
    picture: BlobHash = _NO_PICTURE
    uses: tuple[PictureUse, ...] = ()

    @property
    def text(self) -> str:
        """What is wrong, in one sentence."""
        if self.kind == "missing":
            return f"{self.path} is missing: it is {self._needed_as}."
        if self.kind == "damaged":
            return f"{self.path} is damaged" + (f": it is {self._needed_as}." if self.uses else "; nothing needs it.")
        if self.kind == "unused":
            return f"{self.path} belongs to no run, no subject and no sweep."
        if self.kind == "thumbnail":
            return f"{self.path} is a small version of a picture that is gone."
        return f"{self.path} was never finished."

    @property
    def _needed_as(self) -> str:
        named = [f"{_ROLES[use.role]} {use.owner_id[:12]}" for use in self.uses[:3]]
        more = len(self.uses) - len(named)
        return " and ".join(named) + (f" and of {more} more" if more else "")


@dataclass(frozen=True, kw_only=True)
class Looked:
    """How far a walk through the store has come: pictures looked at, of all."""

    done: int
    of: int


def check_store(store: Store, *, quick: bool = False, older_than: timedelta = GRACE) -> Iterator[Finding | Looked]:
    """Compare every row with every file. Nothing is changed; the store may be in use.

    Parameters
    ----------
    quick
        Do not read the pictures: damaged ones are then not found.
    older_than
        Leftovers that were changed later are not reported: their row may be about to be written.
    """
    uses, listing = store.pictures.uses(), store.blobs.listing()
    for number, (name, file) in enumerate(sorted(listing.pictures.items()), 1):
        needed = tuple(uses.get(name, ()))
        if not quick and not _is_whole(store, name):
            yield Finding(kind="damaged", path=file.path, picture=name, uses=needed)
        elif not needed and is_older(file, older_than):
            yield Finding(kind="unused", path=file.path, picture=name)
        yield Looked(done=number, of=len(listing.pictures))
    missing = [name for name in sorted(uses.keys() - listing.pictures.keys()) if not store.blobs.exists(name)]
    still_needed = store.pictures.uses() if missing else {}  # a run may have been deleted since
    for name in missing:
        if needed := tuple(still_needed.get(name, ())):
            yield Finding(kind="missing", path=f"{name[:2]}/{name}.png", picture=name, uses=needed)
    for name, files in sorted(listing.thumbnails.items()):
        for file in files if name not in listing.pictures and name not in uses else ():
            if is_older(file, older_than):
                yield Finding(kind="thumbnail", path=file.path, picture=name)
    for file in listing.incoming:
        if is_older(file, older_than):
            yield Finding(kind="unfinished", path=file.path)


def _is_whole(store: Store, name: BlobHash) -> bool:
    try:
        store.blobs.get(name)
        return True
    except StoreError:
        return not store.blobs.exists(name)  # deleted since; what is there and cannot be read is damaged
