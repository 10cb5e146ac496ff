"""From a click or a box to a stroke: the outlines of what a segmenter found there, and what to say of it."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.subject.edit import Mode, Points, Stroke
from bgen_core.subject.matting import refine_edges
from bgen_core.subject.native import cv2
from bgen_core.subject.prompted.prompt import Prompt
from bgen_core.subject.regions import sides_cut
from bgen_core.subject.remarks import where
from bgen_core.subject.segmentation import reduced

_LEAST_SHARE = 0.0002  # of the photo: less is noise
_MOST_SHARE = 0.95  # of the photo: more is no object
_LEAST_PART = 0.02  # of the largest part: smaller ones, and smaller holes, are noise
_EDGE = 1.5 / 1024  # of the longer side: over which an object's edge fades, at least 1.5 pixels
_STRAIGHT = 0.5 / 1024  # of the longer side: how far an outline may be from what was found, at least half a pixel
_MOST_POINTS = 20_000


class PromptedSegmenter(Protocol):
    """Finds the object that somebody points at."""

    @property
    def name(self) -> str:
        """What it is called, as people read it and as edits keep it."""
        ...

    def object_at(self, image: np.ndarray, prompt: Prompt) -> np.ndarray:
        """How surely each pixel belongs to the object.

        Parameters
        ----------
        image
            uint8, HWC, RGB, upright.
        prompt
            In pixels of the photo, and within it.

        Returns
        -------
        numpy.ndarray
            float32, HW, in [0, 1], at any size: stretched over the photo. Empty where there is nothing.

        Raises
        ------
        UserInputError
            Its model cannot be used.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class FoundObject:
    """What was found at a click or in a box.

    Attributes
    ----------
    stroke
        Keeps it, or gives it to the background.
    remarks
        What a person should know about it, a sentence each.
    """

    stroke: Stroke
    remarks: tuple[str, ...]


def find_object(image: np.ndarray, prompt: Prompt, segmenter: PromptedSegmenter, *, mode: Mode = "add") -> FoundObject:
    """Find the object that somebody points at.

    Parameters
    ----------
    image
        uint8, HWC, RGB, upright.
    mode
        What the stroke does with it.

    Raises
    ------
    UserInputError
        The prompt is not in the photo, there is nothing, or nothing but the whole photo; or a model cannot be used.
    """
    extent = Extent.of(image)
    coarse = segmenter.object_at(image, prompt.checked(extent))
    if not coarse.any():
        raise _nothing(prompt)
    alpha = refine_edges(image, coarse)
    share = float(np.count_nonzero(alpha > 0.5)) / alpha.size
    if share < _LEAST_SHARE:
        raise _nothing(prompt)
    if share > _MOST_SHARE:
        raise UserInputError(
            f"What was found {_at(prompt)} is nearly the whole photo: drag a box around the object, or draw around it."
        )
    stroke = Stroke(
        mode=mode,
        shape="object",
        size=round(max(1.5, _EDGE * extent.longest_side), 2),
        points=prompt.points,
        outlines=_outlines(alpha),
        found_by=segmenter.name,
    )
    cut = sides_cut(reduced(alpha, extent.scaled_to_longest_side(1024)))
    remarks = (f"The object is cut off by the frame {where(cut)}: a new background cannot complete it.",) if cut else ()
    return FoundObject(stroke=stroke, remarks=remarks)


def _nothing(prompt: Prompt) -> UserInputError:
    return UserInputError(
        f"Nothing stands out {_at(prompt)}: click on the middle of the object, drag a box around it, or draw around it."
    )


def _at(prompt: Prompt) -> str:
    return f"in the box {prompt}" if prompt.is_box else f"at {prompt}"


def _outlines(alpha: np.ndarray) -> tuple[Points, ...]:
    """Closed lines around the parts of an alpha above one half, and around the holes in them."""
    mask = (alpha > 0.5).astype(np.uint8)
    found, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    areas = [cv2.contourArea(line) for line in found]
    least = _LEAST_PART * max(areas)
    tolerance = max(0.5, _STRAIGHT * Extent.of(alpha).longest_side)
    lines: list[Points] = []
    for line, area in sorted(zip(found, areas, strict=True), key=lambda pair: -pair[1]):
        simple = cv2.approxPolyDP(line, tolerance, True)[:, 0]
        if area < least or len(simple) < 3 or sum(map(len, lines)) + len(simple) > _MOST_POINTS:
            continue
        # Outlines count from the picture's corner, OpenCV's from the first pixel's centre
        lines.append(tuple((float(x) + 0.5, float(y) + 0.5) for x, y in simple))
    if not lines:
        raise UserInputError("What was found is too small or too torn for an outline: draw around it instead.")
    return tuple(lines)
