"""The largest complete part of a grid in which cells are missing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_MOST_LOOKS = 4000  # at ways to leave values out; 20 ms each at worst


@dataclass(frozen=True, kw_only=True)
class CompleteGrid:
    """Values of each axis whose every combination is there.

    Attributes
    ----------
    kept
        For each axis the places of the values that are kept, in their order; one alone where no two can be compared.
    """

    kept: tuple[tuple[int, ...], ...]

    @property
    def levels(self) -> tuple[int, ...]:
        """How many values each axis keeps."""
        return tuple(len(places) for places in self.kept)

    def left_out(self, shape: Sequence[int]) -> tuple[int, ...]:
        """How many values of each axis of the whole grid are not in this one."""
        return tuple(count - kept for count, kept in zip(shape, self.levels, strict=True))


def largest_complete(there: np.ndarray) -> CompleteGrid | None:
    """The complete sub-grid with the most cells among those that leave whole values out.

    Each missing cell needs one of its values left out; all ways are tried, the cheapest first, until as many have been
    looked at as take a moment. So of few missing cells it is the largest, and of many a large one.

    Parameters
    ----------
    there
        bool, one dimension per axis: whether the cell is there.

    Returns
    -------
    CompleteGrid or None
        None where no cell is there.
    """
    if not there.any():
        return None
    best: list[np.ndarray] = []
    best_size = 0
    waiting = [[np.ones(count, bool) for count in there.shape]]
    looks = 0
    while waiting and looks < _MOST_LOOKS:
        kept = waiting.pop()
        looks += 1
        size = int(np.prod([each.sum() for each in kept], dtype=np.int64))
        if size <= best_size:
            continue
        missing = ~there[np.ix_(*kept)]
        if not missing.any():
            best, best_size = kept, size
            continue
        waiting += _without_one(kept, missing)
    if not best:  # only of thousands of ways that all end in nothing
        return None
    return CompleteGrid(kept=tuple(tuple(np.flatnonzero(each).tolist()) for each in best))


def _without_one(kept: list[np.ndarray], missing: np.ndarray) -> list[list[np.ndarray]]:
    """The ways to leave out one of the values of the worst missing cell, the most promising last."""
    rates = [
        missing.mean(axis=tuple(other for other in range(missing.ndim) if other != axis))
        for axis in range(missing.ndim)
    ]
    worst = max(
        np.argwhere(missing).tolist(), key=lambda cell: sum(rates[axis][place] for axis, place in enumerate(cell))
    )
    ways: list[tuple[float, list[np.ndarray]]] = []
    for axis, place in enumerate(worst):
        fewer = [each.copy() for each in kept]
        fewer[axis][np.flatnonzero(kept[axis])[place]] = False
        # Missing cells that go with it, for each cell that is lost
        ways.append((float(rates[axis][place]), fewer))
    return [fewer for _, fewer in sorted(ways, key=lambda way: way[0])]
