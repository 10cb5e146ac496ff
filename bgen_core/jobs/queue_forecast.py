"""About when each sweep of the queue begins, or goes on: the turns to come, by the rule by which they are taken."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from bgen_core.ids import SweepId, VisitorId
from bgen_core.records.progress import SweepProgress
from bgen_core.records.sweep import SweepRecord
from bgen_core.records.turn_rule import Left, QueueLeft, least_seconds, next_after, next_in_turn
from bgen_core.store.store import Store

# Turns are foreseen cell by cell at first. Then they are taken together, ever more: what lies far ahead is not known to
# the second, and thousands of cells shall not cost thousands of steps.
EXACT_TURNS = 32
# Nothing is foreseen beyond a hundred years: an imported sweep says of its cells' seconds whatever its file says.
LONGEST_SECONDS = 100 * 365.25 * 24 * 3600


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


def waiting_sweeps(store: Store, progress: Mapping[str, SweepProgress] | None = None) -> list[QueuePlace]:
    """The queue in the order in which its sweeps have their next turn.

    Parameters
    ----------
    progress
        Sweep -> how far it is, for those in hand.
    """
    queue = store.sweeps.queue_left()
    in_hand = [_as_measured(left, (progress or {}).get(left.turn.id)) for left in queue.in_hand]
    queued = {sweep.id: sweep for sweep in store.sweeps.queue()}
    begins = foreseen(replace(queue, in_hand=in_hand), now=datetime.now(UTC))
    return [
        QueuePlace(sweep=queued[sweep_id], ahead=ahead, seconds=seconds)
        for sweep_id, (ahead, seconds) in begins.items()
        if sweep_id in queued  # it may have been taken between both looks
    ]


def foreseen(queue: QueueLeft, *, now: datetime) -> dict[SweepId, tuple[int, float | None]]:
    """Waiting sweep -> how many have a turn before it, and the seconds until its own; in this order."""
    left = {each.turn.id: each for each in queue.waiting}
    yet_to_begin = set(left)
    ended = dict(queue.served)
    clock = max([now, *ended.values()])
    begins: dict[SweepId, tuple[int, float | None]] = {}
    before: set[SweepId] = set()
    seconds, turns = 0.0, 0
    is_known = True
    running = list(queue.in_hand)
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
        seconds = min(seconds + (took or 0.0), LONGEST_SECONDS)
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
    in_time = lasts / current.cell_seconds if lasts and current.cell_seconds else 0.0
    cells = min(max(at_least, int(min(in_time, current.cells)) + 1), current.cells)
    return cells, cells * current.cell_seconds


def _as_measured(left: Left, progress: SweepProgress | None) -> Left:
    if progress is None or not progress.cells_per_second:
        return left
    return replace(left, cell_seconds=1 / progress.cells_per_second)
