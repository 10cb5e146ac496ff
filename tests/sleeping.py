"""An inpainter that asks for cells as the engine does, and sleeps in place of computing."""

import time
from collections.abc import Callable, Generator, Iterable
from typing import Any

import numpy as np

from bgen_core.sweep.events import Finished, PaintCell, Started, Stepped

TOGETHER, ASKED_AHEAD, STEPS = 4, 16, 2


class Sleeping:
    """Paints a few cells at a time, in two steps each.

    Parameters
    ----------
    seconds
        Of a step of all that are under way.
    painted, begun
        Told of the seed of each picture: when it is done, and when its first step begins.
    """

    def __init__(
        self, seconds: float, painted: Callable[[int], object], begun: Callable[[int], object] = lambda seed: None
    ) -> None:
        self._seconds = seconds
        self._painted = painted
        self._begun = begun

    def paint(self, cells: Iterable[PaintCell | None]) -> Generator[Any]:
        source = iter(cells)
        waiting: list[PaintCell] = []
        under_way: dict[int, PaintCell] = {}
        steps: dict[int, int] = {}
        while True:
            while len(waiting) < ASKED_AHEAD and (cell := next(source, None)) is not None:
                waiting.append(cell)
            while waiting and len(under_way) < TOGETHER:
                if (cell := waiting.pop(0)).is_wanted():
                    under_way[cell.index], steps[cell.index] = cell, 0
                    self._begun(cell.params.seed)
                    yield Started(cell=cell)
            if not under_way:
                return
            time.sleep(self._seconds)
            for index, cell in list(under_way.items()):
                steps[index] += 1
                yield Stepped(cell=cell, step=steps[index], of=STEPS, preview=None)
                if steps[index] == STEPS:
                    del under_way[index]
                    self._painted(cell.params.seed)
                    extent = cell.canvas.extent
                    image = np.full((extent.height, extent.width, 3), cell.params.seed % 256, np.uint8)
                    yield Finished(cell=cell, image=image, seconds={})

    def tune(self, extent: object) -> None: ...

    def is_tuned(self, extent: object) -> bool:
        return True
