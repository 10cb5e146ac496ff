"""What the detail pass does to a picture: detail, nearness to a sharp original, seams between tiles, memory.

    python -m benchmarks.detail_pass
    python -m benchmarks.detail_pass --memory 4000x3000
    python -m benchmarks.detail_pass --pictures FOLDER

The sample photos, at most 768 pixels, are the sharp originals: reduced to the model's size they stand for its raw
picture, and are refined in tiles.
`error` is the mean difference to the original, of 255. `detail` is the energy of what the raw
picture is too small to hold, as a part of the original's: 1 is as sharp. `seam` is the mean second difference across
the lines where tiles begin and end, divided by that of all other lines: 1 is no seam. `whole` is the mean difference to
the same pass in one piece, of 255, next to `other`, what another seed's noise changes in one piece. With `--memory`
one picture of that size is refined, and the peak of this process's memory is printed, before and after.
"""

import argparse
import resource
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from bgen_core.extent import Box, Extent
from bgen_core.models.devices import Device
from bgen_core.models.revision import find_model
from bgen_core.subject.decoding.image_io import DecodeLimits, read_photo, resize
from bgen_core.subject.samples.samples import SAMPLES
from bgen_core.sweep.canvas import choose_model_extent
from bgen_core.sweep.detail.detail_pass import DetailPass
from bgen_core.sweep.detail.finer import keep_coarse
from bgen_core.sweep.detail.tiling import Tiling
from bgen_core.sweep.engine import BatchedInpainter
from bgen_core.sweep.events import Canvas, Finished, PaintCell, Window
from bgen_core.sweep.inpainters import load_inpainter
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.tuning import BatchTuning

STRENGTHS = (0.0, 0.2, 0.3, 0.4)
SIDE = 768
LIMITS = DecodeLimits(max_bytes=50_000_000, max_pixels=50_000_000, min_side=64)


def load(model: str) -> BatchedInpainter:
    inpainter, _ = load_inpainter(find_model(model), Device(kind="cpu", name="cpu", dtype_name="float32"), tunings=None)
    if not isinstance(inpainter, BatchedInpainter):
        raise SystemExit(f"{model} is not painted by the engine")
    return inpainter


def refine(engine: BatchedInpainter, raw: np.ndarray, photo: Extent, params: InpaintParams) -> np.ndarray:
    """The detail pass alone, over a picture that stands for the raw one; all of it is repainted."""
    mask = np.full(raw.shape[:2], 255, np.uint8)
    cell = PaintCell(index=0, params=params, canvas=Canvas(init_image=raw, mask_image=mask), photo_extent=photo)
    extent = cell.canvas.extent
    engine.tunings.get(extent, lambda kept: BatchTuning(batch_size=8, quantum=4, seconds_per_row=1.0))

    def paint(cells):  # pyright: ignore[reportUnknownParameterType, reportMissingParameterType]
        """Gives the raw picture as it is, then has the tiles painted."""
        source = iter(cells)
        next(source)
        yield Finished(cell=cell, image=raw, seconds={})
        yield from engine._paint(source)  # pyright: ignore[reportPrivateUsage]

    detail = DetailPass(paint, ticks=engine.denoiser.evaluations, grain=engine.multiple)
    (made,) = (event.image for event in detail.paint([cell]) if isinstance(event, Finished))
    return made


def refine_whole(engine: BatchedInpainter, raw: np.ndarray, tiling: Tiling, params: InpaintParams) -> np.ndarray:
    """The same in one piece."""
    enlarged, whole = tiling.padded(resize(raw, tiling.picture)), tiling.whole
    cell = PaintCell(
        index=0,
        params=params.of_tile,
        canvas=Canvas(init_image=enlarged, mask_image=np.full(enlarged.shape[:2], 255, np.uint8)),
        window=Window(whole=whole, box=Box(left=0, top=0, right=whole.width, bottom=whole.height)),
    )
    engine.tunings.get(whole, lambda kept: BatchTuning(batch_size=8, quantum=4, seconds_per_row=1.0))
    (made,) = (event.image for event in engine.paint([cell]) if isinstance(event, Finished))
    inner = (slice(0, tiling.picture.height), slice(0, tiling.picture.width))
    return keep_coarse(enlarged[inner], made[inner], Extent.of(raw))


def high_band(image: np.ndarray, photo: Extent, raw: Extent) -> float:
    """Energy of what the raw picture is too small to hold."""
    return float(np.mean((image.astype(float) - resize(resize(image, raw), photo)) ** 2))


def seam(image: np.ndarray, tiling: Tiling) -> float:
    """Second differences at the lines where tiles begin and end, next to all others."""
    ratios: list[float] = []
    for axis, starts, side, length in (
        (1, tiling.lefts, tiling.tile.width, tiling.picture.width),
        (0, tiling.tops, tiling.tile.height, tiling.picture.height),
    ):
        bends = np.abs(np.diff(image.astype(float), n=2, axis=axis)).mean(axis=(1 - axis, 2))
        lines = {place for start in starts for edge in (start, start + side) for place in (edge - 2, edge - 1)}
        inner = [line for line in lines if 0 < line < min(length, len(bends)) - 1]
        others = np.delete(bends, inner)
        if inner:
            ratios.append(bends[inner].mean() / others.mean())
    return float(np.mean(ratios)) if ratios else 1.0


def difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(float) - other).mean())


def compare(engine: BatchedInpainter, side: int, prompt: str, folder: Path | None) -> None:
    print(f"{'photo':10} {'strength':>8} {'error':>6} {'detail':>6} {'seam':>5} {'whole':>6} {'other':>6}")
    for sample in SAMPLES:
        photo = read_photo(sample.path, limits=LIMITS).image
        photo = resize(photo, Extent.of(photo).scaled_to_longest_side(SIDE))
        extent = Extent.of(photo)
        raw = resize(photo, choose_model_extent(extent, side=side))
        tiling = Tiling.over(extent, Extent.of(raw), engine.multiple)
        if tiling is None:
            print(f"{sample.name[:10]:10} is hardly larger than the model's picture: no pass")
            continue
        for strength in STRENGTHS:
            params = InpaintParams(prompt=prompt, detail_strength=strength)
            made, whole, other = resize(raw, extent), None, None
            if strength:
                made = refine(engine, raw, extent, params)
                whole, other = (refine_whole(engine, raw, tiling, replace(params, seed=seed)) for seed in (0, 1))
            detail = high_band(made, extent, Extent.of(raw)) / high_band(photo, extent, Extent.of(raw))
            pieces = "" if whole is None or other is None else (
                f"{difference(made, whole):6.2f} {difference(whole, other):6.2f}"
            )  # fmt: skip
            print(
                f"{sample.name[:10]:10} {strength:8.1f} {difference(made, photo):6.2f} {detail:6.2f} "
                f"{seam(made, tiling):5.2f} {pieces}",
                flush=True,
            )
            if folder:
                folder.mkdir(parents=True, exist_ok=True)
                Image.fromarray(made).save(folder / f"{sample.name}-{strength:.1f}.png")


def measure_memory(engine: BatchedInpainter, side: int, photo: Extent) -> None:
    raw = resize(
        np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8), choose_model_extent(photo, side=side)
    )
    params = InpaintParams(prompt="a beach", num_inference_steps=5, guidance_scale=1.0, detail_strength=0.2)
    few = Extent(width=Extent.of(raw).width * 7 // 4, height=Extent.of(raw).height)
    refine(engine, raw, few, params)  # two tiles: what the model takes
    before = resource.getrusage(resource.RUSAGE_SELF)
    refine(engine, raw, photo, params)
    after = resource.getrusage(resource.RUSAGE_SELF)
    print(
        f"{len(Tiling(picture=photo, tile=Extent.of(raw), grain=engine.multiple))} tiles, "
        f"one evaluation each, {photo} pixels"
    )
    print(f"peak memory {before.ru_maxrss // 1024} MB with two tiles, {after.ru_maxrss // 1024} MB with all")
    print(f"{after.ru_utime - before.ru_utime:.0f} s of the processor")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="demo")
    parser.add_argument("--side", type=int, default=256, help="the model's own")
    parser.add_argument("--prompt", default="a photo")
    parser.add_argument("--pictures", type=Path, help="a folder for what was made")
    parser.add_argument("--memory", help="width and height of a photo, such as 4000x3000")
    given = parser.parse_args()
    engine = load(given.model)
    if given.memory:
        width, height = map(int, given.memory.split("x"))
        measure_memory(engine, given.side, Extent(width=width, height=height))
    else:
        compare(engine, given.side, given.prompt, given.pictures)


if __name__ == "__main__":
    main()
