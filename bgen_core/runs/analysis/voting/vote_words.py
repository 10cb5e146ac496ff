"""What is said of votes, for people who know no statistics: short, true, with the number that matters."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bgen_core.runs.analysis.columns import AxisColumn, listed_values, shown
from bgen_core.runs.analysis.voting.evidence import ERROR
from bgen_core.wording import counted

ALIKE = 0.65  # who wins at most this share of the votes against another is called alike
_MOST_FORECAST = 1000
_FEWEST_FOR_FORECAST = 10
_FEWEST_TO_GIVE_UP = 60
_MOST_NAMED = 3


class Scored(Protocol):
    """What is told of one value; see `AxisScore`."""

    @property
    def value(self) -> object: ...
    @property
    def share(self) -> float: ...
    @property
    def share_low(self) -> float: ...
    @property
    def share_high(self) -> float: ...
    @property
    def counts(self) -> str: ...
    @property
    def is_out(self) -> bool: ...


def preference(axis: AxisColumn, ranked: Sequence[Scored], *, is_proved: bool, seeds: int | None) -> str:
    """What the votes say of the values, the best first.

    Parameters
    ----------
    is_proved
        Whether all values but the first are out.
    seeds
        On how many the pictures are; None where the pictures themselves are voted on.
    """
    best = ranked[0]
    others = shown(ranked[1].value) if len(ranked) == 2 else "another value"
    interval = f"{100 * (1 - ERROR):.0f} % interval {100 * best.share_low:.0f} to {100 * best.share_high:.0f} %"
    wins = f"wins {100 * best.share:.0f} % of the pairs with {others} ({interval}): {best.counts}"
    nothing = f"No clear preference between the values of {axis.label}"
    if is_proved and seeds == 1:
        return f"{nothing}, for all pictures have one seed: of these pictures, {shown(best.value)} {wins}."
    if is_proved:
        return f"{axis.label} {shown(best.value)} is preferred: it {wins}{_on(seeds)}."
    still = [score.value for score in ranked if not score.is_out]
    if not still:
        return f"{nothing}: the votes contradict each other, since every value loses to another one."
    level = [score for score in ranked if math.isclose(score.share, best.share, abs_tol=1e-9)]
    if len(level) == len(ranked):
        return f"{nothing}: each of them wins half of its pairs."
    if len(level) > 1:
        alike = listed_values([score.value for score in level])
        return f"{nothing}: {alike} win alike, {100 * best.share:.0f} % of their pairs{_out(ranked)}."
    return f"{nothing}: {shown(best.value)} {wins}{_out(ranked)}."


@dataclass(frozen=True, kw_only=True)
class Remark:
    """Whether one may stop, or about how many votes it is to the end; `blind` names no value, for who still votes."""

    text: str
    blind: str
    may_stop: bool

    @classmethod
    def of(cls, text: str, *, may_stop: bool = True) -> "Remark":
        """One that names no value in any case."""
        return cls(text=text, blind=text, may_stop=may_stop)


def remark(
    ranked: Sequence[Scored],
    *,
    is_proved: bool,
    seeds: int | None,
    more_votes: float | None,
    apart: float | None,
    votes: int,
) -> Remark:
    """Whether one may stop.

    Parameters
    ----------
    is_proved, seeds
        See `preference`.
    more_votes
        That settle it; None where that cannot be said.
    apart
        The largest share that one of those that are not out may win against another; None where that is not known.
    votes
        So far.
    """
    if is_proved and seeds == 1:
        return Remark.of(
            "You may stop: more votes will not tell, since another seed may turn it round. Paint more seeds."
        )
    if is_proved:
        return Remark.of(
            f"You may stop: each other value loses to another one. The chance that this is wrong is at most "
            f"{100 * ERROR:.0f} %, however often you looked."
        )
    still = [score.value for score in ranked if not score.is_out]
    if not still:
        return Remark.of("You may stop: people differ too much for one best value.")
    if apart is not None and apart <= ALIKE:
        why = f"None wins more than {math.ceil(100 * apart)} % of the votes against another, so take either."
        return _naming("You may stop: {} are alike. " + why, still, len(ranked))
    if more_votes is not None and more_votes <= _MOST_FORECAST and votes >= _FEWEST_FOR_FORECAST:
        more = counted(rounded(more_votes), "more vote")
        return Remark.of(f"About {more} settle this, give or take a factor of three.", may_stop=False)
    if more_votes is not None and votes >= _FEWEST_TO_GIVE_UP and len(still) <= _MOST_NAMED:
        why = f"More votes will hardly tell: over {_MOST_FORECAST:,} would be needed."
        return _naming(why + " You may stop and take any of {}.", still, len(ranked))
    return Remark.of("How many more votes settle this cannot be said yet.", may_stop=False)


def _naming(text: str, still: Sequence[object], count: int) -> Remark:
    everything = "both values" if count == 2 else f"all {count} values"
    blind = f"the best {len(still)} of {count} values" if len(still) < count else everything
    return Remark(text=text.replace("{}", listed_values(still)), blind=text.replace("{}", blind), may_stop=True)


def rounded(number: float) -> int:
    """To one digit that means something, at least 1: 20, 300."""
    step = 10 ** max(0, math.floor(math.log10(max(1.0, number))))
    return max(1, round(number / step) * step)


def _on(seeds: int | None) -> str:
    return "" if seeds is None else f", on pictures of {counted(seeds, 'seed')}"


def _out(ranked: Sequence[Scored]) -> str:
    """Which cannot be the best any more, or how many if there are many."""
    out = [score.value for score in ranked if score.is_out]
    if not out:
        return ""
    named = listed_values(out) if len(out) <= _MOST_NAMED else f"{len(out)} of the {len(ranked)} values"
    return f"; {named} cannot be the best any more"
