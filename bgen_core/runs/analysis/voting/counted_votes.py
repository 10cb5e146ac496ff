"""Which votes say something about an axis: each voter once on two pictures that differ in nothing else."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bgen_core.ids import RunId, VisitorId
from bgen_core.store.opinions import Vote, Winner

SHARES: Mapping[Winner, float] = {"a": 1.0, "b": 0.0, "tie": 0.5}
_ONE_SIDED_SHARE = 0.9
_ONE_SIDED_FEWEST = 11  # eleven lefts in a row are one chance in 2,000


@dataclass(frozen=True, kw_only=True)
class OneSidedVoter:
    """Somebody who nearly always chooses the same side, whatever is shown there.

    Attributes
    ----------
    chosen, decided
        How often they chose that side, of the votes in which they chose any.
    """

    voter: VisitorId
    side: str
    chosen: int
    decided: int


@dataclass(frozen=True, kw_only=True, eq=False)
class CountedVotes:
    """Votes between two values of an axis, in the order in which they were given.

    Attributes
    ----------
    values
        Of the axis; those that were voted about come first.
    pairs
        int, votes × 2: places in `values` of the left and of the right picture.
    shares
        float64, one per vote: 1 where the left was preferred, 0 where the right was, ½ for a tie.
    kept
        The votes themselves.
    repeats, confounded
        Votes that are left out: a voter's second answer on the same two pictures, and votes between pictures that
        differ in more than the axis.
    one_sided
        Voters whose votes are left out.
    """

    values: tuple[object, ...]
    pairs: np.ndarray
    shares: np.ndarray
    kept: tuple[Vote, ...]
    repeats: int
    confounded: int
    one_sided: tuple[OneSidedVoter, ...]

    def __len__(self) -> int:
        return len(self.shares)


def counted_votes(
    votes: Sequence[Vote], values: Mapping[RunId, object], contexts: Mapping[RunId, Hashable] | None = None
) -> CountedVotes:
    """The votes that are evidence about an axis.

    A voter's second answer on two pictures tells how steady the voter is and nothing new about the pictures, so the
    first one counts. Votes of somebody who chooses one side in nine of ten are left out: sides are drawn at random, so
    what is preferred has no part in it.

    Parameters
    ----------
    votes
        Of one sweep, in the order in which they were given.
    values
        Run -> its value of the axis. Votes on runs that are not here are left out.
    contexts
        Run -> what else was set for it, the seed included. Votes between runs of two contexts compare more than the
        axis. None: nothing else was.
    """
    one_sided = one_sided_voters(votes)
    left_out = {each.voter for each in one_sided}
    seen: set[tuple[VisitorId, frozenset[RunId]]] = set()
    kept: list[Vote] = []
    repeats = confounded = 0
    for vote in votes:
        one, other = vote.run_a, vote.run_b
        if one not in values or other not in values or values[one] == values[other] or vote.voter in left_out:
            continue
        if contexts is not None and contexts[one] != contexts[other]:
            confounded += 1
        elif (key := (vote.voter, frozenset((one, other)))) in seen:
            repeats += 1
        else:
            seen.add(key)
            kept.append(vote)
    voted = {values[run] for vote in kept for run in (vote.run_a, vote.run_b)}
    known = sorted(dict.fromkeys(values.values()), key=lambda value: value not in voted)
    place = {value: index for index, value in enumerate(known)}
    pairs = [(place[values[vote.run_a]], place[values[vote.run_b]]) for vote in kept]
    return CountedVotes(
        values=tuple(known),
        pairs=np.array(pairs, int).reshape(-1, 2),
        shares=np.array([SHARES[vote.winner] for vote in kept], float),
        kept=tuple(kept),
        repeats=repeats,
        confounded=confounded,
        one_sided=one_sided,
    )


def one_sided_voters(votes: Sequence[Vote]) -> tuple[OneSidedVoter, ...]:
    """Voters who chose the same side in at least nine of ten decided votes, of eleven or more."""
    sides: dict[VisitorId, list[int]] = {}
    for vote in votes:
        if vote.winner != "tie":
            sides.setdefault(vote.voter, [0, 0])["ab".index(vote.winner)] += 1
    found: list[OneSidedVoter] = []
    for voter, (left, right) in sides.items():
        decided, chosen = left + right, max(left, right)
        if decided >= _ONE_SIDED_FEWEST and chosen >= math.ceil(_ONE_SIDED_SHARE * decided):
            side = "left" if left > right else "right"
            found.append(OneSidedVoter(voter=voter, side=side, chosen=chosen, decided=decided))
    return tuple(found)
