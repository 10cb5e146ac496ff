"""The viewer of the compare page in a real browser: pictures in step, flicker, divider, difference."""

import re

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from bgen_core.store.store import Store
from tests.browser.acting import settle, until
from tests.browser.compared import WORDY, ids_of, open_page, picture, viewer
from tests.made_up import run_id
from tests.serving import RunningApp

pytestmark = pytest.mark.browser


# Of the difference, at two places of the pictures' 1200 by 900.
COLOURS = """canvas => [[300, 450], [900, 100]].map(([x, y]) =>
  [...canvas.getContext("2d").getImageData(x * canvas.width / 1200, y * canvas.height / 900, 1, 1).data])"""


def transforms(page: Page) -> list[str]:
    return viewer(page).locator(".picture").evaluate_all("nodes => nodes.map(node => node.style.transform)")


def test_zoom_and_position_are_one_for_all_pictures(compared: tuple[RunningApp, Store], page: Page) -> None:
    app, _ = compared
    open_page(page, app, f"?ids={ids_of(0, 1, 2)}")
    images = viewer(page).locator("img.picture")
    expect(images).to_have_count(3)
    assert images.first.get_attribute("alt") == "Ada before “a beach”: 20 steps, guidance 1, seed 0, ddim, demo"
    assert images.evaluate_all("nodes => nodes.every(node => node.src.includes('side=1024'))")
    assert len(set(transforms(page))) == 1
    at_first = transforms(page)[0]

    viewer(page).focus()
    for _ in range(4):
        page.keyboard.press("+")
    zoomed = transforms(page)
    assert len(set(zoomed)) == 1
    assert "scale(2.44" in zoomed[0]  # 1.25 to the fourth
    # Zoomed in, the pictures are the PNGs with all their pixels.
    expect(images.first).to_have_attribute("src", re.compile(r"\.png$"))

    frame = viewer(page).locator(".frame").nth(1)
    box = frame.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 - 40, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    moved = transforms(page)
    assert len(set(moved)) == 1
    assert moved[0] != zoomed[0]
    page.keyboard.press("0")
    assert transforms(page)[0] == at_first

    # Space shows the first picture everywhere, as long as it is held.
    page.keyboard.down(" ")
    assert len(set(images.evaluate_all("nodes => nodes.map(node => node.src)"))) == 1
    page.keyboard.up(" ")
    assert len(set(images.evaluate_all("nodes => nodes.map(node => node.src)"))) == 3


def test_captions_name_the_prompt_and_keep_their_pictures_in_line(
    compared: tuple[RunningApp, Store], page: Page
) -> None:
    app, _ = compared
    page.set_viewport_size({"width": 700, "height": 600})
    open_page(page, app, f"?ids={ids_of(0, 8, 1)}")
    prompt = viewer(page).get_by_text("Prompt … before a large and very old …")
    assert prompt.get_attribute("title") == f"Prompt: {WORDY}"
    expect(viewer(page).get_by_text("Prompt a beach")).to_have_count(2)
    tops = "nodes => [...new Set(nodes.map(node => Math.round(node.getBoundingClientRect().top)))]"
    heights = "nodes => [...new Set(nodes.map(node => Math.round(node.firstChild.getBoundingClientRect().height)))]"
    assert len(viewer(page).locator("figcaption").evaluate_all(heights)) > 1  # one takes more lines than the others
    assert len(viewer(page).locator(".frame").evaluate_all(tops)) == 1


def test_shift_and_arrows_move_the_zoomed_pictures_and_one_opens_within_the_visit(
    compared: tuple[RunningApp, Store], page: Page
) -> None:
    app, _ = compared
    open_page(page, app, f"?ids={ids_of(0, 1)}&at=0.5,0.5,2")
    expect(viewer(page).get_by_text("Shift + arrows move")).to_be_visible()
    viewer(page).focus()
    at_first = transforms(page)
    assert set(at_first) == {"translate(-50%, -50%) scale(2)"}
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    assert set(transforms(page)) == {"translate(-60%, -40%) scale(2)"}  # a tenth of what is seen
    expect(viewer(page).locator("figure.current figcaption b")).to_have_text("A")
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Shift+ArrowDown")
    assert transforms(page) == at_first
    page.keyboard.press("ArrowRight")
    expect(viewer(page).locator("figure.current figcaption b")).to_have_text("B")

    page.evaluate("window.sameVisit = true")
    viewer(page).get_by_role("link", name="Open picture B").click()
    page.wait_for_url(re.compile(f"/run\\?id={run_id(1)}"))
    settle(page)
    assert page.evaluate("window.sameVisit")
    expect(page.get_by_text("What was measured")).to_be_visible()


def test_zoom_and_position_are_in_the_address(compared: tuple[RunningApp, Store], page: Page, browser: Browser) -> None:
    app, _ = compared
    open_page(page, app, f"?ids={ids_of(0, 1)}")
    whole = transforms(page)
    viewer(page).focus()
    for _ in range(4):
        page.keyboard.press("+")
    page.keyboard.press("Shift+ArrowLeft")
    zoomed = transforms(page)
    assert zoomed != whole
    page.wait_for_url(re.compile(r"[?&]at=0\.4\d*,0\.5,2\.441"))

    def numbers(visitor: Page) -> list[float]:
        return [float(number) for text in transforms(visitor) for number in re.findall(r"-?[\d.]+", text)]

    expected = pytest.approx(numbers(page), abs=0.05)  # the address has five digits of a place and three of the zoom
    link = page.url
    page.reload()
    until(page, lambda: numbers(page) == expected)
    assert page.url == link
    context = browser.new_context(viewport={"width": 900, "height": 800})
    other = context.new_page()
    other.goto(link)
    until(other, lambda: numbers(other) == expected)
    context.close()
    viewer(page).focus()
    page.keyboard.press("0")
    assert transforms(page) == whole
    page.wait_for_url(lambda url: "at=" not in url)


def test_the_divider_moves_by_mouse_and_keyboard(compared: tuple[RunningApp, Store], page: Page) -> None:
    app, _ = compared
    open_page(page, app, f"?ids={ids_of(0, 1)}&show=slider")
    divider = viewer(page).get_by_role("slider", name="Divider between A and B")
    layer = viewer(page).locator(".layer")
    assert layer.evaluate("node => node.style.clipPath") == "inset(0px 0px 0px 50%)"
    frame = viewer(page).locator(".frame").bounding_box()
    handle = divider.bounding_box()
    assert frame is not None
    assert handle is not None
    page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + 20)
    page.mouse.down()
    page.mouse.move(frame["x"] + frame["width"] / 4, handle["y"] + 20, steps=5)
    page.mouse.up()
    expect(divider).to_have_attribute("aria-valuenow", "25")
    divider.press("ArrowRight")
    expect(divider).to_have_attribute("aria-valuenow", "27")
    divider.press("End")
    assert layer.evaluate("node => node.style.clipPath") == "inset(0px 0px 0px 100%)"


def test_space_flickers_and_arrows_walk_through_the_pictures(compared: tuple[RunningApp, Store], page: Page) -> None:
    app, _ = compared
    open_page(page, app, f"?ids={ids_of(0, 1, 2)}&show=flicker")
    shown = viewer(page).locator("img.picture:not(.hidden)")
    expect(viewer(page).locator(".tag")).to_have_text("B")
    second = shown.get_attribute("alt")
    viewer(page).focus()
    page.keyboard.press(" ")
    expect(viewer(page).locator(".tag")).to_have_text("A")
    assert shown.get_attribute("alt") != second
    page.keyboard.press(" ")
    page.keyboard.press("ArrowRight")
    expect(viewer(page).locator(".tag")).to_have_text("C")
    page.wait_for_url(re.compile("pair=AC"))
    settle(page)
    expect(viewer(page).locator(".tag")).to_have_text("C")
    page.reload()
    expect(viewer(page).get_by_role("button", name=re.compile("^Second picture")).nth(2)).to_have_attribute(
        "aria-pressed", "true"
    )
    play = viewer(page).get_by_role("button", name=re.compile("twice a second"))
    play.focus()
    page.keyboard.press("Enter")
    expect(viewer(page).locator(".tag")).to_have_text("A")  # by itself
    expect(viewer(page).locator(".tag")).to_have_text("C")
    page.keyboard.press("Enter")  # the button that was pressed is another now, and has the focus
    expect(play).to_have_attribute("aria-pressed", "false")


def test_the_difference_is_what_numpy_says(compared: tuple[RunningApp, Store], page: Page) -> None:
    app, _ = compared
    open_page(page, app, f"?ids={ids_of(0, 1, 3, 9)}&show=difference")
    said = viewer(page).get_by_role("status")
    viewer(page).focus()
    for second in (1, 3):
        distance = np.abs(picture(0).astype(int) - picture(second)).max(axis=2)
        share, mean = 100 * (distance > 0).mean(), distance.mean()
        expect(said).to_have_text(
            f"{share:.0f} % of the pixels differ; mean difference {mean:.{1 if mean < 10 else 0}f}, "
            f"greatest {distance.max()} of 255 levels."
        )
        at = viewer(page).locator("canvas").evaluate(COLOURS)
        assert at[0][0] > at[0][2] + 20  # warm where they differ
        assert at[1][:3] == [36, 36, 36]  # two fifths of their own grey where they do not
        page.keyboard.press("ArrowRight")
    expect(said).to_have_text("The pictures are equal in every pixel.")
