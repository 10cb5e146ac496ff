"""What a person changed about an automatic mask: a value that is kept with the subject and can be replayed any day."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from bgen_core.errors import UserInputError

Mode = Literal["add", "erase"]
MODES: tuple[Mode, ...] = ("add", "erase")
THRESHOLD_RANGE = (0.02, 0.98)
MAX_GROW = 400.0
MAX_FEATHER = 200.0


@dataclass(frozen=True, kw_only=True)
class Stroke:
    """One stroke of the brush.

    Attributes
    ----------
    mode
        "add" keeps what it covers, "erase" gives it to the background.
    size
        Width of the brush, in pixels of the photo.
    points
        Where it went, as (x, y) in pixels of the photo, (0, 0) = the corner at the top left. May lie outside.
    """

    mode: Mode
    size: float
    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise UserInputError(f"The brush mode {self.mode!r} is not known: allowed are {' and '.join(MODES)}.")
        if not (math.isfinite(self.size) and self.size > 0):
            raise UserInputError(f"The brush size {self.size!r} is not allowed: it must be above 0 pixels.")
        if not self.points or not all(math.isfinite(x) and math.isfinite(y) for x, y in self.points):
            raise UserInputError("A stroke needs at least one point, and every point two finite numbers.")

    def to_json(self) -> dict[str, Any]:
        return {"mode": self.mode, "size": self.size, "points": [[x, y] for x, y in self.points]}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Stroke":
        points = tuple((float(x), float(y)) for x, y in content["points"])
        return cls(mode=content["mode"], size=float(content["size"]), points=points)


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
    """

    threshold: float = 0.5
    grow: float = 0.0
    feather: float = 0.0
    strokes: tuple[Stroke, ...] = ()

    def __post_init__(self) -> None:
        for name, low, high, unit in (
            ("threshold", *THRESHOLD_RANGE, ""),
            ("grow", -MAX_GROW, MAX_GROW, " pixels"),
            ("feather", 0.0, MAX_FEATHER, " pixels"),
        ):
            value = getattr(self, name)
            if not low <= value <= high:  # also true for NaN
                raise UserInputError(f"The mask's {name} of {value:g} is not allowed: {low:g} to {high:g}{unit}.")

    @property
    def changes_nothing(self) -> bool:
        return self == MaskEdit()

    def scaled(self, factor: float) -> "MaskEdit":
        """The same edit for the photo at another size."""
        strokes = tuple(
            replace(
                stroke,
                size=stroke.size * factor,
                points=tuple((x * factor, y * factor) for x, y in stroke.points),
            )
            for stroke in self.strokes
        )
        return replace(self, grow=self.grow * factor, feather=self.feather * factor, strokes=strokes)

    def to_json(self) -> dict[str, Any]:
        return {
            "threshold": self.threshold,
            "grow": self.grow,
            "feather": self.feather,
            "strokes": [stroke.to_json() for stroke in self.strokes],
        }

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
            return cls(
                threshold=float(content.get("threshold", 0.5)),
                grow=float(content.get("grow", 0.0)),
                feather=float(content.get("feather", 0.0)),
                strokes=tuple(Stroke.from_json(stroke) for stroke in strokes),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UserInputError(f"The saved mask edit cannot be read: {error}.") from error
