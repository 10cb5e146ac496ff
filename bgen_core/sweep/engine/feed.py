"""Cells on their way to the timetable: a few are asked for ahead, so that batches stay full and little is held."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from bgen_core.extent import Extent
from bgen_core.models.steering.ip_adapters import IPAdapter
from bgen_core.sweep.applied_loras import AppliedLora
from bgen_core.sweep.engine.canvases import check_canvas
from bgen_core.sweep.events import Failed, PaintCell

# Cells that are known ahead: more than the last full batches hold, so that the timetable sees the end coming.
WINDOW = 64


@dataclass(frozen=True, kw_only=True)
class Alike:
    """What cells must have in common to share a call of the network.

    Attributes
    ----------
    reference
        The IP-Adapter that looks at their reference pictures, and its scale; None without any.
    in_tiles
        Whether they pass through the autoencoder in tiles.
    extent
        The size at which they are painted, which may be another one than their canvas's.
    """

    loras: tuple[AppliedLora, ...]
    reference: tuple[IPAdapter, float] | None
    in_tiles: bool
    extent: Extent


class Feed:
    """The cells that an engine is fed with, asked for in their order.

    Parameters
    ----------
    cells
        All of one size; None where there is none yet, and may be later.
    refusal_of
        Why a cell cannot be painted, or "".
    alike_of
        Which others it may share a call with.
    multiple
        What the sides of a canvas must divide by.
    """

    def __init__(
        self,
        cells: Iterable[PaintCell | None],
        *,
        refusal_of: Callable[[PaintCell], str],
        alike_of: Callable[[PaintCell], Alike],
        multiple: int,
    ) -> None:
        self._source = iter(cells)
        self._refusal_of = refusal_of
        self._alike_of = alike_of
        self._multiple = multiple
        self._waiting: dict[Alike, list[PaintCell]] = {}
        self._refused: list[Failed] = []
        self._last: PaintCell | None = None

    @property
    def extent(self) -> Extent:
        """Size of all canvases; asked for when there was a cell."""
        if self._last is None:
            raise RuntimeError("no cell has come yet")
        return self._last.canvas.extent

    def next_alike(self) -> Alike | None:
        """That of the cell that waits longest, or None where there is none."""
        self._fill()
        return next(iter(self._waiting), None)

    def waiting(self, alike: Alike) -> list[PaintCell]:
        """Those that `take` would give, left where they are."""
        return list(self._waiting.get(alike, []))

    def take(self, alike: Alike) -> list[PaintCell]:
        """Those that wait and may share a call of the network."""
        self._fill()
        return self._waiting.pop(alike, [])

    def take_all(self, reason: str) -> Iterator[Failed]:
        """Fail every cell that waits or comes."""
        while self.next_alike() is not None:
            waiting, self._waiting = self._waiting, {}
            yield from (Failed(index=cell.index, reason=reason) for cells in waiting.values() for cell in cells)
            yield from self.refused()

    def refused(self) -> Iterator[Failed]:
        """What there is to say of cells that cannot be painted, once."""
        while self._refused:
            yield self._refused.pop(0)

    def _fill(self) -> None:
        wanted = {alike: [cell for cell in cells if cell.is_wanted()] for alike, cells in self._waiting.items()}
        self._waiting = {alike: cells for alike, cells in wanted.items() if cells}
        number = sum(map(len, self._waiting.values()))
        while number < WINDOW:
            cell = next(self._source, None)
            if cell is None:
                return
            if self._last is None or cell.canvas is not self._last.canvas:
                check_canvas(
                    cell.canvas,
                    self._last.canvas.extent if self._last else cell.canvas.extent,
                    self._multiple,
                    is_tile=cell.window is not None,
                )
            self._last = cell
            if reason := self._refusal_of(cell):
                self._refused.append(Failed(index=cell.index, reason=reason))
            else:
                self._waiting.setdefault(self._alike_of(cell), []).append(cell)
                number += 1
