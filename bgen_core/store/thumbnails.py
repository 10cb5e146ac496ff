"""Small versions of the store's pictures, made once and kept beside them."""

from contextlib import suppress

from bgen_core.errors import LostPictureError, StoreError, UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import BlobHash
from bgen_core.store.blobs import STORED_LIMITS, THUMBNAIL_SIDES, BlobStore
from bgen_core.subject.decoding.image_io import decode_photo, encode_webp, resize
from bgen_core.subject.previews import as_shown


def thumbnail(blobs: BlobStore, blob: BlobHash, side: int) -> bytes:
    """A picture of the store as WebP, never enlarged.

    Parameters
    ----------
    blob
        Content address of a PNG.
    side
        Longest side in pixels, one of `THUMBNAIL_SIDES`: a free choice would let a visitor fill the disk.

    Raises
    ------
    UserInputError
        A side that is not offered.
    LostPictureError
        The picture is missing or damaged.
    """
    if side not in THUMBNAIL_SIDES:
        offered = ", ".join(str(known) for known in THUMBNAIL_SIDES)
        raise UserInputError(f"side {side} is not allowed: choose one of {offered}.")
    variant = f"{side}.webp"
    kept = blobs.get_thumbnail(blob, variant)
    if kept is not None:
        return kept
    try:
        image = as_shown(decode_photo(blobs.get_near(blob), name=blob, limits=STORED_LIMITS))
    except UserInputError as error:
        raise LostPictureError(
            f"The picture {blob[:12]}… in {blobs.root} is damaged: restore it from a backup.",
            public=f"The picture {blob[:12]}… is damaged.",
        ) from error
    made = encode_webp(resize(image, Extent.of(image).scaled_to_longest_side(side)))
    with suppress(StoreError):  # a full disk costs the next visitor a moment, not the picture
        blobs.put_thumbnail(blob, variant, made)
    return made
