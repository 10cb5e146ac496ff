"""Backgrounds that no diffusion model paints: colours, a picture, and the photo itself out of focus."""

import numpy as np

from bgen_core.extent import Box, Extent
from bgen_core.models.backgrounds.colour_text import USUAL_BEGIN, Gradient
from bgen_core.subject.decoding.image_io import resize
from bgen_core.subject.matting import enlarged_rows, strips
from bgen_core.subject.native import cv2
from bgen_core.subject.pasting.light_scale import levels_of, light_of

_SIGMA = 8.0  # pixels, at which blurs are computed: a wider one is computed on a smaller photo
_SURROUNDINGS_SIDE = 64
_LEAST_WEIGHT = 1e-3  # of the background in a neighbourhood: with less, a wider one is asked


def colour_backdrop(gradient: Gradient, extent: Extent) -> np.ndarray:
    """One colour, or several that run into each other in equal parts.

    Between two colours each pixel is their mix in sRGB, as CSS has it. From a corner the mix is the same along lines
    that are parallel to the line between the two other corners; from the center along ellipses of the picture's aspect.

    Returns
    -------
    numpy.ndarray
        uint8, HWC, RGB. The edge or corner at which the gradient begins is the first colour, the opposite one the last.
    """
    last = len(gradient.colours) - 1
    begin = gradient.begin.split("-") if last else [USUAL_BEGIN]
    across, down = np.linspace(0, last, extent.width), np.linspace(0, last, extent.height)
    across, down = across[::-1] if "right" in begin else across, down[::-1] if "bottom" in begin else down
    if begin in (["top"], ["bottom"]):
        return np.repeat(_mixed(gradient, down)[:, None], extent.width, axis=1)
    if begin in (["left"], ["right"]):
        return np.repeat(_mixed(gradient, across)[None], extent.height, axis=0)
    picture = np.empty((extent.height, extent.width, 3), np.uint8)
    for rows in strips(extent.height):
        if begin == ["center"]:
            places = np.hypot((2 * down[rows] - last)[:, None], 2 * across - last) / np.sqrt(2)
        else:
            places = (down[rows][:, None] + across) / 2
        picture[rows] = _mixed(gradient, places)
    return picture


def _mixed(gradient: Gradient, places: np.ndarray) -> np.ndarray:
    """The colours at places, where each colour lies at its number."""
    numbers = range(len(gradient.colours))
    levels = zip(*gradient.colours, strict=True)
    return np.rint(np.stack([np.interp(places, numbers, each) for each in levels], axis=-1)).astype(np.uint8)


def fitted_picture(picture: np.ndarray, extent: Extent) -> np.ndarray:
    """A picture that covers a size: its middle, cut to that aspect, resized once with Pillow's antialiased Lanczos.

    Parameters
    ----------
    picture
        uint8, HWC, RGB, any size.

    Returns
    -------
    numpy.ndarray
        uint8, HWC, RGB; where the aspect is right already, nothing is cut.
    """
    own = Extent.of(picture)
    share = min(own.width / extent.width, own.height / extent.height)
    width = max(1, min(own.width, round(extent.width * share)))
    height = max(1, min(own.height, round(extent.height * share)))
    left, top = (own.width - width) // 2, (own.height - height) // 2
    return resize(np.ascontiguousarray(picture[top : top + height, left : left + width]), extent)


def blurred_photo(image: np.ndarray, behind: np.ndarray, percent: float) -> np.ndarray:
    """The photo's background out of focus, without the subject: light from it alone is spread, by a Gaussian.

    Light is spread, not sRGB: a lamp stays bright, as behind a lens. What the subject hides is filled from around it.
    A blur wider than 8 px is computed on the photo reduced by area averages, and enlarged linearly.

    Parameters
    ----------
    image
        uint8, HWC, RGB.
    behind
        uint8, HW: share of the background in each pixel, 255 where there is nothing of the subject.
    percent
        The Gaussian's sigma, in percent of the shorter side; 0 leaves the background sharp.

    Returns
    -------
    numpy.ndarray
        uint8, HWC, RGB.
    """
    extent = Extent.of(image)
    sigma = percent / 100 * extent.shortest_side
    if not sigma:
        return image.copy()
    shrunk = max(1.0, sigma / _SIGMA)
    small = Extent(width=max(1, round(extent.width / shrunk)), height=max(1, round(extent.height / shrunk)))
    weight = (behind == 255).astype(np.float32)
    if not weight.any():
        weight = behind.astype(np.float32) / 255
    light = light_of(image)
    light *= weight[..., None]
    light, weight, sigma = _smaller(light, small), _smaller(weight, small), sigma / shrunk
    return _from_light(_mean_around(light, weight, sigma), extent)


def surroundings(photo: np.ndarray, alpha: np.ndarray, box: Box, extent: Extent) -> np.ndarray:
    """What stands in for the picture beyond a photo: the mean colours of its background, smoother further away.

    Parameters
    ----------
    photo
        uint8, HWC, RGB, of the box's size.
    alpha
        uint8, HW, 255 = the subject: nothing of it is spread.
    box
        Where the photo lies.
    extent
        Size of the whole.

    Returns
    -------
    numpy.ndarray
        uint8, HWC, RGB; also where the photo lies. Computed at 64 px at most, and enlarged linearly.
    """
    small = extent.scaled_to_longest_side(_SURROUNDINGS_SIDE)
    across, down = small.width / extent.width, small.height / extent.height
    left, top = min(int(box.left * across), small.width - 1), min(int(box.top * down), small.height - 1)
    right = max(left + 1, min(small.width, round(box.right * across)))
    bottom = max(top + 1, min(small.height, round(box.bottom * down)))
    inner = Box(left=left, top=top, right=right, bottom=bottom)
    behind = (alpha == 0).astype(np.uint8)
    if not behind.any():
        behind[:] = 1
    share = _smaller(behind.astype(np.float32), inner.extent)
    # Averaged in 8 bits, as the photo is: of one with 50 megapixels there is no room for more
    mean = _smaller(cv2.copyTo(photo, behind), inner.extent) / np.maximum(share, _LEAST_WEIGHT)[..., None]
    weight = np.zeros((small.height, small.width), np.float32)
    weight[inner.slices] = share
    light = np.zeros((small.height, small.width, 3), np.float32)
    light[inner.slices] = light_of(np.rint(np.clip(mean, 0, 255)).astype(np.uint8)) * share[..., None]
    return _from_light(_mean_around(light, weight, 1.0), extent)


def _mean_around(light: np.ndarray, weight: np.ndarray, sigma: float) -> np.ndarray:
    """The weighted mean of light around each pixel; where that is too little, a wider one, at half the size."""
    spread, share = _spread(light, sigma), _spread(weight, sigma)
    empty = share < _LEAST_WEIGHT
    mean = spread / np.maximum(share, _LEAST_WEIGHT)[..., None]
    if not empty.any():
        return mean
    extent = Extent.of(light)
    if extent.longest_side == 1:
        mean[empty] = light.sum(axis=(0, 1)) / max(float(weight.sum()), _LEAST_WEIGHT)
        return mean
    half = Extent(width=(extent.width + 1) // 2, height=(extent.height + 1) // 2)
    # A blur of less than a pixel reaches nothing: the next ones shall
    wider = _mean_around(_smaller(light, half), _smaller(weight, half), max(sigma, 1.0))
    mean[empty] = cv2.resize(wider, (extent.width, extent.height), interpolation=cv2.INTER_LINEAR)[empty]
    return mean


def _smaller(array: np.ndarray, extent: Extent) -> np.ndarray:
    return array if Extent.of(array) == extent else cv2.resize(
        array, (extent.width, extent.height), interpolation=cv2.INTER_AREA
    )  # fmt: skip


def _spread(array: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(array, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)


def _from_light(light: np.ndarray, extent: Extent) -> np.ndarray:
    """Light at any size as sRGB at this one: enlarged as sRGB, which is 8 bits per channel."""
    small = levels_of(light)
    result = np.empty((extent.height, extent.width, 3), np.uint8)
    for rows in strips(extent.height):
        result[rows] = np.rint(small[rows] if Extent.of(small) == extent else enlarged_rows(small, extent, rows))
    return result
