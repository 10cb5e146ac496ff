"""Removing what nothing needs: pictures without a row, small versions of pictures that are gone, halves of writes."""

from datetime import timedelta

from bgen_core.store.blobs import is_older
from bgen_core.store.pictures import Removed
from bgen_core.store.store import Store

# A run in the making has its pictures before its row, and so has an import. Far longer than that takes, and so long
# that a bucket's clock may be minutes away from this machine's. What goes all the same is put again: see `removals`.
GRACE = timedelta(hours=1)


_MANY = 20


def most_would_go(store: Store) -> str:
    """A sentence where most of many pictures would go, because the database may not be the one that belongs to them."""
    pictures, unused = len(store.blobs.listing().pictures), collect_garbage(store, dry_run=True).files
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
    listing, uses = store.blobs.listing(), store.pictures.uses()
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
    return gone + store.pictures.remove_unused(unused.keys(), unused)
