"""What of a pasted subject is the same before every background: found once, for many pictures of one subject."""

import threading
from dataclasses import dataclass

import numpy as np

from bgen_core.extent import Extent
from bgen_core.recent import Recent
from bgen_core.subject.masks import feather
from bgen_core.subject.matting import edge_colours, strips, subject_colours

_HALF_STEP = 0.5 / 255  # what an 8-bit picture cannot show
_KEPT = 2  # softnesses of one subject: an axis of them comes in turns


@dataclass(frozen=True, kw_only=True, eq=False)
class Edge:
    """A subject's core and the N pixels of its soft edge, at the photo's size.

    Attributes
    ----------
    alpha
        float32, HW, in [0, 1]: the alpha that pastes it.
    core
        uint8, HW: 1 where the photo's own pixels are, else 0.
    rows, columns
        Where the edge's pixels are, row by row.
    share
        float32, N × 1: their alpha.
    colours
        float32, N × 3, RGB, in [0, 255]: the subject's own colours in them.
    parts
        Which of them come from one strip of the photo.
    """

    alpha: np.ndarray
    core: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    share: np.ndarray
    colours: np.ndarray
    parts: tuple[slice, ...]


class Edges:
    """The edges of one subject, by their softness. Safe in many threads.

    Parameters
    ----------
    image
        uint8, HWC, RGB: the photo.
    alpha
        float32, HW, in [0, 1], at the photo's size.
    colours
        From `matting.edge_colours`; estimated when first needed if not given.
    """

    def __init__(self, image: np.ndarray, alpha: np.ndarray, colours: np.ndarray | None = None) -> None:
        self._image = image
        self._alpha = alpha
        self._colours = colours
        self._lock = threading.Lock()
        self._held: Recent[Edge] = Recent(_KEPT)

    def of(self, softness: float) -> Edge:
        """The edge with a softness in percent of the photo's shorter side."""
        with self._lock:
            return self._held.get(softness, lambda: self._find(softened(self._alpha, softness)))

    def _find(self, pasted: np.ndarray) -> Edge:
        places: list[tuple[np.ndarray, np.ndarray]] = []
        colours: list[np.ndarray] = []
        parts: list[slice] = []
        found = 0
        for rows in strips(len(pasted)):
            share = pasted[rows]
            band = (share > 0) & (share < 1)
            if not band.any():
                continue
            if self._colours is None:
                self._colours = edge_colours(self._image, self._alpha)
            colours.append(subject_colours(self._image, self._alpha, self._colours, rows, band))
            down, across = np.nonzero(band)
            places.append((down + rows.start, across))
            parts.append(slice(found, found := found + len(down)))
        down, across = (
            (np.concatenate(each) for each in zip(*places, strict=True)) if places else (np.zeros(0, np.intp),) * 2
        )
        return Edge(
            alpha=pasted,
            core=(pasted >= 1).astype(np.uint8),
            rows=down,
            columns=across,
            share=pasted[down, across][:, None],
            colours=np.concatenate(colours) if colours else np.zeros((0, 3), np.float32),
            parts=tuple(parts),
        )


def softened(alpha: np.ndarray, softness: float) -> np.ndarray:
    """An alpha with a softer edge, in percent of the shorter side; the same array where that is 0."""
    if not softness:
        return alpha
    soft = feather(alpha, softness / 100 * Extent.of(alpha).shortest_side)
    # A Gaussian has no end: what cannot be seen is given to the core and to the background, which stay exact
    soft[soft >= 1 - _HALF_STEP] = 1
    soft[soft <= _HALF_STEP] = 0
    return soft
