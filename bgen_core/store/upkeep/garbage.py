"""Removing what nothing needs: pictures without a row, small versions of pictures that are gone, halves of writes."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from itertools import islice
from typing import TypeVar

from bgen_core.ids import BlobHash
from bgen_core.store.blobs import is_older
from bgen_core.store.pictures import Removed
from bgen_core.store.store import Store

# A run in the making has its pictures before its row, and so has an import. Far longer than that takes, and so long
# that a bucket's clock may be minutes away from this machine's. What goes all the same is put again: see `removals`.
GRACE = timedelta(hours=1)
_AT_ONCE = 1000  # files: S3 names so many with each request, and takes as many to be removed
_MANY = 20
_Item = TypeVar("_Item")


def most_would_go(store: Store) -> str:
    """A sentence where most of many pictures would go, because the database may not be the one that belongs to them."""
    pictures = sum(each.kind == "picture" for each in store.blobs.files())
    unused = collect_garbage(store, dry_run=True).files
    if pictures < _MANY or unused * 2 <= pictures:
        return ""
    return f"{unused:,} of {pictures:,} pictures would go, since the database {store.database.place} needs no more."


def collect_garbage(store: Store, *, dry_run: bool = False, older_than: timedelta = GRACE) -> Removed:
    """Remove pictures that nothing refers to, small versions of pictures that are gone, and halves of dead writers.

    Parameters
    ----------
    dry_run
        Only count what would go.
    older_than
        What was changed later stays: its row may be about to be written.
    """
    gone, there = Removed(), set[bytes]()
    for files in _batched(store.blobs.files(), _AT_ONCE):
        old = [each for each in files if is_older(each.file, older_than)]
        gone += _remove_unused(store, {each.picture: each.file.size for each in old if each.kind == "picture"}, dry_run)
        # Pictures come before thumbnails. In bytes, since a large store has many.
        there.update(bytes.fromhex(each.picture) for each in files if each.kind == "picture")
        strays = [
            each.file
            for each in old
            if each.kind == "incoming" or (each.kind == "thumbnail" and bytes.fromhex(each.picture) not in there)
        ]
        if not dry_run:
            store.blobs.remove_paths([file.path for file in strays])
        gone += Removed(files=len(strays), size=sum(file.size for file in strays))
    return gone


def _remove_unused(store: Store, sizes: Mapping[BlobHash, int], dry_run: bool) -> Removed:
    used = store.pictures.used(sizes) if sizes else set[BlobHash]()
    unused = {name: size for name, size in sizes.items() if name not in used}
    if dry_run:
        return Removed(files=len(unused), size=sum(unused.values()))
    return store.pictures.remove_unused(unused, unused)


def _batched(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    """Python 3.12's `itertools.batched`."""
    left = iter(items)
    while batch := list(islice(left, size)):
        yield batch
