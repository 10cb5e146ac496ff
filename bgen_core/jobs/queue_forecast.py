"""About when each sweep of the queue begins, or goes on: the turns to come, by the rule by which they are taken."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from bgen_core.ids import SweepId, VisitorId
from bgen_core.records.progress import SweepProgress
from bgen_core.records.sweep import SweepRecord
from bgen_core.records.turn_rule import InQueue, least_seconds, next_after, next_in_turn
from bgen_core.store.store import Store

# Turns are foreseen cell by cell at first. Then they are taken together, ever more: what lies far ahead is not known to
# the second, and thousands of cells shall not cost thousands of steps.
EXACT_TURNS = 32


@dataclass(frozen=True, kw_only=True)
class QueuePlace:
    """A queued sweep's place.

    Attributes
    ----------
    sweep
        The sweep.
    ahead
        How many sweeps have a turn before it, the one in hand included.
    seconds
        Expected time until it begins, or goes on; None where the speed of one of those ahead is not known.
    """

    sweep: SweepRecord
    ahead: int
    seconds: float | None


@dataclass(frozen=True, kw_only=True)
class Left:
    """What is left of a sweep.

    Attributes
    ----------
    cell_seconds
        What one of its cells takes; None where that is not known.
    model
        Where the next turn is of another one, this one lasts longer.
    """

    turn: InQueue
    cells: int
    cell_seconds: float | None
    model: str


def waiting_sweeps(store: Store, progress: Mapping[str, SweepProgress] | None = None) -> list[QueuePlace]:
    """The queue in the order in which its sweeps have their next turn.

    Parameters
    ----------
    progress
        Sweep -> how far it is, for those in hand.
    """
    sweeps = store.sweeps.select(states=["running", "queued"])
    in_hand = [_left(store, sweep, (progress or {}).get(sweep.id)) for sweep in sweeps if sweep.state == "running"]
    queued = {sweep.id: sweep for sweep in sweeps if sweep.state == "queued"}
    waiting = [_left(store, sweep, None) for sweep in queued.values()]
    _, served = store.sweeps.waiting()
    begins = foreseen(in_hand, waiting, served, now=datetime.now(UTC))
    return [
        QueuePlace(sweep=queued[sweep_id], ahead=ahead, seconds=seconds)
        for sweep_id, (ahead, seconds) in begins.items()
    ]


def foreseen(
    in_hand: Sequence[Left], waiting: Sequence[Left], served: Mapping[VisitorId, datetime], *, now: datetime
) -> dict[SweepId, tuple[int, float | None]]:
    """Waiting sweep -> how many have a turn before it, and the seconds until its own; in this order.

    Parameters
    ----------
    in_hand
        Those that run.
    waiting, served
        See `records.turn_rule.next_in_turn`.
    """
    left = {each.turn.id: each for each in waiting}
    yet_to_begin = set(left)
    ended = dict(served)
    clock = max([now, *ended.values()])
    begins: dict[SweepId, tuple[int, float | None]] = {}
    before: set[SweepId] = set()
    seconds, turns = 0.0, 0
    is_known = True
    running = list(in_hand)
    while running or yet_to_begin:
        if running:
            current = running.pop(0)
        elif following := next_in_turn([each.turn for each in left.values()], ended):
            current = left.pop(following.id)
            if following.id in yet_to_begin:
                yet_to_begin.discard(following.id)
                begins[following.id] = (len(before), seconds if is_known else None)
        else:
            break
        before.add(current.turn.id)
        turns += 1
        cells, took = _turn(current, left, ended, at_least=max(1, turns - EXACT_TURNS))
        is_known = is_known and took is not None
        seconds += took or 0.0
        # Later by a moment at least, so that turns go round where the seconds of cells are not known.
        ended[current.turn.owner] = clock + timedelta(seconds=seconds, microseconds=turns)
        if cells < current.cells:
            left[current.turn.id] = replace(current, cells=current.cells - cells)
    return begins


def _turn(
    current: Left, left: Mapping[SweepId, Left], served: Mapping[VisitorId, datetime], *, at_least: int
) -> tuple[int, float | None]:
    """How many cells one turn makes, and its seconds."""
    following = next_after(current.turn, [each.turn for each in left.values()], served)
    if following is None or current.cell_seconds is None:
        cells = current.cells if following is None else min(at_least, current.cells)
        return cells, None if current.cell_seconds is None else cells * current.cell_seconds
    lasts = least_seconds(joins=left[following.id].model == current.model)
    cells = max(at_least, int(lasts / current.cell_seconds) + 1 if lasts and current.cell_seconds else 1)
    cells = min(cells, current.cells)
    return cells, cells * current.cell_seconds


def _left(store: Store, sweep: SweepRecord, progress: SweepProgress | None) -> Left:
    cells = sweep.total
    if sweep.started is not None:
        cells = sum(not cell.done and not cell.error for cell in store.sweeps.cells(sweep.id))
    cell_seconds = None if sweep.expected_seconds is None else sweep.expected_seconds / max(1, sweep.total)
    if progress and progress.cells_per_second:
        cell_seconds = 1 / progress.cells_per_second
    turn = InQueue(id=sweep.id, owner=sweep.owner, created=sweep.created, place=sweep.place)
    return Left(turn=turn, cells=cells, cell_seconds=cell_seconds, model=str(sweep.plan.get("model", "")))
