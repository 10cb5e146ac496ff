"""Sizes and boxes as values that know their order, so that width and height are never swapped."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Extent:
    """Size of a picture in pixels."""

    width: int
    height: int

    @classmethod
    def of(cls, array: Any) -> "Extent":
        """Size of an HW or HWC array."""
        height, width = array.shape[:2]
        return cls(width=width, height=height)

    @property
    def area(self) -> int:
        return self.width * self.height

    @property
    def longest_side(self) -> int:
        return max(self.width, self.height)

    @property
    def shortest_side(self) -> int:
        return min(self.width, self.height)

    def scaled_to_longest_side(self, side: int) -> "Extent":
        """The largest size of the same aspect whose longest side is at most `side`; never enlarged."""
        scale = min(1.0, side / self.longest_side)
        return Extent(width=max(1, round(self.width * scale)), height=max(1, round(self.height * scale)))

    def __str__(self) -> str:
        return f"{self.width} × {self.height}"


@dataclass(frozen=True, kw_only=True)
class Box:
    """Half-open pixel box: columns left..right-1, rows top..bottom-1."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def extent(self) -> Extent:
        return Extent(width=self.right - self.left, height=self.bottom - self.top)

    @property
    def slices(self) -> tuple[slice, slice]:
        """Row and column slices for an HW array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def grown(self, margin: int, *, within: Extent) -> "Box":
        """The box enlarged by `margin` pixels on every side, cut at the picture's border."""
        return Box(
            left=max(0, self.left - margin),
            top=max(0, self.top - margin),
            right=min(within.width, self.right + margin),
            bottom=min(within.height, self.bottom + margin),
        )
