"""From a sweep's pictures to maps: for each part of the design, how much of what changes at a pixel belongs to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bgen_core.runs.analysis.axis_maps.claims import VISIBLE, PlaceShare, place_shares
from bgen_core.runs.analysis.axis_maps.complete_grid import CompleteGrid, largest_complete
from bgen_core.runs.analysis.axis_maps.map_words import map_sentences
from bgen_core.runs.analysis.axis_maps.places import background_weights, places
from bgen_core.runs.analysis.axis_maps.variance import Design, VarianceMap, shares, variance_map
from bgen_core.runs.analysis.columns import SEED, AxisColumn
from bgen_core.wording import counted, listed

_RADIUS = 1 / 64  # of the longest side: the window over which a pixel's variance is averaged


@dataclass(frozen=True, kw_only=True, eq=False)
class AxisMaps:
    """Where each axis acts, for one subject.

    Attributes
    ----------
    shares
        Part of the design (an axis's name, and the others of `variance`) -> float32, HW: its share from 0 to 1 of what
        changes around this pixel; empty where nothing can be told apart.
    visible
        float32, HW: the weight of the background where what changes can be seen, else 0.
    places
        Parts of the picture by name.
    sentences
        What the maps say, or why there are none; then what the reader has to know of them.
    pictures
        How many they are of.
    """

    shares: dict[str, np.ndarray]
    visible: np.ndarray
    places: dict[str, PlaceShare]
    sentences: tuple[str, ...]
    pictures: int

    @classmethod
    def nothing(cls, *sentences: str) -> "AxisMaps":
        """No maps, and why."""
        return cls(shares={}, visible=np.zeros((0, 0), np.float32), places={}, sentences=sentences, pictures=0)

    def with_remarks(self, remarks: Sequence[str]) -> "AxisMaps":
        """The same with more that the reader has to know."""
        return replace(self, sentences=(*self.sentences, *remarks))


def axis_maps(
    pictures: Mapping[tuple[int, ...], np.ndarray],
    axes: Sequence[AxisColumn],
    shape: Sequence[int],
    *,
    alpha: np.ndarray | None = None,
) -> AxisMaps:
    """Split what changes between the pictures of one subject.

    Parameters
    ----------
    pictures
        Place on each axis -> uint8, HWC, RGB, all of one size. Where cells of the grid are missing, the largest
        complete part of it is taken.
    axes
        What was varied, each with two values or more; the seed is the one called "seed".
    shape
        How many values each axis has.
    alpha
        float32, HW of any size, 1 = subject: what is left out. None to look at the whole picture.
    """
    grid = largest_complete(_there(pictures, shape)) if pictures and axes else None
    if grid is None:
        return AxisMaps.nothing("There is nothing to compare: no picture of this sweep can be read.")
    varied = [place for place, count in enumerate(grid.levels) if count > 1]
    remarks = _remarks(grid, axes, shape, has_all=len(pictures) == np.prod(shape))
    if why := _why_not([axes[place] for place in varied], axes):
        return AxisMaps.nothing(why, *remarks)
    design = Design(
        names=tuple(axes[place].name for place in varied), levels=tuple(grid.levels[place] for place in varied)
    )
    stack = np.stack([pictures[cell] for cell in _product(grid)])
    background = background_weights(alpha, *stack.shape[1:3])
    if not background.any():
        return AxisMaps.nothing("The mask leaves no background to look at.")
    labels = {axes[place].name: axes[place] for place in varied}
    found = variance_map(stack, design)
    told = place_shares(found, stack, places(background))
    smooth = found.smoothed(background, max(0.5, max(background.shape) * _RADIUS))
    return AxisMaps(
        shares={part: each.astype(np.float32) for part, each in shares(smooth.parts).items()},
        visible=np.where(_spread(smooth) >= VISIBLE, background, 0).astype(np.float32),
        places=told,
        sentences=(*map_sentences(told, design, labels), *remarks, *_without_seeds(design)),
        pictures=len(stack),
    )


def _there(pictures: Mapping[tuple[int, ...], np.ndarray], shape: Sequence[int]) -> np.ndarray:
    there = np.zeros(tuple(shape), bool)
    there[tuple(np.array(list(pictures), int).T)] = True
    return there


def _product(grid: CompleteGrid) -> list[tuple[int, ...]]:
    cells = np.stack(np.meshgrid(*grid.kept, indexing="ij"), axis=-1).reshape(-1, len(grid.kept))
    return [tuple(cell) for cell in cells.tolist()]


def _spread(found: VarianceMap) -> np.ndarray:
    return np.sqrt(np.maximum(found.total, 0))


def _why_not(varied: Sequence[AxisColumn], axes: Sequence[AxisColumn]) -> str:
    """Why nothing can be told apart; empty where it can."""
    if not varied:
        return "Too few pictures are there: no two values of any axis can be compared with everything else the same."
    if len(varied) > 1:
        return ""
    (only,) = varied
    was = "is" if len(axes) > 1 else "was"
    if only.name == SEED:
        return f"Only the seed {was} varied, so all that changes is the seed's: no map says more."
    return (
        f"Only {only.spoken} {was} varied, with one seed: what it does cannot be told from chance. "
        "With three seeds or more, a map shows where it acts."
    )


def _remarks(grid: CompleteGrid, axes: Sequence[AxisColumn], shape: Sequence[int], *, has_all: bool) -> tuple[str, ...]:
    if has_all:
        return ()
    left = [
        f"{count} of {of} {'seeds' if axis.name == SEED else f'values of {axis.spoken}'}"
        for axis, count, of in zip(axes, grid.left_out(shape), shape, strict=True)
        if count
    ]
    count = int(np.prod(grid.levels, dtype=np.int64))
    return (
        f"This is of {counted(count, 'picture')} of {int(np.prod(shape, dtype=np.int64)):,}: others are missing, so "
        f"{listed(left)} {'is' if len(left) == 1 and left[0].startswith('1 ') else 'are'} left out.",
    )


def _without_seeds(design: Design) -> tuple[str, ...]:
    if design.has_seed:
        return ()
    return ("All pictures have one seed: how much another seed would change cannot be told.",)
