"""Cells on their way to the timetable: a few are asked for ahead, so that batches stay full and little is held."""

from collections.abc import Callable, Iterable, Iterator

from bgen_core.extent import Extent
from bgen_core.sweep.applied_loras import AppliedLora
from bgen_core.sweep.engine.canvases import check_canvas
from bgen_core.sweep.events import Failed, PaintCell

# Cells that are known ahead: more than the last full batches hold, so that the timetable sees the end coming.
WINDOW = 64


class Feed:
    """The cells that an engine is fed with, asked for in their order.

    Parameters
    ----------
    cells
        All of one size.
    refusal_of
        Why a cell cannot be painted, or "".
    multiple
        What the sides of a canvas must divide by.
    """

    def __init__(self, cells: Iterable[PaintCell], refusal_of: Callable[[PaintCell], str], *, multiple: int) -> None:
        self._source = iter(cells)
        self._refusal_of = refusal_of
        self._multiple = multiple
        self._is_exhausted = False
        self._waiting: dict[tuple[AppliedLora, ...], list[PaintCell]] = {}
        self._refused: list[Failed] = []
        self._last: PaintCell | None = None

    @property
    def extent(self) -> Extent:
        """Size of all pictures; asked for when there was a cell."""
        if self._last is None:
            raise RuntimeError("no cell has come yet")
        return self._last.canvas.extent

    def next_loras(self) -> tuple[AppliedLora, ...] | None:
        """Those of the cell that waits longest, or None after the last one."""
        self._fill()
        return next(iter(self._waiting), None)

    def take(self, loras: tuple[AppliedLora, ...]) -> list[PaintCell]:
        """Those that wait with these LoRAs, which alone may share a call of the network."""
        self._fill()
        return self._waiting.pop(loras, [])

    def take_all(self, reason: str) -> Iterator[Failed]:
        """Fail every cell that waits or comes."""
        while self.next_loras() is not None:
            waiting, self._waiting = self._waiting, {}
            yield from (Failed(index=cell.index, reason=reason) for cells in waiting.values() for cell in cells)
            yield from self.refused()

    def refused(self) -> Iterator[Failed]:
        """What there is to say of cells that cannot be painted, once."""
        while self._refused:
            yield self._refused.pop(0)

    def _fill(self) -> None:
        number = sum(map(len, self._waiting.values()))
        while number < WINDOW and not self._is_exhausted:
            cell = next(self._source, None)
            if cell is None:
                self._is_exhausted = True
                return
            if self._last is None or cell.canvas is not self._last.canvas:
                check_canvas(
                    cell.canvas, self._last.canvas.extent if self._last else cell.canvas.extent, self._multiple
                )
            self._last = cell
            if reason := self._refusal_of(cell):
                self._refused.append(Failed(index=cell.index, reason=reason))
            else:
                self._waiting.setdefault(cell.loras, []).append(cell)
                number += 1
