"""Which two runs a voter sees next: never the same two again, and not to be guessed from their order."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bgen_core.content_address import hash_content
from bgen_core.ids import RunId, VisitorId
from bgen_core.runs.analysis.columns import AxisColumn
from bgen_core.store.opinions import Vote

_ATTEMPTS = 64  # draws before the pairs that are left are looked for one by one


@dataclass(frozen=True, kw_only=True)
class BallotPair:
    """Two runs side by side: left and right."""

    run_a: RunId
    run_b: RunId


@dataclass(frozen=True, kw_only=True)
class _Cell:
    run_id: RunId
    value: object


def next_pair(
    frame: pd.DataFrame,
    axis: AxisColumn,
    *,
    axes: Sequence[AxisColumn],
    votes: Sequence[Vote],
    voter: VisitorId,
) -> BallotPair | None:
    """The next two runs for a voter, the same until they have voted.

    Parameters
    ----------
    frame
        The made cells of one sweep: one row per run, whose id is in the column `id`.
    axis
        What the votes shall decide: the two runs differ in it. Pairs that agree in all other axes come first.
    axes
        Everything that was swept, the seed included.
    votes
        All votes on the sweep so far, of every voter.
    voter
        Who votes: each sees the pairs in an order of their own, so that together they cover a large sweep evenly.

    Returns
    -------
    BallotPair or None
        None once the voter has seen every two runs that differ in the axis.
    """
    seen = {frozenset((vote.run_a, vote.run_b)) for vote in votes if vote.voter == voter}
    cells = frame.drop_duplicates("id").dropna(subset=[axis.name])
    rest = [each.name for each in axes if each.name != axis.name]
    groups = _groups(cells, axis, rest)
    random = np.random.default_rng(int(hash_content({"voter": voter, "axis": axis.name, "seen": len(seen)})[:16], 16))
    everything = [cell for group in groups for cell in group]
    for candidates in (groups, [everything]):
        pair = _drawn(candidates, seen, random) or _left_over(candidates, seen)
        if pair is not None:
            one, other = pair if random.random() < 0.5 else pair[::-1]
            return BallotPair(run_a=one.run_id, run_b=other.run_id)
    return None


def _groups(cells: pd.DataFrame, axis: AxisColumn, rest: list[str]) -> list[list[_Cell]]:
    """Cells that agree in the rest, where at least two values of the axis meet."""
    numbers = cells.groupby(rest, dropna=False, sort=False).ngroup().tolist() if rest else [0] * len(cells)
    groups: dict[int, list[_Cell]] = {}
    for number, name, value in zip(numbers, cells["id"].tolist(), cells[axis.name].tolist(), strict=True):
        groups.setdefault(number, []).append(_Cell(run_id=name, value=value))
    return list(groups.values())


def _drawn(
    groups: list[list[_Cell]], seen: set[frozenset[RunId]], random: np.random.Generator
) -> tuple[_Cell, _Cell] | None:
    """A pair by chance: fast as long as the voter has not seen nearly all of them."""
    sizes = np.array([len(group) * (len(group) - 1) for group in groups], float)
    if not sizes.any():
        return None
    for _ in range(_ATTEMPTS):
        group = groups[int(random.choice(len(groups), p=sizes / sizes.sum()))]
        one, other = (group[int(place)] for place in random.choice(len(group), 2, replace=False))
        if one.value != other.value and frozenset((one.run_id, other.run_id)) not in seen:
            return one, other
    return None


def _left_over(groups: list[list[_Cell]], seen: set[frozenset[RunId]]) -> tuple[_Cell, _Cell] | None:
    """The first pair that the voter has not seen."""
    pairs = itertools.chain.from_iterable(_differing_pairs(group) for group in groups)
    return next((pair for pair in pairs if frozenset(cell.run_id for cell in pair) not in seen), None)


def _differing_pairs(group: list[_Cell]) -> Iterator[tuple[_Cell, _Cell]]:
    by_value: dict[object, list[_Cell]] = {}
    for cell in group:
        by_value.setdefault(cell.value, []).append(cell)
    for one, other in itertools.combinations(by_value.values(), 2):
        yield from itertools.product(one, other)
