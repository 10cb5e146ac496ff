"""One call of the engine for sweeps of one model and size: the next one's cells come before its batches drain."""

import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, islice

from bgen_core.extent import Extent
from bgen_core.ids import RawId
from bgen_core.jobs.running.work import Photo
from bgen_core.recent import Recent
from bgen_core.sweep.canvas import MaskPolicy
from bgen_core.sweep.events import Canvas, Event, Failed, Finished, Inpainter, PaintCell, Started

logger = logging.getLogger(__name__)

AHEAD_SECONDS = 0.25  # between two looks for what comes next
FAILED_SECONDS = 10.0  # after one that failed: a store that is away is not asked four times a second
# May not be begun yet then: about a batch, so that the last one is full, and no sweep is taken early.
AHEAD_CELLS = 8
# Of the next sweep before its turn, enough to fill a batch: more would wait in memory, and keep this one's last cells.
MOST_AHEAD = 32
_CANVASES = 4  # photos, each with a canvas for each mask policy


@dataclass(frozen=True, kw_only=True, eq=False)
class Asked:
    """A cell for the engine, the raw picture that it gives, and its photo."""

    raw_id: RawId
    cell: PaintCell
    photo: Photo


Ahead = Callable[[Inpainter, Extent], Iterator[Asked]]


class EngineCall:
    """The engine at work on cells of one model and size, which may be asked for by one sweep and taken by another.

    Parameters
    ----------
    ahead
        Gives the cells that come after those that were added; asked when nearly all of these are under way. None
        where the engine paints one cell after another, so that nothing drains.

    Attributes
    ----------
    awaits_more
        Whether cells may still be added while others are under way, so that running out of them is not the end.
    """

    def __init__(self, inpainter: Inpainter, extent: Extent, ahead: Ahead | None) -> None:
        self.inpainter = inpainter
        self.extent = extent
        self.is_over = False
        self.ahead = ahead
        self.awaits_more = False
        self._next_look = 0.0
        self._sources: deque[Iterator[Asked | None]] = deque()
        self._of_next: deque[Iterator[Asked | None]] = deque()
        self._numbers = count()
        self._in_hand: dict[int, Asked] = {}
        self._unstarted: set[int] = set()
        self._dropped: set[int] = set()
        self._events: Generator[Event] = inpainter.paint(self._cells())

    @property
    def in_hand(self) -> Collection[RawId]:
        """Raw pictures that the engine was asked for and has not given."""
        return {asked.raw_id for asked in self._in_hand.values()}

    @property
    def unbegun(self) -> Collection[RawId]:
        """Those in hand that are not under way."""
        return {self._in_hand[number].raw_id for number in self._unstarted}

    def add(self, cells: Iterator[Asked | None]) -> None:
        """Cells to be painted; each is prepared when the engine asks for it. None stands for "none yet"."""
        self._sources.append(cells)

    def recall(self, raw_ids: Collection[RawId]) -> None:
        """Want no more of what was added; of these pictures, those that are under way come nevertheless.

        The next sweep is looked at at once. To be called when the engine has just told of a step or of a picture:
        while it tells what it begins, it has begun more than it has told.
        """
        self._sources.clear()
        for number in [number for number in self._unstarted if self._in_hand[number].raw_id in raw_ids]:
            self._unstarted.discard(number)
            del self._in_hand[number]
        self._next_look = 0.0

    def drop(self, raw_id: RawId) -> None:
        """Want no more of a picture that is under way; the engine leaves it out at its next step."""
        for number in [number for number, asked in self._in_hand.items() if asked.raw_id == raw_id]:
            self._unstarted.discard(number)
            self._dropped.add(number)
            del self._in_hand[number]

    @property
    def begun(self) -> list[Asked]:
        """Those in hand that are under way."""
        return [asked for number, asked in self._in_hand.items() if number not in self._unstarted]

    def next(self) -> tuple[Asked, Event] | None:
        """What comes next, or None where nothing is left."""
        while True:
            event = next(self._events, None)
            if event is None:
                self.is_over = True
                return None
            number = event.index if isinstance(event, Failed) else event.cell.index
            if number not in self._dropped:  # what is told of one that was dropped was on its way before
                break
        if isinstance(event, Started | Finished | Failed):
            self._unstarted.discard(number)
        ends = isinstance(event, Finished | Failed)
        return (self._in_hand.pop(number) if ends else self._in_hand[number]), event

    def close(self) -> None:
        """Stop within one evaluation of the model."""
        self._events.close()
        self._in_hand.clear()

    def _cells(self) -> Iterator[PaintCell | None]:
        while True:
            asked = self._take()
            if asked is not None:
                number = next(self._numbers)
                self._in_hand[number] = asked
                self._unstarted.add(number)
                yield replace(asked.cell, index=number, is_wanted=partial(self._in_hand.__contains__, number))
            elif self.ahead is None and not self._sources and not self.awaits_more:
                return
            else:
                yield None

    def _take(self) -> Asked | None:
        for sources in (self._sources, self._of_next):
            for source in list(sources):
                try:
                    asked = next(source)
                except StopIteration:
                    sources.remove(source)
                    continue
                if asked is not None:  # one that has none yet keeps nobody from the others
                    return asked
        is_near_end = bool(self._in_hand) and len(self._unstarted) <= AHEAD_CELLS
        if self.ahead is None or not is_near_end or time.monotonic() < self._next_look:
            return None
        self._next_look = time.monotonic() + AHEAD_SECONDS
        self._of_next.append(self._look_ahead(self.ahead))
        return self._take()

    def _look_ahead(self, ahead: Ahead) -> Iterator[Asked]:
        """What is wrong with the next sweep is said by its own run, and costs the one before it nothing."""
        try:
            yield from islice(ahead(self.inpainter, self.extent), MOST_AHEAD)
        except Exception:
            logger.warning("the next sweep cannot be looked at ahead", exc_info=True)
            self._next_look = time.monotonic() + FAILED_SECONDS


class OpenEngine:
    """The engine's call that is open, if one is: it may outlast the sweep that opened it.

    Parameters
    ----------
    release
        Told of raw pictures that were asked for ahead, and that nobody has taken.

    Attributes
    ----------
    canvases
        Those it was given last, of a photo at one place and size by their mask policy: it knows what it has encoded,
        and first evaluations, by the canvas itself.
    """

    def __init__(self, release: Callable[[Collection[RawId]], None]) -> None:
        self.canvases: Recent[dict[MaskPolicy, Canvas]] = Recent(_CANVASES)
        self._release = release
        self._call: EngineCall | None = None
        self._ahead: set[RawId] = set()

    @property
    def is_busy(self) -> bool:
        """Whether something is under way that nobody waits for yet."""
        return self._call is not None and bool(self._call.in_hand)

    def call(self, inpainter: Inpainter, extent: Extent, ahead: Ahead | None) -> EngineCall:
        """The open call if it is of this model and size, else a new one."""
        call = self._call
        if call is None or call.is_over or call.inpainter is not inpainter or call.extent != extent:
            self.close()
            self._call = call = EngineCall(inpainter, extent, ahead)
        call.ahead = ahead
        return call

    def ask_ahead(self, raw_ids: Collection[RawId]) -> None:
        """Note what was asked for ahead of its sweep."""
        self._ahead |= set(raw_ids)

    def take(self, raw_ids: Collection[RawId]) -> None:
        """Note that their sweep has come."""
        self._ahead -= set(raw_ids)

    def next_of_others(self) -> tuple[Asked, Event] | None:
        """What comes next of what nobody waits for yet."""
        return self._call.next() if self._call else None

    def close(self) -> None:
        """Stop; what was under way is begun anew by whoever wants it."""
        call, self._call = self._call, None
        if call is not None:
            call.close()
        self._release(self._ahead)
        self._ahead = set()
