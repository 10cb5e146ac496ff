"""Commits beside the painting: a few threads compose, encode and store, and their events leave in the cells' order."""

import logging
import math
import os
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial

from bgen_core.errors import BgenError, LostPictureError, StoreError
from bgen_core.ids import BlobHash, RawId, RunId
from bgen_core.jobs.running.redraws import Redraws
from bgen_core.jobs.running.relighting import with_light
from bgen_core.jobs.running.work import Painted, Photo, Work, commit_run
from bgen_core.records.run import RunRecord
from bgen_core.store.store import Store
from bgen_core.sweep.events import Committed, Failed, Redrawn, Relit
from bgen_core.sweep.plan import CellAddress, SweepCell

logger = logging.getLogger(__name__)

# In hand at once: raw pictures that wait, and what is made of them. One picture alone may be larger.
MOST_BYTES = 768 * 2**20
CLOSING_SECONDS = 60.0  # for which what is painted is still committed when nobody waits for it any more
_THREADS = max(2, min(8, (os.cpu_count() or 2) // 2))
_COPIES = 3  # of a photo's size: the finished picture, its PNG, and what is between them

_INTERNAL = "An internal error stopped this cell after it was painted. The log of whatever ran it has the trace."
_NO_MEMORY = "The machine's memory is too small to put this picture together: use a smaller photo, or free memory."


Told = Committed | Redrawn | Relit | Failed


@dataclass(frozen=True, kw_only=True)
class _Stored:
    """Where a raw picture lies, and a run's expansion where that is asked for."""

    raw: BlobHash
    expansion: float | None = None
    was_there: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class _InHand:
    """A cell whose commit has not been told yet; `closes` says that no other one in hand needs its raw picture."""

    work: Work
    cell: SweepCell
    address: CellAddress
    painted: Painted
    future: Future["_Stored"]
    bytes: int
    reused: bool
    raw: BlobHash | None
    closes: bool

    @property
    def run_id(self) -> RunId:
        return self.address.run_id

    @property
    def raw_id(self) -> RawId:
        return self.address.raw_id


class Commits:
    """The commits of one sweep.

    What is wrong with one cell makes that one fail. A store that cannot be used is raised, and the pictures that it did
    not take are `unstored`: nobody has to paint them again.

    Parameters
    ----------
    store
        Where runs go.
    release
        Told of each raw picture of which every cell is committed or has failed.
    redraws
        Decides which cells are drawn again.
    is_stopping
        Whether no model shall be asked for light any more.

    Attributes
    ----------
    most_pictures
        Raw pictures in hand at once: what is in hand is what a death costs.
    """

    def __init__(
        self,
        store: Store,
        release: Callable[[RawId], None],
        redraws: Redraws,
        is_stopping: Callable[[], bool],
    ) -> None:
        self._store = store
        self._is_stopping = is_stopping
        self._release = release
        self._redraws = redraws
        self._following: list[SweepCell] = []
        self._again: list[SweepCell] = []
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="commit")
        self._in_hand: deque[_InHand] = deque()
        self._bytes = 0
        self._pictures = 0
        self.most_pictures: float = math.inf
        self.unstored: dict[RawId, Painted] = {}

    @property
    def in_hand(self) -> int:
        """Cells whose commit has not been told yet."""
        return len(self._in_hand)

    def take_again(self) -> list[SweepCell]:
        """Cells of which the next attempt is to be made, and that were not given before."""
        again, self._again = self._again, []
        return again

    def hand_over(
        self, work: Work, photo: Photo, cells: Sequence[SweepCell], painted: Painted, raw: BlobHash | None = None
    ) -> Iterator[Told]:
        """Commit the cells that share a raw picture; its seconds count for the first of them.

        Where a model that tells its light is stopped, they stay to be made.

        Parameters
        ----------
        raw
            Where the raw picture lies in the store already, or None.
        """
        lit = yield from self._with_light(work, photo, cells, painted, raw)
        if lit is None:
            return
        painted = lit
        self._pictures += 1
        made: dict[RunId, Future[_Stored]] = {}
        first: Future[_Stored] | None = None
        for place, cell in enumerate(cells):
            address = work.addresses[cell.index]
            run_id = address.run_id
            reused, size = run_id in made, 0
            if not reused:
                size = painted.image.nbytes + _COPIES * photo.subject.image.nbytes
                made[run_id] = self._threads.submit(
                    partial(_commit, self._store, self._redraws, work, photo, cell, painted, raw, first)
                )
                first = first or made[run_id]
            self._bytes += size
            self._in_hand.append(
                _InHand(
                    work=work,
                    cell=cell,
                    address=address,
                    painted=painted,
                    future=made[run_id],
                    bytes=size,
                    reused=reused,
                    raw=raw,
                    closes=place == len(cells) - 1,
                )
            )
            painted = replace(painted, seconds={})
            yield from self.collect()

    def _with_light(
        self, work: Work, photo: Photo, cells: Sequence[SweepCell], painted: Painted, raw: BlobHash | None
    ) -> Generator[Told, None, Painted | None]:
        """None where it was stopped: what is painted is kept for the next run."""
        raw_id = work.addresses[cells[0].index].raw_id
        if raw is None:
            self.unstored[raw_id] = painted
        with closing(with_light(work, photo, cells, painted, self._is_stopping)) as relighting:
            while True:
                try:
                    event = next(relighting)
                except StopIteration as end:
                    lit: Painted | None = end.value
                    break
                yield event
                yield from self.collect()
        if lit is not None:
            self.unstored.pop(raw_id, None)
        return lit

    def collect(self) -> Iterator[Told]:
        """What is committed by now; waits while more is in hand than may be.

        Raises
        ------
        StoreError
            The store did not take a picture. What waits to be committed is not tried any more.
        """
        while self._in_hand and (self._is_full or self._in_hand[0].future.done()):
            yield from self._tell_next()

    @property
    def _is_full(self) -> bool:
        return self._bytes > MOST_BYTES or self._pictures > self.most_pictures

    def finish(self) -> Iterator[Told]:
        """The rest; see `collect`."""
        fault: StoreError | None = None
        while self._in_hand:
            try:
                yield from self._tell_next()
            except StoreError as error:
                fault = fault or error
        if fault is not None:
            raise fault

    def close(self) -> None:
        """Let what is painted be committed without a word, within a limit, and end the threads."""
        left = wait([each.future for each in self._in_hand], timeout=CLOSING_SECONDS).not_done
        if left:
            logger.warning("%d painted pictures could not be committed in %.0f s", len(left), CLOSING_SECONDS)
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._in_hand.clear()

    def _tell_next(self) -> Iterator[Told]:
        told = self._in_hand[0]
        try:
            stored = told.future.result()
            following = self._redraws.decide(told.work, told.cell, stored.expansion)
        except CancelledError:
            self._put_aside(told)
        except LostPictureError as error:
            yield self._failed(told, error.public)
        except StoreError:
            self._put_aside(told)
            for each in self._in_hand:
                each.future.cancel()
            raise
        except Exception as error:
            if isinstance(error, BgenError):
                reason = error.public
            else:
                logger.error("cell %d could not be committed", told.cell.index, exc_info=error)
                reason = _NO_MEMORY if isinstance(error, MemoryError) else _INTERNAL
            yield self._failed(told, reason)
        else:
            self._following.extend([following] if following else [])
            self._let_go(told)
            reused = told.reused or stored.was_there
            if following is None or stored.expansion is None:
                yield Committed(index=told.cell.index, run_id=told.run_id, reused=reused)
            else:
                yield Redrawn(index=told.cell.index, run_id=told.run_id, expansion=stored.expansion, reused=reused)

    def _failed(self, told: _InHand, reason: str) -> Failed:
        self._let_go(told)
        self._store.sweeps.set_cell_error(told.work.sweep_id, told.cell.index, reason)
        return Failed(index=told.cell.index, reason=reason)

    def _put_aside(self, told: _InHand) -> None:
        if told.raw is None:
            self.unstored.setdefault(told.raw_id, told.painted)
        self._let_go(told)

    def _let_go(self, told: _InHand) -> None:
        self._in_hand.popleft()
        self._bytes -= told.bytes
        if told.closes:
            self._pictures -= 1
            self._release(told.raw_id)
            self._again += self._following  # those that share a picture again come together
            self._following = []


def _commit(
    store: Store,
    redraws: Redraws,
    work: Work,
    photo: Photo,
    cell: SweepCell,
    painted: Painted,
    raw: BlobHash | None,
    first: Future[_Stored] | None,
) -> _Stored:
    """In a thread: the first cell of a raw picture brings it into the store, and the others wait for that."""
    if work.redraw is None:
        return _Stored(raw=_committed(store, work, photo, cell, painted, raw, first).raw)
    run_id = work.addresses[cell.index].run_id
    was_there = bool(store.runs.known([run_id]))  # made, and not decided yet
    run = store.runs.get(run_id) if was_there else _committed(store, work, photo, cell, painted, raw, first)
    return _Stored(raw=run.raw, expansion=redraws.measure(run), was_there=was_there)


def _committed(
    store: Store,
    work: Work,
    photo: Photo,
    cell: SweepCell,
    painted: Painted,
    raw: BlobHash | None,
    first: Future[_Stored] | None,
) -> RunRecord:
    if raw is None and first is not None:
        raw = _raw_of(first)
    return commit_run(store, work, photo, cell, painted, raw)


def _raw_of(first: Future[_Stored]) -> BlobHash | None:
    """Where the first cell has put the raw picture, or None where something was wrong with that cell alone."""
    try:
        return first.result().raw
    except LostPictureError:
        return None
    except (StoreError, CancelledError):
        raise
    except Exception:
        return None
