"""How soon a brush stroke shows its effect on a large photo.

    python -m benchmarks.brush --megapixels 12

Measures the page's own work for one more stroke, on the whole photo and zoomed in, then serves the app and measures in
Chromium: from the mouse's release to the new picture beside the canvas. Prints one line for each figure; times are
medians, with the slowest beside them.
"""

import argparse
import logging
import math
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from bgen_core.extent import Extent
from bgen_core.subject.decoding.image_io import encode_jpeg
from bgen_core.subject.edit import MaskEdit, Stroke
from bgen_core.subject.previews import on_checkerboard, under_film
from bgen_core.subject.samples.samples import SAMPLES
from bgen_core.subject.segmentation import reduced
from pages._ui.mask.canvas import SIDES
from pages._ui.mask.mask_preview import detail_of, preview_of
from pages._ui.mask.viewport import Viewport
from pages._ui.subject.subject_draft import Draft
from tests.browser.chromium import running_chromium, wait_until_settled
from tests.serving import RunningApp, serve

ROUNDS = 9
_SOURCE = "document.querySelector('[data-testid=stImage] img').src"
_IS_ANOTHER = (
    "before => { const shown = document.querySelector('[data-testid=stImage] img');"
    " return shown && shown.src !== before && shown.complete && shown.naturalWidth > 0 }"
)


def large_photo(megapixels: float) -> bytes:
    """The first sample enlarged, as a JPEG."""
    with Image.open(BytesIO(SAMPLES[0].read())) as sample:
        side = round(math.sqrt(megapixels * 1e6))
        buffer = BytesIO()
        sample.convert("RGB").resize((side, side), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def say(what: str, seconds: list[float]) -> None:
    print(f"{what}: {statistics.median(seconds) * 1000:.0f} ms (slowest {max(seconds) * 1000:.0f} ms)")


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def strokes(count: int, photo: Extent) -> tuple[Stroke, ...]:
    """Wavy strokes of 30 points with a brush of 28 canvas pixels, all over the photo."""
    rng = np.random.default_rng(0)
    size = 28 * photo.longest_side / 600
    found: list[Stroke] = []
    for number in range(count):
        start = rng.uniform(0.1, 0.7, 2) * (photo.width, photo.height)
        steps = np.linspace(0, 0.2, 30)
        points = [(start[0] + t * photo.width, start[1] + math.sin(t * 40) * size) for t in steps]
        found.append(Stroke(mode="erase" if number % 2 else "add", size=size, points=tuple(points)))
    return tuple(found)


def server_side(data: bytes) -> None:
    """What the script does for a stroke, without the script's own costs."""
    draft = Draft(key="brush", name="Large", data=data)
    preview = preview_of(draft)
    print(f"photo: {preview.photo}")
    for zoom in (1, 4):
        box = Viewport(zoom=zoom).box(preview.photo)
        detail_of(draft, preview, box)  # the crop is cut once
        for count in (1, 40):
            edited = Draft(
                key="brush", name="Large", data=data, edit=MaskEdit(strokes=strokes(count, preview.photo))
            )  # fmt: skip

            def work(edited: Draft = edited, box=box) -> None:
                detail = detail_of(edited, preview, box)
                encode_jpeg(on_checkerboard(detail.image, detail.alpha))
                extent = Extent.of(detail.image).scaled_to_longest_side(SIDES["Medium"])
                image, alpha = reduced(detail.image, extent), reduced(detail.alpha, extent)
                encode_jpeg(under_film(image, alpha, colour=(229, 72, 77), opacity=0.6), quality=85)

            say(f"server, zoom {zoom}, {count} strokes", [timed(work) for _ in range(ROUNDS)])


def in_browser(browser: Browser, app: RunningApp, photo: Path) -> None:
    """From the mouse's release to another picture beside the canvas."""
    page = browser.new_page(viewport={"width": 1400, "height": 1100})
    page.set_default_timeout(90_000)
    page.goto(app.url)
    wait_until_settled(page)
    page.get_by_role("button", name="New photo").click()
    page.locator("input[type=file]").first.set_input_files(photo)
    # Before it is here, everything would be measured on the sample
    page.locator(f'input[aria-label="Name"][value="{photo.stem}"]').first.wait_for()
    page.keyboard.press("Escape")
    page.get_by_text("idle").first.wait_for()  # the worker starts beside the app, and takes a processor for that
    choose(page, "Erase")
    for zoom in (1, 4):
        choose(page, f"{zoom}×")
        page.wait_for_timeout(4000)
        wait_until_settled(page)
        say(f"browser, zoom {zoom}", [one_stroke(page, number + 0.3 * zoom) for number in range(ROUNDS)])
        page.locator(".st-key-brush_reset button").first.click()
        expect(page.locator(".st-key-brush_reset button").first).to_be_disabled()
    page.close()


def choose(page: Page, name: str) -> None:
    option = page.get_by_role("radio", name=re.compile(f"{re.escape(name)}$")).first
    option.click()
    expect(option).to_be_checked()


def one_stroke(page: Page, number: float) -> float:
    box = page.locator("canvas.upper-canvas").first.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] * (0.2 + 0.06 * number)
    before = page.evaluate(_SOURCE)
    page.mouse.move(box["x"] + box["width"] * 0.3, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * (0.4 + 0.02 * number), y + 20, steps=10)
    start = time.perf_counter()
    page.mouse.up()
    page.wait_for_function(_IS_ANOTHER, arg=before, polling=10)
    seconds = time.perf_counter() - start
    page.wait_for_timeout(500)
    return seconds


def main() -> None:
    # The pages' functions are called without a page here, which Streamlit remarks upon at every cached call
    logging.disable(logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megapixels", type=float, default=12.0)
    data = large_photo(parser.parse_args().megapixels)
    with tempfile.TemporaryDirectory() as name:
        photo = Path(name) / "large.jpg"
        photo.write_bytes(data)
        server_side(data)
        with serve(Path(name)) as app, running_chromium() as browser:
            in_browser(browser, app, photo)


if __name__ == "__main__":
    main()
