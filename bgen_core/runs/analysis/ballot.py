"""Which two runs a voter sees next: where the answer says most, and not to be guessed from their order."""

import itertools
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bgen_core.content_address import hash_content
from bgen_core.ids import RunId, VisitorId
from bgen_core.runs.analysis.columns import SEED, AxisColumn
from bgen_core.runs.analysis.voting.choice import telling_pairs
from bgen_core.runs.analysis.voting.counted_votes import counted_votes
from bgen_core.runs.analysis.voting.evidence import evidence_of
from bgen_core.store.opinions import Drawn, Vote

RANDOM_SHARE = 0.2  # of the pairs that are new to the voter
REPEATED_SHARE = 0.1  # of all pairs
_FEWEST_BETWEEN = 6  # votes of the voter between two pictures and their second coming
_ATTEMPTS = 64  # draws before the pairs that are left are looked for one by one

_Pair = tuple[RunId, RunId]
_Group = dict[object, list[RunId]]  # value of the axis -> runs that differ in it alone


@dataclass(frozen=True, kw_only=True)
class BallotPair:
    """Two runs side by side, left and right, and why it is these."""

    run_a: RunId
    run_b: RunId
    drawn: Drawn = ""


@dataclass(frozen=True, kw_only=True)
class VotedCells:
    """What votes about an axis are on.

    Attributes
    ----------
    values
        Run -> its value of the axis.
    contexts
        Run -> a number that stands for everything else that was set: within one, runs differ in the axis alone.
    seeds
        Run -> its seed, or the same for all where one seed was painted; None where what is voted on are seeds or mere
        pictures.
    """

    values: Mapping[RunId, object]
    contexts: Mapping[RunId, Hashable]
    seeds: Mapping[RunId, object] | None

    @classmethod
    def of(cls, frame: pd.DataFrame, axis: AxisColumn, axes: Sequence[AxisColumn]) -> "VotedCells":
        """From the made cells of one sweep: one row per run, whose id is in the column `id`."""
        cells = frame.drop_duplicates("id").dropna(subset=[axis.name])
        ids = [RunId(each) for each in cells["id"].tolist()]
        rest = [each.name for each in axes if each.name != axis.name]
        numbers = cells.groupby(rest, dropna=False, sort=False).ngroup().tolist() if rest else [0] * len(ids)
        seeds: Sequence[object] | None = None
        if axis.name != SEED:
            seeds = cells[SEED].tolist() if SEED in cells else [None] * len(ids)
        return cls(
            values=dict(zip(ids, cells[axis.name].tolist(), strict=True)),
            contexts=dict(zip(ids, numbers, strict=True)),
            seeds=None if seeds is None else dict(zip(ids, seeds, strict=True)),
        )


def next_pair(cells: VotedCells, *, axis: AxisColumn, votes: Sequence[Vote], voter: VisitorId) -> BallotPair | None:
    """The next two runs for a voter, who sees the same two until they have voted.

    They differ in the axis alone. A tenth are two that the voter has seen, with the sides changed: how often the answer
    is the same says how steady the voter is. A fifth of the others are drawn at random, whatever the votes say. The
    rest are of the two values whose comparison says most (`voting/choice.py`). All that is proved by votes stays valid,
    since whatever is asked is chosen before the answer, by what was known until then.

    Parameters
    ----------
    axis
        What the votes shall decide.
    votes
        All votes on the sweep so far, of every voter, in the order in which they were given. What others have said
        since the voter's own last vote is left for the pair after this one: so nothing changes under their eyes, and
        several vote at once without waiting for each other.
    voter
        Who votes: each draws by numbers of their own.

    Returns
    -------
    BallotPair or None
        None once the voter has seen every two runs that differ in the axis alone.
    """
    own = [place for place, vote in enumerate(votes) if vote.voter == voter]
    known = votes[: own[-1] + 1] if own else votes
    mine = [votes[place] for place in own]
    seen = {frozenset((vote.run_a, vote.run_b)) for vote in mine}
    asked = {"voter": voter, "axis": axis.name, "votes": len(mine), "runs": sorted(cells.values)[:1]}
    random = np.random.default_rng(int(hash_content(asked)[:16], 16))
    is_repeat, is_random = random.random() < REPEATED_SHARE, random.random() < RANDOM_SHARE
    groups = _groups(cells)
    if _any_new(groups, seen) is None:
        return None
    if is_repeat and (again := _again(cells, mine)):
        vote = again[int(random.integers(len(again)))]
        return BallotPair(run_a=vote.run_b, run_b=vote.run_a, drawn="repeat")
    pair = None if is_random else _telling(cells, groups, known, seen, random)
    drawn: Drawn = "random" if pair is None else "telling"
    one, other = pair or _at_random(groups, seen, random)
    if random.random() < 0.5:
        one, other = other, one
    return BallotPair(run_a=one, run_b=other, drawn=drawn)


def _groups(cells: VotedCells) -> list[_Group]:
    groups: dict[Hashable, _Group] = {}
    for run, value in cells.values.items():
        groups.setdefault(cells.contexts[run], {}).setdefault(value, []).append(run)
    return list(groups.values())


def _again(cells: VotedCells, mine: Sequence[Vote]) -> list[Vote]:
    """The voter's votes on what can come a second time: long enough ago, and not yet twice."""
    times: dict[frozenset[RunId], int] = {}
    for vote in mine:
        pair = frozenset((vote.run_a, vote.run_b))
        times[pair] = times.get(pair, 0) + 1
    return [
        vote
        for vote in mine[:-_FEWEST_BETWEEN]
        if times[frozenset((vote.run_a, vote.run_b))] == 1
        and vote.run_a in cells.values
        and vote.run_b in cells.values
        and cells.values[vote.run_a] != cells.values[vote.run_b]
        and cells.contexts[vote.run_a] == cells.contexts[vote.run_b]
    ]


def _telling(
    cells: VotedCells,
    groups: Sequence[_Group],
    votes: Sequence[Vote],
    seen: Collection[frozenset[RunId]],
    random: np.random.Generator,
) -> _Pair | None:
    """Two new pictures of the values whose comparison says most, in a context that is drawn."""
    given = counted_votes(votes, cells.values, cells.contexts)
    for first, second in telling_pairs(evidence_of(given.pairs, given.shares, len(given.values)), random):
        one, other = given.values[first], given.values[second]
        both = [group for group in groups if one in group and other in group]
        places: list[int] = random.permutation(len(both)).tolist()
        new = (
            pair
            for place in places
            for pair in itertools.product(both[place][one], both[place][other])
            if frozenset(pair) not in seen
        )
        if (pair := next(new, None)) is not None:
            return pair
    return None


def _at_random(groups: Sequence[_Group], seen: Collection[frozenset[RunId]], random: np.random.Generator) -> _Pair:
    """A new pair by chance, one of which there is: fast as long as the voter has not seen nearly all of them."""
    listed = [[(run, value) for value, runs in group.items() for run in runs] for group in groups]
    sizes = np.array([len(runs) * (len(runs) - 1) for runs in listed], float)
    for _ in range(_ATTEMPTS):
        runs = listed[int(random.choice(len(listed), p=sizes / sizes.sum()))]
        (one, value), (other, others) = (runs[int(place)] for place in random.choice(len(runs), 2, replace=False))
        if value != others and frozenset((one, other)) not in seen:
            return one, other
    left = _any_new(groups, seen)
    if left is None:
        raise ValueError("every pair was seen")
    return left


def _any_new(groups: Sequence[_Group], seen: Collection[frozenset[RunId]]) -> _Pair | None:
    """The first pair that the voter has not seen."""
    pairs = (
        pair
        for group in groups
        for one, other in itertools.combinations(group.values(), 2)
        for pair in itertools.product(one, other)
    )
    return next((pair for pair in pairs if frozenset(pair) not in seen), None)
