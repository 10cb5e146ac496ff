"""The cells of one model and one size: one call of the engine for all of their subjects, read as it needs them."""

import logging
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing

from bgen_core.errors import LostPictureError, OutOfMemoryError, UserInputError
from bgen_core.ids import RawId, SubjectId, SweepId
from bgen_core.jobs.claims import PaintingClaims
from bgen_core.jobs.running.commits import Commits
from bgen_core.jobs.running.work import Painted, Photo, Work
from bgen_core.models.devices import MemoryMeter
from bgen_core.store.blobs import STORED_LIMITS
from bgen_core.store.store import Store
from bgen_core.subject.decoding.image_io import decode_photo
from bgen_core.subject.pasting.edge import Edges
from bgen_core.sweep.canvas import prepare_cells
from bgen_core.sweep.engine.recent import Recent
from bgen_core.sweep.events import Failed, Finished, Inpainter, PaintCell, RunnerEvent, Waiting
from bgen_core.sweep.plan import SweepCell

logger = logging.getLogger(__name__)

CLAIM_SECONDS = 0.5  # how often one looks whether another process has finished a picture
_PHOTOS = 2  # subjects at full size that are held beside those of pictures under way


class Painting:
    """Paints for one sweep, and hands what is painted to its commits.

    Parameters
    ----------
    store, claims, commits
        Where subjects and known pictures are, who paints what, and where what is painted goes.
    unstored
        Pictures that were painted before, and that the store did not take.
    is_stopping
        Whether nothing more shall be painted.
    """

    def __init__(
        self,
        store: Store,
        claims: PaintingClaims,
        commits: Commits,
        *,
        unstored: Mapping[RawId, Painted],
        is_stopping: Callable[[], bool],
    ) -> None:
        self._store = store
        self._claims = claims
        self._commits = commits
        self._unstored = unstored
        self._is_stopping = is_stopping
        self._photos: Recent[Photo] = Recent(_PHOTOS)
        self._claimed: set[RawId] = set()

    def release(self) -> None:
        """Give back what is still claimed."""
        self._claims.release(self._claimed)

    def paint(self, work: Work, inpainter: Inpainter, cells: Sequence[SweepCell]) -> Generator[RunnerEvent]:
        """Cells that share a raw picture: it is painted once, or taken from the store, and pasted for each of them."""
        sharing: dict[RawId, list[SweepCell]] = {}
        for cell in cells:
            sharing.setdefault(work.addresses[cell.index].raw_id, []).append(cell)
        while sharing:
            mine = self._claims.claim(sharing)
            self._claimed |= mine
            yield from self._paste_known(work, sharing)  # also what another process has finished meanwhile
            own = {raw_id: sharing.pop(raw_id) for raw_id in list(sharing) if raw_id in mine}
            yield from self._paint(work, inpainter, own)
            if self._is_stopping():
                return
            if sharing:
                yield Waiting(cells=len(sharing))
                time.sleep(CLAIM_SECONDS)

    def fail(self, sweep_id: SweepId, cells: Sequence[SweepCell], reason: str) -> Iterator[Failed]:
        """Write down, and tell, why cells cannot be made."""
        for cell in cells:
            self._store.sweeps.set_cell_error(sweep_id, cell.index, reason)
            yield Failed(index=cell.index, reason=reason)

    def _paste_known(self, work: Work, sharing: dict[RawId, list[SweepCell]]) -> Generator[RunnerEvent]:
        known = self._store.runs.known_raws(sharing)
        for raw_id in list(sharing):
            if self._is_stopping():
                return
            painted, raw = self._unstored.get(raw_id), known.get(raw_id)
            if raw is not None:
                try:
                    picture = decode_photo(self._store.blobs.get(raw), name=raw, limits=STORED_LIMITS).image
                    painted = Painted(image=picture, seconds={}, peak_memory_mb=0.0)
                except (UserInputError, LostPictureError):
                    logger.warning("the raw picture %s cannot be read: it is painted again", raw, exc_info=True)
                    raw = None
            if painted is None:
                continue
            cells = sharing.pop(raw_id)
            try:
                photo = self._photo(cells[0].subject_id)
            except (UserInputError, LostPictureError) as error:
                if work.is_only_group:
                    raise
                yield from self.fail(work.sweep_id, cells, error.public)
            else:
                yield from self._commits.hand_over(work, photo, cells, painted, raw)

    def _paint(
        self, work: Work, inpainter: Inpainter, sharing: Mapping[RawId, list[SweepCell]]
    ) -> Generator[RunnerEvent]:
        if not sharing or self._is_stopping():
            return
        waiting = _Waiting({cells[0].index: cells for cells in sharing.values()})
        memory = MemoryMeter(work.device)
        memory.reset()
        try:
            with closing(inpainter.paint(self._feed(work, waiting))) as events:
                for event in events:
                    memory.sample()
                    if isinstance(event, Finished):
                        cells, photo = waiting.take(event.cell.index)
                        painted = Painted(
                            image=event.image,
                            seconds=event.seconds,
                            peak_memory_mb=memory.peak_mb,
                            engine=event.engine,
                        )
                        yield from self._commits.hand_over(work, photo, cells, painted)
                    elif isinstance(event, Failed):
                        yield from self.fail(work.sweep_id, waiting.take(event.index)[0], event.reason)
                    else:
                        yield event
                    yield from waiting.told()
                    yield from self._commits.collect()
                    if self._is_stopping():
                        return
        except OutOfMemoryError as error:
            if work.is_only_size:
                raise
            for cells in list(waiting.cells.values()):
                yield from self.fail(work.sweep_id, cells, error.public)
        yield from waiting.told()

    def _feed(self, work: Work, waiting: "_Waiting") -> Iterator[PaintCell]:
        """What the engine asks for, cell after cell; a subject is read when its first cell is asked for."""
        subjects: dict[SubjectId, list[SweepCell]] = {}
        for cells in waiting.cells.values():
            subjects.setdefault(cells[0].subject_id, []).append(cells[0])
        for subject_id, cells in subjects.items():
            try:
                photo = self._photo(subject_id)
            except (UserInputError, LostPictureError) as error:
                if work.is_only_group:
                    raise
                for cell in cells:
                    waiting.aside.extend(self.fail(work.sweep_id, waiting.cells.pop(cell.index), error.public))
                continue
            for prepared in prepare_cells(photo.subject, cells, work.extent, work.loras, work.steering):
                if isinstance(prepared, PaintCell):
                    waiting.photos[prepared.index] = photo
                    yield prepared
                else:
                    failed = waiting.cells.pop(prepared.index)
                    waiting.aside.extend(self.fail(work.sweep_id, failed, prepared.reason))

    def _photo(self, subject_id: SubjectId) -> Photo:
        def load() -> Photo:
            subject = self._store.subjects.load(subject_id)
            return Photo(subject=subject, edges=Edges(subject.image, subject.alpha))

        return self._photos.get(subject_id, load)


class _Waiting:
    """Cells in the engine's hands or on their way there.

    Attributes
    ----------
    cells
        Those that share a raw picture, by the index of the first.
    photos
        By the same index, of those that the engine has.
    aside
        What there is to say of cells that never came to the engine.
    """

    def __init__(self, cells: dict[int, list[SweepCell]]) -> None:
        self.cells = cells
        self.photos: dict[int, Photo] = {}
        self.aside: deque[RunnerEvent] = deque()

    def take(self, index: int) -> tuple[list[SweepCell], Photo]:
        return self.cells.pop(index), self.photos.pop(index)

    def told(self) -> Iterator[RunnerEvent]:
        while self.aside:
            yield self.aside.popleft()
