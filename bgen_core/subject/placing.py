"""Composition: the subject placed, and scaled, on a canvas that goes on where its photo ends."""

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from bgen_core.errors import UserInputError
from bgen_core.extent import Box, Extent
from bgen_core.models.backgrounds.canvas_text import OF_PHOTO, canvas_extent, canvas_named
from bgen_core.subject.pasting.backdrops import surroundings
from bgen_core.subject.pasting.compositing import CompositeOptions
from bgen_core.subject.regions import Side
from bgen_core.subject.subject import Subject
from bgen_core.wording import quoted

_ACROSS_AND_DOWN: tuple[tuple[Side, Side], tuple[Side, Side]] = ("left", "right"), ("top", "bottom")


class MisfitError(UserInputError):
    """A subject that is larger than its canvas; others on the same sweep may fit."""


@dataclass(frozen=True, kw_only=True)
class Composition:
    """Where a subject stands on its picture, as a person gives it.

    Attributes
    ----------
    canvas
        As `canvas_text.canvas_named` reads it: the photo's own size, an aspect, or a size in pixels.
    anchor
        At which edge or corner of the canvas the photo lies.
    scale
        Size of the subject, and of its photo, in parts of its own.
    """

    canvas: str = OF_PHOTO
    anchor: str = "bottom"
    scale: float = 1.0

    @property
    def is_photo(self) -> bool:
        """Whether it leaves the photo as it is."""
        return self.scale == 1 and canvas_named(self.canvas) == OF_PHOTO

    def extent(self, photo: Extent) -> Extent:
        """Size of the picture that is made of such a photo."""
        return canvas_extent(self.canvas, photo)

    def leaves(self, photo: Extent) -> bool:
        """Whether it leaves a photo of this size as it is: a canvas of 1:1 does so with one that is square."""
        return self.scale == 1 and self.extent(photo) == photo

    def sides_inside(self, photo: Extent) -> tuple[Side, ...]:
        """The sides of a photo of this size that lie inside the canvas, where all can see them."""
        canvas = self.extent(photo)
        words = self.anchor.split("-")
        inside: list[Side] = []
        sides = (canvas.width, photo.width), (canvas.height, photo.height)
        for (whole, unscaled), (first, last) in zip(sides, _ACROSS_AND_DOWN, strict=True):
            own = max(1, round(unscaled * self.scale))
            if own < whole:  # a photo that is as large as its canvas, or larger, reaches beyond both sides
                offset = _offset(whole, own, first in words, last in words, 0, own)
                if offset > 0:
                    inside.append(first)
                if offset + own < whole:
                    inside.append(last)
        return tuple(inside)

    def check_area(self, photo: Extent, most_pixels: int) -> None:
        """Refuse a canvas with more pixels than a photo may have.

        Raises
        ------
        UserInputError
            Names the canvas and the limit.
        """
        extent = self.extent(photo)
        if not self.is_photo and extent.area > most_pixels:
            raise UserInputError(
                f"The canvas {quoted(self.canvas)} is {extent} pixels around a photo of {photo}: allowed are at most "
                f"{most_pixels / 1e6:g} megapixels."
            )

    def box(self, subject: Subject) -> Box:
        """Where the photo lies on the canvas; it may reach beyond it, the subject may not.

        Raises
        ------
        MisfitError
            The subject does not fit: names both sizes and what would.
        """
        own, canvas = subject.extent, self.extent(subject.extent)
        scaled = Extent(width=max(1, round(own.width * self.scale)), height=max(1, round(own.height * self.scale)))
        kept = _kept_box(subject.alpha)
        kept = Box(
            left=int(kept.left * self.scale),
            top=int(kept.top * self.scale),
            right=min(scaled.width, int(np.ceil(kept.right * self.scale))),
            bottom=min(scaled.height, int(np.ceil(kept.bottom * self.scale))),
        )
        if kept.extent.width > canvas.width or kept.extent.height > canvas.height:
            fits = min(canvas.width / kept.extent.width, canvas.height / kept.extent.height) * self.scale
            raise MisfitError(
                f"The subject {quoted(subject.name)} is {kept.extent} pixels and does not fit a canvas of {canvas}: "
                f"choose a larger canvas, or a subject scale of {int(fits * 100) / 100:g} or less."
            )
        words = self.anchor.split("-")
        left = _offset(canvas.width, scaled.width, "left" in words, "right" in words, kept.left, kept.right)
        top = _offset(canvas.height, scaled.height, "top" in words, "bottom" in words, kept.top, kept.bottom)
        return Box(left=left, top=top, right=left + scaled.width, bottom=top + scaled.height)

    def place(self, subject: Subject) -> "PlacedSubject":
        """The subject on its canvas; see `PlacedSubject`.

        Raises
        ------
        MisfitError
            See `box`.
        """
        extent = self.extent(subject.extent)
        whole = Box(left=0, top=0, right=extent.width, bottom=extent.height)
        if self.is_photo:
            return PlacedSubject(subject=subject, box=whole, scale=1.0)
        box = self.box(subject)
        seen = Box(
            left=max(0, box.left),
            top=max(0, box.top),
            right=min(extent.width, box.right),
            bottom=min(extent.height, box.bottom),
        )
        part = Box(
            left=seen.left - box.left,
            top=seen.top - box.top,
            right=seen.right - box.left,
            bottom=seen.bottom - box.top,
        )
        levels = np.rint(subject.alpha * 255).astype(np.uint8)
        alpha = np.zeros((extent.height, extent.width), np.uint8)
        alpha[seen.slices] = _resampled(levels, box.extent, part)
        photo = _resampled(subject.image, box.extent, part)
        image = surroundings(photo, alpha[seen.slices], seen, extent) if seen != whole else np.empty_like(photo)
        image[seen.slices] = photo
        placed = Subject(name=subject.name, image=image, alpha=alpha.astype(np.float32) / np.float32(255))
        return PlacedSubject(subject=placed, box=box, scale=self.scale)


AS_PHOTO = Composition()


@dataclass(frozen=True, kw_only=True, eq=False)
class PlacedSubject:
    """A subject on its canvas: what masks, painting, pasting and measures see in place of the photo.

    Attributes
    ----------
    subject
        At the canvas' size. Where the photo lies, its own pixels: at scale 1 bit for bit, else resampled once by
        Pillow's antialiased Lanczos, colours and alpha alike. Beyond the photo the alpha is 0, and the image goes on
        as the mean colours of the photo's background, for what starts from it or blurs it.
    box
        Where the photo lies; it may reach beyond the canvas.
    scale
        Of the photo.
    """

    subject: Subject
    box: Box
    scale: float

    @property
    def is_cut_above_ground(self) -> bool:
        """Whether the photo's lower frame, and not the canvas', cuts the subject off."""
        if self.box.bottom >= self.subject.extent.height:
            return False
        return bool((self.subject.alpha[self.box.bottom - 1] > 0.5).any())

    def pasting(self, options: CompositeOptions) -> CompositeOptions:
        """The options as they act here: what is cut off in the air has no ground to throw its shadow on."""
        return replace(options, shadow=0.0, ground_shadow=0.0) if self.is_cut_above_ground else options

    def receipts(self, options: CompositeOptions) -> dict[str, str]:
        """What was done, in words: where the photo lies, how it was resampled, and why there is no shadow."""
        told = {"canvas": f"photo at {self.box.left}, {self.box.top} of {self.subject.extent}"}
        if self.scale != 1:
            told["resampling"] = f"Lanczos to {self.box.extent}"
        if self.pasting(options) != options:
            told["shadow"] = "none: the photo's lower frame cuts the subject off"
        return told


def _offset(canvas: int, photo: int, at_start: bool, at_end: bool, first: int, last: int) -> int:
    """Where the photo begins on one axis: at its anchor, and moved as far as the subject needs to be in view."""
    offset = 0 if at_start else canvas - photo if at_end else (canvas - photo) // 2
    return offset if photo <= canvas else max(-first, min(canvas - last, offset))


def _kept_box(alpha: np.ndarray) -> Box:
    """Around what is kept more than it is given away; around everything where that is nothing."""
    rows, columns = (np.flatnonzero((alpha > 0.5).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return Box(left=0, top=0, right=alpha.shape[1], bottom=alpha.shape[0])
    return Box(left=int(columns[0]), top=int(rows[0]), right=int(columns[-1]) + 1, bottom=int(rows[-1]) + 1)


def _resampled(array: np.ndarray, extent: Extent, part: Box) -> np.ndarray:
    """A part of a picture (uint8, HW or HWC) at another size; the rest is never computed, however large it would be."""
    own = Extent.of(array)
    if own == extent:
        return array[part.slices]
    across, down = own.width / extent.width, own.height / extent.height
    box = part.left * across, part.top * down, min(own.width, part.right * across), min(own.height, part.bottom * down)
    size = part.extent.width, part.extent.height
    return np.array(Image.fromarray(array).resize(size, Image.Resampling.LANCZOS, box=box))
