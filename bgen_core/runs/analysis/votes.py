"""Blind votes: a Bradley–Terry score for each value of an axis, and what is proved of it, however often one looks.

Source of the model: Bradley, Terry, "Rank analysis of incomplete block designs", Biometrika 39 (1952). What is claimed
does not rest on it: see `voting/evidence.py`. Scores and intervals are in `voting/scores.py`.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bgen_core.ids import RunId
from bgen_core.runs.analysis.columns import AxisColumn
from bgen_core.runs.analysis.voting.counted_votes import CountedVotes, counted_votes
from bgen_core.runs.analysis.voting.evidence import ERROR, Evidence, evidence_of
from bgen_core.runs.analysis.voting.forecast import votes_to_settle
from bgen_core.runs.analysis.voting.scores import FittedScores, fitted_scores
from bgen_core.runs.analysis.voting.share_bound import share_bounds
from bgen_core.runs.analysis.voting.vote_words import Remark, preference, remark
from bgen_core.store.opinions import Vote


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
        of the chance to win that their scores give. A tie counts one half. The intervals hold at all looks together.
    wins, losses, ties
        Counts of the votes between this value and another one.
    is_out
        Whether it is proved that another value is preferred to it.
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
    is_out: bool = False

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
        Votes that count: each voter once on two pictures that differ in nothing but the axis.
    repeats, confounded
        Votes that do not: second answers on the same two pictures, and on pictures that differ in more.
    is_clear
        Whether every other value is out. The chance that this is ever said wrongly is at most 5 %, also when one looks
        after each vote.
    sentence
        States the preference and its uncertainty; "No clear preference" where there is none.
    more_votes
        About how many more settle it; 0 once it is clear, None where that cannot be said.
    remark
        Whether one may stop, or how far it is; None without votes.
    """

    scores: tuple[AxisScore, ...]
    votes: int
    is_clear: bool
    sentence: str
    repeats: int = 0
    confounded: int = 0
    more_votes: float | None = None
    remark: Remark | None = None


def axis_votes(
    votes: Sequence[Vote],
    values: Mapping[RunId, object],
    axis: AxisColumn,
    *,
    contexts: Mapping[RunId, Hashable] | None = None,
    seeds: Mapping[RunId, object] | None = None,
) -> AxisVotes:
    """Score the values of an axis by the votes between runs that differ in it, and say what they prove.

    Parameters
    ----------
    votes
        Of one sweep, in the order in which they were given.
    values
        Run -> its value of the axis. Votes on runs that are not here are left out.
    axis
        For the sentence.
    contexts
        Run -> what else was set for it, the seed included: votes between two contexts do not count. None: nothing else
        was.
    seeds
        Run -> its seed. On pictures of one seed alone nothing is claimed of the axis. None: the pictures themselves are
        what is voted on.
    """
    given = counted_votes(votes, values, contexts)
    if not len(given) or len(given.values) < 2:
        sentence = f"No clear preference between the values of {axis.label}: {_why_nothing(given)}."
        return AxisVotes(
            scores=(),
            votes=0,
            is_clear=False,
            sentence=sentence,
            repeats=given.repeats,
            confounded=given.confounded,
        )
    found = evidence_of(given.pairs, given.shares, len(given.values))
    fitted = fitted_scores(given.pairs, given.shares, len(given.values))
    ranked = _ranked(given, found, fitted)
    seeds_seen = None if seeds is None else len({seeds[vote.run_a] for vote in given.kept})
    is_proved = sum(not score.is_out for score in ranked) == 1 and not ranked[0].is_out
    is_clear = is_proved and seeds_seen != 1
    more = 0.0 if is_proved else _more_votes(given, found, ranked)
    return AxisVotes(
        scores=ranked,
        votes=len(given),
        is_clear=is_clear,
        sentence=preference(axis, ranked, is_proved=is_proved, seeds=seeds_seen),
        repeats=given.repeats,
        confounded=given.confounded,
        more_votes=more,
        remark=remark(
            ranked, is_proved=is_proved, seeds=seeds_seen, more_votes=more, apart=_apart(given, found), votes=len(given)
        ),
    )


def _why_nothing(given: CountedVotes) -> str:
    if len(given.values) == 1:
        return "there is one value alone"
    if given.one_sided:
        return "whoever voted chose the same side nearly always, whatever was there"
    return "no vote was on two pictures that differ in it alone" if given.confounded else "there are no votes yet"


def _ranked(given: CountedVotes, found: Evidence, fitted: FittedScores) -> tuple[AxisScore, ...]:
    """The best first; those that are out come last, as what is proved goes before what is estimated."""
    own = np.stack([given.shares, 1 - given.shares], axis=1).ravel()
    counts = [np.bincount(given.pairs.ravel()[own == won], minlength=len(given.values)) for won in (1.0, 0.0, 0.5)]
    bounds = {"share_low": fitted.share_low, "share_high": fitted.share_high}
    if len(given.values) == 2:  # no model is needed for these
        low, high = share_bounds(float(own[given.pairs.ravel() == 0].sum()), len(given), ERROR)
        bounds = {"share_low": np.array([low, 1 - high]), "share_high": np.array([high, 1 - low])}
    floats = {"score": fitted.score, "low": fitted.low, "high": fitted.high, "share": fitted.share} | bounds
    return tuple(
        AxisScore(
            value=given.values[index],
            wins=int(counts[0][index]),
            losses=int(counts[1][index]),
            ties=int(counts[2][index]),
            is_out=bool(found.is_out[index]),
            **{name: float(values[index]) for name, values in floats.items()},
        )
        for index in np.lexsort((-fitted.score, found.is_out)).tolist()
    )


def _more_votes(given: CountedVotes, found: Evidence, ranked: Sequence[AxisScore]) -> float | None:
    if found.is_out.all() or len(found.strengths.mean) < len(given.values):
        return None  # there is no best, or a value that nobody voted on
    ties = (float((given.shares == 0.5).sum()) + 1) / (len(given) + 5)
    return votes_to_settle(found, given.values.index(ranked[0].value), ties)


def _apart(given: CountedVotes, found: Evidence) -> float | None:
    """How far apart those that are not out are at most: the largest share that one wins against another.

    The bounds of all pairs of values hold together and at all looks, since any two may be the last.
    """
    still = np.flatnonzero(~found.is_out).tolist()
    if not 2 <= len(still) <= 6:
        return None
    pairs = len(given.values) * (len(given.values) - 1) // 2
    largest = 0.5
    for place, first in enumerate(still):
        for second in still[place + 1 :]:
            there = (given.pairs == (first, second)).all(axis=1)
            turned = (given.pairs == (second, first)).all(axis=1)
            won = float(given.shares[there].sum() + (1 - given.shares[turned]).sum())
            low, high = share_bounds(won, int(there.sum() + turned.sum()), ERROR / pairs)
            largest = max(largest, high, 1 - low)
    return largest
