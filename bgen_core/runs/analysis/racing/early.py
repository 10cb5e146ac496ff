"""Which previews are so far behind that their cells will lose, and how sure that is: learnt from kept runs.

A cell is compared with the best picture that its sweep has finished of the same subject: what its preview lacks of that
picture's own preview. A cell that lacks more than a bound is stopped. The bound is chosen so that of small groups of
kept runs, each of one sweep and subject, the best one is stopped with a chance of at most 5 %, in a random order of
painting. That is conformal risk control (Angelopoulos, Bates, Fisch, Lei, Schuster, "Conformal risk control", 2022,
arXiv:2208.02814): for a further group that is drawn like the kept ones the chance is at most that, whatever the measure
is. It needs 19 groups. A sweep of another kind is not drawn like them; so the share of winners lost is also found on
whole sweeps that the bound was not learnt from.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

MOST_LOST = 0.05  # share of winners
GROUP = 8  # runs of one group
FEWEST_GROUPS = round(1 / MOST_LOST) - 1
FEWEST_SAVED = 0.05  # of the steps: for less no winner is put at risk
_FOLDS = 5


@dataclass(frozen=True, kw_only=True)
class Foreseen:
    """What a kept run's preview said, and what became of it; lower is better.

    Attributes
    ----------
    sweep
        Runs of one sweep and one subject have the same.
    """

    sweep: str
    preview: float
    final: float


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What kept runs say.

    Attributes
    ----------
    kept, groups
        How many runs there are, and how many groups they make.
    bound
        What a preview may be worse by than that of the best finished picture; None where nothing is to be stopped.
    lost, saved
        Of runs that it was not learnt from: the share of winners that were stopped, and of steps that were not made.
    by_sweep
        Whether these were whole sweeps, not a part of the same ones.
    """

    kept: int
    groups: int
    bound: float | None = None
    lost: float = 0.0
    saved: float = 0.0
    by_sweep: bool = False


def calibrate(runs: Sequence[Foreseen], *, looked_at: float) -> Calibration:
    """Choose the bound, and say on held-out runs what it costs and saves.

    Parameters
    ----------
    runs
        Of one model, number of steps, metric and version.
    looked_at
        Share of the steps after which previews are looked at.

    Returns
    -------
    Calibration
        Without a bound where there are too few runs, or where it would lose too much or save too little.
    """
    whole = _by_sweep(runs)
    pieces = [piece for sweep in whole for piece in _pieces(sweep)]
    if len(pieces) < FEWEST_GROUPS:
        return Calibration(kept=len(runs), groups=len(pieces))
    lost, saved, by_sweep = _held_out(whole, pieces)
    bound = _bound(pieces) if lost <= MOST_LOST and saved * (1 - looked_at) >= FEWEST_SAVED else None
    return Calibration(
        kept=len(runs),
        groups=len(pieces),
        bound=bound,
        lost=lost,
        saved=saved * (1 - looked_at),
        by_sweep=by_sweep,
    )


def _by_sweep(runs: Sequence[Foreseen]) -> list[list[Foreseen]]:
    ordered = sorted(runs, key=lambda run: run.sweep)
    found = [list(group) for _, group in groupby(ordered, key=lambda run: run.sweep)]
    return [group for group in found if len(group) >= GROUP]


def _pieces(sweep: Sequence[Foreseen]) -> Iterator[Sequence[Foreseen]]:
    """Groups of a sweep's runs, drawn at random, always the same ones."""
    drawn = random.Random(0).sample(list(sweep), len(sweep))
    for start in range(0, len(drawn) - GROUP + 1, GROUP):
        yield drawn[start : start + GROUP]


def _bound(pieces: Sequence[Sequence[Foreseen]]) -> float:
    """The smallest bound of at least 0 whose risk is controlled; infinite where there is none."""
    behind, chances = (np.concatenate(each) for each in zip(*(_winner(piece) for piece in pieces), strict=True))
    for bound in sorted({0.0, *(float(each) for each in behind if each > 0)}):
        if (chances[behind > bound].sum() + 1) / (len(pieces) + 1) <= MOST_LOST:
            return bound
    return float("inf")


def _held_out(whole: Sequence[Sequence[Foreseen]], pieces: Sequence[Sequence[Foreseen]]) -> tuple[float, float, bool]:
    """Winners lost, cells stopped, and whether that is of whole sweeps."""
    held: list[tuple[Sequence[Sequence[Foreseen]], Sequence[Sequence[Foreseen]]]] = []
    for sweep in whole:
        others = [piece for other in whole if other is not sweep for piece in _pieces(other)]
        if len(others) >= FEWEST_GROUPS:
            held.append(([sweep], others))
    by_sweep = len(held) == len(whole) > 1
    if not by_sweep:
        held = [
            (pieces[fold::_FOLDS], [piece for place, piece in enumerate(pieces) if place % _FOLDS != fold])
            for fold in range(_FOLDS)
        ]
    tested = [(group, _bound(others)) for groups, others in held for group in groups]
    lost = float(np.mean([lost_with(group, bound) for group, bound in tested]))
    return lost, float(np.mean([stopped_with(group, bound) for group, bound in tested])), by_sweep


def lost_with(group: Sequence[Foreseen], bound: float) -> float:
    """The chance that a group's best run is stopped, in a random order of painting."""
    behind, chances = _winner(group)
    return float(chances[behind > bound].sum())


def stopped_with(group: Sequence[Foreseen], bound: float) -> float:
    """The share of a group's runs that are stopped, in a random order of painting."""
    return float(np.mean([chances[behind > bound].sum() for behind, chances in _compared(group)]))


def _winner(group: Sequence[Foreseen]) -> tuple[np.ndarray, np.ndarray]:
    place = int(np.argmin([run.final for run in group]))
    return list(_compared(group))[place]


def _compared(group: Sequence[Foreseen]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each run: how far its preview is behind those it may be compared with, and the chance of each.

    With a random order of painting the k-th best of the others is the best that is finished when a run is looked at,
    with a chance of 1 / (k (k + 1)): each is finished with the chance u, and ∫ u (1 − u)^(k − 1) du over u is that.
    """
    ordered = sorted(group, key=lambda run: run.final)
    previews = np.array([run.preview for run in ordered])
    ranks = np.arange(1, len(group))
    chances = 1 / (ranks * (ranks + 1))
    places = {id(run): place for place, run in enumerate(ordered)}
    for run in group:
        others = np.delete(previews, places[id(run)])
        yield run.preview - others, chances
