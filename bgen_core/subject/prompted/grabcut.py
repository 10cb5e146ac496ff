"""The object at a click or in a box by GrabCut: no network, so that it works everywhere.

Source: Rother, Kolmogorov, Blake, "GrabCut: interactive foreground extraction using iterated graph cuts", SIGGRAPH
2004, as OpenCV has it. It tells things apart by their colours alone: a box helps it more than a click.
"""

import math

import numpy as np

from bgen_core.extent import Box, Extent
from bgen_core.subject.native import cv2
from bgen_core.subject.prompted.prompt import Prompt
from bgen_core.subject.segmentation import working_picture

# Chosen on half of the objects of COCO128's photos, see docs/decisions/click-to-keep.md
_BOX_SIDE = 256  # pixels to which the surroundings of a box are reduced
_CLICK_SIDE = 192
_ROUNDS = 1  # of GrabCut's own: further ones change little and cost as much each
_AROUND = 0.3  # of the box's longer side: what is looked at beside it, which is background
_CORE = 0.6  # of the box: the ellipse in its middle that surely belongs to the object
# How far an object may reach from a click, as a share of the photo's longer side, and how much such a size is expected
_RADII = {0.1: 0.8, 0.16: 1.0, 0.25: 0.6, 0.4: 0.5}
_CLICK_CORE = 0.5  # of such a radius: the disc that surely belongs to the object
# Mean contrast of an outline, from `_contrast`, that nobody sees: a step of two or three levels of 255
_UNSEEN = 8.0
_SEED = 0  # GrabCut begins with clusters that OpenCV draws by chance


class GrabCutSegmenter:
    """A `PromptedSegmenter` without any model."""

    name = "GrabCut"

    def object_at(self, image: np.ndarray, prompt: Prompt) -> np.ndarray:
        return _in_box(image, prompt) if prompt.is_box else _at_click(image, prompt)


def _in_box(image: np.ndarray, prompt: Prompt) -> np.ndarray:
    extent = Extent.of(image)
    box = prompt.box(extent)
    seen = box.grown(math.ceil(_AROUND * box.extent.longest_side), within=extent)
    small = working_picture(np.ascontiguousarray(image[seen.slices]), _BOX_SIDE)
    scale = Extent.of(small).width / seen.extent.width
    inner = Box(
        left=round((box.left - seen.left) * scale),
        top=round((box.top - seen.top) * scale),
        right=round((box.right - seen.left) * scale),
        bottom=round((box.bottom - seen.top) * scale),
    )
    guess = np.full(small.shape[:2], cv2.GC_BGD, np.uint8)
    guess[inner.slices] = cv2.GC_PR_BGD
    within = np.zeros_like(guess)
    within[inner.slices] = 1
    guess[(_ellipse(guess.shape, inner, 1.0) & within) > 0] = cv2.GC_PR_FGD
    guess[_ellipse(guess.shape, inner, _CORE) > 0] = cv2.GC_FGD
    return _placed(_seen(_cut(small, guess), _contrast(small)), seen, extent)


def _at_click(image: np.ndarray, prompt: Prompt) -> np.ndarray:
    extent = Extent.of(image)
    small = working_picture(image, _CLICK_SIDE)
    size = Extent.of(small)
    (x, y), *_ = prompt.points
    column = min(size.width - 1, int(x * size.width / extent.width))
    row = min(size.height - 1, int(y * size.height / extent.height))
    contrast = _contrast(small)
    best, most = np.zeros(small.shape[:2], np.float32), -1.0
    for share, expected in _RADII.items():
        found = _within_radius(small, column, row, share * size.longest_side)
        clear = expected * _clearness(found, contrast)
        if clear > most:
            best, most = found, clear
    whole = Box(left=0, top=0, right=extent.width, bottom=extent.height)
    return _placed(_seen(best, contrast), whole, extent)


def _within_radius(small: np.ndarray, column: int, row: int, radius: float) -> np.ndarray:
    """The part around a point, at most about a radius away (float32, HW, 0 or 1)."""
    size = Extent.of(small)
    reach = math.ceil(1.6 * radius)
    seen = Box(left=column, top=row, right=column + 1, bottom=row + 1).grown(reach, within=size)
    inside = np.ascontiguousarray(small[seen.slices])
    middle = (column - seen.left, row - seen.top)
    guess = np.full(inside.shape[:2], cv2.GC_BGD, np.uint8)
    for share, kind in ((1.3, cv2.GC_PR_BGD), (1.0, cv2.GC_PR_FGD), (_CLICK_CORE, cv2.GC_FGD)):
        cv2.circle(guess, middle, max(2, int(share * radius)), int(kind), cv2.FILLED)
    found = np.zeros(small.shape[:2], np.float32)
    _, parts = cv2.connectedComponents((_cut(inside, guess) > 0).astype(np.uint8))
    number = parts[middle[1], middle[0]]
    if number:
        found[seen.slices] = parts == number
    return found


def _cut(small: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """float32, HW: 1 where GrabCut sees the object; the guess itself where that leaves it nothing to tell apart."""
    sure = (guess == cv2.GC_BGD) | (guess == cv2.GC_PR_BGD)
    if sure.all() or not sure.any():
        return (~sure).astype(np.float32)
    cv2.setRNGSeed(_SEED)
    cv2.grabCut(small, guess, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), _ROUNDS, cv2.GC_INIT_WITH_MASK)
    return ((guess == cv2.GC_FGD) | (guess == cv2.GC_PR_FGD)).astype(np.float32)


def _contrast(small: np.ndarray) -> np.ndarray:
    """How strongly the colours change at each pixel (float32, HW)."""
    lab = cv2.cvtColor(cv2.GaussianBlur(small, (0, 0), 1.0), cv2.COLOR_RGB2LAB).astype(np.float32)
    across, down = cv2.Sobel(lab, cv2.CV_32F, 1, 0), cv2.Sobel(lab, cv2.CV_32F, 0, 1)
    return np.sqrt((across * across + down * down).sum(axis=2))


def _seen(found: np.ndarray, contrast: np.ndarray) -> np.ndarray:
    """Nothing where an outline runs through what looks the same on both sides: GrabCut always cuts somewhere."""
    return found if _clearness(found, contrast) >= _UNSEEN or found.all() else np.zeros_like(found)


def _clearness(found: np.ndarray, contrast: np.ndarray) -> float:
    """Mean contrast along the outline; 0 = nothing found."""
    mask = found.astype(np.uint8)
    outline = mask - cv2.erode(mask, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=1)
    return float(contrast[outline > 0].mean()) if outline.any() else 0.0


def _ellipse(shape: tuple[int, ...], box: Box, share: float) -> np.ndarray:
    drawn = np.zeros(shape, np.uint8)
    middle = ((box.left + box.right) // 2, (box.top + box.bottom) // 2)
    axes = (max(1, int(box.extent.width / 2 * share)), max(1, int(box.extent.height / 2 * share)))
    return cv2.ellipse(drawn, middle, axes, 0, 0, 360, 1, cv2.FILLED)


def _placed(found: np.ndarray, seen: Box, extent: Extent) -> np.ndarray:
    """What was found in a part of the photo, on the whole of it at 1024 pixels at most."""
    size = extent.scaled_to_longest_side(1024)
    scale = size.width / extent.width
    placed = np.zeros((size.height, size.width), np.float32)
    left, top = round(seen.left * scale), round(seen.top * scale)
    right, bottom = min(size.width, round(seen.right * scale)), min(size.height, round(seen.bottom * scale))
    if right <= left or bottom <= top:
        return placed
    part = cv2.resize(found, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    placed[top:bottom, left:right] = np.clip(part, 0, 1)
    return placed
