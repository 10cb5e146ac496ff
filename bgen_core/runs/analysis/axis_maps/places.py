"""Parts of a picture with plain names: thirds of it from top to bottom and from left to right, around the subject."""

from collections.abc import Sequence

import numpy as np

from bgen_core.subject.native import cv2
from bgen_core.wording import listed

WHOLE = "the whole background"
_AT = {
    WHOLE: "everywhere", "the middle": "in the middle", "the centre": "in the centre",
    "the space around the subject": "around the subject",
}  # fmt: skip
ROWS, COLUMNS = ("the top", "the middle", "the bottom"), ("the left", "the centre", "the right")
_NEAR = 0.08  # of the longest side: how far "around the subject" reaches
_LEAST = 0.01  # of the picture: less background than that is no place
_SUBJECT_FROM = 0.5


def background_weights(alpha: np.ndarray | None, height: int, width: int) -> np.ndarray:
    """float32, HW: the share of background at each pixel, 0 where the subject is at least half; 1 without an alpha.

    Parameters
    ----------
    alpha
        float32, HW of any size, 1 = subject.
    """
    if alpha is None:
        return np.ones((height, width), np.float32)
    small = cv2.resize(alpha.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    return np.where(small < _SUBJECT_FROM, 1 - small, 0).astype(np.float32)


def places(background: np.ndarray) -> dict[str, np.ndarray]:
    """Name -> float32, HW: the background's weights in that part of the picture; the whole one first.

    Parts overlap in the corners. One with hardly any background is left out, the whole one too.
    """
    height, width = background.shape
    rows: np.ndarray = np.broadcast_to(np.linspace(0, 1, height, endpoint=False)[:, None], background.shape)
    columns: np.ndarray = np.broadcast_to(np.linspace(0, 1, width, endpoint=False), background.shape)
    inside: dict[str, np.ndarray] = {
        WHOLE: np.ones_like(background, bool),
        **_thirds(ROWS, rows),
        **_thirds(COLUMNS, columns),
        "the space around the subject": _near_subject(background),
    }
    found = {name: np.where(each, background, 0).astype(np.float32) for name, each in inside.items()}
    return {name: each for name, each in found.items() if each.mean() >= _LEAST}


def _thirds(names: tuple[str, str, str], along: np.ndarray) -> dict[str, np.ndarray]:
    return {name: (along >= place / 3) & (along < (place + 1) / 3) for place, name in enumerate(names)}


def _near_subject(background: np.ndarray) -> np.ndarray:
    is_background = (background > 0).astype(np.uint8)
    if is_background.all():
        return np.zeros_like(background, bool)
    return cv2.distanceTransform(is_background, cv2.DIST_L2, 5) <= _NEAR * max(background.shape)


def at(names: Sequence[str]) -> str:
    """Where something happens: "at the top and around the subject"."""
    return listed([_AT.get(name, f"at {name}") for name in names])
