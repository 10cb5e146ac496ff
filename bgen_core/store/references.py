"""Reference pictures: stored under their content address, and kept as long as a run or a sweep names them."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from bgen_core.errors import LostPictureError, UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import BlobHash
from bgen_core.store.blobs import STORED_LIMITS, BlobStore
from bgen_core.subject.decoding.image_io import decode_photo, encode_png, resize
from bgen_core.wording import quoted

# What looks at a reference sees some 224 to 448 pixels of it.
LONGEST_SIDE = 1024


def encode_reference(image: np.ndarray) -> bytes:
    """A picture as it is kept: a PNG of at most `LONGEST_SIDE` pixels.

    Parameters
    ----------
    image
        uint8, HWC, RGB.
    """
    extent = Extent.of(image)
    share = LONGEST_SIDE / max(extent.width, extent.height)
    if share < 1:
        smaller = Extent(width=max(1, round(extent.width * share)), height=max(1, round(extent.height * share)))
        image = resize(image, smaller)
    return encode_png(image)


def load_references(blobs: BlobStore, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Content address -> pixels, of all that are named; empty names are none.

    Raises
    ------
    UserInputError
        One of them is not there, or is no picture.
    """
    return {name: _load(blobs, name) for name in dict.fromkeys(names) if name}


def _load(blobs: BlobStore, name: str) -> np.ndarray:
    try:
        return decode_photo(blobs.get(BlobHash(name)), name=name, limits=STORED_LIMITS).image
    except (LostPictureError, UserInputError) as error:
        raise UserInputError(
            f"The reference picture {quoted(name[:12])} is not in the store, or is damaged: give its file again, or "
            "import the ZIP that it came with."
        ) from error


def references_of(plan: Mapping[str, Any]) -> set[BlobHash]:
    """Content addresses of the reference pictures that a plan's JSON names."""
    swept = [axis["values"] for axis in plan.get("axes", ()) if axis["name"] == "reference"]
    named = {plan.get("base", {}).get("reference", "")}.union(*swept)
    return {BlobHash(name) for name in named if name}
