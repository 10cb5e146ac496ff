"""Which previews are so far behind that their cells will lose, and how sure that is: learnt from kept runs.

A cell is compared with the best picture that its sweep has finished of the same subject: what its preview lacks of that
picture's own preview. A cell that lacks more than a bound is stopped. The bound is chosen so that of small groups of
kept runs, each of one sweep and subject, the best one is stopped with a chance of at most 5 %, in a random order of
painting. That is conformal risk control (Angelopoulos, Bates, Fisch, Lei, Schuster, "Conformal risk control", 2022,
arXiv:2208.02814): for a further group that is drawn like the kept ones the chance is at most that, whatever the measure
is. It needs 19 groups, and some more to be tried on.

A larger sweep, or one of another kind, is not drawn like them. So the share of winners lost is also found on whole
sweeps that the bound was not learnt from, and where it is above 5 % there, a smaller chance is aimed at.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

MOST_LOST = 0.05  # share of winners
GROUP = 8  # runs of one group
_FEWEST_LEARNT_FROM = round(1 / MOST_LOST) - 1
_AIMED_AT = (MOST_LOST, 0.035, 0.02)
FEWEST_SAVED = 0.05  # of the steps: for less no winner is put at risk
_FOLDS = 5
_ROUNDING = 1e-9
FEWEST_GROUPS = _FEWEST_LEARNT_FROM + math.ceil(_FEWEST_LEARNT_FROM / (_FOLDS - 1))  # a fold is left out


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


_Group = Sequence[Foreseen]
_Compared = tuple[np.ndarray, np.ndarray]  # how far behind, and the chance of each comparison


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
    pieces = [list(_pieces(sweep)) for sweep in whole]
    count = sum(map(len, pieces))
    found = Calibration(kept=len(runs), groups=count)
    if count < FEWEST_GROUPS:
        return found
    held, by_sweep = _held_out(whole, pieces)
    fewest = min(len(each.winners) for each in held)
    for aimed_at in _AIMED_AT:
        if aimed_at * (fewest + 1) < 1:  # no bound can be that sure with so few
            break
        lost, stopped = _tried(held, aimed_at)
        saved = stopped * (1 - looked_at)
        found = replace(found, lost=lost, saved=saved, by_sweep=by_sweep)
        if lost <= MOST_LOST:
            bound = _bound([_winner(piece) for own in pieces for piece in own], aimed_at)
            return replace(found, bound=bound if saved >= FEWEST_SAVED and math.isfinite(bound) else None)
    return found


def _by_sweep(runs: Sequence[Foreseen]) -> list[_Group]:
    ordered = sorted(runs, key=lambda run: run.sweep)
    found = [list(group) for _, group in groupby(ordered, key=lambda run: run.sweep)]
    return [group for group in found if len(group) >= GROUP]


def _pieces(sweep: _Group) -> Iterator[_Group]:
    """Groups of a sweep's runs, drawn at random, always the same ones."""
    drawn = random.Random(0).sample(list(sweep), len(sweep))
    for start in range(0, len(drawn) - GROUP + 1, GROUP):
        yield drawn[start : start + GROUP]


def _bound(winners: Sequence[_Compared], aimed_at: float) -> float:
    """The smallest bound of at least 0 whose risk is controlled; infinite where there are too few groups for one."""
    behind, chances = (np.concatenate(each) for each in zip(*winners, strict=True))
    allowed = aimed_at * (len(winners) + 1) - 1
    if allowed < -_ROUNDING:
        return math.inf
    candidates = np.unique(np.maximum(behind, 0))
    order = np.argsort(behind)
    up_to = np.concatenate([[0.0], np.cumsum(chances[order])])
    beyond = up_to[-1] - up_to[np.searchsorted(behind[order], candidates, side="right")]
    return float(candidates[np.argmax(beyond <= allowed + _ROUNDING)])


@dataclass(frozen=True, kw_only=True, eq=False)
class _Held:
    """What would be stopped of groups that a bound is tried on, and the winners that it is learnt from."""

    winners: Sequence[_Compared]
    stops: Sequence[_Compared]
    loses: Sequence[_Compared]

    @classmethod
    def of(cls, groups: Sequence[_Group], winners: Sequence[_Compared]) -> "_Held":
        stops = [_all_compared(group) for group in groups]
        return cls(winners=winners, stops=stops, loses=[_winner(group) for group in groups])


def _held_out(whole: Sequence[_Group], pieces: Sequence[Sequence[_Group]]) -> tuple[list[_Held], bool]:
    """What a bound is tried on, and whether these are whole sweeps."""
    won = [[_winner(piece) for piece in own] for own in pieces]
    others = [[each for place, own in enumerate(won) if place != left for each in own] for left in range(len(won))]
    if len(whole) > 1 and min(map(len, others)) >= _FEWEST_LEARNT_FROM:
        return [_Held.of([sweep], winners) for sweep, winners in zip(whole, others, strict=True)], True
    alike = [piece for own in pieces for piece in own]
    each_won = [winner for own in won for winner in own]
    return [
        _Held.of(alike[fold::_FOLDS], [each for place, each in enumerate(each_won) if place % _FOLDS != fold])
        for fold in range(_FOLDS)
    ], False


def _tried(held: Sequence[_Held], aimed_at: float) -> tuple[float, float]:
    """The share of winners lost, and of cells stopped."""
    lost: list[float] = []
    stopped: list[float] = []
    for each in held:
        bound = _bound(each.winners, aimed_at)
        lost += [_chance(compared, bound) for compared in each.loses]
        stopped += [_chance(compared, bound) for compared in each.stops]
    return float(np.mean(lost)), float(np.mean(stopped))


def lost_with(group: _Group, bound: float) -> float:
    """The chance that a group's best run is stopped, in a random order of painting."""
    return _chance(_winner(group), bound)


def stopped_with(group: _Group, bound: float) -> float:
    """The share of a group's runs that are stopped, in a random order of painting."""
    return _chance(_all_compared(group), bound)


def _chance(compared: _Compared, bound: float) -> float:
    behind, chances = compared
    return float(chances[behind > bound].sum())


def _winner(group: _Group) -> _Compared:
    ordered = sorted(group, key=lambda run: run.final)
    return _behind(np.array([run.preview for run in ordered]), 0)


def _all_compared(group: _Group) -> _Compared:
    """Of a run that is drawn at random."""
    previews = np.array([run.preview for run in sorted(group, key=lambda run: run.final)])
    behind, chances = zip(*(_behind(previews, place) for place in range(len(group))), strict=True)
    return np.concatenate(behind), np.concatenate(chances) / len(group)


def _behind(previews: np.ndarray, place: int) -> _Compared:
    """How far one preview is behind those that it may be compared with, and the chance of each.

    With a random order of painting the k-th best of the others is the best that is finished when a run is looked at,
    with a chance of 1 / (k (k + 1)): each is finished with the chance u, and ∫ u (1 − u)^(k − 1) du over u is that.

    Parameters
    ----------
    previews
        float64, of the finished runs, the best first.
    """
    ranks = np.arange(1, len(previews))
    return previews[place] - np.delete(previews, place), 1 / (ranks * (ranks + 1))
