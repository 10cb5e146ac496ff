"""Who is in a photo: faces and bodies, a mask of each body, and how far that speaks for a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from bgen_core.extent import Box, Extent
from bgen_core.subject.persons.detection import BodyMasks, PersonDetectors, Sighting

# Chosen on one half of COCO128's photos and checked on the other, see docs/decisions/second-opinion.md
SURE_BODY, SURE_FACE = 0.7, 0.6
_MAYBE = 0.3
_LIKELY_BODY = 0.5  # from which a body is looked at by itself
_PRESENT = 0.5  # what the network of the mask must say of a square: else there is nobody in it
_MOST_BODIES = 4  # that are looked at by themselves: each costs five calls of a network
_COVERED, _AGREED = 0.9, 0.7  # of a body's mask, and intersection over union, from which another mask has the person
_FILLED = 0.5  # intersection over union of a person and a crop from which the person fills the crop
_LEAST_SIDE = 16  # pixels of the square around a body: of a smaller one nothing can be seen

Witness = Literal["person", "perhaps", "nobody"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Body:
    """One person whose body was seen.

    Attributes
    ----------
    sighting
        In pixels of the picture that was looked at.
    box
        The part of the picture that holds it.
    mask
        float32, HW, in [0, 1], of the whole picture: how surely a pixel belongs to this person, by the pose network.
    """

    sighting: Sighting
    box: Box
    mask: np.ndarray

    def seen_in(self, crops: Sequence[Box]) -> bool:
        """Whether one of these parts of the picture is filled by this person, more or less."""
        own = box_of(self.mask)
        return own is not None and any(shared(own, crop) > _FILLED for crop in crops)

    def is_held_by(self, confidence: np.ndarray) -> bool:
        """Whether a confidence (float32, HW, of the whole picture) has this person, and little that is far from them.

        What a person holds is not of their body, so it may have more.
        """
        found, own = confidence[self.box.slices] > 0.5, self.mask[self.box.slices] > 0.5
        both = float((found & own).sum())
        return both >= _COVERED * own.sum() and both >= _AGREED * (found | own).sum()


@dataclass(frozen=True, kw_only=True, eq=False)
class People:
    """What the detectors saw in a picture."""

    faces: tuple[Sighting, ...] = ()  # not looked for where a body is sure
    bodies: tuple[Body, ...] = ()
    sightings: tuple[Sighting, ...] = ()

    @cached_property
    def witness(self) -> Witness:
        """What they say: surely a person, perhaps one, or nobody at all."""
        face = max((face.score for face in self.faces), default=0.0)
        body = max((body.score for body in self.sightings), default=0.0)
        if face >= SURE_FACE or body >= SURE_BODY:
            return "person"
        return "perhaps" if max(face, body) > _MAYBE else "nobody"


class PeopleFinder:
    """Both detectors and the masks of bodies; safe to call from many threads."""

    def __init__(self) -> None:
        self._detectors, self._masks = PersonDetectors(), BodyMasks()

    def look(self, image: np.ndarray) -> People:
        """Look at a photo (uint8, HWC, RGB, upright)."""
        sightings = self._detectors.bodies(image)
        sure = bool(sightings) and sightings[0].score >= SURE_BODY
        found = (self._body(image, one) for one in sightings if one.score > _LIKELY_BODY)
        bodies = tuple(body for body in found if body is not None)
        return People(
            faces=() if sure else self._detectors.faces(image), bodies=bodies[:_MOST_BODIES], sightings=sightings
        )

    def _body(self, image: np.ndarray, sighting: Sighting) -> Body | None:
        box = _box(sighting, Extent.of(image))
        if min(box.right - box.left, box.bottom - box.top) < _LEAST_SIDE:
            return None
        presence, mask = self._masks.mask(image, sighting)
        return Body(sighting=sighting, box=box, mask=mask) if presence > _PRESENT else None


def with_bodies(confidence: np.ndarray, bodies: Sequence[Body], looks: Sequence[np.ndarray]) -> np.ndarray:
    """A confidence in which every body has been looked at by itself.

    Where bodies are, the answer is the mean of the confidence and, twice, of what the look and the pose network say of
    each body, and never less than the latter: who was missed comes in, and what stands near a person without being
    one goes. Elsewhere it stays. The pose network counts less the more of its square lies outside of the picture: it
    spends its pixels there, and sees the rest coarsely.

    Parameters
    ----------
    confidence
        float32, HW, in [0, 1].
    looks
        Of each body: what the selfie networks see in its box, float32, HW, in [0, 1].
    """
    if not bodies:
        return confidence
    seen = np.zeros_like(confidence)
    for body, look in zip(bodies, looks, strict=True):
        place = body.box.slices
        share = _share(body)
        # In place: a new array of this size takes as long as its numbers
        both = share * body.mask[place]
        both += (1 - share) * look
        np.maximum(seen[place], both, out=seen[place])
    result = confidence.copy()
    for body in bodies:
        place = body.box.slices
        mean = 2 * seen[place]
        mean += confidence[place]
        mean /= 3
        np.maximum(mean, seen[place], out=result[place])
    return result


def _share(body: Body) -> float:
    """How much the pose network counts beside the look, in [0, 1], by how many pixels each has for the body."""
    return 1 / (1 + body.sighting.side / body.box.extent.longest_side)


def _box(sighting: Sighting, within: Extent) -> Box:
    (x, y), half = sighting.middle, sighting.side / 2
    return Box(
        left=int(min(max(0, x - half), within.width)),
        top=int(min(max(0, y - half), within.height)),
        right=int(max(0, min(within.width, x + half))),
        bottom=int(max(0, min(within.height, y + half))),
    )


def box_of(mask: np.ndarray) -> Box | None:
    """Around everything above one half; None where nothing is."""
    rows, columns = np.flatnonzero((mask > 0.5).any(axis=1)), np.flatnonzero((mask > 0.5).any(axis=0))
    if not len(rows):
        return None
    return Box(left=int(columns[0]), top=int(rows[0]), right=int(columns[-1]) + 1, bottom=int(rows[-1]) + 1)


def shared(one: Box, other: Box) -> float:
    """Intersection over union of two boxes."""
    across = max(0, min(one.right, other.right) - max(one.left, other.left))
    down = max(0, min(one.bottom, other.bottom) - max(one.top, other.top))
    return across * down / (one.extent.area + other.extent.area - across * down)
