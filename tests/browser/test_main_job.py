"""The main job as a newcomer does it: sample, stroke, sweep, reload, compare, download."""

import re
import time
from io import BytesIO
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from bgen_core.settings import load_settings
from bgen_core.store.store import Store, open_store
from bgen_core.subject.samples.samples import SAMPLES
from bgen_core.subject.subject import Subject
from tests.browser.acting import SWEEP_SECONDS, fill, settle, until
from tests.serving import RunningApp

pytestmark = pytest.mark.browser


def draw_stroke(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw on the canvas, in shares of its width and height."""
    canvas = page.locator("canvas.upper-canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*points[0])
    page.mouse.down()
    page.mouse.move(*points[1], steps=12)
    page.mouse.up()


def chosen(page: Page) -> int:
    """How many runs the address of the compare page names."""
    found = re.search("ids=([^&]+)", page.url)
    return len(unquote(found[1]).split(",")) if found else 0


def newest_of_the_sample(store: Store) -> Subject:
    """Other files' tests may have saved subjects of their own in the same store."""
    return store.subjects.load(next(each.id for each in store.subjects.all() if each.name == SAMPLES[0].name))


def test_from_the_sample_to_a_downloaded_picture(app: RunningApp, page: Page):
    with open_store(load_settings(home=app.home)) as store:
        # The sample is there, cut out by itself.
        page.goto(app.url)
        settle(page)
        expect(page.get_by_role("heading", name="Subject")).to_be_visible()
        page.locator("canvas.upper-canvas").first.wait_for()
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("Saved as")).to_be_visible()
        before = newest_of_the_sample(store)
        height, width = before.alpha.shape
        chest = (slice(int(height * 0.70), int(height * 0.72)), slice(int(width * 0.35), int(width * 0.45)))
        assert before.alpha[chest].min() > 0.9

        # A stroke with the eraser takes its pixels out of the alpha, and no others far from it.
        page.get_by_text("Erase", exact=True).click()
        settle(page)
        draw_stroke(page, (0.3, 0.71), (0.5, 0.71))
        time.sleep(1.5)  # the canvas sends its drawing when the mouse has rested
        settle(page)
        page.get_by_role("button", name="Use in sweep →").click()
        page.wait_for_url(re.compile("/sweep"))
        settle(page)
        after = newest_of_the_sample(store)
        assert after.alpha[chest].max() < 0.1
        untouched = slice(0, int(height * 0.5))
        assert np.array_equal(after.alpha[untouched], before.alpha[untouched])

        # A 2 × 2 × 2 sweep with the demo model, to its end.
        fill(page, "Prompt", "snowy mountains")
        fill(page, "Steps", "3,5")
        fill(page, "Guidance", "1,3")
        fill(page, "Seed", "1-2")
        expect(page.get_by_text("8 cells: 0 known, 8 to make")).to_be_visible(timeout=SWEEP_SECONDS * 1000)
        page.get_by_role("button", name=re.compile("^Run")).click()
        page.wait_for_url(re.compile("id="))
        expect(page.get_by_role("button", name="Compare these")).to_be_visible(timeout=SWEEP_SECONDS * 1000)
        (sweep,) = [sweep for sweep in store.sweeps.select() if sweep.total == 8]
        assert sweep.state == "done"

        # Found again by its URL, by somebody who was not there.
        address = page.url
        page.goto("about:blank")
        page.goto(address)
        settle(page)
        pictures = page.locator("td img[alt^='snowy mountains, Steps']")
        expect(pictures).to_have_count(4)  # two by two; the third axis is chosen above the grid
        page.wait_for_function("[...document.querySelectorAll('td img')].every(i => i.complete && i.naturalWidth > 1)")
        expect(page.get_by_text("8 cells: 8 known, 0 to make")).to_be_visible()

        # Two cells side by side, chosen in the gallery.
        page.get_by_role("button", name="Compare these").click()
        page.wait_for_url(re.compile("/compare"))
        settle(page)
        for number, place in enumerate((1, 3), start=1):
            page.locator(".gallery .pick").nth(place).click()
            until(page, lambda number=number: chosen(page) == number)
        expect(page.get_by_role("group", name="2 pictures, side by side").locator("figure")).to_have_count(2)

        # One picture, opened and downloaded: its subject is the photo's, bit for bit.
        run_id = next(cell.run_id for cell in store.sweeps.cells(sweep.id) if cell.done)
        page.goto(f"{app.url}/run?id={run_id}")
        settle(page)
        link = page.get_by_role("link", name="Save PNG").get_attribute("href")
        assert link is not None
        saved = page.request.get(f"{app.url}/{link}")
        assert saved.headers["content-disposition"].startswith("attachment")
        with Image.open(BytesIO(saved.body())) as picture:
            pixels = np.asarray(picture.convert("RGB"))
        core = after.alpha == 1
        assert core.mean() > 0.1
        assert np.array_equal(pixels[core], after.image[core])
        assert not np.array_equal(pixels[~core], after.image[~core])
    assert "Traceback" not in app.log.read_text()
