"""The detail pass: tiles in the engine's batches, against cells of their own and against the picture painted whole."""

import gc
import weakref
from collections.abc import Generator, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bgen_core.errors import UserInputError
from bgen_core.extent import Box, Extent
from bgen_core.models.devices import Device
from bgen_core.models.family_table import family_titled
from bgen_core.models.loading import load_pipeline
from bgen_core.models.revision import find_model
from bgen_core.subject.decoding.image_io import resize
from bgen_core.sweep.detail.detail_pass import DetailPass
from bgen_core.sweep.detail.tiling import Tiling
from bgen_core.sweep.engine import BatchedInpainter
from bgen_core.sweep.events import Canvas, Event, Failed, Finished, PaintCell, Started, Stepped, Window
from bgen_core.sweep.family_rules import refusal, settled
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.tuning import BatchTuning
from tests.tiny_families import tiny_family
from tests.tiny_models import FAMILIES, tiny_pipeline

SIDE = 16
TILE = Extent(width=SIDE, height=SIDE)
PHOTO = Extent(width=37, height=29)  # divides by nothing


@pytest.fixture(scope="module")
def canvas() -> Canvas:
    small = Image.fromarray(np.random.default_rng(0).integers(0, 255, (4, 4, 3), dtype=np.uint8))
    mask = np.full((SIDE, SIDE), 255, np.uint8)
    mask[6:, 5:10] = 0
    return Canvas(init_image=np.asarray(small.resize((SIDE, SIDE), Image.Resampling.BICUBIC)), mask_image=mask)


def params(**changes: object) -> InpaintParams:
    given: dict[str, object] = {"prompt": "a room", "num_inference_steps": 5, "detail_strength": 0.4, "seed": 3}
    return InpaintParams(**(given | changes))  # pyright: ignore[reportArgumentType]


def inpainter(family: str = "sd-9", extent: Extent = TILE) -> BatchedInpainter:
    made = BatchedInpainter(tiny_pipeline(family) if family in FAMILIES else tiny_family(family), previews=False)
    made.tunings.get(extent, lambda kept: BatchTuning(batch_size=8, quantum=8, seconds_per_row=1.0))
    return made


def paint(engine: BatchedInpainter, cells: list[PaintCell]) -> dict[int, np.ndarray]:
    return {event.cell.index: event.image for event in engine.paint(cells) if isinstance(event, Finished)}


@pytest.mark.parametrize(
    ("picture", "grain"),
    [
        (Extent(width=16, height=16), 2), (Extent(width=17, height=16), 2), (Extent(width=37, height=9), 2),
        (Extent(width=200, height=31), 8), (Extent(width=28, height=28), 16),
    ],
)  # fmt: skip
def test_tiles_cover_a_picture_and_add_up_to_it(picture: Extent, grain: int):
    tiling = Tiling(picture=picture, tile=TILE, grain=grain)
    image = np.random.default_rng(1).integers(0, 256, (picture.height, picture.width, 3), dtype=np.uint8)
    padded = tiling.padded(image)
    assert Extent.of(padded) == tiling.whole
    assert tiling.whole.width - picture.width < TILE.width and tiling.whole.height - picture.height < TILE.height
    assert all(box.left % grain == 0 == box.top % grain and box.extent == TILE for box in tiling.boxes)
    np.testing.assert_array_equal(tiling.joined([padded[box.slices] for box in tiling.boxes]), image)


def test_neighbours_overlap_by_a_quarter_and_fade_into_each_other():
    tiling = Tiling(picture=Extent(width=1000, height=256), tile=Extent(width=256, height=256), grain=8)
    assert max(np.diff(tiling.lefts)) <= 192
    flat = [np.full((256, 256, 3), 40 * place, np.uint8) for place in range(len(tiling))]
    steps = np.diff(tiling.joined(flat)[128, :, 0].astype(int))
    assert steps.min() >= 0 and steps.max() <= 1  # 40 levels over 64 pixels or more


@pytest.mark.parametrize("photo", [TILE, Extent(width=9, height=16), Extent(width=24, height=24), None])
def test_a_photo_hardly_larger_than_the_models_picture_has_nothing_to_refine(canvas: Canvas, photo: Extent | None):
    engine = inpainter()
    raw = paint(engine, [PaintCell(index=0, params=params(detail_strength=0), canvas=canvas)])[0]
    rows = engine.rows_computed
    refined = paint(engine, [PaintCell(index=0, params=params(), canvas=canvas, photo_extent=photo)])[0]
    np.testing.assert_array_equal(refined, raw)
    assert engine.rows_computed == rows


def test_only_what_is_finer_than_the_raw_picture_is_added(canvas: Canvas):
    photo = Extent(width=64, height=48)
    engine = inpainter()
    raw = paint(engine, [PaintCell(index=0, params=params(detail_strength=0), canvas=canvas)])[0]
    refined = paint(engine, [PaintCell(index=0, params=params(), canvas=canvas, photo_extent=photo)])[0]
    enlarged = resize(raw, photo)
    change, coarse = (
        np.abs(one.astype(int) - other).mean()
        for one, other in ((refined, enlarged), (resize(refined, TILE), resize(enlarged, TILE)))
    )
    assert change > 1 and coarse < 0.25 * change


def test_tiles_are_near_the_picture_painted_in_one_piece(canvas: Canvas):
    """The same noise where tiles overlap: far nearer than other noise is."""
    small, whole = Extent(width=64, height=64), Extent(width=112, height=112)
    raw = resize(canvas.init_image, small)
    tiling = Tiling(picture=whole, tile=small, grain=8)
    assert tiling.whole == whole and len(tiling) == 4
    enlarged = resize(raw, whole)

    def painted(seed: int, extent: Extent, boxes: tuple[Box, ...]) -> list[np.ndarray]:
        cells = [
            PaintCell(
                index=index,
                params=params(seed=seed).of_tile,
                canvas=Canvas(
                    init_image=np.ascontiguousarray(enlarged[box.slices]),
                    mask_image=np.full((extent.height, extent.width), 255, np.uint8),
                ),
                window=Window(whole=whole, box=box),
            )
            for index, box in enumerate(boxes)
        ]
        made = paint(inpainter("sd-4", extent), cells)
        return [made[index] for index in range(len(boxes))]

    tiles = tiling.joined(painted(1, small, tiling.boxes))
    (at_once,), (other,) = (painted(seed, whole, (Box(left=0, top=0, right=112, bottom=112),)) for seed in (1, 2))
    near, far = (np.abs(each.astype(int) - at_once).mean() for each in (tiles, other))
    assert near < far / 2


def test_a_cell_is_the_same_alone_and_among_others(canvas: Canvas):
    """Bit by bit, by the quantum: tiles of several pictures share the engine's batches."""
    cells = [
        PaintCell(index=number, params=params(seed=number, **changes), canvas=canvas, photo_extent=PHOTO)
        for number, changes in enumerate(
            [{}, {"detail_strength": 0}, {"scheduler": "euler_a"}, {"guidance_scale": 1, "detail_strength": 0.2}]
        )
    ]
    together = paint(inpainter(), cells)
    for cell in cells:
        alone = paint(inpainter(), [cell])[cell.index]
        np.testing.assert_array_equal(together[cell.index], alone)
        assert Extent.of(alone) == (PHOTO if cell.params.refines else TILE)


def test_tiles_share_the_batches_of_all_cells(canvas: Canvas):
    """Not a tile after another: far fewer calls of the network than tiles have evaluations."""
    engine, sizes = inpainter(), list[int]()
    predict = engine.denoiser.predict
    engine.denoiser.predict = lambda rows, extent: sizes.append(len(rows)) or predict(rows, extent)
    cells = [PaintCell(index=seed, params=params(seed=seed), canvas=canvas, photo_extent=PHOTO) for seed in range(3)]
    paint(engine, cells)
    assert engine.rows_computed >= 3 * (5 + len(Tiling(picture=PHOTO, tile=TILE, grain=engine.multiple)) * 2) * 2 * 0.9
    assert np.mean(sizes) > 7  # of 8


def test_nothing_to_repaint_is_only_enlarged(canvas: Canvas):
    """Tiles within the subject cost nothing, and are as Lanczos makes them."""
    photo = Extent(width=160, height=160)
    mask = np.full((SIDE, SIDE), 255, np.uint8)
    mask[2:14, 2:14] = 0
    kept = replace(canvas, mask_image=mask)
    engine = inpainter()
    refined = paint(engine, [PaintCell(index=0, params=params(), canvas=kept, photo_extent=photo)])[0]
    raw = paint(engine, [PaintCell(index=0, params=params(detail_strength=0), canvas=kept)])[0]
    middle = (slice(60, 100), slice(60, 100))
    np.testing.assert_array_equal(refined[middle], resize(raw, photo)[middle])
    assert (refined[:10] != resize(raw, photo)[:10]).any()


def test_steps_go_on_to_the_end_and_events_are_the_cells_own(canvas: Canvas):
    cells = [PaintCell(index=seed, params=params(seed=seed), canvas=canvas, photo_extent=PHOTO) for seed in range(2)]
    events: list[Event] = list(inpainter().paint(cells))
    for index in range(2):
        own = [event for event in events if not isinstance(event, Failed) and event.cell.index == index]
        assert [type(event) for event in own if not isinstance(event, Stepped)] == [Started, Finished]
        steps = [(event.step, event.of) for event in own if isinstance(event, Stepped)]
        assert steps == sorted(steps) and len({of for _, of in steps}) == 1
        assert steps[-1][0] == steps[-1][1]
        assert "detail" in own[-1].seconds  # pyright: ignore[reportAttributeAccessIssue]
    assert {event.cell.index for event in events if not isinstance(event, Failed)} == {0, 1}


def test_closing_in_the_middle_stops(canvas: Canvas):
    painting = inpainter().paint([PaintCell(index=0, params=params(), canvas=canvas, photo_extent=PHOTO)])
    for event in painting:
        if isinstance(event, Stepped) and event.step > 6:  # of a tile
            break
    painting.close()
    assert next(painting, None) is None


def test_a_tile_that_fails_fails_its_cell_alone(canvas: Canvas):
    engine = inpainter()
    start = engine.denoiser.start

    def failing(cell: PaintCell, *rest: object):
        if cell.window is not None and cell.params.seed == 0 and cell.window.box.left:
            raise RuntimeError("this tile cannot be painted")
        return start(cell, *rest)  # pyright: ignore[reportArgumentType]

    engine.denoiser.start = failing
    cells = [PaintCell(index=seed, params=params(seed=seed), canvas=canvas, photo_extent=PHOTO) for seed in range(3)]
    events = list(engine.paint(cells))
    assert [event.index for event in events if isinstance(event, Failed)] == [0]
    assert sorted(event.cell.index for event in events if isinstance(event, Finished)) == [1, 2]


def test_pictures_of_failed_tiles_are_let_go(canvas: Canvas):
    """The engine says no word of tiles that nobody wants any more: a long sweep would keep every picture of theirs."""
    pictures: list[weakref.ref[np.ndarray]] = []

    def engine(cells: Iterable[PaintCell | None]) -> Generator[Event]:
        for cell in cells:
            if cell is None:
                return
            if cell.window is None:
                image = np.zeros((TILE.height, TILE.width, 3), np.uint8)
                pictures.append(weakref.ref(image))
                yield Finished(cell=cell, image=image, seconds={})
                del image
            elif cell.is_wanted():
                yield Failed(index=cell.index, reason="no room")

    details = DetailPass(engine, ticks=lambda params: params.num_inference_steps, grain=2)
    cells = (PaintCell(index=seed, params=params(seed=seed), canvas=canvas, photo_extent=PHOTO) for seed in range(5))
    held: list[int] = []
    for event in details.paint(cells):
        assert isinstance(event, Failed) and event.index >= 0
        del event
        gc.collect()
        held.append(sum(each() is not None for each in pictures))
    assert len(held) == 5 and max(held) <= 2


@pytest.mark.parametrize(
    ("family", "kind"),
    [
        ("flux-dev", "float32"), pytest.param("sd-4", "float16", marks=pytest.mark.slow),
        *(pytest.param(name, "bfloat16", marks=pytest.mark.slow) for name in (
            "sdxl-9", "sd3", "flux-schnell", "flux-fill", "flux-kontext", "klein", "qwen-image", "z-image"
        )),
    ],
)  # fmt: skip
def test_families_with_and_without_unet_refine_alike_alone_and_together(
    family: str, kind: str, canvas: Canvas, tmp_path: Path
):
    (tiny_pipeline if family in FAMILIES else tiny_family)(family).save_pretrained(tmp_path)
    pipeline = load_pipeline(find_model(str(tmp_path)), Device(kind="cpu", name="cpu", dtype_name=kind))
    engine = BatchedInpainter(pipeline, previews=False)
    engine.tunings.get(TILE, lambda kept: BatchTuning(batch_size=8, quantum=4, seconds_per_row=1.0))
    scheduler = "ddim" if family in FAMILIES else "default"
    cells = [
        PaintCell(index=seed, params=params(seed=seed, scheduler=scheduler), canvas=canvas, photo_extent=PHOTO)
        for seed in range(2)
    ]
    together = paint(engine, cells)
    assert {Extent.of(image) for image in together.values()} == {PHOTO}
    for cell in cells:
        alone = paint(engine, [cell])[cell.index]
        difference = np.abs(alone.astype(int) - together[cell.index])
        assert difference.max() <= (9 if kind == "bfloat16" else 1)


def test_what_its_own_call_paints_is_refused_and_a_background_without_diffusion_ignores_it():
    by_call = family_titled("Kandinsky 2.2")
    assert "its pipeline's own call, which refines no tiles" in refusal(by_call, "detail_strength", 0.4)
    backdrop = find_model("plain-colour").family
    assert "is made without a diffusion model" in refusal(backdrop, "detail_strength", 0.4)
    assert settled(by_call, params()).detail_strength == settled(backdrop, params()).detail_strength == 0


def test_too_few_steps_are_said():
    with pytest.raises(
        UserInputError, match=r"4 steps at detail strength 0\.2 leave 0 effective steps: choose at least 5"
    ):
        params(num_inference_steps=4, detail_strength=0.2)
