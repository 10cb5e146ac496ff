"""The contact sheet: a sweep's labelled grid as one PNG, however many cells it has."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw

from bgen_core.errors import LostPictureError, UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import SweepId
from bgen_core.records.run import RunRecord
from bgen_core.records.sweep import SweepCellRow, SweepRecord
from bgen_core.reports.fonts import main_font, scripts_without_font
from bgen_core.reports.png_bands import png_of_bands
from bgen_core.reports.sheet_layout import (
    GAP,
    LABEL,
    MARGIN,
    PAGE_TITLE,
    PNG_LIMIT,
    STACKED_SIDES,
    TITLE,
    SheetLayout,
    SheetLimit,
    Shelf,
    lay_out,
)
from bgen_core.reports.sheet_text import PAPER, length_of, line_of_text
from bgen_core.reports.sweep_heading import sweep_heading
from bgen_core.store.blobs import STORED_LIMITS, BlobStore
from bgen_core.store.store import Store
from bgen_core.subject.decoding.image_io import decode_photo, encode_webp, resize
from bgen_core.subject.previews import as_shown
from bgen_core.sweep.grid import Grid, arrange, default_axes
from bgen_core.sweep.plan import SweepPlan
from bgen_core.wording import quoted

_EMPTY, _INK, _FAINT = (233, 233, 230), (29, 35, 33), (96, 104, 101)
_LABEL_SIZE, _CAPTION_SIZE = 14, 11
_WIDEST_GUTTER = 200
SheetForm = Literal["png", "webp"]
SHEET_LIMITS: Mapping[SheetForm, SheetLimit] = {
    "png": PNG_LIMIT,
    # What the format can hold, and 180 MB while it is made
    "webp": SheetLimit(longest_side=16_383, most_pixels=60_000_000),
}
SHEET_SIDES = STACKED_SIDES


@dataclass(frozen=True, kw_only=True)
class SheetCell:
    """What stands in one place: a run's picture, or why there is none.

    Attributes
    ----------
    run
        None where the cell is not made.
    reason
        One sentence for an empty place.
    """

    run: RunRecord | None
    reason: str = ""

    @property
    def caption(self) -> str:
        return "" if self.run is None else " · ".join(self.run.params.in_short)


_NOT_CHOSEN = SheetCell(run=None, reason="Not chosen.")


@dataclass(frozen=True)
class ContactSheet:
    """A sweep's grid as it is at one moment, ready to be drawn.

    Attributes
    ----------
    title
        The line at its head.
    about
        What stands below it.
    boxes
        Which scripts it is drawn without, for want of a font; empty where there are none.
    pages
        Title and grid for each combination of the axes that are neither across nor down.
    cells
        The sweep's cells by their index; places of the grid that were not to be made have none.
    side
        Longest side that a cell's picture shall have; less where the sheet would be too large.
    form
        What it is saved as. A WebP can be no larger than 16,383 pixels in each direction, and is whole in memory.
    """

    title: str
    about: str
    pages: tuple[tuple[str, Grid], ...]
    cells: Mapping[int, SheetCell]
    side: int = 512
    form: SheetForm = "png"
    boxes: str = ""

    @property
    def subtitle(self) -> str:
        """The second line at its head."""
        return " · ".join(part for part in (self.boxes, self.about) if part)

    @cached_property
    def layout(self) -> SheetLayout:
        grid = self.pages[0][1]
        labels = [grid.corner, *(grid.down.labels if grid.down else ())]
        gutter = min(_WIDEST_GUTTER, max(round(length_of(label, _LABEL_SIZE)) for label in labels) + 2 * GAP)
        shapes = {cell.run.extent for cell in self.cells.values() if cell.run} or {Extent(width=512, height=512)}

        def cell_at(side: int) -> Extent:
            scaled = [shape.scaled_to_longest_side(side) for shape in shapes]
            # A tiny photo still gets a place in which its labels can be read.
            return Extent(
                width=max(min(side, 96), *(each.width for each in scaled)),
                height=max(min(side, 96), *(each.height for each in scaled)),
            )

        return lay_out(
            pages=len(self.pages),
            columns=len(grid.cells[0]),
            rows=len(grid.cells),
            gutter=gutter,
            cell_at=cell_at,
            largest=self.side,
            limit=SHEET_LIMITS[self.form],
        )

    def pieces(self, blobs: BlobStore) -> Iterator[bytes]:
        """Pieces of the file in its form."""
        return self.png(blobs) if self.form == "png" else iter((self._webp(blobs),))

    def _webp(self, blobs: BlobStore) -> bytes:
        return encode_webp(np.concatenate(list(self._bands(blobs))))

    def png(self, blobs: BlobStore) -> Iterator[bytes]:
        """Pieces of the PNG, made as they are asked for; no more than one row of cells is in memory.

        A picture that is missing from the folder or damaged leaves an empty place that says so.
        """
        text = {"Title": self.title, "Description": self.subtitle}
        return png_of_bands(self.layout.extent, self._bands(blobs), text)

    def _bands(self, blobs: BlobStore) -> Iterator[np.ndarray]:
        layout, drawn = self.layout, 0
        head = self._blank(MARGIN + TITLE)
        width = layout.extent.width - 2 * MARGIN
        _put(head, MARGIN, MARGIN, line_of_text(self.title, width, 30, 18, _INK))
        _put(head, MARGIN, MARGIN + 30, line_of_text(self.subtitle, width, 24, 12, _FAINT))
        yield head
        drawn += len(head)
        for shelf in layout.shelves:
            if shelf.top > drawn:
                yield self._blank(shelf.top - drawn)
            yield self._shelf_head(shelf)
            for row in range(shelf.rows):
                yield self._row(shelf, row, blobs)
            drawn = shelf.top + layout.head + shelf.rows * layout.pitch.height
        # The last row's gap is part of the margin.
        yield self._blank(layout.extent.height - drawn)

    def _blank(self, height: int) -> np.ndarray:
        return np.full((height, self.layout.extent.width, 3), PAPER, np.uint8)

    def _shelf_head(self, shelf: Shelf) -> np.ndarray:
        layout = self.layout
        band = self._blank(layout.head)
        for tile in shelf.tiles:
            title, grid = self.pages[tile.page]
            if title:
                width = layout.tile_width(tile) - GAP
                _put(band, tile.left, 0, line_of_text(title, width, PAGE_TITLE, 16, _INK))
            _put(
                band,
                tile.left,
                PAGE_TITLE,
                line_of_text(grid.corner, layout.gutter - GAP, LABEL, _CAPTION_SIZE, _FAINT),
            )
            for place, column in enumerate(tile.columns if grid.across else ()):
                label = _shown(grid.across.labels[column] if grid.across else "")
                drawn = line_of_text(label, layout.cell.width, LABEL, _LABEL_SIZE, _INK, "middle")
                _put(band, layout.column_left(tile, place), PAGE_TITLE, drawn)
        return band

    def _row(self, shelf: Shelf, place: int, blobs: BlobStore) -> np.ndarray:
        layout = self.layout
        band = self._blank(layout.pitch.height)
        for tile in shelf.tiles:
            if place >= len(tile.rows):
                continue
            grid, row = self.pages[tile.page][1], tile.rows[place]
            if grid.down:
                label = _shown(grid.down.labels[row])
                size = layout.gutter - 2 * GAP, layout.cell.height
                _put(band, tile.left, 0, line_of_text(label, *size, _LABEL_SIZE, _INK, "end"))
            for x, column in enumerate(tile.columns):
                cell, left = self.cells.get(grid.cells[row][column], _NOT_CHOSEN), layout.column_left(tile, x)
                _put(band, left, 0, _picture(cell, layout.cell, blobs))
                if layout.caption and cell.caption:
                    drawn = line_of_text(
                        cell.caption, layout.cell.width, layout.caption, _CAPTION_SIZE, _FAINT, "middle"
                    )
                    _put(band, left, layout.cell.height, drawn)
        return band


def contact_sheet(
    store: Store,
    sweep_id: SweepId,
    *,
    across: str | None = None,
    down: str | None = None,
    side: int = 512,
    form: SheetForm = "png",
) -> ContactSheet:
    """The contact sheet of a sweep as far as it has come.

    Parameters
    ----------
    across, down
        Names of the axes for columns and rows; None or empty for the ones that a grid begins with. Each combination
        of the other axes' values is a page of its own.
    side, form
        See `ContactSheet`; a side is one of `SHEET_SIDES`.

    Raises
    ------
    UserInputError
        No sweep has this id, it has no such axis, or there is no such side or form.
    """
    if side not in SHEET_SIDES or form not in SHEET_LIMITS:
        sides = ", ".join(map(str, SHEET_SIDES))
        raise UserInputError(f"A contact sheet has pictures of {sides} pixels and is a {' or a '.join(SHEET_LIMITS)}.")
    sweep = store.sweeps.get(sweep_id)
    plan = SweepPlan.from_json(sweep.plan)
    across, down = _chosen_axes(plan, across, down)
    others = [axis for axis in plan.axes if axis.name not in (across, down)]
    pages: list[tuple[str, Grid]] = []
    for places in itertools.product(*(range(len(axis.values)) for axis in others)):
        fixed = {axis.name: place for axis, place in zip(others, places, strict=True)}
        title = " · ".join(f"{axis.label} {_shown(axis.labels[fixed[axis.name]])}" for axis in others)
        pages.append((title, arrange(plan, across=across, down=down, fixed=fixed)))
    rows = store.sweeps.cells(sweep_id)
    runs = {run.id: run for run in store.runs.get_all(sorted({row.run_id for row in rows if row.done}))}
    made = sum(row.run_id in runs for row in rows)
    subjects = dict.fromkeys(run.subject_name for run in runs.values())
    prompt = plan.base.prompt if all(axis.name != "prompt" for axis in plan.axes) else ""
    several = [", ".join(names) for names in (plan.models, tuple(subjects)) if len(names) > 1]
    facts = [prompt, *several, f"{made} of {sweep.total} cells", f"sweep {sweep.id}"]
    title, boxes = sweep_heading(plan, tuple(subjects)), ""
    if missing := scripts_without_font([title, *facts, *(label for axis in plan.axes for label in axis.labels)]):
        boxes = f"no font on this server has {', '.join(missing)}: those letters are boxes"
    return ContactSheet(
        title=title,
        about=" · ".join(fact for fact in facts if fact),
        boxes=boxes,
        pages=tuple(pages),
        cells={row.index: SheetCell(run=runs.get(row.run_id), reason=_reason(row, sweep)) for row in rows},
        side=side,
        form=form,
    )


def _chosen_axes(plan: SweepPlan, across: str | None, down: str | None) -> tuple[str | None, str | None]:
    names = [axis.name for axis in plan.axes]
    for asked in (across, down):
        if asked and asked not in names:
            known = f"choose {' or '.join(names)}" if names else "it has none"
            raise UserInputError(f"This sweep has no axis {quoted(asked, 40)}: {known}.")
    if across and across == down:
        raise UserInputError(
            f"The axis {quoted(across)} cannot be both across and down: choose another for one of them."
        )
    if across or down:
        left = [name for name in reversed(names) if name not in (across, down)]
        across = across or (left.pop(0) if left else None)
        return across, down or (left.pop(0) if left else None)
    return default_axes(plan)


def _reason(row: SweepCellRow, sweep: SweepRecord) -> str:
    return row.error or ("Not made yet." if sweep.is_active else "Not made.")


def _shown(label: str) -> str:
    return " ".join(label.split()) or "(none)"


def _picture(cell: SheetCell, place: Extent, blobs: BlobStore) -> np.ndarray:
    if cell.run is None:
        return _empty_place(cell.reason, place)
    try:
        image = as_shown(decode_photo(blobs.get(cell.run.image), name=cell.run.image, limits=STORED_LIMITS))
    except (LostPictureError, UserInputError):
        return _empty_place("Its picture is missing from the store or damaged.", place)
    scale = min(1.0, place.width / image.shape[1], place.height / image.shape[0])
    fitted = Extent(width=max(1, round(image.shape[1] * scale)), height=max(1, round(image.shape[0] * scale)))
    image = resize(image, fitted)
    if fitted == place:
        return image
    framed = np.full((place.height, place.width, 3), PAPER, np.uint8)
    _put(framed, (place.width - fitted.width) // 2, (place.height - fitted.height) // 2, image)
    return framed


@lru_cache(maxsize=8)
def _empty_place(reason: str, place: Extent) -> np.ndarray:
    drawing = Image.new("RGB", (place.width, place.height), _EMPTY)
    lines = [""]
    for word in reason.split():
        joined = f"{lines[-1]} {word}".strip()
        if length_of(joined, _CAPTION_SIZE) <= place.width - 2 * GAP:
            lines[-1] = joined
        else:
            lines.append(word)
    text = "\n".join(line for line in lines if line)
    ImageDraw.Draw(drawing).multiline_text((GAP, GAP), text, font=main_font(_CAPTION_SIZE), fill=_FAINT)
    return np.asarray(drawing)


def _put(canvas: np.ndarray, left: int, top: int, part: np.ndarray) -> None:
    height, width = part.shape[:2]
    canvas[top : top + height, left : left + width] = part
