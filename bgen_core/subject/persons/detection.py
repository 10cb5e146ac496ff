"""Faces and bodies in a photo: MediaPipe's two detectors, their anchors and what overlaps.

Source: the graphs `face_detection_full_range` and `pose_detection` of MediaPipe (Apache-2.0): input sizes, strides of
the anchors, and the four points of a pose, of which two are used.
"""

import math
from dataclasses import dataclass

import numpy as np

from bgen_core.extent import Extent
from bgen_core.subject.native import cv2
from bgen_core.subject.persons.network import LiteNetwork
from bgen_core.subject.resizing import reduced

_LEAST_SCORE = 0.3  # less is nobody
_OVERLAP = 0.3  # intersection over union from which two boxes are one person's
_FACE_STRIDES, _POSE_STRIDES = (4,), (8, 16, 32, 32, 32)  # pixels between the anchors of one layer
_BEYOND = 1.25  # a body is looked at in a square this much larger than the circle around it


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """A face or a body.

    Attributes
    ----------
    score
        In [0, 1].
    left, top, right, bottom
        Of the face, or of a body's face, in pixels of the picture; may lie outside.
    middle
        (x, y) of a body's hips; of a face, its own.
    side
        Side of the square around `middle` that holds the whole body, in pixels; 0 for a face.
    angle
        By how much that square is turned, in radians; 0 = upright.
    """

    score: float
    left: float
    top: float
    right: float
    bottom: float
    middle: tuple[float, float]
    side: float = 0.0
    angle: float = 0.0


class PersonDetectors:
    """Looks at a whole photo, letterboxed: stretched, both detectors find less."""

    def __init__(self) -> None:
        self._faces = LiteNetwork("face_detection_full_range.tflite", 192)
        self._poses = LiteNetwork("pose_detection.tflite", 224)
        self._face_anchors = _anchors(192, _FACE_STRIDES, 1)
        self._pose_anchors = _anchors(224, _POSE_STRIDES, 2)

    def faces(self, image: np.ndarray) -> tuple[Sighting, ...]:
        """Faces in a photo (uint8, HWC, RGB), the surest first."""
        return _found(self._faces, self._face_anchors, image)

    def bodies(self, image: np.ndarray) -> tuple[Sighting, ...]:
        """Persons in a photo (uint8, HWC, RGB), the surest first."""
        return _found(self._poses, self._pose_anchors, image)


def _found(network: LiteNetwork, anchors: np.ndarray, image: np.ndarray) -> tuple[Sighting, ...]:
    side = network.extent.width
    seen, scale, corner = _letterboxed(image, side)
    regressed, scores = sorted(network.answers(seen), key=lambda answer: -answer.shape[-1])
    scores = _sigmoid(scores[:, 0])
    chosen = np.flatnonzero(scores > _LEAST_SCORE)
    if not len(chosen):
        return ()
    chosen = chosen[np.argsort(-scores[chosen], kind="stable")]
    # x, y, width and height of the box, then the points, all in pixels of the input and around the anchor
    points = (np.delete(regressed[chosen], (2, 3), axis=1).reshape(len(chosen), -1, 2) + anchors[chosen, None]) - corner
    points, sizes = points / scale, regressed[chosen, 2:4] / scale
    sightings = [
        _sighting(float(score), places, size, is_body=network.extent.width == 224)
        for score, places, size in zip(scores[chosen], points, sizes, strict=True)
    ]
    kept: list[Sighting] = []
    for one in sightings:
        if all(_shared(one, other) < _OVERLAP for other in kept):
            kept.append(one)
    return tuple(kept)


def _sighting(score: float, points: np.ndarray, size: np.ndarray, *, is_body: bool) -> Sighting:
    (x, y), (width, height) = points[0], size
    middle, side, angle = (float(x), float(y)), 0.0, 0.0
    if is_body:  # the second point lies on the circle around the whole body, above the hips
        hips, above = points[1], points[2]
        across, down = above - hips
        middle, side = (float(hips[0]), float(hips[1])), 2 * _BEYOND * math.hypot(across, down)
        angle = math.atan2(across, -down)
    return Sighting(
        score=score,
        left=float(x - width / 2),
        top=float(y - height / 2),
        right=float(x + width / 2),
        bottom=float(y + height / 2),
        middle=middle,
        side=side,
        angle=angle,
    )


def _letterboxed(image: np.ndarray, side: int) -> tuple[np.ndarray, float, np.ndarray]:
    """The picture in the middle of a black square, in [-1, 1]; its scale, and where its corner lies."""
    extent = Extent.of(image)
    scale = side / extent.longest_side
    inner = Extent(width=max(1, round(extent.width * scale)), height=max(1, round(extent.height * scale)))
    left, top = (side - inner.width) // 2, (side - inner.height) // 2
    seen = np.full((side, side, 3), -1, np.float32)
    seen[top : top + inner.height, left : left + inner.width] = reduced(image, inner).astype(np.float32) / 127.5 - 1
    return seen, scale, np.array((left, top), np.float32)


def _anchors(side: int, strides: tuple[int, ...], each: int) -> np.ndarray:
    """(x, y) of every anchor in pixels of the input: layers of one stride share their places."""
    places: list[np.ndarray] = []
    for stride in dict.fromkeys(strides):
        cells = side // stride
        ys, xs = np.mgrid[:cells, :cells]
        grid = np.stack([xs.ravel(), ys.ravel()], axis=1)
        places.append(np.repeat((grid + 0.5) * side / cells, each * strides.count(stride), axis=0))
    return np.concatenate(places).astype(np.float32)


def _shared(one: Sighting, other: Sighting) -> float:
    across = max(0.0, min(one.right, other.right) - max(one.left, other.left))
    down = max(0.0, min(one.bottom, other.bottom) - max(one.top, other.top))
    union = _area(one) + _area(other) - across * down
    return across * down / union if union > 0 else 1.0


def _area(one: Sighting) -> float:
    return max(0.0, one.right - one.left) * max(0.0, one.bottom - one.top)


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(values, -80, 80)))


class BodyMasks:
    """The mask of one person, by the third answer of MediaPipe's pose landmarks."""

    def __init__(self) -> None:
        self._network = LiteNetwork("pose_landmark_full.tflite", 256)

    def mask(self, image: np.ndarray, body: Sighting) -> tuple[float, np.ndarray]:
        """How surely there is a person in a body's square, in [0, 1], and where (float32, HW, in [0, 1])."""
        side = self._network.extent.width
        scale, cosine, sine = side / body.side, math.cos(body.angle), math.sin(body.angle)
        turn = np.array([[cosine, sine], [-sine, cosine]]) * scale
        there = np.hstack([turn, side / 2 - turn @ np.array(body.middle)[:, None]])
        seen = cv2.warpAffine(image, there, (side, side), flags=cv2.INTER_LINEAR)
        _, presence, mask, *_ = self._network.answers(seen.astype(np.float32) / 255)
        sure = _sigmoid(mask[..., 0]).astype(np.float32)
        extent = Extent.of(image)
        whole = cv2.warpAffine(
            sure, there, (extent.width, extent.height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        )
        return float(presence.ravel()[0]), whole
