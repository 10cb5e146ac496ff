"""How far voters agree with themselves and with each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from bgen_core.ids import RunId, VisitorId
from bgen_core.runs.analysis.voting.counted_votes import OneSidedVoter, one_sided_voters
from bgen_core.store.opinions import Vote
from bgen_core.wording import counted


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How often two answers were the same, of how many."""

    same: int = 0
    asked: int = 0


def own_agreement(votes: Sequence[Vote], voter: VisitorId) -> Agreement:
    """How often a voter answered as before when two pictures came again: the same picture, or a tie both times."""
    first: dict[frozenset[RunId], RunId | None] = {}
    same = asked = 0
    for vote in votes:
        if vote.voter == voter:
            pair = frozenset((vote.run_a, vote.run_b))
            if pair in first:
                asked += 1
                same += first[pair] == _preferred(vote)
            first.setdefault(pair, _preferred(vote))
    return Agreement(same=same, asked=asked)


def agreement_between(votes: Sequence[Vote]) -> Agreement:
    """How often two voters preferred the same picture, of the pairs on which both decided: half would be chance."""
    given: dict[frozenset[RunId], dict[VisitorId, RunId]] = {}
    for vote in votes:
        preferred = _preferred(vote)
        if preferred is not None:
            given.setdefault(frozenset((vote.run_a, vote.run_b)), {}).setdefault(vote.voter, preferred)
    both = [one == other for each in given.values() for one, other in combinations(each.values(), 2)]
    return Agreement(same=sum(both), asked=len(both))


def voters_remarks(votes: Sequence[Vote], me: VisitorId) -> list[str]:
    """What is to be known of those who voted, in sentences: for one of them, without names."""
    one_sided = one_sided_voters(votes)
    said = [_one_sided_remark(each, me) for each in one_sided]
    mine = own_agreement(votes, me)
    if mine.asked:
        asked = "the one pair" if mine.asked == 1 else f"{mine.same} of {mine.asked} pairs"
        came = "that came twice"
        said.append(f"You answered {asked} {came} {'the same way' if mine.same or mine.asked > 1 else 'differently'}.")
    between = agreement_between([vote for vote in votes if vote.voter not in {each.voter for each in one_sided}])
    if between.asked:
        said.append(
            f"Where two voters each chose one of the same two pictures, it was the same one {between.same} of "
            f"{counted(between.asked, 'time')}; chance alone would give half."
        )
    return said


def _one_sided_remark(voter: OneSidedVoter, me: VisitorId) -> str:
    who, whose = ("You", "your") if voter.voter == me else ("One voter", "their")
    return (
        f"{who} chose {voter.side} {voter.chosen} of {voter.decided} times, whatever was there: {whose} votes are not "
        "counted."
    )


def _preferred(vote: Vote) -> RunId | None:
    return {"a": vote.run_a, "b": vote.run_b, "tie": None}[vote.winner]
