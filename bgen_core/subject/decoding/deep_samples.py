"""Samples of more than 8 bits, and what a TIFF's tags say about samples: which value is white, and which is black."""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from PIL import Image

# TIFF 6.0's numbers of tags
_BITS, _COMPRESSION, _PHOTOMETRIC, _MOST, _COLOUR_MAP, _FORMAT = 258, 259, 262, 281, 320, 339
_SIGNED_MOST, _SUBSAMPLING, _BLACK_WHITE = 341, 530, 532
_WHITE_IS_ZERO, _RGB, _YCBCR = 0, 2, 6
_FULL_RANGES = {_RGB: (0, 255, 0, 255, 0, 255), _YCBCR: (0, 255, 128, 255, 128, 255)}


class UnreadableSamplesError(ValueError):
    """Samples whose range says nothing about what is white. The text is the end of a sentence."""


def check_samples(picture: Image.Image) -> None:
    """Refuse what Pillow 13 takes for a file that is cut short.

    Raises
    ------
    UnreadableSamplesError
        Uncompressed YCbCr with fewer samples of colour than of brightness.
    """
    tags = _tags(picture)
    if _first(tags, _PHOTOMETRIC) == _YCBCR and _first(tags, _COMPRESSION) == 1:
        sampling = tuple(tags.get(_SUBSAMPLING, (2, 2)))
        if sampling != (1, 1):
            raise UnreadableSamplesError(
                f"holds uncompressed YCbCr with {'×'.join(map(str, sampling))} subsampling, which is not read here: "
                "save it as RGB"
            )


def notes_on_samples(picture: Image.Image) -> tuple[str, ...]:
    """What a loaded picture of 8 bits should be given with: ranges that Pillow 13 does not obey or cannot know."""
    tags, notes = _tags(picture), list[str]()
    full = _FULL_RANGES.get(_first(tags, _PHOTOMETRIC) or 0)
    stated = tuple(float(each) for each in tags.get(_BLACK_WHITE, ()))
    if full and stated and stated != full and _first(tags, _BITS) == 8:
        notes.append(f"Its black and white ({', '.join(f'{each:g}' for each in stated)}) were not followed.")
    if picture.mode == "RGB" and (_first(tags, _BITS) or 8) > 8 and 0 < _brightest(picture) <= 16:
        notes.append(
            "It is nearly black: it may hold 12 bits in samples of 16, which are only read in grey pictures; save it "
            "with 8 bits."
        )
    if picture.format == "JPEG" and picture.mode == "CMYK" and "adobe" not in picture.info:
        notes.append("It holds CMYK and does not say whether its inks are inverted: they were taken for inverted.")
    return tuple(notes)


def with_its_palette(picture: Image.Image) -> Image.Image:
    """A TIFF whose colour map ends at 255 in place of 65535, as old programs wrote it: Pillow 13 makes it black."""
    colours = _tags(picture).get(_COLOUR_MAP)
    if picture.mode == "P" and colours and max(colours) < 256:
        picture.putpalette(bytes(colours), "RGB;L")
    return picture


def is_deep(picture: Image.Image) -> bool:
    """Whether `grey_of_deep` reads it."""
    return picture.mode == "F" or picture.mode.startswith("I")


def grey_of_deep(picture: Image.Image, *, guess: bool) -> tuple[Image.Image, Image.Image | None, tuple[str, ...]]:
    """Grey of 16 bits, 32 bits or float -> mode L, its alpha, and what was assumed.

    Parameters
    ----------
    guess
        Whether samples that use a small part of their range are taken for those of fewer bits. A mask's may be few.

    Raises
    ------
    UnreadableSamplesError
        Samples in a range of which nobody knows what is white.
    """
    samples = np.asarray(picture)
    if not np.isfinite(samples).all():
        raise UnreadableSamplesError("has samples that are no numbers (NaN or infinite)")
    tags = _tags(picture)
    low, high = float(samples.min()), float(samples.max())
    full, notes = _sixteen(tags, high, guess) if picture.mode.startswith("I;16") else _by_range(picture.mode, high)
    if low < 0 or high > full:
        raise UnreadableSamplesError(
            f"has samples from {low:g} to {high:g}: allowed are 0 to 1, 0 to 255 or 0 to 65535"
        )
    levels = np.rint(samples.astype(np.float64) * (255 / full)).astype(np.uint8)
    if _first(tags, _PHOTOMETRIC) == _WHITE_IS_ZERO:  # Pillow 13 inverts 8 bits and fewer alone
        levels = 255 - levels
    transparent = picture.info.get("transparency")
    alpha = np.where(samples == transparent, 0, 255).astype(np.uint8) if isinstance(transparent, int) else None
    return Image.fromarray(levels), None if alpha is None else Image.fromarray(alpha), notes if guess else ()


def _sixteen(tags: Mapping[int, Any], high: float, guess: bool) -> tuple[float, tuple[str, ...]]:
    """The white of whole numbers in 16 bits."""
    if _first(tags, _BITS) == 12:
        return 4095.0, ()
    stated = _first(tags, _MOST) or _first(tags, _SIGNED_MOST)
    # Some programs write the brightest sample there: only the most that a number of bits can hold is a white.
    if stated and stated + 1 in (256, 1024, 4096, 16384) and high <= stated:
        return float(stated), ()
    if not guess or high == 0 or high > 16383:
        return 65535.0, ()
    full = 255.0 if high <= 255 else 4095.0 if high <= 4095 else 65535.0
    return full, (f"Its samples go up to {high:,.0f} of 65,535: they were read as 0 to {full:,.0f}.",)


def _by_range(mode: str, high: float) -> tuple[float, tuple[str, ...]]:
    """The white of other numbers, by the range that they use."""
    full = 1.0 if mode == "F" and high <= 1 else 255.0 if high <= 255 else 65535.0
    kind = " They were taken as they are: those of linear light look too dark." if mode == "F" else ""
    return full, (f"Its samples go up to {high:,.6g}, and were read as 0 to {full:,.0f}.{kind}",)


def _brightest(picture: Image.Image) -> int:
    return int(np.asarray(picture).max())


def _tags(picture: Image.Image) -> Mapping[int, Any]:
    return getattr(picture, "tag_v2", {})


def _first(tags: Mapping[int, Any], tag: int) -> int | None:
    value: Any = tags.get(tag)
    if isinstance(value, tuple):
        value = next(iter(cast("tuple[Any, ...]", value)), None)
    return value if isinstance(value, int) else None
