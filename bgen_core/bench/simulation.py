"""Many painters at one sweep, as discrete events with measured stage times: how well they scale, and what stops them.

Painters take cells by the same rule as the real ones. What is not simulated: losses, and a database that slows down.
"""

import heapq
import random
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count

from bgen_core.records.lease_rule import is_time_to_lease, pictures_to_hold, rows_to_lease

_WORTHWHILE_GAIN = 1.05  # as in the engine's own measurement, which needs torch
SMALL_LOSS = 0.05  # of what the devices could do: where less is lost, nothing else is worth improving
NEARLY_ALWAYS = 0.8  # busy for so much of the time, it is waited for
STANDING_STILL = ("loading", "batches that are not full", "taking cells", "commits that are behind")
LOOK_SECONDS = 0.5  # of a painter without cells, for what has become free


@dataclass(frozen=True, kw_only=True)
class StageTimes:
    """What one painter of the measured kind takes for each stage.

    Attributes
    ----------
    call_seconds
        Rows of one call of the network -> its seconds; what lies between is interpolated.
    decode_seconds
        Of the device, for one cell.
    encode_seconds
        Of one processor core, to compose and encode one cell's pictures.
    put_seconds
        To store one cell's pictures beside the others' cells: waited for, not computed.
    lease_seconds
        One request for cells, without the wait for other writers.
    database_seconds
        One commit's part of the database, during which no other one can write.
    load_seconds
        Until the model is loaded and the first cell is asked for.
    """

    call_seconds: Mapping[int, float]
    decode_seconds: float
    encode_seconds: float
    put_seconds: float = 0.0
    lease_seconds: float = 0.0
    database_seconds: float
    load_seconds: float = 0.0

    @property
    def batch_size(self) -> int:
        """Rows of the smallest call that is nearly as fast as the fastest: the engine chooses so."""
        best = min(seconds / rows for rows, seconds in self.call_seconds.items())
        return min(rows for rows, seconds in self.call_seconds.items() if seconds / rows <= best * _WORTHWHILE_GAIN)

    def seconds_of(self, rows: int) -> float:
        """Of one call with so many rows."""
        sizes = sorted(self.call_seconds)
        place = bisect_left(sizes, rows)
        if place == len(sizes):
            return self.call_seconds[sizes[-1]] * rows / sizes[-1]
        upper = sizes[place]
        if upper == rows or place == 0:
            return self.call_seconds[upper]
        lower = sizes[place - 1]
        part = (rows - lower) / (upper - lower)
        return self.call_seconds[lower] * (1 - part) + self.call_seconds[upper] * part


@dataclass(frozen=True, kw_only=True)
class SimulatedSweep:
    """A sweep, and who paints it.

    Attributes
    ----------
    cells
        How many, all alike.
    steps, rows_a_step
        Of each cell.
    painters
        How many, each with a device of its own.
    slow_part
        Part of them that is half as fast.
    commit_threads
        Of each painter, with a processor core for each.
    most_in_commit
        Cells whose pictures one painter holds at once; more painting waits.
    jitter
        How far the seconds of a call vary, as a part of them.
    """

    cells: int
    steps: int = 25
    rows_a_step: int = 2
    painters: int
    slow_part: float = 0.0
    commit_threads: int = 4
    most_in_commit: int = 64
    jitter: float = 0.05
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """What came of it.

    Attributes
    ----------
    seconds
        From the beginning to the last commit.
    efficiency
        Seconds that all devices together would need with full batches and nothing else, by the seconds that it took.
    lost
        Where the rest went: name of a loss -> part of what all devices could have done. Sums up to 1 with `efficiency`.
    busy
        What several wait for -> part of the time in which it works: "the commit threads", "the database".
    bottleneck
        What to improve first, in a few words.
    most_in_hand
        Most cells that one painter had taken and not committed: what its death costs.
    """

    seconds: float
    efficiency: float
    lost: Mapping[str, float]
    busy: Mapping[str, float]
    bottleneck: str
    most_in_hand: int


def simulate(times: StageTimes, sweep: SimulatedSweep) -> Simulated:
    """Let painters paint a sweep."""
    world = _World(times, sweep)
    slow = round(sweep.painters * sweep.slow_part)
    painters = [_Painter(world, 2.0 if number < slow else 1.0) for number in range(sweep.painters)]
    world.speed_together = sum(painter.speed for painter in painters)
    for painter in painters:
        painter.lost["loading"] += times.load_seconds
        world.at(times.load_seconds, painter.tick)
    world.run()
    return _result(world, painters)


class _World:
    """The clock, the cells that nobody has taken, and the database, in which one writes at a time."""

    def __init__(self, times: StageTimes, sweep: SimulatedSweep) -> None:
        self.times = times
        self.sweep = sweep
        self.now = 0.0
        self.free = self.left = sweep.cells
        self.speed_together = 0.0
        self.database_busy = 0.0
        self.random = random.Random(sweep.seed)
        self._database_free = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()

    @property
    def rows_of_a_cell(self) -> int:
        return self.sweep.steps * self.sweep.rows_a_step

    def at(self, when: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._numbers), what))

    def run(self) -> None:
        while self._events:
            self.now, _, what = heapq.heappop(self._events)
            what()

    def write(self) -> float:
        """When a transaction that is asked for now is written."""
        seconds = self.times.database_seconds
        self._database_free = max(self.now, self._database_free) + seconds
        self.database_busy += seconds
        return self._database_free


class _Painter:
    """One device, and the threads that commit what it has painted."""

    def __init__(self, world: _World, slowness: float) -> None:
        self._world = world
        self.slowness = slowness
        times = world.times
        self._row_seconds = times.call_seconds[times.batch_size] / times.batch_size
        self.speed = 1 / (slowness * self._row_seconds)
        self.lost: dict[str, float] = dict.fromkeys(STANDING_STILL, 0.0)
        self.ended = 0.0
        self.committed = 0.0
        self.threads_busy = 0.0
        self.most_in_hand = 0
        self._unbegun = 0
        self._under_way: list[int] = []
        self._in_commit = 0
        self._together = 0
        self._threads = [0.0] * world.sweep.commit_threads
        self._asks = False
        self._stands_still: tuple[str, float] | None = None

    @property
    def _in_hand(self) -> int:
        return self._unbegun + len(self._under_way) + self._in_commit

    @property
    def _most_in_commit(self) -> int:
        begun, rows = len(self._under_way), self._world.rows_of_a_cell
        self._together = max(self._together, begun)
        return pictures_to_hold(speed=self.speed, mean_rows=rows, begun=begun, together=self._together)

    def tick(self) -> None:
        """One call of the network, or what has to come before it."""
        world = self._world
        self._take_cells()
        if self._in_commit >= min(world.sweep.most_in_commit, self._most_in_commit + 1):
            self._stands_still = "commits that are behind", world.now
            return
        self._begin_cells()
        if not self._under_way:
            self.ended = world.now
            if self._asks:
                self._stands_still = "taking cells", world.now
            elif world.free:
                world.at(world.now + LOOK_SECONDS, self.tick)
            return
        self._call()

    def _goes_on(self) -> None:
        """What was waited for has come."""
        if self._stands_still is not None:
            (why, since), self._stands_still = self._stands_still, None
            self.lost[why] += self._world.now - since
            self.tick()

    def _take_cells(self) -> None:
        """Ask for more, while painting goes on."""
        world = self._world
        rows = world.rows_of_a_cell
        if self._asks or not world.free:
            return
        rows_begun = len(self._under_way) * rows
        if not is_time_to_lease(speed=self.speed, rows_unbegun=self._unbegun * rows, rows_begun=rows_begun):
            return
        wanted = rows_to_lease(
            speed=self.speed,
            speed_together=world.speed_together,
            rows_left=world.left * rows,
            rows_free=world.free * rows,
            rows_in_hand=self._in_hand * rows,
        )
        if wanted <= 0:
            return
        cells = min(world.free, max(1, int(wanted / rows)))
        world.free -= cells
        self._asks = True
        world.at(world.write() + world.times.lease_seconds, lambda: self._have_cells(cells))

    def _have_cells(self, cells: int) -> None:
        self._asks = False
        self._unbegun += cells
        self.most_in_hand = max(self.most_in_hand, self._in_hand)
        self._goes_on()

    def _begin_cells(self) -> None:
        world = self._world
        room = max(1, world.times.batch_size // world.sweep.rows_a_step) - len(self._under_way)
        begun = min(room, self._unbegun)
        self._unbegun -= begun
        self._under_way += [world.sweep.steps] * begun

    def _call(self) -> None:
        world = self._world
        rows = len(self._under_way) * world.sweep.rows_a_step
        varied = 1 + world.random.uniform(-world.sweep.jitter, world.sweep.jitter)
        call = world.times.seconds_of(rows) * self.slowness * varied
        self.lost["batches that are not full"] += call - rows * self._row_seconds * self.slowness
        self._under_way = [left - 1 for left in self._under_way]
        done = self._under_way.count(0)
        self._under_way = [left for left in self._under_way if left]
        world.at(world.now + call + done * world.times.decode_seconds * self.slowness, lambda: self._called(done))

    def _called(self, done: int) -> None:
        for _ in range(done):
            self._commit()
        self.tick()

    def _commit(self) -> None:
        """Composed and encoded by a thread, which then waits until the pictures are stored and the row is written."""
        world = self._world
        self._in_commit += 1
        begins = max(world.now, heapq.heappop(self._threads))
        stored = begins + world.times.encode_seconds + world.times.put_seconds
        heapq.heappush(self._threads, stored + world.times.database_seconds)
        self.threads_busy += stored - begins
        world.at(stored, lambda: world.at(world.write(), self._is_committed))

    def _is_committed(self) -> None:
        world = self._world
        world.left -= 1
        self._in_commit -= 1
        self.committed = world.now
        self._goes_on()


def _result(world: _World, painters: list[_Painter]) -> Simulated:
    sweep, times = world.sweep, world.times
    seconds = max(painter.committed for painter in painters)
    painted = max(painter.ended for painter in painters)
    weights = [1 / painter.slowness for painter in painters]
    whole = seconds * sum(weights)
    row_seconds = times.call_seconds[times.batch_size] / times.batch_size
    needed = sweep.cells * (world.rows_of_a_cell * row_seconds + times.decode_seconds)
    lost = {
        name: sum(painter.lost[name] * weight for painter, weight in zip(painters, weights, strict=True)) / whole
        for name in painters[0].lost
    }
    pairs = zip(painters, weights, strict=True)
    lost["the last cells"] = sum((painted - painter.ended) * weight for painter, weight in pairs) / whole
    lost["the last commits"] = (seconds - painted) / seconds
    busy = {
        "the commit threads": sum(painter.threads_busy for painter in painters)
        / (seconds * sweep.painters * sweep.commit_threads),
        "the database": world.database_busy / seconds,
    }
    return Simulated(
        seconds=seconds,
        efficiency=needed / whole,
        lost=lost,
        busy=busy,
        bottleneck=_bottleneck(lost, busy),
        most_in_hand=max(painter.most_in_hand for painter in painters),
    )


def _bottleneck(lost: Mapping[str, float], busy: Mapping[str, float]) -> str:
    if sum(lost.values()) < SMALL_LOSS:
        return "the devices"
    busiest = max(busy, key=lambda name: busy[name])
    return busiest if busy[busiest] > NEARLY_ALWAYS else max(lost, key=lambda name: lost[name])
