"""What a person changed about an automatic mask: a value that is kept with the subject and can be replayed any day."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from bgen_core.errors import UserInputError, reason
from bgen_core.wording import quoted

Mode = Literal["add", "erase"]
MODES: tuple[Mode, ...] = ("add", "erase")
Shape = Literal["brush", "lasso", "rectangle", "object"]
SHAPES: tuple[Shape, ...] = ("brush", "lasso", "rectangle", "object")
Points = tuple[tuple[float, float], ...]
THRESHOLD_RANGE = (0.02, 0.98)
MAX_GROW = 400.0
MAX_FEATHER = 200.0

# Of the automatic mask. fast: the network's own soft mask, enlarged. standard: with edges that follow the photo's.
# fine: closed-form matting of standard's edge, in seconds (`fine.FINE_COST`) instead of a fraction of one.
QUALITIES = ("fast", "standard", "fine")

# How the automatic mask finds persons. 1: the selfie networks alone, as all masks were made that do not say. 2: with
# faces and bodies beside them (`persons`).
WAYS = (1, 2)


@dataclass(frozen=True, kw_only=True)
class Stroke:
    """One stroke of the brush, one area that was drawn around, or one object that was clicked on.

    Attributes
    ----------
    mode
        "add" keeps what it covers, "erase" gives it to the background.
    size
        Width of the brush, in pixels of the photo; of an object: over how many its edge fades.
    points
        Where it went, as (x, y) in pixels of the photo, (0, 0) = the corner at the top left. May lie outside. Of an
        object: the click, or two corners of the box, by which it was found.
    shape
        "brush" paints along the points; "lasso" fills what the line through them, closed, goes around; "rectangle"
        fills the upright box around them, of which two corners are enough; "object" fills its outlines.
    softness
        Over how much of its radius it fades towards its edge, in [0, 1]: 0 is a hard edge. The radius of a lasso or a
        rectangle is that of the largest disc within it. An object has none.
    outlines
        Of an object alone: closed lines around what was found, in pixels of the photo; a line within a line is a hole.
        They are kept, not found anew, so that the same edit gives the same mask wherever it is opened.
    found_by
        Of an object alone: what found it.
    """

    mode: Mode
    size: float
    points: Points
    shape: Shape = "brush"
    softness: float = 0.0
    outlines: tuple[Points, ...] = ()
    found_by: str = ""

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise UserInputError(f"The brush mode {quoted(self.mode)} is not known: allowed are {' and '.join(MODES)}.")
        if self.shape not in SHAPES:
            raise UserInputError(f"The brush shape {quoted(self.shape)} is not known: allowed are {', '.join(SHAPES)}.")
        if not (math.isfinite(self.size) and self.size > 0):
            raise UserInputError(f"The brush size {quoted(self.size)} is not allowed: it must be above 0 pixels.")
        if not 0 <= self.softness <= 1:  # also true for NaN
            raise UserInputError(f"The brush softness of {self.softness:g} is not allowed: 0 to 1.")
        if not self.points or not all(math.isfinite(x) and math.isfinite(y) for x, y in self.points):
            raise UserInputError("A stroke needs at least one point, and every point two finite numbers.")
        if (self.shape == "object") != bool(self.outlines):
            raise UserInputError("An object, and nothing else, has outlines: at least one.")
        for line in self.outlines:
            if len(line) < 3 or not all(math.isfinite(x) and math.isfinite(y) for x, y in line):
                raise UserInputError("An outline needs at least three points, and every point two finite numbers.")

    def scaled(self, factor: float) -> "Stroke":
        """The same stroke for the photo at another size."""
        outlines = tuple(_scaled(line, factor) for line in self.outlines)
        return replace(self, size=self.size * factor, points=_scaled(self.points, factor), outlines=outlines)

    def moved(self, columns: float, rows: float) -> "Stroke":
        """The same stroke for a picture whose corner lies elsewhere."""
        outlines = tuple(_moved(line, columns, rows) for line in self.outlines)
        return replace(self, points=_moved(self.points, columns, rows), outlines=outlines)

    def to_json(self) -> dict[str, Any]:
        content: dict[str, Any] = {"mode": self.mode, "size": self.size, "points": [[x, y] for x, y in self.points]}
        if self.shape != "brush":
            content["shape"] = self.shape
        if self.softness:
            content["softness"] = self.softness
        if self.shape == "object":
            content["outlines"] = [[[x, y] for x, y in line] for line in self.outlines]
            content["found_by"] = self.found_by
        return content

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Stroke":
        outlines: Sequence[Sequence[Sequence[Any]]] = content.get("outlines", [])
        return cls(
            mode=content["mode"],
            size=float(content["size"]),
            points=_points(content["points"]),
            shape=content.get("shape", "brush"),
            softness=float(content.get("softness", 0.0)),
            outlines=tuple(_points(line) for line in outlines),
            found_by=str(content.get("found_by", "")),
        )


@dataclass(frozen=True, kw_only=True)
class MaskEdit:
    """All changes to an automatic mask, in the order in which they are applied.

    Attributes
    ----------
    threshold
        Where between background (0) and subject (1) the edge lies; 0.5 changes nothing, less keeps more.
    grow
        Pixels of the photo by which the mask grows; below 0 it shrinks.
    feather
        Softness added to the edge: sigma of a Gaussian, in pixels of the photo.
    strokes
        Painted on top of all that, in this order.
    kept_regions
        A point in each separate region that is kept, as (x, y) in pixels of the photo; the others go before anything
        else is applied. None = all of them are kept. Points find their region in any mask of the same photo.
    quality
        Of the automatic mask that all this was made for, one of `QUALITIES`.
    way
        How the automatic mask that all this was made for found persons, one of `WAYS`: a saved edit keeps its own.
    inverted
        Whether the mask that all this starts from is turned round, after regions are left out and before anything else.
    """

    threshold: float = 0.5
    grow: float = 0.0
    feather: float = 0.0
    strokes: tuple[Stroke, ...] = ()
    kept_regions: Points | None = None
    quality: str = "standard"
    inverted: bool = False
    way: int = WAYS[-1]

    def __post_init__(self) -> None:
        for name, low, high, unit in (
            ("threshold", *THRESHOLD_RANGE, ""),
            ("grow", -MAX_GROW, MAX_GROW, " pixels"),
            ("feather", 0.0, MAX_FEATHER, " pixels"),
        ):
            value = getattr(self, name)
            if not low <= value <= high:  # also true for NaN
                raise UserInputError(f"The mask's {name} of {value:g} is not allowed: {low:g} to {high:g}{unit}.")
        if self.quality not in QUALITIES:
            raise UserInputError(
                f"The quality {quoted(self.quality)} is not known: allowed are {', '.join(QUALITIES)}."
            )
        if self.way not in WAYS:
            raise UserInputError(
                f"Masks of the way {quoted(self.way)} are not known here: this program makes {WAYS[0]} to {WAYS[-1]}."
            )
        if not all(math.isfinite(x) and math.isfinite(y) for x, y in self.kept_regions or ()):
            raise UserInputError("A region is kept by a point of two finite numbers.")

    @property
    def changes_nothing(self) -> bool:
        return self == MaskEdit()

    def scaled(self, factor: float) -> "MaskEdit":
        """The same edit for the photo at another size."""
        kept = None if self.kept_regions is None else _scaled(self.kept_regions, factor)
        strokes = tuple(stroke.scaled(factor) for stroke in self.strokes)
        return replace(self, grow=self.grow * factor, feather=self.feather * factor, strokes=strokes, kept_regions=kept)

    def moved(self, columns: float, rows: float) -> "MaskEdit":
        """The same edit for a picture whose corner lies elsewhere, such as a crop of the photo."""
        kept = None if self.kept_regions is None else _moved(self.kept_regions, columns, rows)
        strokes = tuple(stroke.moved(columns, rows) for stroke in self.strokes)
        return replace(self, strokes=strokes, kept_regions=kept)

    def inverse(self) -> "MaskEdit":
        """The edit that keeps what this one gives to the background, and gives away what it keeps."""
        other: dict[Mode, Mode] = {"add": "erase", "erase": "add"}
        return replace(
            self,
            inverted=not self.inverted,
            threshold=round(1 - self.threshold, 6),  # twice is the same again
            grow=-self.grow,
            strokes=tuple(replace(stroke, mode=other[stroke.mode]) for stroke in self.strokes),
        )

    def to_json(self) -> dict[str, Any]:
        content: dict[str, Any] = {
            "threshold": self.threshold,
            "grow": self.grow,
            "feather": self.feather,
            "strokes": [stroke.to_json() for stroke in self.strokes],
            "quality": self.quality,
        }
        if self.kept_regions is not None:
            content["kept_regions"] = [[x, y] for x, y in self.kept_regions]
        if self.inverted:
            content["inverted"] = True
        if self.way != WAYS[0]:
            content["way"] = self.way
        return content

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "MaskEdit":
        """Read what `to_json` wrote; missing entries have their defaults.

        Raises
        ------
        UserInputError
            Not an edit, or a value that is not allowed.
        """
        try:
            strokes: Sequence[Mapping[str, Any]] = content.get("strokes", [])
            kept: Sequence[Sequence[Any]] | None = content.get("kept_regions")
            return cls(
                threshold=float(content.get("threshold", 0.5)),
                grow=float(content.get("grow", 0.0)),
                feather=float(content.get("feather", 0.0)),
                strokes=tuple(Stroke.from_json(stroke) for stroke in strokes),
                kept_regions=None if kept is None else _points(kept),
                quality=content.get("quality", "standard"),
                inverted=content.get("inverted", False) is True,
                way=int(content.get("way", WAYS[0])),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UserInputError(f"The saved mask edit cannot be read: {reason(error)}.") from error


def _points(content: Sequence[Sequence[Any]]) -> Points:
    return tuple((float(x), float(y)) for x, y in content)


def _scaled(points: Points, factor: float) -> Points:
    return tuple((x * factor, y * factor) for x, y in points)


def _moved(points: Points, columns: float, rows: float) -> Points:
    return tuple((x + columns, y + rows) for x, y in points)
