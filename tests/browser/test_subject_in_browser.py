"""The brush as a hand uses it: strokes at any zoom, undo by keyboard, lasso and box."""

import io
import re
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from bgen_core.settings import load_settings
from bgen_core.store.store import open_store
from bgen_core.subject.decoding.image_io import encode_png
from bgen_core.subject.samples.samples import SAMPLES
from tests.browser.acting import SWEEP_SECONDS, drop
from tests.made_up import made_up_subject
from tests.serving import RunningApp

pytestmark = pytest.mark.browser

HINTS = {
    "Box": "Drag a box over what you mean.",
    "Zoom": "Drag a box over what to see large.",
    "Object": "Click on a thing, or drag a box around it.",
}


def settle(page: Page) -> None:
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def choose(page: Page, name: str) -> None:
    """Take a tool in the hand, and wait until the bar says what it does: the canvas has it then too."""
    page.get_by_role("radio", name=re.compile(f"{re.escape(name)}$")).first.click()
    if name in HINTS:
        expect(page.get_by_text(HINTS[name])).to_be_visible()
    time.sleep(1)  # the click is under way before the script runs
    settle(page)


def draw(page: Page, *points: tuple[float, float]) -> None:
    """A line on the canvas, in shares of its sides; then wait until the canvas has sent it."""
    canvas = page.locator("canvas.upper-canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=8)
    page.mouse.up()
    time.sleep(1.5)  # the canvas sends its drawing when the mouse has rested
    settle(page)


def test_brush_box_zoom_and_undo(app: RunningApp, page: Page) -> None:
    page.goto(app.url)
    settle(page)
    page.locator("canvas.upper-canvas").first.wait_for()
    choose(page, "Erase")
    draw(page, (0.36, 0.80), (0.44, 0.80))
    choose(page, "Box")
    draw(page, (0.36, 0.88), (0.44, 0.94))
    # A box drawn with the zoom tool shows its part of the photo; what is drawn there lands there
    choose(page, "Zoom")
    draw(page, (0.40, 0.40), (0.60, 0.60))
    expect(page.get_by_role("radio", name="4×")).to_be_checked(timeout=20_000)
    choose(page, "Brush")
    choose(page, "Add")
    draw(page, (0.1, 0.5), (0.9, 0.5))
    choose(page, "Erase")
    draw(page, (0.4, 0.5), (0.6, 0.5))
    draw(page, (0.5, 0.1), (0.5, 0.2))
    page.keyboard.press("Control+z")
    time.sleep(1)
    settle(page)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved as")).to_be_visible()
    with open_store(load_settings(home=app.home)) as store:
        entry = store.subjects.all()[0]
        alpha, edit = store.subjects.load(entry.id).alpha, store.subjects.load_edit(entry.id)
    assert [(stroke["mode"], stroke.get("shape", "brush")) for stroke in edit["strokes"]] == [
        ("erase", "brush"), ("erase", "rectangle"), ("add", "brush"), ("erase", "brush"),
    ]  # fmt: skip
    side = alpha.shape[0]
    assert not alpha[round(0.80 * side), round(0.37 * side) : round(0.43 * side)].any()
    assert not alpha[round(0.89 * side) : round(0.93 * side), round(0.37 * side) : round(0.43 * side)].any()
    # At 4× the canvas shows 0.375 to 0.625 of the photo
    row = alpha[round(0.5 * side)]
    assert not row[round(0.48 * side) : round(0.52 * side)].any()
    np.testing.assert_allclose(
        edit["strokes"][2]["points"][0], [0.40 * side, 0.5 * side], atol=2
    )  # mouse on whole pixels
    assert edit["strokes"][2]["size"] == pytest.approx(edit["strokes"][0]["size"] / 4, rel=0.01)


def test_a_click_means_an_object_and_so_does_a_box(app: RunningApp, page: Page) -> None:
    page.goto(app.url)
    page.locator("canvas.upper-canvas").first.wait_for()
    settle(page)
    photo = np.full((300, 400, 3), 120, np.uint8)
    photo[80:200, 100:260] = (200, 30, 30)
    photo[220:280, 300:380] = (30, 30, 200)
    drop(page, encode_png(photo), "two_tiles.png", on="Subject", invitation="Drop a photo")
    page.locator('input[aria-label="Name"][value="two tiles"]').wait_for()
    choose(page, "Object")
    draw(page, (0.45, 0.47))
    draw(page, (0.68, 0.66), (0.98, 0.99))
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved as")).to_be_visible()
    with open_store(load_settings(home=app.home)) as store:
        entry = next(entry for entry in store.subjects.all() if entry.name == "two tiles")
        alpha, edit = store.subjects.load(entry.id).alpha, store.subjects.load_edit(entry.id)
    assert [(stroke["shape"], len(stroke["points"])) for stroke in edit["strokes"]] == [("object", 1), ("object", 2)]
    np.testing.assert_allclose(edit["strokes"][0]["points"][0], [0.45 * 400, 0.47 * 300], atol=2)
    for rows, columns in ((slice(90, 190), slice(110, 250)), (slice(230, 270), slice(310, 370))):
        assert (alpha[rows, columns] > 0.5).mean() > 0.95
    assert not (alpha[:60] > 0.5).any()


def test_a_dropped_photo_is_painted_with_two_more_clicks(app: RunningApp, page: Page) -> None:
    with open_store(load_settings(home=app.home)) as store:
        store.subjects.save(made_up_subject(), {})
    page.goto(app.url)
    page.locator("canvas.upper-canvas").first.wait_for()
    settle(page)
    with Image.open(SAMPLES[0].path) as sample:
        photo = encode_png(np.asarray(sample.convert("RGB").reduce(2)))
    drop(page, photo, "at_home.png", on="Subject", invitation="Drop a photo")
    page.locator('input[aria-label="Name"][value="at home"]').wait_for()
    expect(page.get_by_test_id("stFileUploader")).to_have_count(0)  # the popover is closed again
    page.get_by_role("button", name="Use in sweep").click()
    page.wait_for_url(re.compile("/sweep"))
    page.get_by_role("button", name=re.compile("^Run")).click()
    page.wait_for_url(re.compile("id="))
    expect(page.get_by_role("button", name="Compare these")).to_be_visible(timeout=SWEEP_SECONDS * 1000)


def test_a_person_is_left_out_by_a_click(app: RunningApp, page: Page, tmp_path: Path) -> None:
    with Image.open(SAMPLES[0].path) as sample:
        side = sample.width
        both = Image.new("RGB", (2 * side, side))
        both.paste(sample.convert("RGB"), (0, 0))
        both.paste(sample.convert("RGB"), (side, 0))
    photo = tmp_path / "both.png"
    both.save(photo)
    page.goto(app.url)
    page.locator("canvas.upper-canvas").first.wait_for()  # a field of a page that is still drawn is replaced
    settle(page)
    page.get_by_role("button", name="New photo").click()
    settle(page)
    page.locator("input[type=file]").first.set_input_files(photo)
    page.locator('input[aria-label="Name"][value="both"]').first.wait_for()
    page.keyboard.press("Escape")
    choose(page, "Choose")
    keep = page.get_by_role("toolbar", name="Keep")
    first, second = (keep.get_by_role("button", name=number, exact=True) for number in ("1", "2"))

    def kept(one: bool, other: bool) -> None:
        for number, pressed in ((first, one), (second, other)):
            expect(number).to_have_attribute("aria-pressed", str(pressed).lower())

    kept(True, True)
    draw(page, (0.24, 0.60))
    kept(False, True)
    draw(page, (0.24, 0.60))  # the same place again
    kept(True, True)
    draw(page, (0.5, 0.05))
    expect(page.get_by_text("Nobody was found at that place")).to_be_visible()
    choose(page, "2×")
    draw(page, (0.03, 0.60))  # at 2× the canvas shows the middle half
    kept(False, True)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved as")).to_be_visible()
    with open_store(load_settings(home=app.home)) as store:
        entry = next(entry for entry in store.subjects.all() if entry.name == "both")
        alpha = store.subjects.load(entry.id).alpha
    assert not alpha[:, : round(0.9 * side)].any()
    assert alpha[:, side:].any()


def test_strokes_that_repeat_what_a_cleared_canvas_had(app: RunningApp, page: Page) -> None:
    page.goto(app.url)
    settle(page)
    page.locator("canvas.upper-canvas").first.wait_for()
    undone = page.locator(".st-key-brush_undo button").first
    draw(page, (0.1, 0.1), (0.2, 0.1))
    expect(undone).to_be_enabled()
    choose(page, "2×")
    draw(page, (0.1, 0.1), (0.2, 0.1))
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved as")).to_be_visible()
    with open_store(load_settings(home=app.home)) as store:
        # A command line's subject has none.
        edits = [store.subjects.load_edit(entry.id).get("strokes", []) for entry in store.subjects.all()]
    assert 2 in [len(strokes) for strokes in edits if all(stroke["mode"] == "add" for stroke in strokes)]


def test_many_photos_are_reviewed_and_go_into_one_sweep(app: RunningApp, page: Page) -> None:
    files: list[FilePayload] = [
        {"name": f"{name}.png", "mimeType": "image/png", "buffer": content}
        for name, content in (("one", figure(40)), ("two", figure(90)), ("broken", b"no photo"))
    ]
    page.goto(app.url)
    settle(page)
    page.get_by_role("button", name="New photo").click()
    page.get_by_text("Many photos at once").click()
    field = page.locator("[data-testid=stFileUploaderDropzone]").filter(has_text="PNG").nth(1)
    field.locator("input[type=file]").set_input_files(files)
    expect(page.get_by_text("Review: 2 photos · 2 to use · 1 file left out")).to_be_visible()
    settle(page)
    page.get_by_role("button", name="1 file left out").click()
    expect(page.get_by_text("broken.png is not a picture")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Use 2 in sweep").click()
    page.wait_for_url(re.compile("/sweep"))
    settle(page)
    expect(page.get_by_role("button", name="Run")).to_be_enabled()
    assert page.url.count("subject=") == 2


def figure(level: int) -> bytes:
    """A picture that says itself what of it is opaque."""
    pixels = np.full((80, 64, 4), (level, 90, 160, 0), np.uint8)
    pixels[30:, 20:40, 3] = 255
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_narrow_window_has_the_whole_canvas(app: RunningApp, page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 800})
    page.goto(app.url)
    settle(page)
    canvas = page.locator("canvas.upper-canvas").first
    canvas.wait_for()
    page.wait_for_function(
        "() => { const place = document.querySelector('.st-key-mask_canvas_place').getBoundingClientRect();"
        " return place.width < 320 && Math.abs(place.width - place.height) < 2 }"
    )
    box = canvas.bounding_box()
    assert box is not None
    assert 250 < box["width"] <= 320 - box["x"]
    beside = page.locator(".st-key-mask_picture_place").bounding_box()
    assert beside is not None
    assert abs(beside["width"] - beside["height"]) < 2  # no gap below the picture either
    expect(page.locator(".dc-toolbar")).to_be_hidden()  # the package's own, over the sliders
    draw(page, (0.1, 0.1), (0.2, 0.1))
    canvas.hover(position={"x": box["width"] / 4, "y": box["height"] / 4})
    page.keyboard.down("Control")
    page.mouse.wheel(0, -120)
    page.keyboard.up("Control")
    expect(page.get_by_role("radio", name="2×")).to_be_checked()
    settle(page)
    expect(page).to_have_url(re.compile("draft="))
    page.reload()
    settle(page)
    expect(page.locator(".st-key-brush_undo button").first).to_be_enabled()  # the stroke is still there
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved as")).to_be_visible()
    with open_store(load_settings(home=app.home)) as store:
        entry = store.subjects.all()[0]
        (stroke,) = store.subjects.load_edit(entry.id)["strokes"]
    np.testing.assert_allclose(stroke["points"][0], [0.1 * 512, 0.1 * 512], atol=3)
