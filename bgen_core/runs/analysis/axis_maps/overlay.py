"""A map over a picture, in colours that are told apart by those who are colour-blind too."""

import numpy as np

from bgen_core.subject.native import cv2

# Viridis at nine places (Smith and van der Walt 2015, CC0): its lightness rises evenly, so that it reads without hues
_VIRIDIS = np.array(
    [
        (68, 1, 84),
        (71, 44, 122),
        (59, 81, 139),
        (44, 113, 142),
        (33, 144, 141),
        (39, 173, 129),
        (92, 200, 99),
        (170, 220, 50),
        (253, 231, 37),
    ],
    np.float32,
)  # fmt: skip
_GREY = (40, 190)  # of 255: the picture below keeps its shapes, and neither end of the colours is lost on it


def share_colours(share: np.ndarray) -> np.ndarray:
    """float32, … × 3, from 0 to 255: dark blue for nothing, yellow for all; of shares from 0 to 1."""
    places = np.linspace(0, 1, len(_VIRIDIS))
    channels: list[np.ndarray] = [np.interp(share, places, channel) for channel in _VIRIDIS.T]
    return np.stack(channels, axis=-1).astype(np.float32)


def overlay(picture: np.ndarray, share: np.ndarray, visible: np.ndarray, strength: float) -> np.ndarray:
    """Lay the colours of a map over a picture, which becomes grey.

    Parameters
    ----------
    picture
        uint8, HWC, RGB.
    share
        float32, HW of any size, from 0 to 1.
    visible
        float32, of the same size: how far the colours cover each pixel, from 0 to 1.
    strength
        How far they cover it at most, from 0 to 1.

    Returns
    -------
    numpy.ndarray
        uint8, HWC, RGB, of the picture's size.
    """
    height, width = picture.shape[:2]
    large = [cv2.resize(each, (width, height), interpolation=cv2.INTER_LINEAR) for each in (share, visible)]
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    below = np.repeat((_GREY[0] + grey * (_GREY[1] - _GREY[0]))[..., None], 3, axis=2)
    covered = np.clip(strength * large[1], 0, 1)[..., None]
    return np.rint(below * (1 - covered) + share_colours(np.clip(large[0], 0, 1)) * covered).astype(np.uint8)


def legend(strength: float, width: int = 256, height: int = 12) -> np.ndarray:
    """The colours from 0 to 1 as a strip, as they are over a middle grey: uint8, HWC, RGB."""
    middle = np.full((height, width, 3), 128, np.uint8)
    shares = np.repeat(np.linspace(0, 1, width, dtype=np.float32)[None], height, axis=0)
    return overlay(middle, shares, np.ones_like(shares), strength)
