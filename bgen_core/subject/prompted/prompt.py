"""Where somebody points in a photo: a click on an object, or a box around it."""

from dataclasses import dataclass

from bgen_core.errors import UserInputError
from bgen_core.extent import Box, Extent
from bgen_core.subject.edit import Points

LEAST_BOX = 8  # pixels of the photo: a smaller box is a click that slipped


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """A click, or a box.

    Attributes
    ----------
    points
        One (x, y) or two opposite corners, in pixels of the photo, (0, 0) = the corner at the top left.
    """

    points: Points

    def __post_init__(self) -> None:
        if len(self.points) not in (1, 2):
            raise ValueError(f"a prompt has one point or two corners, not {len(self.points)}")

    @property
    def is_box(self) -> bool:
        return len(self.points) == 2

    def middle(self) -> tuple[float, float]:
        """(x, y) of the click, or of the box's middle."""
        xs, ys = zip(*self.points, strict=True)
        return sum(xs) / len(xs), sum(ys) / len(ys)

    def box(self, extent: Extent) -> Box:
        """The box in whole pixels, cut at the photo's frame.

        Raises
        ------
        UserInputError
            It is none, or hardly one.
        """
        xs, ys = zip(*self.points, strict=True)
        box = Box(
            left=max(0, round(min(xs))),
            top=max(0, round(min(ys))),
            right=min(extent.width, round(max(xs))),
            bottom=min(extent.height, round(max(ys))),
        )
        if box.right - box.left < LEAST_BOX or box.bottom - box.top < LEAST_BOX:
            raise UserInputError(
                f"The box {_said(self.points)} is too small or outside the photo of {extent}: at least {LEAST_BOX} × "
                f"{LEAST_BOX} pixels of it must be in the photo."
            )
        return box

    def checked(self, extent: Extent) -> "Prompt":
        """The same prompt.

        Raises
        ------
        UserInputError
            It does not lie in a photo of this size.
        """
        if self.is_box:
            self.box(extent)
            return self
        (x, y), *_ = self.points
        if not (0 <= x < extent.width and 0 <= y < extent.height):
            raise UserInputError(
                f"The click {_said(self.points)} is outside the photo: x must be 0 to {extent.width - 1}, "
                f"y 0 to {extent.height - 1}."
            )
        return self

    def __str__(self) -> str:
        return _said(self.points)


def _said(points: Points) -> str:
    return ",".join(f"{value:g}" for point in points for value in point)
