"""The cells of one model and one size: one call of the engine for all of their subjects, read as it needs them."""

import logging
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain

from bgen_core.errors import LostPictureError, OutOfMemoryError, UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import RawId, SweepId
from bgen_core.jobs.estimate import rows_of, tiles_over
from bgen_core.jobs.leases.claims import PaintingClaims
from bgen_core.jobs.running.asking import Asking, Fault
from bgen_core.jobs.running.commits import Commits
from bgen_core.jobs.running.engine_call import Ahead, Asked, EngineCall, OpenEngine
from bgen_core.jobs.running.relighting import awaits_light
from bgen_core.jobs.running.share import Share, SharedCells, Taken, settled_cells
from bgen_core.jobs.running.turn import Turn
from bgen_core.jobs.running.waiting_cells import Later, WaitingCells, by_raw, photo_by_photo
from bgen_core.jobs.running.work import Painted, Work
from bgen_core.models.devices import MemoryMeter
from bgen_core.store.blobs import STORED_LIMITS
from bgen_core.store.store import Store
from bgen_core.subject.decoding.image_io import decode_photo
from bgen_core.subject.placing import MisfitError
from bgen_core.sweep.events import (
    Committed,
    Event,
    Failed,
    Finished,
    Inpainter,
    Measuring,
    PaintCell,
    RunnerEvent,
    Started,
    Stepped,
    StoppedEarly,
    Waiting,
)
from bgen_core.sweep.plan import SweepCell

logger = logging.getLogger(__name__)

CLAIM_SECONDS = 0.5  # how often one looks whether another process has finished a picture


class Painting:
    """Paints for one sweep, and hands what is painted to its commits.

    Parameters
    ----------
    store, claims, commits, engine
        Where subjects and known pictures are, who paints what, where what is painted goes, and what paints.
    ahead
        Gives cells of the sweep that comes next, for an engine of that model and size, by `ask_ahead`; or None.
    unstored
        Pictures that were painted before, and that the store did not take.
    is_stopping
        Whether nothing more shall be painted.
    turn
        Says when nothing more shall be begun, because others wait.
    share
        By what this process takes its part where several paint a sweep; None where it is the only one.

    Attributes
    ----------
    painted_ahead
        Pictures of the sweep that comes next.
    """

    def __init__(
        self,
        store: Store,
        claims: PaintingClaims,
        commits: Commits,
        engine: OpenEngine,
        *,
        ahead: Callable[["Painting", Inpainter, Extent], Iterator[Asked]] | None,
        unstored: Mapping[RawId, Painted],
        is_stopping: Callable[[], bool],
        turn: Turn,
        share: Share | None = None,
    ) -> None:
        self._store = store
        self._claims = claims
        self._commits = commits
        self._engine = engine
        self._ahead = ahead
        self._unstored = unstored
        self._is_stopping = is_stopping
        self._turn = turn
        self._share = share
        self.painted_ahead: dict[RawId, Painted] = {}
        self._are_last = False
        self._asking = Asking(store, engine.canvases)
        self._claimed: set[RawId] = set()
        self._again: list[SweepCell] = []

    def release(self) -> None:
        """Give back what is still claimed."""
        self._claims.release(self._claimed)

    def paint(
        self, work: Work, inpainter: Inpainter, cells: Sequence[SweepCell], *, are_last: bool
    ) -> Generator[RunnerEvent]:
        """Cells that share a raw picture: it is painted once, or taken from the store, and pasted for each of them.

        Parameters
        ----------
        are_last
            Whether no others of this sweep follow, so that the next sweep's may.
        """
        self._are_last = are_last
        sharing = by_raw(work, cells)
        if self._share is not None:
            yield from self._paint_part(self._share, work, inpainter, sharing)
            return
        while sharing:
            mine = self._claims.claim(sharing)
            self._claimed |= mine
            yield from self._paste_known(work, inpainter, sharing)  # also what another process has finished meanwhile
            own = {raw_id: sharing.pop(raw_id) for raw_id in list(sharing) if raw_id in mine}
            yield from self._paint(work, inpainter, own)
            if self._is_stopping() or self._turn.look(inpainter, work.extent):
                return
            if sharing:
                self._turn.begin()
                yield Waiting(cells=len(sharing))
                time.sleep(CLAIM_SECONDS)
                yield from self._leave_made(work, sharing)
            elif work.redraw is not None:
                sharing = yield from self._left_again(work)

    def _leave_made(self, work: Work, sharing: dict[RawId, list[SweepCell]]) -> Iterator[Committed]:
        """Leave, and tell, the cells that another process has made for its own sweep: they are not pasted again."""
        made, _ = settled_cells(self._store, work.sweep_id, chain.from_iterable(sharing.values()))
        for raw_id, cells in list(sharing.items()):
            left = [cell for cell in cells if cell.index not in made]
            for cell in cells:
                if cell.index in made:
                    yield Committed(index=cell.index, run_id=work.addresses[cell.index].run_id, reused=True)
            if left:
                sharing[raw_id] = left
            else:
                del sharing[raw_id]

    def _paint_part(
        self, share: Share, work: Work, inpainter: Inpainter, sharing: Mapping[RawId, list[SweepCell]]
    ) -> Generator[RunnerEvent]:
        """What of these cells is this painter's part, until the others have taken the rest."""
        rows = {raw_id: self._rows_of(work, cells[0]) for raw_id, cells in sharing.items()}
        part = SharedCells(share, self._store, self._claims, work, sharing, rows)
        share.pace.begin()
        try:
            while not (self._is_stopping() or self._turn.look(inpainter, work.extent)):
                taken = part.take(0.0)
                own = yield from self._take_in(work, inpainter, taken)
                if not taken.mine and work.redraw is not None:
                    again = yield from self._left_again(work)
                    taken = Taken(mine={raw_id: again[raw_id] for raw_id in self._claims.claim(again)})
                    own = yield from self._take_in(work, inpainter, taken)
                if not taken.mine:
                    return
                yield from self._paint(work, inpainter, own, part)
        finally:
            part.give_back()

    def _left_again(self, work: Work) -> Generator[RunnerEvent, None, dict[RawId, list[SweepCell]]]:
        """What is drawn again and did not join the engine while it was at work: known when all is committed."""
        yield from self._commits.finish()
        again = by_raw(work, [*self._again, *self._commits.take_again()])
        self._again = []
        return again

    def _join_again(self, work: Work, waiting: WaitingCells, call: EngineCall) -> None:
        """Let the engine go on with what is drawn again; what somebody has painted or paints waits for the end."""
        cells = self._commits.take_again()
        if not cells:
            return
        again = by_raw(work, cells)
        mine = set[RawId]()
        if call.awaits_more and not (self._is_stopping() or self._turn.is_over):
            mine = self._claims.claim(again.keys() - waiting.cells.keys())
            self._claimed |= mine
            mine -= self._store.runs.known_raws(mine).keys()
        own = {raw_id: each for raw_id, each in again.items() if raw_id in mine}
        self._again += [cell for raw_id, each in again.items() if raw_id not in mine for cell in each]
        waiting.cells |= own
        call.add(self._asking.for_cells(work, [each[0] for each in own.values()], partial(self._refuse, work, waiting)))

    def _take_in(
        self, work: Work, inpainter: Inpainter, taken: Taken, later: Later | None = None
    ) -> Generator[RunnerEvent, None, dict[RawId, list[SweepCell]]]:
        """Tell what others have made, paste what is known; returns what is to be painted."""
        for cell in taken.made:
            yield Committed(index=cell.index, run_id=work.addresses[cell.index].run_id, reused=True)
        self._claimed |= taken.mine.keys()
        own = dict(taken.mine)
        yield from self._paste_known(work, inpainter, own, later)
        return own

    def _streamed(
        self, work: Work, inpainter: Inpainter, waiting: WaitingCells, call: EngineCall, part: SharedCells
    ) -> Iterator[Asked | None]:
        """More cells of this painter's part, taken while the last ones are under way: batches stay full."""
        while not (self._is_stopping() or self._turn.is_over):
            in_hand = part.rows_of(waiting.cells) + part.mean_rows * self._commits.in_hand
            begun = part.rows_of(asked.raw_id for asked in call.begun)
            taken = part.ready(rows_unbegun=part.rows_of(call.unbegun), rows_begun=begun, rows_in_hand=in_hand)
            if taken is None:
                yield None
                continue
            own = waiting.put_aside(self._take_in(work, inpainter, taken, waiting.later))
            waiting.cells |= own
            if not own:
                yield None
            yield from self._asking.for_cells(
                work, [cells[0] for cells in own.values()], partial(self._refuse, work, waiting)
            )

    def fail(self, sweep_id: SweepId, cells: Sequence[SweepCell], reason: str) -> Iterator[Failed]:
        """Write down, and tell, why cells cannot be made."""
        for cell in cells:
            self._store.sweeps.set_cell_error(sweep_id, cell.index, reason)
            yield Failed(index=cell.index, reason=reason)

    def _paste_known(
        self, work: Work, inpainter: Inpainter, sharing: dict[RawId, list[SweepCell]], later: Later | None = None
    ) -> Generator[RunnerEvent]:
        """Commit cells whose raw picture is there; those that a model has to light go to `later`, if it is given."""
        known = self._store.runs.known_raws(sharing)
        origins = self._store.runs.origins(known)
        # First what was painted ahead: it is in memory alone, so that it would be lost with a turn that ends meanwhile
        for raw_id in sorted(photo_by_photo(sharing), key=lambda raw_id: raw_id not in self._unstored):
            if self._is_stopping():
                return
            if raw_id not in self._unstored and self._turn.look(inpainter, work.extent):
                return
            painted, raw = self._unstored.get(raw_id), known.get(raw_id)
            if raw is not None:
                try:
                    picture = decode_photo(self._store.blobs.get(raw), name=raw, limits=STORED_LIMITS).image
                    painted = Painted.read_back(picture, origins.get(raw_id))
                except (UserInputError, LostPictureError):
                    logger.warning("the raw picture %s cannot be read: it is painted again", raw, exc_info=True)
                    raw = None
            if painted is None:
                continue
            cells = sharing.pop(raw_id)
            self._turn.begin()
            try:
                photo = self._asking.photo(cells[0], work.owner)
            except (UserInputError, LostPictureError) as error:
                if work.is_only_group and not isinstance(error, MisfitError):
                    raise
                yield from self.fail(work.sweep_id, cells, error.public)
            else:
                committing = self._commits.hand_over(work, photo, cells, painted, raw)
                if later is not None and awaits_light(work, cells):
                    later.append(committing)
                else:
                    yield from committing

    def _paint(
        self,
        work: Work,
        inpainter: Inpainter,
        sharing: Mapping[RawId, list[SweepCell]],
        part: SharedCells | None = None,
    ) -> Generator[RunnerEvent]:
        if not sharing or self._is_stopping() or self._turn.is_over:
            return
        waiting = WaitingCells(dict(sharing))
        is_batched = work.source.family.engine is not None
        ahead = partial(self._ahead, self) if self._ahead and is_batched else None
        call = self._engine.call(inpainter, work.extent, ahead if self._are_last else None)
        self._engine.take(sharing)
        for asked in call.begun:
            if asked.raw_id in sharing:
                self._turn.begin()
                yield Started(cell=_own(asked.cell, sharing[asked.raw_id]))
        wanted = [cells[0] for raw_id, cells in sharing.items() if raw_id not in call.in_hand]
        call.add(self._asking.for_cells(work, wanted, partial(self._refuse, work, waiting)))
        if part is not None and is_batched:
            call.add(self._streamed(work, inpainter, waiting, call, part))
        call.awaits_more = work.redraw is not None and is_batched
        if not inpainter.is_tuned(work.extent):
            yield Measuring(extent=work.extent)
        memory = MemoryMeter(work.device)
        memory.reset()
        try:
            while waiting.cells and (got := call.next()) is not None:
                memory.sample()
                self._note_pace(part, call, *got)
                yield from self._look_early(work, waiting, call, *got)
                yield from self._tell(work, waiting, *got, memory.peak_mb)
                yield from self._told(waiting)
                yield from self._commits.collect()
                self._join_again(work, waiting, call)
                if self._is_stopping():
                    return
                if isinstance(got[1], Stepped | Finished) and not self._turn.is_over:
                    self._turn.begin()
                    if self._turn.look(inpainter, work.extent):
                        self._give_way(call, waiting, ahead)
        except OutOfMemoryError as error:
            if work.is_only_size:
                raise
            for cells in list(waiting.cells.values()):
                yield from self.fail(work.sweep_id, cells, error.public)
            self._engine.close()
        if call.is_over and call.awaits_more:  # what joined when the engine had asked for the last time
            self._again += [cell for cells in waiting.cells.values() for cell in cells]
        if not self._engine.is_busy:
            self._engine.close()  # it keeps the model, which may have to go for another one
        yield from self._told(waiting)

    def _told(self, waiting: WaitingCells) -> Iterator[RunnerEvent]:
        yield from waiting.told()
        while waiting.later and not (self._is_stopping() or self._turn.is_over):
            yield from waiting.later.popleft()

    def _rows_of(self, work: Work, cell: SweepCell) -> int:
        tiles = 0
        if cell.params.refines:
            photo = self._store.subjects.get(cell.subject_id, owner=work.owner).extent
            tiles = tiles_over(cell.params.composition.extent(photo), work.extent)
        return rows_of(work.source.family, cell.params, tiles)

    def _note_pace(self, part: SharedCells | None, call: EngineCall, asked: Asked, event: Event) -> None:
        if part is not None and self._share is not None and isinstance(event, Stepped):
            self._share.pace.note(part.rows_of([asked.raw_id]) / event.of)
            self._commits.most_pictures = part.pictures_to_hold(len(call.begun))

    def _look_early(
        self, work: Work, waiting: WaitingCells, call: EngineCall, asked: Asked, event: Event
    ) -> Iterator[StoppedEarly]:
        """Measure a preview, or what became of it, where the sweep asks for that; stop what will lose."""
        cells = waiting.cells.get(asked.raw_id)
        if work.early is None or cells is None:
            return
        placed = asked.photo.placed
        if isinstance(event, Finished):
            run_ids = {cell.index: work.addresses[cell.index].run_id for cell in cells}
            work.early.finished(placed, cells, event.image, asked.cell.canvas.extent, run_ids)
        elif isinstance(event, Stepped) and event.is_look:
            reasons = work.early.look(placed, cells, event, model_revision=work.source.revision)
            if not reasons:
                return
            call.drop(asked.raw_id)
            del waiting.cells[asked.raw_id]
            self._claims.release([asked.raw_id])
            self._claimed.discard(asked.raw_id)
            for index, reason in reasons.items():
                self._store.sweeps.stop_cell(work.sweep_id, index, reason)
                yield StoppedEarly(index=index, reason=reason)

    def _give_way(self, call: EngineCall, waiting: WaitingCells, ahead: Ahead | None) -> None:
        """Begin nothing more: what is under way is waited for, and the next sweep's cells come after it."""
        call.recall(waiting.cells.keys())
        left = waiting.cells.keys() - call.in_hand
        for raw_id in left:
            del waiting.cells[raw_id]
        self._claims.release(left)
        self._claimed -= left
        call.ahead = ahead

    def _tell(
        self, work: Work, waiting: WaitingCells, asked: Asked, event: Event, peak_memory_mb: float
    ) -> Iterator[RunnerEvent]:
        """What the engine says, as this sweep says it; what it says of another one's cells is kept for that one."""
        cells = waiting.cells.get(asked.raw_id)
        if isinstance(event, Finished):
            painted = Painted.by_engine(event, peak_memory_mb)
            if cells is None:
                self.painted_ahead[asked.raw_id] = painted
            else:
                del waiting.cells[asked.raw_id]
                yield from self._commits.hand_over(work, asked.photo, cells, painted)
        elif cells is None:
            pass
        elif isinstance(event, Failed):
            yield from self.fail(work.sweep_id, waiting.cells.pop(asked.raw_id), event.reason)
        else:
            yield replace(event, cell=_own(event.cell, cells))

    def ask_ahead(self, work: Work, cells: Sequence[SweepCell]) -> Iterator[Asked]:
        """Cells of the sweep that comes next, as far as nobody has painted or paints them."""
        first: dict[RawId, SweepCell] = {}
        for cell in cells:
            first.setdefault(work.addresses[cell.index].raw_id, cell)
        mine = self._claims.claim(first.keys() - self._claimed)
        self._engine.ask_ahead(mine)
        new = mine - self._store.runs.known_raws(mine).keys()
        yield from self._asking.for_cells(work, [cell for raw_id, cell in first.items() if raw_id in new])

    def paint_ahead(self) -> None:
        """Let the engine do one thing for the sweep that comes next."""
        got = self._engine.next_of_others()
        if got is not None and isinstance(got[1], Finished):
            self.painted_ahead[got[0].raw_id] = Painted.by_engine(got[1], peak_memory_mb=0.0)

    def _refuse(self, work: Work, waiting: WaitingCells, cell: SweepCell, fault: Fault) -> None:
        if not isinstance(fault, str) and work.is_only_group:
            raise fault
        cells = waiting.cells.pop(work.addresses[cell.index].raw_id)
        waiting.aside.extend(self.fail(work.sweep_id, cells, fault if isinstance(fault, str) else fault.public))


def _own(cell: PaintCell, sharing: Sequence[SweepCell]) -> PaintCell:
    """The engine's cell under the number that it has in its sweep."""
    return replace(cell, index=sharing[0].index)
