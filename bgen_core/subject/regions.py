"""The separate regions of a mask: what a person can keep or leave by clicking on it, and what is said about them.

People who touch are one region: no network here tells them apart, the brush does.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bgen_core.extent import Box, Extent
from bgen_core.subject.native import cv2

Side = Literal["left", "top", "right", "bottom"]

# Pixels of a person's longer side: the networks look at as many. Of a smaller person they see an enlarged picture, and
# the photo has nothing finer than they do.
LEAST_PERSON = 256
MIN_REGION = 0.1  # of the largest region's area: smaller ones belong to the nearest, or are strays
MIN_AREA = 0.0005  # of the picture: less is noise

_KEPT_COMPONENT = 0.05  # of the largest component's sure area: a smaller one is a stray
_MOST_REGIONS = 255  # their numbers are bytes
_HAZE = 0.1  # confidence from which neighbouring parts count as connected
_UNSURE = (0.1, 0.9)
_EDGE = 0.03  # of the person's longer side, at most 3 % of the picture's: the width of an ordinary soft edge
_TOUCHES = 0.02  # of a side of the picture: a body that is cut off meets the frame over more than that


@dataclass(frozen=True, kw_only=True)
class Region:
    """One connected part of a mask.

    Attributes
    ----------
    number
        Its value in `Regions.labels`: 1, 2, … from left to right.
    box
        Around its sure part, in pixels of the photo.
    centre
        (x, y) in pixels of the photo: the point farthest from its edge. Kept with an edit, it finds the region again
        in another mask of the same photo.
    """

    number: int
    box: Box
    centre: tuple[float, float]


@dataclass(frozen=True, kw_only=True, eq=False)
class Regions:
    """A mask divided into its regions.

    Attributes
    ----------
    extent
        Size of the photo.
    labels
        uint8, HW, at the mask's own size: number of the region that each pixel belongs to, 0 where the confidence is
        below 0.1. Soft edges belong to the nearest region.
    items
        In the order of their numbers.
    """

    extent: Extent
    labels: np.ndarray
    items: tuple[Region, ...]

    def at(self, x: float, y: float) -> Region | None:
        """The region at a point of the photo, as a click gives it; None beside all of them."""
        if not (0 <= x < self.extent.width and 0 <= y < self.extent.height):
            return None
        size = Extent.of(self.labels)
        place = int(y * size.height / self.extent.height), int(x * size.width / self.extent.width)
        number = int(self.labels[place])
        return self.items[number - 1] if number else None

    def numbers_at(self, points: Iterable[tuple[float, float]]) -> frozenset[int]:
        """Numbers of the regions at these points of the photo; points beside all regions name none."""
        found = (self.at(x, y) for x, y in points)
        return frozenset(region.number for region in found if region is not None)

    def kept_by(self, points: Iterable[tuple[float, float]] | None) -> frozenset[int]:
        """Numbers of the regions that `MaskEdit.kept_regions` keeps: all of them where it is None."""
        return frozenset(region.number for region in self.items) if points is None else self.numbers_at(points)

    def points_of(self, numbers: Collection[int]) -> tuple[tuple[float, float], ...] | None:
        """What `MaskEdit.kept_regions` says where these are kept."""
        kept = tuple(region.centre for region in self.items if region.number in numbers)
        return None if len(kept) == len(self.items) else kept

    def toggled(self, kept: Iterable[int], clicks: Iterable[tuple[float, float]]) -> frozenset[int]:
        """Numbers that are kept after these clicks: each keeps the region it hits, or leaves it. Others do nothing."""
        numbers = frozenset(kept)
        for click in clicks:
            numbers ^= self.numbers_at([click])
        return numbers


def find_regions(confidence: np.ndarray, extent: Extent) -> Regions:
    """Divide a mask into connected regions of a confidence above one half.

    Parameters
    ----------
    confidence
        float32, HW, in [0, 1], at any size.
    extent
        Size of the photo that it belongs to.
    """
    components, statistics, kept = _components(confidence)
    if not kept:
        return Regions(extent=extent, labels=np.zeros(confidence.shape, np.uint8), items=())
    numbers = np.zeros(len(statistics), np.uint8)
    numbers[kept] = np.arange(1, len(kept) + 1)
    labels = numbers[components]
    framed = cv2.copyMakeBorder(labels, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    inside = cv2.distanceTransform(framed, cv2.DIST_L2, 3)[1:-1, 1:-1]
    items = tuple(
        _region(number, statistics[component], labels, inside, extent) for number, component in enumerate(kept, start=1)
    )
    return Regions(extent=extent, labels=np.where(confidence > _HAZE, _spread(labels), np.uint8(0)), items=items)


def region_boxes(confidence: np.ndarray) -> list[Box]:
    """Boxes of the regions that `find_regions` finds, in the mask's own pixels and for less time."""
    _, statistics, kept = _components(confidence)
    return [_box(statistics[number]) for number in kept]


def keep_regions(mask: np.ndarray, regions: Regions, kept: Collection[int]) -> np.ndarray:
    """Empty all regions but some.

    Parameters
    ----------
    mask
        float32, HW, in [0, 1], at any size: a confidence, or an alpha.
    regions
        What it consists of.
    kept
        Numbers of the regions to keep.

    Returns
    -------
    numpy.ndarray
        float32, HW; the same array where every region is kept.
    """
    if all(region.number in kept for region in regions.items):
        return mask
    chosen = np.zeros(256, np.uint8)
    chosen[list(kept)] = 1
    size = Extent.of(mask)
    nearest = chosen[_spread(regions.labels)]  # faint rims beyond the labels belong to somebody, too
    return cv2.copyTo(mask, cv2.resize(nearest, (size.width, size.height), interpolation=cv2.INTER_NEAREST))


def keep_main_regions(confidence: np.ndarray) -> np.ndarray:
    """Remove strays: regions (above 0.1) whose sure part (above 0.5) is below 5 % of the largest one's.

    Parameters
    ----------
    confidence
        float32, HW, in [0, 1].
    """
    count, labels = cv2.connectedComponents((confidence > _HAZE).view(np.uint8))
    if count <= 2:  # the background and one region
        return confidence
    # Counted in all regions but a large one, whose share is the rest: that is a tenth of the picture at most, or so
    sampled = np.bincount(labels[::8, ::8].ravel(), minlength=count)
    large = 1 + int(sampled[1:].argmax())
    places = np.flatnonzero((labels != 0) & (labels != large))
    number, values = labels.ravel()[places], confidence.ravel()[places]
    sure = np.bincount(number[values > 0.5], minlength=count)
    sure[large] = np.count_nonzero(confidence > 0.5) - sure.sum()
    stray = sure < _KEPT_COMPONENT * sure.max()
    result = np.where(labels == 0, np.float32(0), confidence)
    np.put(result, places[stray[number]], 0)
    if stray[large]:
        result[labels == large] = 0
    return result


def unsure_regions(confidence: np.ndarray) -> np.ndarray:
    """Where a mask is in doubt over more than the width of a soft edge.

    Parameters
    ----------
    confidence
        float32, HW, in [0, 1].

    Returns
    -------
    numpy.ndarray
        bool, HW: a confidence between 0.1 and 0.9, opened by a disc, so that ordinary edges are left out.
    """
    low, high = _UNSURE
    doubtful = ((confidence > low) & (confidence < high)).astype(np.uint8)
    rows, columns = np.flatnonzero((confidence > 0.5).any(axis=1)), np.flatnonzero((confidence > 0.5).any(axis=0))
    if not len(rows):
        return doubtful > 0
    longer = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    width = max(3, round(_EDGE * min(longer, Extent.of(confidence).longest_side)) | 1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    return cv2.morphologyEx(doubtful, cv2.MORPH_OPEN, disc) > 0


def sides_cut(confidence: np.ndarray) -> tuple[Side, ...]:
    """The sides of the frame that cut the mask off: where its sure part meets 2 % of a side or more.

    Parameters
    ----------
    confidence
        float32, HW, in [0, 1].
    """
    borders: tuple[tuple[Side, np.ndarray], ...] = (
        ("left", confidence[:, 0]),
        ("top", confidence[0]),
        ("right", confidence[:, -1]),
        ("bottom", confidence[-1]),
    )
    return tuple(side for side, border in borders if np.count_nonzero(border > 0.5) >= max(2, _TOUCHES * len(border)))


def scaled_box(box: Box, source: Extent, target: Extent) -> Box:
    """A box of one picture in pixels of the same picture at another size, rounded outwards."""
    across, down = target.width / source.width, target.height / source.height
    return Box(
        left=int(box.left * across),
        top=int(box.top * down),
        right=min(target.width, int(np.ceil(box.right * across))),
        bottom=min(target.height, int(np.ceil(box.bottom * down))),
    )


def _components(confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Components above one half, OpenCV's statistics of them, and which are no noise, from left to right."""
    _, components, statistics, _ = cv2.connectedComponentsWithStats((confidence > 0.5).view(np.uint8))
    areas = statistics[:, cv2.CC_STAT_AREA]
    least = max(MIN_AREA * confidence.size, MIN_REGION * int(areas[1:].max(initial=0)))
    kept = [number for number in range(1, len(areas)) if areas[number] >= least]
    kept = sorted(kept, key=lambda number: int(statistics[number, cv2.CC_STAT_LEFT]))
    return components, statistics, kept[:_MOST_REGIONS]


def _box(statistics: np.ndarray) -> Box:
    left, top, width, height = (int(value) for value in statistics[:4])
    return Box(left=left, top=top, right=left + width, bottom=top + height)


def _region(number: int, statistics: np.ndarray, labels: np.ndarray, inside: np.ndarray, extent: Extent) -> Region:
    box = _box(statistics)
    depth = np.where(labels[box.slices] == number, inside[box.slices], 0)
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    size = Extent.of(labels)
    return Region(
        number=number,
        box=scaled_box(box, size, extent),
        centre=(
            round((box.left + int(column) + 0.5) * extent.width / size.width, 1),
            round((box.top + int(row) + 0.5) * extent.height / size.height, 1),
        ),
    )


def _spread(labels: np.ndarray) -> np.ndarray:
    """Every pixel gets the label (uint8) of the nearest one that has any."""
    if not np.any(labels != labels.max()):
        return labels
    bare: np.ndarray = (labels == 0).astype(np.uint8)
    _, found = cv2.distanceTransformWithLabels(bare, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_CCOMP)
    nearest = np.asarray(found, np.int32)
    number_of = np.zeros(int(nearest.max()) + 1, np.uint8)
    number_of[nearest[labels > 0]] = labels[labels > 0]
    return number_of[nearest]
