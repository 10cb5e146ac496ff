"""Whose turn it is: the one rule by which sweeps are taken from the queue, give way to others, and are forecast."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bgen_core.ids import SweepId, VisitorId

LONG_AGO = datetime.min.replace(tzinfo=UTC)

# A turn that ends in another model or size lasts so long at least: the device's batches drain, and a model is loaded.
CHANGE_SECONDS = 10.0
CHANGE_SHARE = 4.0  # and so many times what the loading took


@dataclass(frozen=True, kw_only=True)
class InQueue:
    """A queued sweep, as far as its turn depends on it; see `SweepRecord`."""

    id: SweepId
    owner: VisitorId
    created: datetime
    place: float

    @property
    def is_urgent(self) -> bool:
        """Whether an admin has put it before everybody's turn."""
        return self.place < 0


@dataclass(frozen=True, kw_only=True)
class Left:
    """What is left of a sweep.

    Attributes
    ----------
    cell_seconds
        What one of its cells takes; None where that is not known.
    has_begun
        Whether it has had a turn.
    model
        Where the next turn is of another one, this one lasts longer.
    """

    turn: InQueue
    cells: int
    cell_seconds: float | None
    model: str
    has_begun: bool = False


@dataclass(frozen=True, kw_only=True)
class QueueLeft:
    """What is left of the sweeps in hand and of those that wait; `served` as in `next_in_turn`."""

    in_hand: Sequence[Left]
    waiting: Sequence[Left]
    served: Mapping[VisitorId, datetime]


def next_in_turn(waiting: Iterable[InQueue], served: Mapping[VisitorId, datetime]) -> InQueue | None:
    """The queued sweep whose turn it is; None where none waits.

    Owners take turns, and their own sweeps go by place. It is the turn of the owner who waits longest: since their last
    turn ended, or since their first sweep was submitted if that is later. So a newcomer comes after those who wait
    already, and before those who were served meanwhile. What an admin has put to the front comes before that.

    Parameters
    ----------
    waiting
        All queued sweeps.
    served
        When each owner's last turn ended; owners may be missing.
    """
    firsts: dict[VisitorId, InQueue] = {}
    since: dict[VisitorId, datetime] = {}
    for sweep in sorted(waiting, key=lambda each: (each.place, each.id)):
        firsts.setdefault(sweep.owner, sweep)
        since[sweep.owner] = min(sweep.created, since.get(sweep.owner, sweep.created))

    def turn(sweep: InQueue) -> tuple[float, datetime, float, str]:
        waits_since = max(since[sweep.owner], served.get(sweep.owner, LONG_AGO))
        return min(sweep.place, 0.0), waits_since, sweep.place, sweep.id

    return min(firsts.values(), key=turn, default=None)


def next_after(running: InQueue, waiting: Iterable[InQueue], served: Mapping[VisitorId, datetime]) -> InQueue | None:
    """The queued sweep to which a running one gives way; None where it goes on."""
    others = [
        sweep
        for sweep in waiting
        if (sweep.place < running.place if sweep.is_urgent or running.is_urgent else sweep.owner != running.owner)
    ]
    return next_in_turn(others, served)


def in_order(waiting: Iterable[InQueue], served: Mapping[VisitorId, datetime]) -> Iterator[InQueue]:
    """The queue as it is taken, where each turn lasts to the end of its sweep."""
    left = {sweep.id: sweep for sweep in waiting}
    ended = dict(served)
    now = max([*ended.values(), *(sweep.created for sweep in left.values())], default=LONG_AGO)
    while (sweep := next_in_turn(left.values(), ended)) is not None:
        yield left.pop(sweep.id)
        now += timedelta(microseconds=1)
        ended[sweep.owner] = now


def least_seconds(*, joins: bool, loading: float = 0.0) -> float:
    """How long a turn lasts at least, once its first cell is under way.

    Parameters
    ----------
    joins
        Whether the next sweep's cells can be made beside the last ones of this turn.
    loading
        Seconds for which this turn's models were loaded.
    """
    return 0.0 if joins else max(CHANGE_SECONDS, CHANGE_SHARE * loading)
