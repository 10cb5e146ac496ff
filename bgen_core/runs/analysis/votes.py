"""Blind votes: a Bradley–Terry score for each value of an axis.

Sources
-------
Bradley, Terry, "Rank analysis of incomplete block designs", Biometrika 39 (1952). Fit: choix,
`ilsr_pairwise_dense` (Maystre, Grossglauser, "Fast and accurate inference of Plackett–Luce models", NeurIPS 2015).
Intervals: Rubin, "The Bayesian bootstrap", The Annals of Statistics 9 (1981).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from bgen_core.runs.analysis.columns import AxisColumn, shown
from bgen_core.runs.analysis.paired import CONFIDENCE, fewest_pairs
from bgen_core.runs.opinion_rows import Vote

_DRAWS = 400
_SEED = 0  # the same votes always give the same intervals


@dataclass(frozen=True, kw_only=True)
class AxisScore:
    """How often one value of an axis is preferred.

    Attributes
    ----------
    value
        Of the axis.
    score, low, high
        Log-odds against the mean value of the axis, with the interval: 0 is average, 1 wins 73 % of such pairs.
    votes
        Votes between this value and another one.
    wins
        Of these; a tie counts one half.
    """

    value: object
    score: float
    low: float
    high: float
    votes: int
    wins: float

    @property
    def chance(self) -> float:
        """Share of the pairs with an average value that it wins, in [0, 1]."""
        return win_chance(self.score)


@dataclass(frozen=True, kw_only=True)
class AxisVotes:
    """What people think of an axis's values.

    Attributes
    ----------
    scores
        The best first.
    votes
        Votes between two different values of the axis.
    voters
        Who gave them, as a number.
    is_clear
        Whether the first is preferred to the second beyond doubt, by votes enough to say so.
    sentence
        States the preference and its uncertainty; "No clear preference" where there is none.
    """

    scores: tuple[AxisScore, ...]
    votes: int
    voters: int
    is_clear: bool
    sentence: str


def axis_votes(votes: Sequence[Vote], values: Mapping[str, object], axis: AxisColumn) -> AxisVotes:
    """Score the values of an axis by the votes between runs that differ in it.

    Beside the votes, each value counts as having won and lost half a time against the others together. This holds the
    score of a value that always won at a finite number, and keeps a handful of votes from being taken for certainty.
    The intervals come from weighing the votes and these halves anew 400 times: a Bayesian bootstrap, in which no weight
    is ever 0, so that every draw can be fitted.

    Parameters
    ----------
    votes
        Of one sweep. Votes between runs of the same value say nothing about the axis and are left out.
    values
        Run -> its value of the axis. Votes on runs that are not here are left out.
    axis
        For the sentence.
    """
    counted = [
        vote
        for vote in votes
        if vote.run_a in values and vote.run_b in values and values[vote.run_a] != values[vote.run_b]
    ]
    known = list(dict.fromkeys(values.values()))
    place = {value: index for index, value in enumerate(known)}
    if not counted:
        sentence = f"No clear preference between the values of {axis.label}: there are no votes yet."
        return AxisVotes(scores=(), votes=0, voters=0, is_clear=False, sentence=sentence)
    pairs = np.array([(place[values[vote.run_a]], place[values[vote.run_b]]) for vote in counted])
    shares = np.array([{"a": 1.0, "b": 0.0, "tie": 0.5}[vote.winner] for vote in counted])
    fit = partial(_fit, pairs=pairs, shares=shares, count=len(known))
    scores = fit(np.ones(len(pairs) + 2 * len(known)))
    drawn = np.array([fit(weights) for weights in _weights(len(pairs) + 2 * len(known))])
    low, high = _interval(drawn)
    wins = np.bincount(pairs.ravel(), weights=np.stack([shares, 1 - shares], axis=1).ravel(), minlength=len(known))
    faced = np.bincount(pairs.ravel(), minlength=len(known))
    order = np.argsort(-scores, kind="stable")
    ranked = tuple(
        AxisScore(
            value=known[index],
            score=float(scores[index]),
            low=float(low[index]),
            high=float(high[index]),
            votes=int(faced[index]),
            wins=float(wins[index]),
        )
        for index in order
    )
    lead = np.array([scores[order[0]] - scores[order[1]], *_interval(drawn[:, order[0]] - drawn[:, order[1]])])
    is_clear = bool(lead[1] > 0) and ranked[0].votes >= fewest_pairs(CONFIDENCE)
    return AxisVotes(
        scores=ranked,
        votes=len(counted),
        voters=len({vote.voter for vote in counted}),
        is_clear=is_clear,
        sentence=_sentence(axis, ranked, lead, len(counted), is_clear),
    )


def win_chance(score: float) -> float:
    """Share of the pairs that a lead of this many log-odds wins, in [0, 1]."""
    return float(1 / (1 + np.exp(-score)))


def _fit(weights: np.ndarray, *, pairs: np.ndarray, shares: np.ndarray, count: int) -> np.ndarray:
    """Scores with mean 0: float64, one per value.

    Weights: one for each vote, then one for each value's half win, then one for each value's half loss.
    """
    import choix  # with scipy.stats behind it

    votes, own_wins, own_losses = np.split(weights, [len(pairs), len(pairs) + count])
    wins = np.add.outer(own_wins, own_losses) / (4 * (count - 1))
    np.add.at(wins, (pairs[:, 0], pairs[:, 1]), votes * shares)
    np.add.at(wins, (pairs[:, 1], pairs[:, 0]), votes * (1 - shares))
    np.fill_diagonal(wins, 0)
    return choix.ilsr_pairwise_dense(wins)


def _interval(drawn: np.ndarray) -> np.ndarray:
    return np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)


def _weights(count: int) -> np.ndarray:
    """Flat Dirichlet weights with mean 1: float64, draws × count."""
    return count * np.random.default_rng(_SEED).dirichlet(np.ones(count), size=_DRAWS)


def _sentence(axis: AxisColumn, ranked: tuple[AxisScore, ...], lead: np.ndarray, votes: int, is_clear: bool) -> str:
    best, second = (shown(score.value) for score in ranked[:2])
    chance, low, high = (f"{100 * win_chance(each):.0f}" for each in lead)
    counted = f"{votes} {'vote' if votes == 1 else 'votes'}"
    wins = (
        f"wins {chance} % of the pairs with {second} ({100 * CONFIDENCE:.0f} % interval {low} to {high} %, {counted})"
    )
    if is_clear:
        return f"{axis.label} {best} is preferred: it {wins}."
    return f"No clear preference between the values of {axis.label}: {best} {wins}."
