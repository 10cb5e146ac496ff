"""Where everything lies on a contact sheet: cells as large as fit, in tiles where a grid is too long."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bgen_core.extent import Box, Extent

# What browsers still show (Firefox decodes no side above this), and 1,000 cells of 512 × 512 with their labels.
LONGEST_SIDE = 32_767
MOST_PIXELS = 300_000_000


@dataclass(frozen=True, kw_only=True)
class SheetLimit:
    """How large a sheet may be: what readers of its format still show, and what fits into memory."""

    longest_side: int
    most_pixels: int

    def holds(self, extent: Extent) -> bool:
        return extent.longest_side <= self.longest_side and extent.area <= self.most_pixels


# Longest side of a cell: the first with which the sheet stays within the limits is taken.
STACKED_SIDES = (512, 384, 256, 192, 128)
TILED_SIDES = (256, 192, 128, 96, 64, 48, 32, 16)
PNG_LIMIT = SheetLimit(longest_side=LONGEST_SIDE, most_pixels=MOST_PIXELS)
NARROWEST_CAPTIONED = 96

MARGIN = 16
GAP = 6
TITLE = 60
PAGE_TITLE = 34
LABEL = 26
CAPTION = 22


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A part of one page's grid: these of its rows and columns, with the label column's left edge at `left`."""

    page: int
    rows: range
    columns: range
    left: int


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """Tiles side by side; their heads begin at `top`."""

    top: int
    tiles: tuple[Tile, ...]

    @property
    def rows(self) -> int:
        return max(len(tile.rows) for tile in self.tiles)


@dataclass(frozen=True, kw_only=True)
class SheetLayout:
    """Geometry of a contact sheet.

    Attributes
    ----------
    cell
        Size of a cell's picture; smaller pictures stand in its middle.
    gutter
        Width of the labels at a tile's left.
    """

    cell: Extent
    gutter: int
    shelves: tuple[Shelf, ...]

    @property
    def caption(self) -> int:
        """Height of the line below each cell; none where cells are too narrow to read it."""
        return CAPTION if self.cell.width >= NARROWEST_CAPTIONED else 0

    @property
    def pitch(self) -> Extent:
        """From one cell to the next."""
        return Extent(width=self.cell.width + GAP, height=self.cell.height + self.caption + GAP)

    @property
    def head(self) -> int:
        """Height of a tile above its cells: the page's title and the column labels."""
        return PAGE_TITLE + LABEL

    @property
    def extent(self) -> Extent:
        """Size of the whole sheet."""
        right = max(tile.left + self.tile_width(tile) for shelf in self.shelves for tile in shelf.tiles)
        last = self.shelves[-1]
        return Extent(
            width=right + MARGIN - GAP, height=last.top + self.head + last.rows * self.pitch.height - GAP + MARGIN
        )

    @property
    def fits(self) -> bool:
        return PNG_LIMIT.holds(self.extent)

    def tile_width(self, tile: Tile) -> int:
        """Width of a tile with the gap behind it."""
        return self.gutter + len(tile.columns) * self.pitch.width

    def column_left(self, tile: Tile, column: int) -> int:
        """Left edge of the cells of a tile's column, counted from its first."""
        return tile.left + self.gutter + column * self.pitch.width

    def places(self) -> Iterator[tuple[int, int, int, Box]]:
        """Page, row, column and box of every cell's picture."""
        for shelf in self.shelves:
            for tile in shelf.tiles:
                for y, row in enumerate(tile.rows):
                    top = shelf.top + self.head + y * self.pitch.height
                    for x, column in enumerate(tile.columns):
                        left = self.column_left(tile, x)
                        right, bottom = left + self.cell.width, top + self.cell.height
                        yield tile.page, row, column, Box(left=left, top=top, right=right, bottom=bottom)


def lay_out(
    *,
    pages: int,
    columns: int,
    rows: int,
    gutter: int,
    cell_at: Callable[[int], Extent],
    largest: int = STACKED_SIDES[0],
    limit: SheetLimit = PNG_LIMIT,
) -> SheetLayout:
    """The layout with the largest cells that stays within the limit.

    Pages stand below each other. Where even small cells do not fit so, long rows are broken and long columns stand
    beside each other, each tile with labels of its own. Nothing is refused: what is too much for the smallest cells
    goes beyond the limits.

    Parameters
    ----------
    pages, columns, rows
        How many grids there are, and the size of each in cells.
    gutter
        Width of the row labels.
    cell_at
        Cell size for a longest side; pictures are never enlarged.
    largest
        The longest side to begin with.
    """
    grid = pages, range(columns), range(rows), gutter
    for side in (side for side in STACKED_SIDES if side <= largest):
        layout = _shelved(*grid, cell_at(side), None)
        if limit.holds(layout.extent):
            return layout
    for side in (side for side in TILED_SIDES if side <= largest):
        layout = _shelved(*grid, cell_at(side), limit.longest_side)
        if limit.holds(layout.extent):
            return layout
    return layout  # pyright: ignore[reportPossiblyUnboundVariable]


def _shelved(
    pages: int, columns: range, rows: range, gutter: int, cell: Extent, tiled_within: int | None
) -> SheetLayout:  # fmt: skip
    empty = SheetLayout(cell=cell, gutter=gutter, shelves=())
    across, down = len(columns), len(rows)
    if tiled_within:
        tile_side = tiled_within // 2
        across = min(across, max(1, (tile_side - 2 * MARGIN - gutter) // empty.pitch.width))
        down = min(down, max(1, (tile_side - 2 * MARGIN - TITLE - empty.head) // empty.pitch.height))
    shelves: list[Shelf] = []
    current: list[Tile] = []
    left, top = MARGIN, MARGIN + TITLE
    for page in range(pages):
        for first_row in range(0, len(rows), down):
            for first_column in range(0, len(columns), across):
                tile = Tile(
                    page=page,
                    rows=rows[first_row : first_row + down],
                    columns=columns[first_column : first_column + across],
                    left=left,
                )
                if current and (not tiled_within or left + empty.tile_width(tile) > tiled_within - MARGIN):
                    shelves.append(Shelf(top=top, tiles=tuple(current)))
                    top += empty.head + shelves[-1].rows * empty.pitch.height + GAP
                    current, left = [], MARGIN
                    tile = Tile(page=page, rows=tile.rows, columns=tile.columns, left=left)
                current.append(tile)
                left += empty.tile_width(tile) + MARGIN
    shelves.append(Shelf(top=top, tiles=tuple(current)))
    return SheetLayout(cell=cell, gutter=gutter, shelves=tuple(shelves))
