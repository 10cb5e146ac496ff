"""Which kind of place an address names."""

from pathlib import Path

from bgen_core.store.places.blob_place import BlobPlace
from bgen_core.store.places.bucket import Bucket


def place_at(root: Path | str, *, reserve: int | None = 0) -> BlobPlace:
    """The place of an address; see `BlobPlace`."""
    kind = Bucket if str(root).partition("://")[0] in ("s3", "s3a") else BlobPlace
    return kind(root, reserve=reserve)
