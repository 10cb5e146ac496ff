"""Which part of the photo the canvas shows: all of it, or a box of the same aspect for work on details."""

from dataclasses import dataclass

import streamlit as st

from bgen_core.extent import Box, Extent

ZOOMS = (1, 2, 4, 8, 16)
_LEAST_SIDE = 32  # pixels of the photo: less is not looked at
_KEY = "viewport"


@dataclass(frozen=True, kw_only=True)
class Viewport:
    """A zoom and a place, independent of the photo's size.

    Attributes
    ----------
    zoom
        How many times larger than the whole photo, one of `ZOOMS`.
    across, down
        Where the box lies, in [0, 1]: 0 = at the left (top), 1 = at the right (bottom).
    """

    zoom: int = 1
    across: float = 0.5
    down: float = 0.5

    def box(self, photo: Extent) -> Box:
        """The part of the photo that is shown: whole pixels, so that nothing drawn on it is shifted."""
        width = max(min(_LEAST_SIDE, photo.width), round(photo.width / self.zoom))
        height = max(min(_LEAST_SIDE, photo.height), round(photo.height / self.zoom))
        left, top = round(self.across * (photo.width - width)), round(self.down * (photo.height - height))
        return Box(left=left, top=top, right=left + width, bottom=top + height)

    def moved(self, columns: float, rows: float) -> "Viewport":
        """The same zoom, this many halves of a box further right and down."""
        if self.zoom == 1:
            return self
        step = 0.5 / (self.zoom - 1)
        return Viewport(
            zoom=self.zoom, across=_share(self.across + columns * step), down=_share(self.down + rows * step)
        )

    def zoomed(self, steps: int, x: float, y: float, photo: Extent) -> "Viewport":
        """This many zooms further in, or out below 0; what lies at (x, y) stays there, in shares of the box."""
        at = min(len(ZOOMS) - 1, max(0, ZOOMS.index(self.zoom) + steps))
        before, shown = self.box(photo), Viewport(zoom=ZOOMS[at]).box(photo).extent
        left = before.left + x * (before.extent.width - shown.width)
        top = before.top + y * (before.extent.height - shown.height)
        return Viewport(
            zoom=ZOOMS[at],
            across=_place(left + shown.width / 2, shown.width, photo.width),
            down=_place(top + shown.height / 2, shown.height, photo.height),
        )


def viewport_around(box: Box, photo: Extent) -> Viewport:
    """The largest zoom that shows the whole box, with the box in the middle as far as the photo's frame allows."""
    fits = min(photo.width / box.extent.width, photo.height / box.extent.height)
    zoom = max(zoom for zoom in ZOOMS if zoom <= max(1.0, fits))
    shown = Viewport(zoom=zoom).box(photo).extent
    return Viewport(
        zoom=zoom,
        across=_place((box.left + box.right) / 2, shown.width, photo.width),
        down=_place((box.top + box.bottom) / 2, shown.height, photo.height),
    )


def current_viewport() -> Viewport:
    """What the visitor looks at."""
    return st.session_state.get(_KEY, Viewport())


def look_at(viewport: Viewport) -> None:
    """Show this part from the next run on."""
    st.session_state[_KEY] = viewport


def _place(middle: float, shown: int, whole: int) -> float:
    return _share((middle - shown / 2) / (whole - shown)) if whole > shown else 0.5


def _share(value: float) -> float:
    return min(1.0, max(0.0, value))
