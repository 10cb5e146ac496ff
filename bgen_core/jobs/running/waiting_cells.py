"""Cells of a sweep that wait for the engine, by the raw picture that they share."""

from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import TypeVar

from bgen_core.ids import RawId, SubjectId
from bgen_core.jobs.running.work import Work
from bgen_core.subject.placing import Composition
from bgen_core.sweep.events import RunnerEvent
from bgen_core.sweep.plan import SweepCell

Later = deque[Iterator[RunnerEvent]]
_Result = TypeVar("_Result")


class WaitingCells:
    """Cells of a sweep that the engine has not painted yet.

    Attributes
    ----------
    cells
        Those that share a raw picture.
    aside
        What there is to say of cells that never came to the engine.
    later
        What takes long and tells how far it is, which is to be heard: not while the engine asks for cells.
    """

    def __init__(self, cells: dict[RawId, list[SweepCell]]) -> None:
        self.cells = cells
        self.aside: deque[RunnerEvent] = deque()
        self.later: Later = deque()

    def put_aside(self, events: Generator[RunnerEvent, None, _Result]) -> _Result:
        """Let what can tell something only later go on to its end; returns what it returns."""
        while True:
            try:
                self.aside.append(next(events))
            except StopIteration as end:
                return end.value

    def told(self) -> Iterator[RunnerEvent]:
        while self.aside:
            yield self.aside.popleft()


def by_raw(work: Work, cells: Sequence[SweepCell]) -> dict[RawId, list[SweepCell]]:
    """Raw picture -> the cells that share it."""
    sharing: dict[RawId, list[SweepCell]] = {}
    for cell in cells:
        sharing.setdefault(work.addresses[cell.index].raw_id, []).append(cell)
    return sharing


def photo_by_photo(sharing: Mapping[RawId, list[SweepCell]]) -> list[RawId]:
    """The pictures of one subject at one place behind each other: its photo is read once for all of them."""
    first: dict[tuple[SubjectId, Composition], int] = {}
    places = {
        raw_id: first.setdefault((cells[0].subject_id, cells[0].params.composition), len(first))
        for raw_id, cells in sharing.items()
    }
    return sorted(sharing, key=lambda raw_id: places[raw_id])
