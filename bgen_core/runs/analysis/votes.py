"""Blind votes: a Bradley–Terry score for each value of an axis.

Sources
-------
Bradley, Terry, "Rank analysis of incomplete block designs", Biometrika 39 (1952). Fit: choix,
`ilsr_pairwise_dense` (Maystre, Grossglauser, "Fast and accurate inference of Plackett–Luce models", NeurIPS 2015).
Intervals: Rubin, "The Bayesian bootstrap", The Annals of Statistics 9 (1981).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from bgen_core.ids import RunId
from bgen_core.runs.analysis.columns import AxisColumn, listed_values, shown
from bgen_core.runs.analysis.paired import CONFIDENCE, fewest_pairs
from bgen_core.store.opinions import Vote

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
        Log-odds against the mean value of the axis, with the interval: 0 is average.
    share, share_low, share_high
        Share of the pairs with another value that it wins, in [0, 1], with the interval: the mean over the other values
        of the chance to win that their scores give. A tie counts one half.
    wins, losses, ties
        Counts of the votes between this value and another one.
    """

    value: object
    score: float
    low: float
    high: float
    share: float
    share_low: float
    share_high: float
    wins: int
    losses: int
    ties: int

    @property
    def votes(self) -> int:
        """Votes between this value and another one."""
        return self.wins + self.losses + self.ties

    @property
    def counts(self) -> str:
        """ "7 wins, 2 losses, 5 ties"."""
        named = ((self.wins, "win", "wins"), (self.losses, "loss", "losses"), (self.ties, "tie", "ties"))
        return ", ".join(f"{count} {one if count == 1 else many}" for count, one, many in named)


@dataclass(frozen=True, kw_only=True)
class AxisVotes:
    """What people think of an axis's values.

    Attributes
    ----------
    scores
        The best first.
    votes
        Votes between two different values of the axis.
    is_clear
        Whether the first is preferred to the second beyond doubt, by votes enough to say so.
    sentence
        States the preference and its uncertainty; "No clear preference" where there is none.
    """

    scores: tuple[AxisScore, ...]
    votes: int
    is_clear: bool
    sentence: str


def axis_votes(votes: Sequence[Vote], values: Mapping[RunId, object], axis: AxisColumn) -> AxisVotes:
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
        return AxisVotes(scores=(), votes=0, is_clear=False, sentence=sentence)
    pairs = np.array([(place[values[vote.run_a]], place[values[vote.run_b]]) for vote in counted])
    shares = np.array([{"a": 1.0, "b": 0.0, "tie": 0.5}[vote.winner] for vote in counted])
    fit = partial(_fit, pairs=pairs, shares=shares, count=len(known))
    scores = fit(np.ones(len(pairs) + 2 * len(known)))
    drawn = np.array([fit(weights) for weights in _weights(len(pairs) + 2 * len(known))])
    low, high = _interval(drawn)
    chances, drawn_chances = _win_shares(scores), _win_shares(drawn)
    share_low, share_high = _interval(drawn_chances)
    wins, losses, ties = _counts(pairs, shares, len(known))
    order = np.argsort(-scores, kind="stable")
    ranked = tuple(
        AxisScore(
            value=known[index],
            score=float(scores[index]),
            low=float(low[index]),
            high=float(high[index]),
            share=float(chances[index]),
            share_low=float(share_low[index]),
            share_high=float(share_high[index]),
            wins=int(wins[index]),
            losses=int(losses[index]),
            ties=int(ties[index]),
        )
        for index in order
    )
    lead_from = _interval(drawn[:, order[0]] - drawn[:, order[1]])[0]
    is_clear = bool(lead_from > 0) and ranked[0].votes >= fewest_pairs(CONFIDENCE)
    return AxisVotes(
        scores=ranked,
        votes=len(counted),
        is_clear=is_clear,
        sentence=_sentence(axis, ranked, is_clear),
    )


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


def _win_shares(scores: np.ndarray) -> np.ndarray:
    """Mean chance to win against another value: float64, the shape of the scores, the values last."""
    chances = 1 / (1 + np.exp(scores[..., None, :] - scores[..., :, None]))
    return (chances.sum(axis=-1) - 0.5) / (scores.shape[-1] - 1)  # a half against itself


def _counts(pairs: np.ndarray, shares: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Wins, losses and ties of each value."""
    own = np.stack([shares, 1 - shares], axis=1).ravel()
    wins, losses, ties = (np.bincount(pairs.ravel()[own == result], minlength=count) for result in (1.0, 0.0, 0.5))
    return wins, losses, ties


def _interval(drawn: np.ndarray) -> np.ndarray:
    return np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)


def _weights(count: int) -> np.ndarray:
    """Flat Dirichlet weights with mean 1: float64, draws × count."""
    return count * np.random.default_rng(_SEED).dirichlet(np.ones(count), size=_DRAWS)


def _sentence(axis: AxisColumn, ranked: tuple[AxisScore, ...], is_clear: bool) -> str:
    best, second = ranked[:2]
    nothing = f"No clear preference between the values of {axis.label}"
    others = shown(second.value) if len(ranked) == 2 else "another value"
    interval = f"{100 * CONFIDENCE:.0f} % interval {100 * best.share_low:.0f} to {100 * best.share_high:.0f} %"
    wins = f"wins {100 * best.share:.0f} % of the pairs with {others} ({interval}): {best.counts}"
    if is_clear:
        return f"{axis.label} {shown(best.value)} is preferred: it {wins}."
    level = [score for score in ranked if math.isclose(score.share, best.share, abs_tol=1e-9)]
    if len(level) == len(ranked):
        return f"{nothing}: each of them wins half of its pairs."
    if len(level) > 1:
        alike = listed_values([score.value for score in level])
        return f"{nothing}: {alike} win alike, {100 * best.share:.0f} % of their pairs."
    return f"{nothing}: {shown(best.value)} {wins}."
