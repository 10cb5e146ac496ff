"""What the engine is asked for: cells of a sweep with the photo that each is pasted into, read when they are needed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from bgen_core.errors import LostPictureError, UserInputError
from bgen_core.ids import SubjectId, VisitorId
from bgen_core.jobs.running.engine_call import Asked
from bgen_core.jobs.running.work import Photo, Work
from bgen_core.recent import Recent
from bgen_core.records.early_stop import LOOK_AT
from bgen_core.store.store import Store
from bgen_core.subject.pasting.edge import Edges
from bgen_core.subject.placing import Composition, MisfitError
from bgen_core.sweep.canvas import MaskPolicy, prepare_backdrops, prepare_cells
from bgen_core.sweep.events import Canvas, PaintCell
from bgen_core.sweep.plan import SweepCell

Fault = str | UserInputError | LostPictureError  # why a cell cannot be prepared
Refuse = Callable[[SweepCell, Fault], None]

_PHOTOS = 2  # subjects at full size that are held beside those of pictures under way


def leave(cell: SweepCell, fault: Fault) -> None:
    """A cell of the next sweep that cannot be prepared: that one's own run says so."""


class Asking:
    """Prepares cells for the engine.

    Parameters
    ----------
    store
        Where the subjects are.
    canvases
        Those that were made before, to which new ones are added: see `OpenEngine`.
    """

    def __init__(self, store: Store, canvases: Recent[dict[MaskPolicy, Canvas]]) -> None:
        self._store = store
        self._photos: Recent[Photo] = Recent(_PHOTOS)
        self._canvases = canvases

    def for_cells(self, work: Work, cells: Sequence[SweepCell], refuse: Refuse = leave) -> Iterator[Asked]:
        """Cell after cell; a subject is read when its first cell is asked for.

        Parameters
        ----------
        refuse
            Is told of each cell that cannot be prepared, and why.
        """
        subjects: dict[tuple[SubjectId, Composition], list[SweepCell]] = {}
        for cell in cells:
            subjects.setdefault((cell.subject_id, cell.params.composition), []).append(cell)
        for subject, own in subjects.items():
            try:
                photo = self.photo(own[0], work.owner)
            except (UserInputError, LostPictureError) as error:
                for cell in own:
                    refuse(cell, error.public if isinstance(error, MisfitError) else error)
                continue
            by_index = {cell.index: cell for cell in own}
            if work.source.family.backdrop:
                all_prepared = prepare_backdrops(photo.subject, own, work.steering.background)
            else:
                known = self._canvases.get((subject, work.extent), dict[MaskPolicy, Canvas])
                all_prepared = prepare_cells(photo.subject, own, work.extent, work.loras, work.steering, known)
            for prepared in all_prepared:
                if isinstance(prepared, PaintCell):
                    raw_id = work.addresses[prepared.index].raw_id
                    cell = replace(prepared, looked_at=LOOK_AT) if work.early is not None else prepared
                    yield Asked(raw_id=raw_id, cell=cell, photo=photo)
                else:
                    refuse(by_index[prepared.index], prepared.reason)

    def photo(self, cell: SweepCell, owner: VisitorId) -> Photo:
        """The cell's subject as it stands on its picture.

        Raises
        ------
        UserInputError, LostPictureError
            It is gone, cannot be read, or does not fit on its canvas.
        """
        subject_id, composition = cell.subject_id, cell.params.composition

        def load() -> Photo:
            placed = composition.place(self._store.subjects.load(subject_id))
            edges = Edges(placed.subject.image, placed.subject.alpha)
            return Photo(id=subject_id, placed=placed, name=placed.subject.name, edges=edges)

        photo = self._photos.get((subject_id, composition), load)
        return replace(photo, name=self._store.subjects.get(subject_id, owner=owner).name)
