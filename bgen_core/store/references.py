"""Reference and background pictures: stored under their content address, kept as long as a run or sweep names them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from bgen_core.errors import LostPictureError, UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import BlobHash
from bgen_core.parameters import PICTURES
from bgen_core.recent import Recent
from bgen_core.store.blobs import STORED_LIMITS, BlobStore
from bgen_core.subject.decoding.image_io import decode_photo, encode_png, resize
from bgen_core.wording import quoted

# What looks at a reference sees some 224 to 448 pixels of it.
LONGEST_SIDE = 1024
WHITE = 255  # before which one with transparency is kept, since nothing stands behind it
_BACKGROUNDS_HELD = 2
_FIELDS = tuple(parameter.field for parameter in PICTURES)


def encode_background(image: np.ndarray) -> bytes:
    """A picture (uint8, HWC, RGB) as it is kept for a background: a PNG of its own size."""
    return encode_png(image)


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


# Parameter -> how a picture that it names is kept
ENCODERS: dict[str, Callable[[np.ndarray], bytes]] = {
    "reference": encode_reference,
    "background": encode_background,
}


class KeptBackgrounds:
    """Background pictures of a store by their content addresses; the last two stay in memory."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._held: Recent[np.ndarray] = Recent(_BACKGROUNDS_HELD)

    def __call__(self, name: str) -> np.ndarray:
        """uint8, HWC, RGB. Raises UserInputError where it is not there, or is no picture."""
        return self._held.get(name, lambda: _load(self._blobs, name, "background"))


def check_backgrounds(blobs: BlobStore, names: Iterable[str]) -> None:
    """Refuse a background picture that the store does not have, without reading it.

    Raises
    ------
    UserInputError
        Says which.
    """
    for name in names:
        if name and not blobs.exists(BlobHash(name)):
            raise UserInputError(_not_there(name, "background"))


def _load(blobs: BlobStore, name: str, what: str = "reference") -> np.ndarray:
    try:
        return decode_photo(blobs.get(BlobHash(name)), name=name, limits=STORED_LIMITS).image
    except (LostPictureError, UserInputError) as error:
        raise UserInputError(_not_there(name, what)) from error


def _not_there(name: str, what: str) -> str:
    return (
        f"The {what} picture {quoted(name[:12])} is not in the store, or is damaged: give its file again, or "
        "import the ZIP that it came with."
    )


def references_of(plan: Mapping[str, Any]) -> set[BlobHash]:
    """Content addresses of the reference and background pictures that a plan's JSON names."""
    axes = [each for axis in plan.get("axes", ()) for each in (axis, *axis.get("paired", ()))]
    swept = [axis["values"] for axis in axes if axis["name"] in _FIELDS]
    named = {plan.get("base", {}).get(field, "") for field in _FIELDS}.union(*swept)
    return {BlobHash(name) for name in named if name}
