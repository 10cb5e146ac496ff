"""Where the person is: two passes of the selfie networks and each body by itself, and how far that can be believed."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations
from typing import Protocol

import numpy as np

from bgen_core.extent import Box, Extent
from bgen_core.subject.edit import WAYS
from bgen_core.subject.persons.people import Body, People, PeopleFinder, with_bodies
from bgen_core.subject.regions import (
    Regions,
    Side,
    find_regions,
    keep_main_regions,
    region_boxes,
    scaled_box,
    sides_cut,
    unsure_regions,
)
from bgen_core.subject.resizing import enlarged as enlarged
from bgen_core.subject.resizing import reduced as reduced
from bgen_core.subject.resizing import working_picture as working_picture
from bgen_core.subject.selfie.network import SelfieNetwork

# Measured on 69 photos with masks and 64 without a person: these two limits keep 97 % of the good masks and 12 % of
# the photos without a person.
MIN_AGREEMENT = 0.85
MAX_UNSURE_SHARE = 0.5
# What is asked of agreement and unsure share, by what the detectors of faces and bodies say
_LIMITS = {"person": (0.6, 1.2), "perhaps": (MIN_AGREEMENT, MAX_UNSURE_SHARE), "nobody": (0.92, 0.4)}

# How unsure an answer may be of what it keeps, times how far the networks were apart at first: chosen on COCO128,
# persons of 1 % of the photo and more, see docs/decisions/second-opinion.md
MOST_DOUBT = 0.08
_EACH = 4  # pixels of a row, and rows, of which one is looked at for that

_MARGIN = 0.1  # of the persons' longer side, around the crop of the second pass
_MOST_GROUPS = 4  # that are looked at one by one: each costs four calls of a network
_DISTORTION = 2.0  # how much less a network counts that sees a crop stretched: the power of the ratio of both shapes
_MIN_KEPT = 0.15  # of the first pass's area: a second pass that finds less has lost what was there


@dataclass(frozen=True, kw_only=True, eq=False)
class Segmentation:
    """What a segmenter found.

    Attributes
    ----------
    extent
        Size of the photo.
    working_confidence
        float32, HW, in [0, 1]: confidence that a pixel belongs to a person, at the size the segmenter worked at.
    agreement
        Intersection over union of the answers for the photo and for its mirror image, in [0, 1]; 0 = nothing found.
    unsure_share
        Pixels with a confidence between 0.1 and 0.9, relative to those above 0.5.
    box
        Around everything that was found, in pixels of the photo; None = nothing found.
    persons
        How many separate regions were found (see `regions`): people who touch count as one.
    people
        What the detectors of faces and bodies saw, in pixels of the working size; None = they were not asked.
    disagreement
        1 - intersection over union of both networks' first answers for the whole photo, in [0, 1].
    """

    extent: Extent
    working_confidence: np.ndarray
    agreement: float
    unsure_share: float
    box: Box | None
    persons: int
    people: People | None = None
    disagreement: float = 0.0

    @cached_property
    def confidence(self) -> np.ndarray:
        """float32, HW, in [0, 1], at the photo's size."""
        return enlarged(self.working_confidence, self.extent)

    @cached_property
    def kept_confidence(self) -> np.ndarray:
        """float32, HW, in [0, 1]: `working_confidence` without strays, which is what a cut-out is made from."""
        return keep_main_regions(self.working_confidence)

    @cached_property
    def regions(self) -> Regions:
        """The separate persons, at the size the segmenter worked at."""
        return find_regions(self.kept_confidence, self.extent)

    @cached_property
    def unsure(self) -> np.ndarray:
        """bool, HW, at the size the segmenter worked at: in doubt over more than the width of a soft edge."""
        return unsure_regions(self.kept_confidence)

    @cached_property
    def cut_sides(self) -> tuple[Side, ...]:
        """The sides of the frame that cut somebody off."""
        return sides_cut(self.kept_confidence)

    @property
    def person_found(self) -> bool:
        """Whether the answer can be believed: the selfie networks find salient things, not only persons."""
        if self.box is None:
            return False
        least, most = _LIMITS[self.people.witness if self.people else "perhaps"]
        return self.agreement > least and self.unsure_share < most and self.doubt < MOST_DOUBT

    @cached_property
    def doubt(self) -> float:
        """Mean entropy, in nats, of the confidence in what is kept, times `disagreement`.

        A soft edge, hair or a bag in the hand gives one of both: a mask of something else gives both together.
        """
        kept = self.kept_confidence[::_EACH, ::_EACH]
        kept = np.clip(kept[kept > 0.5], 0.5, 1 - 1e-4)
        if not len(kept):
            return 0.0
        return self.disagreement * float(-np.mean(kept * np.log(kept) + (1 - kept) * np.log(1 - kept)))

    @property
    def score(self) -> float:
        """One figure in [0, 1] to sort by: agreement × (1 − unsure share)."""
        return self.agreement * max(0.0, 1 - self.unsure_share) if self.box is not None else 0.0


class Segmenter(Protocol):
    """Finds the person in a photo."""

    def segment(self, image: np.ndarray) -> Segmentation:
        """Segment a photo (uint8, HWC, RGB, upright)."""
        ...


class SelfieSegmenter:
    """Two-pass segmentation: detect on the whole photo, then look again at the persons alone.

    The networks see 256 × 256 and 256 × 144 pixels, so a person who fills a tenth of the photo has 80 pixels. Both
    look at the whole photo, the larger answer wins. Persons who stand apart are then looked at one by one, in a crop
    with a margin: by both networks, as it is and mirrored, and the mean of the four is the answer, in which the network
    that sees the crop less distorted counts more.
    What each part brings is measured in docs/decisions/two-passes.md.

    Parameters
    ----------
    people
        Sees faces and bodies beside it: a second opinion on whether there is a person, and a look at each body by
        itself, see docs/decisions/second-opinion.md. None = the selfie networks alone.
    """

    def __init__(self, people: PeopleFinder | None = None) -> None:
        self._square = SelfieNetwork("selfie_segmenter.tflite", Extent(width=256, height=256))
        self._people = people
        # Most of the time is the networks' own, which hold no lock of Python's
        self._beside = ThreadPoolExecutor(max_workers=3, thread_name_prefix="segmentation")
        self._landscape = SelfieNetwork("selfie_segmenter_landscape.tflite", Extent(width=256, height=144))

    def segment(self, image: np.ndarray) -> Segmentation:
        extent = Extent.of(image)
        small = working_picture(image)
        looking = self._beside.submit(self._people.look, small) if self._people else None
        first, disagreement = self._detect(small)
        groups = _groups(first)
        confidence = np.zeros_like(first) if groups else first
        agreed, answered = 0.0, 0.0
        for box in groups:
            look = self._look_again(small[box.slices], first[box.slices])
            np.maximum(confidence[box.slices], look.confidence, out=confidence[box.slices])
            agreed, answered = agreed + look.agreed, answered + look.answered
        people, seen = looking.result() if looking else None, list[np.ndarray]()
        bodies = list[Body]()
        for body in people.bodies if people else ():
            if body.seen_in(groups):  # alone in a crop: what that look found is known
                if not body.is_held_by(confidence):  # else the pose network's soft edges would only blur it
                    bodies.append(body)
                    seen.append(confidence[body.box.slices])
                continue
            bodies.append(body)
            look = self._look_again(small[body.box.slices], first[body.box.slices])
            seen.append(look.confidence)
            agreed, answered = agreed + look.agreed, answered + look.answered
        confidence = with_bodies(confidence, bodies, seen)
        persons = region_boxes(confidence) if groups or bodies else []
        return Segmentation(
            extent=extent,
            working_confidence=confidence,
            agreement=agreed / answered if answered else 0.0,
            unsure_share=_unsure_share(confidence) if persons else 1.0,
            box=scaled_box(_around(persons), Extent.of(small), extent) if persons else None,
            persons=len(persons),
            people=people,
            disagreement=disagreement,
        )

    def close(self) -> None:
        """Free both networks; the next call opens them anew."""
        self._square.close()
        self._landscape.close()

    def _detect(self, image: np.ndarray) -> tuple[np.ndarray, float]:
        """The larger answer of both networks, and how far they are apart."""
        extent = Extent.of(image)
        wide = self._beside.submit(lambda: enlarged(self._landscape.confidence(image), extent))
        square = enlarged(self._square.confidence(image), extent)
        landscape = wide.result()
        one, other = (each[::_EACH, ::_EACH] > 0.5 for each in (square, landscape))
        answered = np.count_nonzero(one | other)
        apart = 1 - float(np.count_nonzero(one & other) / answered) if answered else 0.0
        return np.maximum(square, landscape), apart

    def _look_again(self, crop: np.ndarray, first: np.ndarray) -> "_Look":
        extent = Extent.of(crop)
        wide = self._beside.submit(lambda: enlarged(np.mean(_both_ways(self._landscape, crop), axis=0), extent))
        plain, mirrored = _both_ways(self._square, crop)
        share = _share(self._square.extent, self._landscape.extent, extent)
        confidence = enlarged((plain + mirrored) / 2, extent)
        # In place: a new array of this size takes as long as its numbers
        np.multiply(confidence, share, out=confidence)
        confidence += (1 - share) * wide.result()
        if np.count_nonzero(confidence > 0.5) < _MIN_KEPT * np.count_nonzero(first > 0.5):
            return _look(first, one=first > 0.5, other=confidence > 0.5)
        return _look(confidence, one=plain > 0.5, other=mirrored > 0.5)


def _share(one: Extent, other: Extent, crop: Extent) -> float:
    """How much the first of two networks counts for a crop, in [0, 1], by how far it is stretched for each of them."""

    def weight(network: Extent) -> float:
        stretched = (crop.width / crop.height) / (network.width / network.height)
        return min(stretched, 1 / stretched) ** _DISTORTION

    return weight(one) / (weight(one) + weight(other))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Look:
    """The second pass's answer for one crop, and the areas (in pixels) on which two answers agreed, and of both."""

    confidence: np.ndarray
    agreed: float
    answered: float


def _look(confidence: np.ndarray, *, one: np.ndarray, other: np.ndarray) -> _Look:
    per_pixel = confidence.size / one.size
    return _Look(
        confidence=confidence,
        agreed=float(np.count_nonzero(one & other) * per_pixel),
        answered=float(np.count_nonzero(one | other) * per_pixel),
    )


def _both_ways(network: SelfieNetwork, crop: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The network's answers for a crop and for its mirror image, the latter turned back."""
    seen = reduced(crop, network.extent)
    return network.confidence(seen), network.confidence(seen[:, ::-1])[:, ::-1]


@lru_cache(maxsize=len(WAYS))
def default_segmenter(way: int = WAYS[-1]) -> Segmenter:
    """The one segmenter of this process that finds persons in this way, one of `edit.WAYS`."""
    return SelfieSegmenter(PeopleFinder() if way > 1 else None)


def _groups(confidence: np.ndarray) -> list[Box]:
    """Crops of persons who stand apart: their boxes with a margin, merged where these overlap."""
    within = Extent.of(confidence)
    boxes: list[Box] = [
        box.grown(int(_MARGIN * box.extent.longest_side), within=within) for box in region_boxes(confidence)
    ]
    while len(boxes) > 1:
        pairs = [(one, other) for one, other in combinations(boxes, 2) if _overlapping(one, other)]
        if not pairs:
            if len(boxes) <= _MOST_GROUPS:
                break
            pairs = sorted(combinations(boxes, 2), key=lambda pair: _around(pair).extent.area)
        boxes = [box for box in boxes if box not in pairs[0]] + [_around(pairs[0])]
    return boxes


def _overlapping(one: Box, other: Box) -> bool:
    across = min(one.right, other.right) > max(one.left, other.left)
    return across and min(one.bottom, other.bottom) > max(one.top, other.top)


def _around(boxes: Sequence[Box]) -> Box:
    return Box(
        left=min(box.left for box in boxes),
        top=min(box.top for box in boxes),
        right=max(box.right for box in boxes),
        bottom=max(box.bottom for box in boxes),
    )


def _unsure_share(confidence: np.ndarray) -> float:
    sure = np.count_nonzero(confidence > 0.5)
    return float(np.count_nonzero((confidence > 0.1) & (confidence < 0.9)) / max(1, sure))
