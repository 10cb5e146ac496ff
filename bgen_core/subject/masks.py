"""The maths of masks: a person's edit applied to an automatic alpha, and the mask that diffusion gets.

Two masks, two purposes: compositing uses the alpha at the photo's size, diffusion a grown and feathered mask at the
model's size, so that it repaints what the old background left on the subject's edge.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.subject.brush import paint
from bgen_core.subject.edit import MaskEdit
from bgen_core.subject.native import cv2
from bgen_core.subject.regions import find_regions, keep_regions
from bgen_core.subject.segmentation import reduced

_DISC_RADIUS = 4  # a larger disc is this one applied several times
_REGIONS_SIDE = 1024


def apply_edit(alpha: np.ndarray, edit: MaskEdit) -> np.ndarray:
    """Apply a person's changes to an alpha.

    Parameters
    ----------
    alpha
        float32, HW, in [0, 1], at the size that the edit speaks of (see `MaskEdit.scaled`).

    Returns
    -------
    numpy.ndarray
        float32, HW, in [0, 1]; the same array where the edit changes nothing.
    """
    shaped = _shape(alpha, edit)
    return paint(shaped, edit.strokes) if edit.strokes else shaped


@dataclass(frozen=True, kw_only=True, eq=False)
class EditedMask:
    """An alpha with an edit applied, kept so that one more stroke costs one stroke.

    Attributes
    ----------
    base
        What the edit was applied to.
    edit
        The edit.
    shaped, alpha
        float32, HW, in [0, 1]: without the edit's strokes, and with them.
    """

    base: np.ndarray
    edit: MaskEdit
    shaped: np.ndarray
    alpha: np.ndarray


def edit_again(base: np.ndarray, edit: MaskEdit, before: EditedMask | None = None) -> EditedMask:
    """Apply an edit, starting from an earlier result where that saves work. The alpha equals `apply_edit`'s.

    Parameters
    ----------
    base
        float32, HW, in [0, 1]: the same array as before, or another.
    before
        What this returned for an earlier edit. New strokes at its end are painted on its alpha; other strokes are
        replayed on its mask without strokes; anything else is done anew.
    """
    if before is None or before.base is not base or replace(before.edit, strokes=()) != replace(edit, strokes=()):
        shaped = _shape(base, edit)
        return EditedMask(base=base, edit=edit, shaped=shaped, alpha=paint(shaped, edit.strokes))
    known = before.edit.strokes
    if edit.strokes[: len(known)] == known:
        new = edit.strokes[len(known) :]
        alpha = paint(before.alpha, new) if new else before.alpha
    else:
        alpha = paint(before.shaped, edit.strokes)
    return EditedMask(base=base, edit=edit, shaped=before.shaped, alpha=alpha)


def keep_chosen_regions(alpha: np.ndarray, points: Collection[tuple[float, float]]) -> np.ndarray:
    """Empty every separate region of an alpha in which none of these points lies.

    Parameters
    ----------
    alpha
        float32, HW, in [0, 1]: of the whole photo, since a crop may not hold the points.
    points
        (x, y) in the alpha's own pixels, such as `Region.centre`.

    Returns
    -------
    numpy.ndarray
        float32, HW; the same array where every region is kept.
    """
    extent = Extent.of(alpha)
    regions = find_regions(reduced(alpha, extent.scaled_to_longest_side(_REGIONS_SIDE)), extent)
    return keep_regions(alpha, regions, regions.numbers_at(points))


def _shape(alpha: np.ndarray, edit: MaskEdit) -> np.ndarray:
    """Everything of an edit but its strokes."""
    if edit.kept_regions is not None:
        alpha = keep_chosen_regions(alpha, edit.kept_regions)
    if edit.inverted:
        alpha = 1 - alpha
    if edit.threshold != 0.5:
        alpha = shift_edge(alpha, edit.threshold)
    if edit.grow:
        alpha = grow(alpha, edit.grow)
    if edit.feather:
        alpha = feather(alpha, edit.feather)
    return alpha


def shift_edge(alpha: np.ndarray, threshold: float) -> np.ndarray:
    """Move the edge to where alpha is `threshold`: 0 stays 0 and 1 stays 1, and 0.5 changes nothing.

    Parameters
    ----------
    alpha
        float32, HW, in [0, 1].
    threshold
        In (0, 1). The further from 0.5, the harder the edge: the slope is 1 / (2 · min(t, 1 − t)).
    """
    width = 2 * min(threshold, 1 - threshold)
    return np.clip((alpha - np.float32(threshold)) / np.float32(width) + np.float32(0.5), 0, 1)


def grow(alpha: np.ndarray, pixels: float) -> np.ndarray:
    """Grow the mask by a disc of `pixels` radius (shrink it below 0); its soft edge moves along.

    Parameters
    ----------
    alpha
        float32, HW, in [0, 1].
    pixels
        Any number: between two whole radii the results are mixed.

    Returns
    -------
    numpy.ndarray
        float32, HW, in [0, 1], in steps of 1/255 mixed at most once.
    """
    whole, part = int(abs(pixels)), abs(pixels) % 1
    morph = cv2.dilate if pixels > 0 else cv2.erode
    border = 0 if pixels > 0 else 255  # neither grows in from outside the picture nor shrinks away from its frame
    steps = np.rint(alpha * 255).astype(np.uint8)
    for radius in [_DISC_RADIUS] * (whole // _DISC_RADIUS) + [whole % _DISC_RADIUS]:
        if radius:
            steps = morph(steps, _disc(radius), borderType=cv2.BORDER_CONSTANT, borderValue=border)
    moved = steps.astype(np.float32) / 255
    if part:
        further = morph(steps, _disc(1), borderType=cv2.BORDER_CONSTANT, borderValue=border)
        moved += np.float32(part) * (further.astype(np.float32) / 255 - moved)
    return moved


def feather(alpha: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur; the picture is continued beyond its frame, so that a cut-off body stays whole there.

    Parameters
    ----------
    alpha
        float32, HW, in [0, 1].
    sigma
        In pixels, above 0.
    """
    extent = Extent.of(alpha)
    factor = max(1, int(sigma / 6))  # a wide blur needs no full resolution, and costs its width
    if factor == 1:
        return _blurred(alpha, sigma)
    small = Extent(width=math.ceil(extent.width / factor), height=math.ceil(extent.height / factor))
    blurred = _blurred(reduced(alpha, small), sigma * small.width / extent.width)
    return np.clip(cv2.resize(blurred, (extent.width, extent.height), interpolation=cv2.INTER_LINEAR), 0, 1)


def repaint_mask(alpha: np.ndarray, extent: Extent, grow_percent: float, feather_percent: float) -> np.ndarray:
    """The mask that diffusion gets: what to repaint, at the model's size.

    Parameters
    ----------
    alpha
        float32, HW, in [0, 1], 1 = keep, any size.
    extent
        The model's size.
    grow_percent
        How far the repainted region reaches into the subject, in percent of the model's shorter side.
    feather_percent
        Sigma of the Gaussian that rounds its outline (the engine cuts the mask at one half), in percent of the model's
        shorter side.

    Returns
    -------
    numpy.ndarray
        uint8, HW, 255 = repaint.
    """
    for name, value in (("grow", grow_percent), ("feather", feather_percent)):
        if not 0 <= value <= 50:
            raise UserInputError(f"A mask {name} of {value:g} % is not allowed: 0 to 50 % of the model's shorter side.")
    repainted = 1 - np.clip(reduced(alpha, extent), 0, 1)
    if grow_percent:
        kept = (repainted < 0.5).astype(np.uint8)
        # Framed by itself: a body that the frame cuts is not repainted along the frame
        framed = cv2.copyMakeBorder(kept, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
        inside = cv2.distanceTransform(framed, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
        radius = grow_percent / 100 * extent.shortest_side
        repainted = np.maximum(repainted, np.clip(radius + 1 - inside, 0, 1))
    if feather_percent:
        repainted = _blurred(repainted, feather_percent / 100 * extent.shortest_side)
    return np.rint(repainted * 255).astype(np.uint8)


def _disc(radius: int) -> np.ndarray:
    ys, xs = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return (xs * xs + ys * ys <= radius * radius + radius * 0.5).astype(np.uint8)


def _blurred(values: np.ndarray, sigma: float) -> np.ndarray:
    return np.clip(cv2.GaussianBlur(values, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), 0, 1)
