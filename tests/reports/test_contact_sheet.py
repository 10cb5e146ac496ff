"""The contact sheet: every picture at its place, whatever the grid's size, and never the whole of it in memory."""

import itertools
import tracemalloc
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from bgen_core.archive.sweep_archive import sweep_archive
from bgen_core.errors import UserInputError
from bgen_core.extent import Box, Extent
from bgen_core.reports import contact_sheet as drawing
from bgen_core.reports.contact_sheet import ContactSheet, SheetCell, contact_sheet
from bgen_core.reports.file_sizes import in_megabytes, report_bytes, sheet_bytes, zip_bytes
from bgen_core.reports.html_report import html_report
from bgen_core.reports.png_bands import png_of_bands
from bgen_core.reports.sheet_layout import LONGEST_SIDE, MOST_PIXELS, SheetLayout, lay_out
from bgen_core.reports.sheet_text import length_of, line_of_text
from bgen_core.store.store import Store
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.grid import arrange
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from tests.made_up import commit, made_up_run, made_up_sweep, picture, run_id

PICTURE = Extent(width=160, height=120)
STEPS = Axis(name="steps", values=(10, 20))
GUIDANCE = Axis(name="guidance", values=(1.0, 3.0, 7.5))
SEED = Axis(name="seed", values=(4, 5))
EMPTY = (233, 233, 230)


def make_plan(*axes: Axis) -> SweepPlan:
    return SweepPlan(subject_id="s" * 64, model="demo", base=InpaintParams(prompt="a beach"), axes=axes)


def keep(store: Store, plan: SweepPlan, *, missing: tuple[int, ...] = (), extent: Extent = PICTURE) -> None:
    """A sweep whose cell i has the picture of seed i, but for the missing ones."""
    ids = [run_id(index) for index in range(len(plan))]
    for index in range(len(plan)):
        if index not in missing:
            commit(store, made_up_run(index, extent=extent))
    store.sweeps.add(made_up_sweep(cells=ids, plan=plan.to_json(), state="running"), ids)


def opened(sheet: ContactSheet, store: Store) -> Image.Image:
    image = Image.open(BytesIO(b"".join(sheet.png(store.blobs))))
    image.load()
    assert image.mode == "RGB"
    return image


def boxes(sheet: ContactSheet) -> dict[int, Box]:
    """Cell -> where its picture stands."""
    return {sheet.pages[page][1].cells[row][column]: box for page, row, column, box in sheet.layout.places()}


def crop(image: Image.Image, box: Box) -> np.ndarray:
    return np.asarray(image.crop((box.left, box.top, box.right, box.bottom)))


def has_ink(image: Image.Image, box: Box) -> bool:
    return bool((crop(image, box).max(axis=-1) < 150).any())


@pytest.mark.parametrize("height", [1, 31, 32, 33, 100])
def test_bands_make_the_png_that_pillow_reads(height: int):
    pixels = np.random.default_rng(height).integers(0, 256, (height, 7, 3), dtype=np.uint8)
    bands = np.array_split(pixels, [height // 3, height // 2])
    data = b"".join(png_of_bands(Extent.of(pixels), bands, {"Title": "Größe 日本"}))
    image = Image.open(BytesIO(data))
    assert image.info["Title"] == "Größe 日本"
    assert np.array_equal(np.asarray(image), pixels)


@pytest.mark.parametrize(
    "band", [np.zeros((5, 7, 3), np.uint8), np.zeros((4, 6, 3), np.uint8), np.zeros((4, 7, 3), np.int16)]
)
def test_bands_that_do_not_add_up_are_a_fault(band: np.ndarray):
    with pytest.raises(ValueError, match="picture of 7 × 4"):
        list(png_of_bands(Extent(width=7, height=4), [band]))


@pytest.mark.parametrize(
    ("axes", "across", "down", "pages"),
    [
        ((), None, None, 1),
        ((SEED,), None, None, 1),
        ((SEED,), "", "seed", 1),
        ((STEPS, GUIDANCE), None, None, 1),
        ((STEPS, GUIDANCE), "steps", "guidance", 1),
        ((STEPS, GUIDANCE, SEED), "guidance", "seed", 2),
        ((STEPS, GUIDANCE, SEED), "seed", None, 2),
    ],
)
def test_each_cell_is_its_picture_at_its_place(
    store: Store, axes: tuple[Axis, ...], across: str | None, down: str | None, pages: int
):
    plan = make_plan(*axes)
    keep(store, plan)
    sheet = contact_sheet(store, "sweep-1", across=across, down=down)
    assert len(sheet.pages) == pages
    image, found = opened(sheet, store), boxes(sheet)
    assert sorted(found) == list(range(len(plan)))
    for index, box in found.items():
        assert np.array_equal(crop(image, box), picture(index, PICTURE)), index
    # The places follow the axes: along a row the across axis grows, down a column the other, page below page.
    for _, grid in sheet.pages:
        for row in grid.cells:
            assert all(found[a].right < found[b].left for a, b in itertools.pairwise(row))
            assert len({found[cell].top for cell in row}) == 1
        for one, next_one in itertools.pairwise(grid.cells):
            assert all(found[a].bottom < found[b].top for a, b in zip(one, next_one, strict=True))
    for (_, one), (_, next_one) in itertools.pairwise(sheet.pages):
        assert found[one.cells[-1][0]].bottom < found[next_one.cells[0][0]].top


def test_larger_pictures_are_scaled_as_pillow_does(store: Store):
    extent = Extent(width=1100, height=700)
    keep(store, make_plan(SEED), extent=extent)
    sheet = contact_sheet(store, "sweep-1")
    image = opened(sheet, store)
    assert sheet.layout.cell == Extent(width=512, height=326)
    for index, box in boxes(sheet).items():
        expected = Image.fromarray(picture(index, extent)).resize((512, 326), Image.Resampling.LANCZOS, reducing_gap=3)
        assert np.array_equal(crop(image, box), np.asarray(expected))


def test_a_tiny_picture_stands_in_the_middle_of_its_place(store: Store):
    extent = Extent(width=48, height=32)
    keep(store, make_plan(SEED), extent=extent)
    sheet = contact_sheet(store, "sweep-1")
    image = opened(sheet, store)
    for index, box in boxes(sheet).items():
        assert np.array_equal(crop(image, box)[32:64, 24:72], picture(index, extent))


def test_labels_captions_and_titles_are_there(store: Store):
    keep(store, make_plan(STEPS, GUIDANCE, SEED))
    sheet = contact_sheet(store, "sweep-1", across="guidance", down="steps")
    image, layout = opened(sheet, store), sheet.layout
    assert [title for title, _ in sheet.pages] == ["Seed 4", "Seed 5"]
    assert has_ink(image, Box(left=0, top=0, right=image.width, bottom=46)), "title"
    for shelf in layout.shelves:
        (tile,) = shelf.tiles
        page_title = Box(left=tile.left, top=shelf.top, right=image.width, bottom=shelf.top + 34)
        assert has_ink(image, page_title)
        for _, row, column, box in layout.places():
            if not shelf.top < box.top < shelf.top + layout.head + 2 * layout.pitch.height:
                continue
            caption = Box(left=box.left, top=box.bottom, right=box.right, bottom=box.bottom + layout.caption)
            assert has_ink(image, caption)
            if row == 0:
                label = Box(left=box.left, top=shelf.top + 34, right=box.right, bottom=box.top)
                assert has_ink(image, label), f"label of column {column}"
            if column == 0:
                assert has_ink(image, Box(left=tile.left, top=box.top, right=box.left, bottom=box.bottom)), "row"


def test_the_text_drawn_is_the_axis_value(store: Store):
    keep(store, make_plan(STEPS, GUIDANCE))
    sheet = contact_sheet(store, "sweep-1")
    image, found = opened(sheet, store), boxes(sheet)
    for place, label in enumerate(("1", "3", "7.5")):
        box = found[place]
        top = box.top - 26
        expected = line_of_text(label, sheet.layout.cell.width, 26, 14, (29, 35, 33), "middle")
        assert np.array_equal(crop(image, Box(left=box.left, top=top, right=box.right, bottom=box.top)), expected)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\x85", "\u2028", "\x1c"])
def test_a_value_of_several_lines_is_drawn_in_one(store: Store, ending: str):
    text = f"a beach{ending}at sunset"
    keep(store, make_plan(Axis(name="prompt", values=("a beach", text)), SEED))
    sheet = contact_sheet(store, "sweep-1")
    assert text in (sheet.pages[0][1].down or sheet.pages[0][1].across).labels
    opened(sheet, store)
    assert length_of(text, 14) == length_of("a beach at sunset", 14)


def test_what_is_missing_is_an_empty_place_with_its_reason(store: Store):
    keep(store, make_plan(STEPS, GUIDANCE), missing=(1, 3))
    store.sweeps.set_cell_error("sweep-1", 3, "The cell does not fit into memory.")
    gone = store.runs.get(run_id(4))
    store.blobs.delete(gone.image)
    store.blobs.path(store.runs.get(run_id(5)).image).write_bytes(b"\x89PNG\r\n\x1a\nnot a picture")
    sheet = contact_sheet(store, "sweep-1")
    assert [cell.reason for cell in sheet.cells.values() if cell.run is None] == [
        "Not made yet.",
        "The cell does not fit into memory.",
    ]
    image, found = opened(sheet, store), boxes(sheet)
    for index in (1, 3, 4, 5):
        place = crop(image, found[index])
        assert tuple(place[-1, -1]) == EMPTY
        assert (place.max(axis=-1) < 150).any(), "the reason is written there"
    assert np.array_equal(crop(image, found[0]), picture(0, PICTURE))
    assert "4 of 6 cells" in sheet.subtitle


@pytest.mark.parametrize(
    ("across", "down", "words"),
    [
        ("scheduler", None, "no axis 'scheduler': choose steps or guidance"),
        ("steps", "steps", "'steps' cannot be both"),
        ("x" * 1000, None, "no axis"),
    ],
)
def test_an_axis_that_is_not_there_is_refused(store: Store, across: str, down: str | None, words: str):
    keep(store, make_plan(STEPS, GUIDANCE))
    with pytest.raises(UserInputError, match=words) as refused:
        contact_sheet(store, "sweep-1", across=across, down=down)
    assert len(str(refused.value)) < 200


def test_an_unknown_sweep_is_refused(store: Store):
    with pytest.raises(UserInputError, match="No sweep is called 'nobody'"):
        contact_sheet(store, "nobody")


def square(side: int) -> Extent:
    return Extent(width=side, height=side)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pages", "columns", "rows", "side"),
    [
        (1, 3, 2, 512),
        (1, 25, 40, 512),  # a thousand at full size
        (1, 10, 100, 256),
        (1, 1000, 1, 256),
        (1, 1, 1000, 256),
        (10, 10, 10, 256),
        (1, 1, 10_000, 96),
        (1, 10_000, 1, 96),
        (10_000, 1, 1, 64),
        (1, 300, 300, 48),
    ],
)
def test_a_sheet_of_any_size_has_a_layout(pages: int, columns: int, rows: int, side: int):
    layout = lay_out(pages=pages, columns=columns, rows=rows, gutter=80, cell_at=square)
    assert layout.cell.width == side
    if pages * columns * rows <= 10_000:
        assert layout.extent.longest_side <= LONGEST_SIDE
        assert layout.extent.area <= MOST_PIXELS
    _check_places(layout, pages * columns * rows)


def _check_places(layout: SheetLayout, cells: int) -> None:
    """Every cell once, inside the sheet, none over another."""
    seen: set[tuple[int, int, int]] = set()
    corners: set[tuple[int, int]] = set()
    extent = layout.extent
    for page, row, column, box in layout.places():
        seen.add((page, row, column))
        corners.add((box.left, box.top))
        assert box.right <= extent.width
        assert box.bottom <= extent.height
    assert len(seen) == len(corners) == cells
    lefts = {left for left, _ in corners}
    if len(layout.shelves[0].tiles) == 1:
        assert all(b - a >= layout.pitch.width for a, b in itertools.pairwise(sorted(lefts)))


@pytest.mark.slow
def test_a_thousand_cells_of_512_pixels_stay_out_of_memory(store: Store, monkeypatch: pytest.MonkeyPatch):
    """283 megapixels, 850 MB as an array: one row of cells (13,048 × 540 × 3 = 21 MB) and drawn texts are held."""
    plan = make_plan(Axis(name="seed", values=tuple(range(40))), Axis(name="steps", values=tuple(range(1, 26))))
    shape = square(512)
    flat = [np.full((512, 512, 3), shade, np.uint8) for shade in range(0, 250, 10)]
    made = made_up_run(extent=shape)
    monkeypatch.setattr(drawing, "_picture", lambda cell, place, blobs: flat[cell.run.params.seed % len(flat)])
    sheet = ContactSheet(
        title="a thousand",
        about="",
        pages=(("", arrange(plan, across="steps", down="seed", fixed={})),),
        cells=dict.fromkeys(range(len(plan)), SheetCell(run=made)),
    )
    extent = sheet.layout.extent
    assert sheet.layout.cell == shape
    assert extent.area > 280_000_000
    row_bytes = extent.width * sheet.layout.pitch.height * 3
    inflate, pixels, head = zlib.decompressobj(), 0, b""
    tracemalloc.start()
    try:
        for piece in sheet.png(store.blobs):
            head = head or piece
            pixels += _inflated(inflate, piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert pixels == extent.height * (1 + extent.width * 3)
    assert peak < row_bytes + 20_000_000


def _inflated(inflate: "zlib._Decompress", piece: bytes) -> int:
    """Bytes of pixels in a piece's IDAT chunks."""
    total, position = 0, 8 if piece.startswith(b"\x89PNG") else 0
    while position < len(piece):
        length = int.from_bytes(piece[position : position + 4])
        if piece[position + 4 : position + 8] == b"IDAT":
            body = piece[position + 8 : position + 8 + length]
            while body:
                total += len(inflate.decompress(body, 1 << 20))
                body = inflate.unconsumed_tail
        position += 12 + length
    return total


def test_a_smaller_sheet_and_a_webp_can_be_asked_for(store: Store):
    keep(store, make_plan(STEPS, GUIDANCE), extent=Extent(width=600, height=300))
    full, small = (contact_sheet(store, "sweep-1", side=side) for side in (512, 128))
    assert (full.layout.cell.width, small.layout.cell.width) == (512, 128)
    webp = contact_sheet(store, "sweep-1", side=128, form="webp")
    drawn = Image.open(BytesIO(b"".join(webp.pieces(store.blobs))))
    assert (drawn.format, drawn.size) == ("WEBP", opened(small, store).size)
    for asked in ({"side": 100}, {"form": "gif"}):
        with pytest.raises(UserInputError, match="256, 192, 128 pixels and is a png or a webp"):
            contact_sheet(store, "sweep-1", **asked)


def test_sizes_told_before_are_those_of_the_files(store: Store):
    """Of noise, which no two programs compress alike, to a tenth; of the report's text to its few kilobytes."""
    plan = make_plan(STEPS, GUIDANCE)
    keep(store, plan, extent=Extent(width=600, height=300))
    runs = store.runs.select(sweep_id="sweep-1")
    for form in ("png", "webp"):
        sheet = contact_sheet(store, "sweep-1", side=256, form=form)
        made = len(b"".join(sheet.pieces(store.blobs)))
        assert sheet_bytes(store.blobs, sheet) == pytest.approx(made, rel=0.1, abs=30_000)
    report = len(b"".join(html_report(store, sweep_id="sweep-1", side=256)))
    assert report_bytes(store.blobs, runs, 256) == pytest.approx(report, rel=0.1, abs=30_000)
    archive = len(b"".join(sweep_archive(store, "sweep-1")))
    assert zip_bytes(store.blobs, runs) == pytest.approx(archive, rel=0.1, abs=30_000)
    assert (in_megabytes(70_400_000), in_megabytes(1_640_000), in_megabytes(3)) == ("70 MB", "1.6 MB", "0.1 MB")
