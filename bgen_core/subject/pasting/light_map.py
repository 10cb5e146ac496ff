"""A relit picture's light on the photo's own pixels: of what a model painted, only a smooth gain is kept."""

from dataclasses import dataclass, replace

import numpy as np

from bgen_core.extent import Extent
from bgen_core.subject.matting import enlarged_rows
from bgen_core.subject.native import cv2
from bgen_core.subject.pasting.light_scale import light_of
from bgen_core.subject.pasting.lighting import (
    DARK,
    LUMINANCE,
    MOST_COLOUR,
    MOST_GAIN,
    MOST_SLOPE,
    SIDE,
    SMOOTH,
    Light,
    fit_light,
    light_receipt,
)
from bgen_core.subject.segmentation import reduced


@dataclass(frozen=True, kw_only=True, eq=False)
class LightMap:
    """A gain of light at a longest side of `SIDE` pixels, which is as fine as it is.

    Attributes
    ----------
    log_gain
        float32, HWC: of each channel.
    weight
        float32, HW: how much of the subject is in each of its pixels; some of it is.
    """

    log_gain: np.ndarray
    weight: np.ndarray

    def gain(self, extent: Extent, rows: slice) -> np.ndarray:
        """float32, HWC: the factor of some rows of a picture."""
        return enlarged_rows(np.exp(self.log_gain), extent, rows)

    def gain_at(self, extent: Extent, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """float32, N × 3: the factor of N pixels of a picture, row by row."""
        gain = np.exp(self.log_gain)
        return np.concatenate(
            [np.zeros((0, 3), np.float32)]
            + [
                enlarged_rows(gain, extent, slice(first, last + 1))[rows[part] - first, columns[part]]
                for part, first, last in _bands(rows)
            ]
        )

    def within_limits(self) -> "LightMap":
        """As far as it may go: the subject's mean, what differs from it, and each channel beside the others."""
        brightness = self._brightness
        mean = self._mean(brightness)
        held = np.clip(mean, -MOST_GAIN, MOST_GAIN) + np.clip(brightness - mean, -MOST_SLOPE, MOST_SLOPE)
        colour = np.clip(self.log_gain - brightness[..., None], -MOST_COLOUR, MOST_COLOUR)
        return replace(self, log_gain=(held[..., None] + colour).astype(np.float32))

    def scaled(self, strength: float) -> "LightMap":
        """The same change in another strength."""
        return replace(self, log_gain=self.log_gain * np.float32(strength))

    @property
    def receipt(self) -> str:
        """What it changes, in words; see `Light.receipt`."""
        brightness = self._brightness
        inside = brightness[self.weight >= self.weight.max() / 2]
        colour = self._mean(self.log_gain - brightness[..., None])
        return light_receipt(float(inside.min()), float(inside.max()), colour)

    @property
    def _brightness(self) -> np.ndarray:
        """float64, HW: log gain of the luminance of a grey."""
        return np.log(np.exp(self.log_gain.astype(np.float64)) @ LUMINANCE)

    def _mean(self, values: np.ndarray) -> np.ndarray:
        """Over the subject; of each channel, where there are any."""
        return np.tensordot(self.weight.astype(np.float64), values, axes=2) / self.weight.sum(dtype=np.float64)


def fit_light_map(image: np.ndarray, alpha: np.ndarray, relit: np.ndarray) -> LightMap | None:
    """blur(relit) / blur(photo), both of the subject alone, without limits.

    Parameters
    ----------
    image
        uint8, HWC, RGB: the photo.
    alpha
        float32, HW, in [0, 1], at the photo's size.
    relit
        uint8, HWC, RGB, any size: the same subject in another light; nothing else of it counts.

    Returns
    -------
    LightMap or None
        None where there is no subject.
    """
    extent = Extent.of(image).scaled_to_longest_side(SIDE)
    weight = np.clip(reduced(alpha, extent), 0, 1) ** 2  # what is half of the background tells of that
    if weight.max(initial=0) < 0.25:
        return None
    new, old = (_light_within(reduced(picture, extent), weight) for picture in (relit, image))
    return LightMap(log_gain=np.log(new / old).astype(np.float32), weight=weight)


def light_for(
    image: np.ndarray, alpha: np.ndarray, background: np.ndarray, strength: float, relit: LightMap | None = None
) -> Light | LightMap | None:
    """The gain that is applied, within its limits: a model's if there is one, else that of `fit_light`.

    Parameters
    ----------
    strength
        0 to 1.
    """
    fitted = relit or fit_light(image, alpha, background)
    return None if fitted is None else fitted.within_limits().scaled(strength)


def _light_within(picture: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Light (float32, HWC) without detail, of the subject alone."""
    sigma = SMOOTH * max(weight.shape)
    light: np.ndarray = light_of(picture) * weight[..., None]
    spread = cv2.GaussianBlur(light, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)
    seen = cv2.GaussianBlur(weight, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)
    return np.maximum(spread / np.maximum(seen, 1e-6)[..., None], DARK)


def _bands(rows: np.ndarray) -> list[tuple[slice, int, int]]:
    """Pixels in the order of their rows, in parts of 256 rows at most: which, and their first and last row."""
    bands: list[tuple[slice, int, int]] = []
    start = 0
    while start < len(rows):
        end = np.count_nonzero(rows < rows[start] + 256)
        bands.append((slice(start, end), int(rows[start]), int(rows[end - 1])))
        start = end
    return bands
