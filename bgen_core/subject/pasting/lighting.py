"""The new background's light on the subject's own pixels: a smooth gain, and nothing is repainted.

What lit the subject is taken from what was around it: light and colour of the old background, and of the new one, each
from their low frequencies near the subject, as a brightness that changes evenly across and down. Their ratio is the
gain; before the photo's own background it is 1.

That a mean of surroundings tells the light is the grey-world assumption (Buchsbaum, "A spatial processor model for
object colour perception", Journal of the Franklin Institute 310, 1980): a dark wall counts as little light. So it is an
approximation, and what it may do is limited.
"""

from dataclasses import dataclass

import numpy as np

from bgen_core.extent import Extent
from bgen_core.subject.native import cv2
from bgen_core.subject.pasting.light_scale import levels_of, light_of
from bgen_core.subject.segmentation import reduced

SIDE = 96  # longest side at which light is looked at
_NEAR = 0.2  # of that side: a Gaussian's sigma, how far around the subject surroundings count
SMOOTH = 0.06  # of that side: what is smaller than this is detail, and no light
_FAR = 0.05  # weight of what is further away
DARK = 0.004  # light that counts at least: 8-bit levels below about 12 tell nothing of it
_LEAST_AROUND = 4.0  # pixels of the small picture, by their weights: from fewer nothing is concluded
_EVEN = 0.02  # of the weights: how strongly a slope is held back where surroundings lie on one side alone
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])  # ITU-R BT.709, linear
# Limits at full strength, logarithms of a factor. Skin stays skin: a channel moves by 12 % beside the others at most.
MOST_GAIN, MOST_SLOPE, MOST_COLOUR = np.log(1.6), np.log(1.35), np.log(1.12)


@dataclass(frozen=True, kw_only=True, eq=False)
class Light:
    """A gain of light, even in its logarithm: log gain = mean + across · u + down · v.

    Attributes
    ----------
    mean
        float64, 3: of each channel, in the subject's middle.
    across, down
        From the subject's middle to its right, and to its lower end.
    middle, half
        Of the subject's box, in shares of the picture: (x, y).
    """

    mean: np.ndarray
    across: float
    down: float
    middle: tuple[float, float]
    half: tuple[float, float]

    def gain(self, extent: Extent, rows: slice) -> np.ndarray:
        """float32, HWC: the factor of some rows of a picture; it stays as it is beyond the subject's box."""
        wanted: np.ndarray = np.arange(extent.height)[rows]
        across, down = self._even(extent, wanted, np.arange(extent.width))
        return (down[:, None, None] * across[None, :, None] * np.exp(self.mean)).astype(np.float32)

    def gain_at(self, extent: Extent, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """float32, N × 3: the factor of N pixels of a picture."""
        across, down = self._even(extent, rows, columns)
        return ((across * down)[:, None] * np.exp(self.mean)).astype(np.float32)

    def _even(self, extent: Extent, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        u = ((columns + 0.5) / extent.width - self.middle[0]) / self.half[0]
        v = ((rows + 0.5) / extent.height - self.middle[1]) / self.half[1]
        return np.exp(self.across * np.clip(u, -1, 1)), np.exp(self.down * np.clip(v, -1, 1))

    @property
    def luminance(self) -> float:
        """Log gain of the luminance of a grey, in the middle."""
        return float(np.log(LUMINANCE @ np.exp(self.mean)))

    @property
    def colour(self) -> np.ndarray:
        """Each channel's log gain beside that of the luminance."""
        return self.mean - self.luminance

    def scaled(self, strength: float) -> "Light":
        """The same change in another strength."""
        return self._with(self.mean * strength, self.across * strength, self.down * strength)

    def within_limits(self) -> "Light":
        """As far as it may go."""
        brightness = np.clip(self.luminance, -MOST_GAIN, MOST_GAIN)
        colour = np.clip(self.colour, -MOST_COLOUR, MOST_COLOUR)
        slopes = (float(np.clip(slope, -MOST_SLOPE, MOST_SLOPE)) for slope in (self.across, self.down))
        return self._with(brightness + colour, *slopes)

    def _with(self, mean: np.ndarray, across: float, down: float) -> "Light":
        return Light(mean=mean, across=across, down=down, middle=self.middle, half=self.half)

    @property
    def receipt(self) -> str:
        """What it changes, in words: "0.82 to 1.24 times the light, red +3 %, blue -4 %"."""
        reach = abs(self.across) + abs(self.down)
        return light_receipt(self.luminance - reach, self.luminance + reach, self.colour)


def light_receipt(low: float, high: float, colour: np.ndarray) -> str:
    """A change of light in words, by its logarithms: the least and the greatest gain, and each channel's beside it."""
    tint = [
        f"{name} {100 * (np.exp(each) - 1):+.0f} %"
        for name, each in zip(("red", "green", "blue"), colour, strict=True)
        if abs(each) >= 0.005
    ]
    return ", ".join([f"{np.exp(low):.2f} to {np.exp(high):.2f} times the light", *tint])


def is_black(image: np.ndarray, alpha: np.ndarray) -> bool:
    """Whether a subject, where nothing of its background is mixed in, gives no light back that a gain could change."""
    inside = image[alpha >= 1]
    return bool(len(inside)) and float(light_of(inside.max(axis=0)).max()) < DARK


def fit_light(image: np.ndarray, alpha: np.ndarray, background: np.ndarray) -> Light | None:
    """The gain that takes a subject from the photo's light to that of a background, without limits.

    Parameters
    ----------
    image
        uint8, HWC, RGB: the photo.
    alpha
        float32, HW, in [0, 1], at the photo's size.
    background
        uint8, HWC, RGB, any size; what the subject will hide of it does not count.

    Returns
    -------
    Light or None
        None where there is no subject, or too little around it.
    """
    share = reduced(alpha, Extent.of(image).scaled_to_longest_side(SIDE))
    place = _place_of(share)
    if place is None:
        return None
    new, old = (_plane(_light_around(picture, share), share, place) for picture in (background, image))
    across, down = (new - old)[1:] @ LUMINANCE
    return Light(mean=(new - old)[0], across=float(across), down=float(down), middle=place.middle, half=place.half)


def brighter_side(alpha: np.ndarray, background: np.ndarray) -> float:
    """From which side the light of a background comes, as far as what is around the subject tells.

    Parameters
    ----------
    alpha
        float32, HW, in [0, 1], at the photo's size.
    background
        uint8, HWC, RGB, any size.

    Returns
    -------
    float
        In [-1, 1]: -1 is the left, 1 the right, 0 neither; 1 is a factor of 1.6, or more, from the picture's middle to
        its side.
    """
    share = reduced(alpha, Extent.of(alpha).scaled_to_longest_side(SIDE))
    place = _place_of(share)
    if place is None:
        return 0.0
    slope = _plane(_light_around(background, share), share, place)[1] @ LUMINANCE
    return float(np.clip(slope * 0.5 / place.half[0] / MOST_GAIN, -1, 1))


def lit(colours: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """Colours in another light.

    More light is multiplied on as g·x / (1 + (g - 1)·x): as much more in the dark, and white stays white, so that
    nothing bright is cut off. Less is multiplied on as it is.

    Parameters
    ----------
    colours
        uint8, or float32 in [0, 255], … × 3, RGB.
    gain
        float32, of the same shape.

    Returns
    -------
    numpy.ndarray
        float32, … × 3, RGB, in [0, 255].
    """
    light = light_of(colours)
    return levels_of(gain * light / (1 + np.maximum(gain - 1, 0) * light))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Place:
    """A subject's box in shares of the picture, and how much each pixel tells of the light on it."""

    middle: tuple[float, float]
    half: tuple[float, float]
    weight: np.ndarray


def _place_of(share: np.ndarray) -> _Place | None:
    """None where there is no subject, or too little around it."""
    rows, columns = (np.flatnonzero((share > 0.5).any(axis=axis)) for axis in (1, 0))
    weight = _surroundings(share)
    if not len(rows) or weight.sum() < _LEAST_AROUND:
        return None
    (left, right), (top, bottom) = (
        (each[0] / length, (each[-1] + 1) / length)
        for each, length in ((columns, share.shape[1]), (rows, share.shape[0]))
    )
    return _Place(
        middle=(float(left + right) / 2, float(top + bottom) / 2),
        half=(float(right - left) / 2, float(bottom - top) / 2),
        weight=weight,
    )


def _plane(light: np.ndarray, share: np.ndarray, place: _Place) -> np.ndarray:
    """float64, 3 × 3: mean, slope across and slope down of each channel's log light, least squares by the weights."""
    extent = Extent.of(share)
    x, y = (np.arange(extent.width) + 0.5) / extent.width, (np.arange(extent.height) + 0.5) / extent.height
    u, v = np.meshgrid((x - place.middle[0]) / place.half[0], (y - place.middle[1]) / place.half[1])
    places = np.stack([np.ones_like(u), u, v], axis=-1).reshape(-1, 3)
    weighted = places * place.weight.reshape(-1, 1)
    held = np.diag([0, _EVEN, _EVEN]) * place.weight.sum()
    return np.asarray(
        np.linalg.solve(places.T @ weighted + held, weighted.T @ np.log(light).reshape(-1, 3)), np.float64
    )


def _surroundings(share: np.ndarray) -> np.ndarray:
    """How much each pixel tells of the light: what is background, most of all near the subject."""
    sigma = _NEAR * max(share.shape)
    near = cv2.GaussianBlur(share, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT).astype(np.float64)
    greatest = near.max()
    behind = np.clip(1 - share, 0, 1) ** 2
    return behind * (_FAR + (near / greatest if greatest > 0 else 0))


def _light_around(picture: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Light (float64, HWC) without detail, of the background alone."""
    behind = np.clip(1 - share, 0, 1) ** 2
    sigma = SMOOTH * max(share.shape)
    light = light_of(reduced(picture, Extent.of(share))) * behind[..., None]
    spread = cv2.GaussianBlur(light, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)
    seen = cv2.GaussianBlur(behind, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)
    around = spread / np.maximum(seen, 1e-6)[..., None]
    return np.maximum(around.astype(np.float64), DARK)
