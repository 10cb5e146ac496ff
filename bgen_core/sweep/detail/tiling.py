"""Where the tiles of a detail pass lie, and how their pictures become one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bgen_core.extent import Box, Extent
from bgen_core.sweep.detail.finer import BEYOND

LEAST_OVERLAP = 0.25  # of a tile's side, with the next one
_BAND = 256  # rows that are joined at a time: floats of a whole photo would take 144 MB at 12 megapixels


@dataclass(frozen=True)
class Tiling:
    """Overlapping tiles that cover a picture.

    Attributes
    ----------
    picture
        Size of what is covered.
    tile
        Size of each tile.
    grain
        What the tiles' corners divide by, in pixels, so that they lie on whole latents.
    """

    picture: Extent
    tile: Extent
    grain: int

    @classmethod
    def over(cls, photo: Extent, tile: Extent, grain: int) -> "Tiling | None":
        """Tiles of the model's size over a photo; None where it is not so much larger that anything is finer in it."""
        fits = photo.width <= BEYOND * tile.width and photo.height <= BEYOND * tile.height
        return None if fits else cls(picture=photo, tile=tile, grain=grain)

    @cached_property
    def lefts(self) -> tuple[int, ...]:
        return _starts(self.picture.width, self.tile.width, self.grain)

    @cached_property
    def tops(self) -> tuple[int, ...]:
        return _starts(self.picture.height, self.tile.height, self.grain)

    def __len__(self) -> int:
        return len(self.lefts) * len(self.tops)

    @property
    def whole(self) -> Extent:
        """What the tiles cover: the picture, and a little beyond it where it does not divide."""
        return Extent(width=self.lefts[-1] + self.tile.width, height=self.tops[-1] + self.tile.height)

    @cached_property
    def boxes(self) -> tuple[Box, ...]:
        """The tiles, row by row, within `whole`."""
        return tuple(
            Box(left=left, top=top, right=left + self.tile.width, bottom=top + self.tile.height)
            for top in self.tops
            for left in self.lefts
        )

    def padded(self, image: np.ndarray) -> np.ndarray:
        """A picture (uint8, HWC or HW) continued to `whole` by its mirror image."""
        own = Extent.of(image)
        if own == self.whole:
            return image
        beyond = [(0, self.whole.height - own.height), (0, self.whole.width - own.width)]
        return np.pad(image, beyond + [(0, 0)] * (image.ndim - 2), mode="symmetric")

    def joined(self, tiles: Sequence[np.ndarray]) -> np.ndarray:
        """One picture from those of all tiles, each fading out over its overlaps.

        Parameters
        ----------
        tiles
            uint8, HWC, in the order of `boxes`. Nothing depends on when they were painted.

        Returns
        -------
        np.ndarray
            uint8, HWC, of the size `picture`.
        """
        columns = _weights(self.lefts, self.tile.width)
        rows = _weights(self.tops, self.tile.height)
        made = np.empty((self.picture.height, self.picture.width, 3), np.uint8)
        for top in range(0, self.picture.height, _BAND):
            bottom = min(top + _BAND, self.picture.height)
            band = np.zeros((bottom - top, self.whole.width, 3), np.float32)
            for place, (box, tile) in enumerate(zip(self.boxes, tiles, strict=True)):
                first, last = max(top, box.top), min(bottom, box.bottom)
                if first < last:
                    down, across = divmod(place, len(self.lefts))
                    own = slice(first - box.top, last - box.top)
                    weight = rows[down][own, None, None] * columns[across][None, :, None]
                    band[first - top : last - top, box.left : box.right] += weight * tile[own]
            made[top:bottom] = np.rint(band[:, : self.picture.width])
        return made


def _starts(length: int, tile: int, grain: int) -> tuple[int, ...]:
    """Where tiles begin along one side, evenly, the last one ending at the side's end or less than a tile beyond."""
    if length <= tile:
        return (0,)
    widest = max(grain, int(tile * (1 - LEAST_OVERLAP)) // grain * grain)
    others = math.ceil((length - tile) / widest)
    stride = math.ceil((length - tile) / others / grain) * grain
    return tuple(place * stride for place in range(others + 1))


def _weights(starts: tuple[int, ...], tile: int) -> list[np.ndarray]:
    """Of each tile's pixels along one side, float32; at every place they add up to 1."""
    overlap = max(1, tile - (starts[1] if len(starts) > 1 else 0))  # none where a tile is as small as the grain
    place = np.arange(tile) + 0.5
    ramp = np.minimum(np.minimum(place, tile - place), overlap)
    total = np.zeros(max(starts) + tile)
    for start in starts:
        total[start : start + tile] += ramp
    return [(ramp / total[start : start + tile]).astype(np.float32) for start in starts]
