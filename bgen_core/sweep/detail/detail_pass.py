"""Tiles as cells of the engine: they go through its batches beside all others, and come back as one picture."""

import logging
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count

import numpy as np

from bgen_core.extent import Extent
from bgen_core.subject.decoding.image_io import resize
from bgen_core.sweep.cell_faults import NO_MEMORY
from bgen_core.sweep.detail.finer import keep_coarse
from bgen_core.sweep.detail.tiling import Tiling
from bgen_core.sweep.events import Canvas, Event, Failed, Finished, PaintCell, Started, Stepped, Window
from bgen_core.sweep.params import InpaintParams

logger = logging.getLogger(__name__)

STAGE = "detail"  # in a run's seconds, the tiles' share
Paint = Callable[[Iterable[PaintCell | None]], Generator[Event]]


@dataclass(kw_only=True, eq=False)
class _Picture:
    """A raw picture of which tiles are painted.

    Attributes
    ----------
    raw
        Its event, before the pass.
    tiling, enlarged, mask
        The tiles, and what they are cut from, both of the size `Tiling.whole`.
    made
        A tile's picture by its place; what is not repainted stays as it was enlarged.
    missing
        Tiles that have not come back.
    is_wanted
        Whether more of them is worth painting.
    """

    raw: Finished
    tiling: Tiling
    enlarged: np.ndarray
    mask: np.ndarray
    made: dict[int, np.ndarray] = field(default_factory=dict[int, np.ndarray])
    missing: int = 0
    seconds: float = 0.0
    is_wanted: bool = True

    @property
    def is_still_wanted(self) -> bool:
        """Whether it is, and its cell too."""
        return self.is_wanted and self.raw.cell.is_wanted()


class DetailPass:
    """Asks an inpainter for the tiles of the pictures that it has just made.

    Tiles come before further cells, so that few pictures are open at a time: those whose tiles the engine was asked
    for, some 150 MB each at 12 megapixels.

    Parameters
    ----------
    paint
        Paints cells, tiles among them; see `Inpainter.paint`.
    ticks
        Evaluations of one text of a cell.
    grain
        What the tiles' corners divide by.
    """

    def __init__(self, paint: Paint, *, ticks: Callable[[InpaintParams], int], grain: int) -> None:
        self._paint = paint
        self._ticks = ticks
        self._grain = grain
        self._to_cut: deque[Iterator[PaintCell]] = deque()
        self._tiles: dict[int, tuple[_Picture, int]] = {}
        self._numbers = count(-1, -1)  # cells have numbers from 0
        self._steps: dict[int, int] = {}  # by the number of a cell whose tiles are under way

    def paint(self, cells: Iterable[PaintCell | None]) -> Generator[Event]:
        """Paint the cells, and the tiles of those with a detail pass; see `Inpainter.paint`."""
        for event in self._paint(self._source(cells)):
            number = event.index if isinstance(event, Failed) else event.cell.index
            if number < 0:
                yield from self._of_tile(number, event)
            elif isinstance(event, Failed | Started) or (tiling := self._tiling(event.cell)) is None:
                yield event
            elif isinstance(event, Stepped):
                yield replace(event, of=event.of + self._tile_steps(event.cell, tiling))
            else:
                yield from self._guarded(event.cell, partial(self._begin, event, tiling))

    def _source(self, cells: Iterable[PaintCell | None]) -> Iterator[PaintCell | None]:
        others = iter(cells)
        while True:
            if self._to_cut:
                tile = next(self._to_cut[0], None)
                if tile is None:
                    self._to_cut.popleft()
                else:
                    yield tile
            else:
                yield next(others, None)  # None too where only tiles can come

    def _guarded(self, cell: PaintCell, work: Callable[[], Iterator[Event]]) -> Iterator[Event]:
        try:
            yield from work()
        except MemoryError:
            logger.warning("too little memory for the detail pass of cell %d", cell.index, exc_info=True)
            self._steps.pop(cell.index, None)
            yield Failed(index=cell.index, reason=NO_MEMORY)

    def _forget_unwanted(self) -> None:
        """Let go of pictures whose tiles nobody waits for: of most of those the engine says nothing more."""
        self._tiles = {number: each for number, each in self._tiles.items() if each[0].is_still_wanted}

    def _begin(self, raw: Finished, tiling: Tiling) -> Iterator[Event]:
        self._forget_unwanted()
        picture = _Picture(
            raw=raw,
            tiling=tiling,
            enlarged=tiling.padded(resize(raw.image, tiling.picture)),
            mask=tiling.padded(resize(raw.cell.canvas.mask_image, tiling.picture)),
        )
        places = [place for place, box in enumerate(tiling.boxes) if (picture.mask[box.slices] >= 128).any()]
        picture.missing = len(places)
        evaluations = self._ticks(raw.cell.params)
        left_out = (len(tiling) - len(places)) * self._ticks(raw.cell.params.of_tile)
        self._steps[raw.cell.index] = evaluations + left_out
        if places:
            self._to_cut.append(self._cut(picture, places))
        else:
            yield self._finished(picture)

    def _cut(self, picture: _Picture, places: list[int]) -> Iterator[PaintCell]:
        cell = picture.raw.cell
        for place in places:
            if not picture.is_still_wanted:
                return
            box = picture.tiling.boxes[place]
            number = next(self._numbers)
            self._tiles[number] = (picture, place)
            yield replace(
                cell,
                index=number,
                params=cell.params.of_tile,
                canvas=Canvas(
                    init_image=np.ascontiguousarray(picture.enlarged[box.slices]),
                    mask_image=np.ascontiguousarray(picture.mask[box.slices]),
                ),
                window=Window(whole=picture.tiling.whole, box=box),
                is_wanted=lambda: picture.is_still_wanted,
            )

    def _of_tile(self, number: int, event: Event) -> Iterator[Event]:
        picture, place = self._tiles.get(number, (None, 0))
        if picture is None or not picture.is_wanted:
            return
        cell = picture.raw.cell
        if isinstance(event, Finished | Failed):
            del self._tiles[number]
        if isinstance(event, Failed):
            picture.is_wanted = False
            self._forget_unwanted()
            self._steps.pop(cell.index, None)
            yield Failed(index=cell.index, reason=event.reason)
        elif isinstance(event, Stepped):
            self._steps[cell.index] += 1
            of = self._ticks(cell.params) + self._tile_steps(cell, picture.tiling)
            yield Stepped(cell=cell, step=min(self._steps[cell.index], of), of=of, preview=None)
        elif isinstance(event, Finished):
            picture.made[place] = event.image
            picture.seconds += sum(event.seconds.values())
            picture.missing -= 1
            if not picture.missing:
                picture.is_wanted = False
                yield from self._guarded(cell, lambda: iter([self._finished(picture)]))

    def _finished(self, picture: _Picture) -> Finished:
        raw, tiling = picture.raw, picture.tiling
        self._steps.pop(raw.cell.index, None)
        tiles = [picture.made.get(place, picture.enlarged[box.slices]) for place, box in enumerate(tiling.boxes)]
        refined = tiling.joined(tiles)
        picture.made.clear()
        own = picture.enlarged[: tiling.picture.height, : tiling.picture.width]
        image = keep_coarse(own, refined, Extent.of(raw.image))
        return replace(raw, image=image, seconds=raw.seconds | {STAGE: picture.seconds})

    def _tiling(self, cell: PaintCell) -> Tiling | None:
        if not cell.params.refines or cell.photo_extent is None:
            return None
        return Tiling.over(cell.photo_extent, cell.canvas.extent, self._grain)

    def _tile_steps(self, cell: PaintCell, tiling: Tiling) -> int:
        return len(tiling) * self._ticks(cell.params.of_tile)
