"""The compare page in a real browser: rows that are ticked and rated, pictures in step, votes by keyboard."""

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from bgen_core.extent import Extent
from bgen_core.records.run import RunRecord
from bgen_core.runs.links import picture_url
from bgen_core.settings import load_settings
from bgen_core.store.opinions import Opinion
from bgen_core.store.store import Store, open_store
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from tests.browser.acting import enter, settle, until
from tests.browser.conftest import Serve
from tests.made_up import made_up_run, made_up_sweep, painted, run_id
from tests.serving import RunningApp

pytestmark = pytest.mark.browser

EXTENT = Extent(width=1200, height=900)  # larger than the version that is fetched first
HEADER, ROW = 34, 56  # px, of the table
WORDY = "a beach before a large and very old castle in the fog, oil on canvas"


def picture(number: int) -> np.ndarray:
    """uint8, HWC, RGB: the same for all but a block on the left, which is another one in each."""
    image = np.full((EXTENT.height, EXTENT.width, 3), 90, np.uint8)
    image[300:600, 100:500] = [10 + 20 * number, 200 - 30 * number, 60]
    return image


@pytest.fixture(scope="module")
def compared(serving: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningApp, Store]]:
    """A server whose store has a sweep of two guidances and two seeds, another of its first half, a run that looks like
    the first, and one with a long prompt.
    """
    folder = tmp_path_factory.mktemp("compared")
    axes = (Axis(name="guidance", values=(1.0, 3.0)), Axis(name="seed", values=(0, 1)))
    plan = SweepPlan(subject_id="s" * 64, model="demo", base=InpaintParams(prompt="a beach"), axes=axes)
    with open_store(load_settings(home=folder / "home")) as store:
        for cell in plan.cells():
            record = replace(made_up_run(cell.index, params=cell.params.to_json()), extent=EXTENT, model_extent=EXTENT)
            store.runs.commit(painted(record), image=picture(cell.index), raw_image=picture(cell.index))
        ids = [run_id(cell.index) for cell in plan.cells()]
        store.sweeps.add(made_up_sweep("sweep-1", cells=ids, plan=plan.to_json(), state="done"), ids)
        half = replace(plan, axes=(axes[1],))
        store.sweeps.add(
            made_up_sweep("sweep-2", cells=ids[:2], plan=half.to_json(), state="done", title="half"), ids[:2]
        )
        wordy = made_up_run(8, params={"prompt": WORDY}, extent=EXTENT, model_extent=EXTENT)
        store.runs.commit(painted(wordy), image=picture(4), raw_image=picture(4))
        twin = made_up_run(9, params={"prompt": "a beach", "shadow": 0.5}, extent=EXTENT, model_extent=EXTENT)
        store.runs.commit(painted(twin), image=picture(0), raw_image=picture(0))
        with serving(folder) as app:
            yield app, store


def open_page(page: Page, app: RunningApp, query: str) -> None:
    page.goto(f"{app.url}/compare{query}")
    page.locator("[data-testid=stDataFrame] canvas").first.wait_for()
    settle(page)


def edit(page: Page, place: tuple[float, float]) -> None:
    """Open the field over a cell, and wait until it takes keys."""

    def is_open() -> bool:
        return page.evaluate("['INPUT', 'TEXTAREA'].includes(document.activeElement.tagName)")

    page.mouse.click(*place)
    page.wait_for_timeout(300)
    if not is_open():  # a click on the cell that is marked already opens it; Enter would close it again
        page.keyboard.press("Enter")
    until(page, is_open)


def viewer(page: Page) -> Locator:
    found = page.get_by_role("group", name=re.compile(r"pictures, "))
    page.wait_for_function("[...document.images].every(image => image.complete)")
    return found


def transforms(page: Page) -> list[str]:
    return viewer(page).locator(".picture").evaluate_all("nodes => nodes.map(node => node.style.transform)")


def ids_of(*numbers: int) -> str:
    return ",".join(run_id(number)[:12] for number in numbers)


def test_rows_are_ticked_rated_tagged_and_noted_in_the_table(compared: tuple[RunningApp, Store], page: Page) -> None:
    app, store = compared
    open_page(page, app, "?cols=seed,rating,tags,notes&sort=seed")
    box = page.get_by_test_id("stDataFrame").first.bounding_box()
    assert box is not None

    def cell(share: float, row: int) -> tuple[float, float]:
        """The grid is drawn on a canvas: its cells are places in it."""
        return box["x"] + share * box["width"], box["y"] + HEADER + ROW * (row + 0.5)

    tick, rating, tags, notes = 0.022, 0.37, 0.61, 0.87  # columns share the width
    first, _, third, *_ = [
        run.id for run in sorted(store.runs.select(), key=lambda run: (run.params.seed, -run.created.timestamp()))
    ]
    for row, run in ((0, first), (2, third)):
        page.mouse.click(*cell(tick, row))
        until(page, lambda run=run: run[:12] in page.url)
    expect(page).to_have_url(re.compile(f"ids={first[:12]}%2C{third[:12]}"))
    expect(viewer(page).locator("figure")).to_have_count(2)

    def opinion() -> Opinion:
        return store.opinions.of([first]).get(first, Opinion())

    def rate() -> None:
        edit(page, cell(rating, 0))
        page.keyboard.press("ArrowDown")
        enter(page, "")

    def note() -> None:
        edit(page, cell(notes, 0))
        page.keyboard.press("Control+a")
        enter(page, "good light")

    def tag() -> None:
        edit(page, cell(tags, 0))
        enter(page, "print")
        page.mouse.click(*cell(0.15, 3))  # a cell that is not edited: the field closes

    rate()
    until(page, lambda: opinion().rating == 1)
    note()
    until(page, lambda: opinion().notes == "good light")
    tag()
    until(page, lambda: opinion().tags == ("print",))
    assert opinion() == Opinion(rating=1, tags=("print",), notes="good light")
    page.reload()
    expect(viewer(page).locator("figure")).to_have_count(2)


def test_a_heading_sorts_all_runs_and_the_address_keeps_it(compared: tuple[RunningApp, Store], page: Page) -> None:
    app, _ = compared
    open_page(page, app, "?cols=seed,rating")
    table = page.get_by_test_id("stDataFrame").first

    def click_heading(share: float) -> None:
        box = table.bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + share * box["width"], box["y"] + HEADER / 2)

    def is_headed(*headings: str) -> None:
        until(page, lambda: table.locator("[role=columnheader]").all_text_contents() == [*headings])

    tick, seed = 0.01, 0.3  # left of the button that opens a menu
    click_heading(seed)
    until(page, lambda: "sort=seed" in page.url)
    is_headed("✓", "↑ Seed", "Rating")
    click_heading(seed)
    until(page, lambda: "sort=-seed" in page.url)
    is_headed("✓", "↓ Seed", "Rating")
    table.evaluate("node => node.setAttribute('data-before', '')")
    click_heading(tick)  # nothing to sort by: the browser's own order of the rows in sight does not stay
    expect(page.locator("[data-before]")).to_have_count(0)
    is_headed("✓", "↓ Seed", "Rating")
    click_heading(seed)
    until(page, lambda: "sort" not in page.url)
    is_headed("✓", "Seed", "Rating")


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
    page.set_viewport_size({"width": 700, "height": 900})
    open_page(page, app, f"?ids={ids_of(0, 8, 1)}")
    prompt = viewer(page).get_by_text("Prompt … before a large and very old …")
    assert prompt.get_attribute("title") == f"Prompt: {WORDY}"
    expect(viewer(page).get_by_text("Prompt a beach")).to_have_count(2)
    tops = "nodes => [...new Set(nodes.map(node => Math.round(node.getBoundingClientRect().top)))]"
    heights = "nodes => [...new Set(nodes.map(node => Math.round(node.firstChild.getBoundingClientRect().height)))]"
    assert len(viewer(page).locator("figcaption").evaluate_all(heights)) > 1  # one takes more lines than the others
    assert len(viewer(page).locator(".frame").evaluate_all(tops)) == 1


def test_shift_and_arrows_move_the_zoomed_pictures(compared: tuple[RunningApp, Store], page: Page) -> None:
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
    viewer(page).get_by_role("button", name=re.compile("twice a second")).click()
    expect(viewer(page).locator(".tag")).to_have_text("A")  # by itself
    expect(viewer(page).locator(".tag")).to_have_text("C")


@pytest.mark.parametrize("second", [1, 3, 9])
def test_the_difference_is_what_numpy_says(compared: tuple[RunningApp, Store], page: Page, second: int) -> None:
    app, _ = compared
    open_page(page, app, f"?ids={ids_of(0, second)}&show=difference")
    said = viewer(page).get_by_role("status")
    other = picture(0 if second == 9 else second)
    distance = np.abs(picture(0).astype(int) - other).max(axis=2)
    if second == 9:
        expect(said).to_have_text("The pictures are equal in every pixel.")
        return
    share, mean = 100 * (distance > 0).mean(), distance.mean()
    expect(said).to_have_text(
        f"{share:.0f} % of the pixels differ; mean difference {mean:.{1 if mean < 10 else 0}f}, "
        f"greatest {distance.max()} of 255 levels."
    )
    at = (
        viewer(page)
        .locator("canvas")
        .evaluate(
            """canvas => [[300, 450], [900, 100]].map(([x, y]) =>
            [...canvas.getContext("2d").getImageData(x * canvas.width / 1200, y * canvas.height / 900, 1, 1).data])"""
        )
    )
    assert at[0][0] > at[0][2] + 20  # warm where they differ
    assert at[1][:3] == [36, 36, 36]  # two fifths of their own grey where they do not


def test_a_picture_opens_within_the_visit(compared: tuple[RunningApp, Store], page: Page) -> None:
    app, _ = compared
    open_page(page, app, f"?ids={ids_of(0, 1)}")
    page.evaluate("window.sameVisit = true")
    viewer(page).get_by_role("link", name="Open picture B").click()
    page.wait_for_url(re.compile(f"/run\\?id={run_id(1)}"))
    settle(page)
    assert page.evaluate("window.sameVisit")
    expect(page.get_by_text("What was measured")).to_be_visible()


def test_votes_are_given_with_the_keys(compared: tuple[RunningApp, Store], page: Page) -> None:
    app, store = compared
    page.goto(f"{app.url}/compare?sweep=sweep-1&show=vote&axis=guidance")
    expect(page.get_by_role("button", name="Left is better")).to_be_visible()
    settle(page)
    assert not page.get_by_test_id("stDataFrame").count()  # blind: no parameters beside the pictures
    before = len(store.opinions.votes_of("sweep-1"))
    for count, key in enumerate("120", 1):
        expect(page.get_by_alt_text("Picture 1 (left)")).to_be_visible()
        page.keyboard.press(key)
        expect(page.get_by_text(f"{before + count} vote")).to_be_visible()
        settle(page)
    assert [vote.winner for vote in store.opinions.votes_of("sweep-1")[before:]] == ["a", "b", "tie"]


def test_keys_vote_after_what_is_decided_was_chosen(compared: tuple[RunningApp, Store], page: Page) -> None:
    app, store = compared
    page.goto(f"{app.url}/compare?sweep=sweep-1&show=vote&axis=guidance")
    left = page.get_by_role("button", name="Left is better")
    expect(left).to_be_visible()
    settle(page)

    def vote(sweep: str) -> None:
        before = len(store.opinions.votes_of(sweep))
        expect(left).to_be_visible()
        page.keyboard.press("1")
        expect(page.get_by_text(re.compile(f"^{before + 1} votes? by"))).to_be_visible()
        settle(page)

    page.get_by_role("radio", name="Seed").click()
    page.wait_for_url(re.compile("axis=seed"))
    settle(page)
    vote("sweep-1")
    page.get_by_text("Show scores").click()
    expect(page.get_by_text("Share of the pairs with another value")).to_be_visible()
    settle(page)
    vote("sweep-1")
    page.get_by_label("Sweep", exact=True).click()
    page.get_by_role("option", name=re.compile("half")).click()
    page.wait_for_url(re.compile("sweep=sweep-2"))
    settle(page)
    vote("sweep-2")


def test_a_file_dropped_anywhere_is_opened_and_nothing_covers_it(
    compared: tuple[RunningApp, Store], page: Page
) -> None:
    app, store = compared
    run = store.runs.get(run_id(1))
    open_page(page, app, "")
    field = page.get_by_text("A PNG to see its settings, or a ZIP to import", exact=True)
    for name in ("mine.png", "another.png"):
        opened = page.get_by_role("button", name="Choose for comparison")
        drop(page, run, name)
        expect(opened).to_be_visible()
        expect(field).to_have_count(0)
        page.get_by_role("button", name="Close", exact=True).click()
        expect(page.get_by_text(name)).to_have_count(0)
        settle(page)
    drop(page, run, "notes.txt")
    expect(page.get_by_text("files are not allowed")).to_be_visible()  # where it was refused, the field stays open


def test_a_file_dropped_while_another_is_open_takes_its_place(compared: tuple[RunningApp, Store], page: Page) -> None:
    app, store = compared
    open_page(page, app, "")
    opened = page.get_by_test_id("stMainBlockContainer").locator("strong").filter(has_text=re.compile(r"\.png$"))
    for name in (f"{number}.png" for number in range(6)):
        drop(page, store.runs.get(run_id(1)), name)
        if name not in ("2.png", "4.png"):  # the next one is dropped at once
            expect(opened).to_have_text([name])
            expect(page.get_by_test_id("stFileChipName")).to_have_count(0)  # nothing covers it


def drop(page: Page, run: RunRecord, name: str) -> None:
    """Drop a run's picture on the page's title, under another name."""
    title, notice = page.get_by_role("heading", name="Compare"), page.get_by_text("Drop a PNG to see its settings")
    dropped = page.evaluate_handle(
        """async ([url, name]) => {
            const held = new DataTransfer();
            held.items.add(new File([await (await fetch(url)).blob()], name, { type: "image/png" }));
            return held;
        }""",
        [picture_url(run.image), name],
    )
    title.dispatch_event("dragover", {"dataTransfer": dropped})
    expect(notice).to_be_visible()
    title.dispatch_event("drop", {"dataTransfer": dropped})
    expect(notice).to_be_hidden()


def test_a_saved_link_downloads_what_it_shows(compared: tuple[RunningApp, Store], page: Page) -> None:
    app, _ = compared
    open_page(page, app, "?f=seed:1")
    page.get_by_role("button", name="Export").click()
    link = page.get_by_role("link", name="CSV").get_attribute("href")
    assert link is not None
    saved = page.request.get(f"{app.url}{link}")
    assert saved.headers["content-disposition"].startswith('attachment; filename="bgen-runs.csv"')
    assert saved.text().count("\r\n") == 3
    expect(page.get_by_text(f"{app.url}/compare?f=seed%3A1")).to_be_visible()


def test_on_a_narrow_screen_the_page_does_not_scroll_sideways(compared: tuple[RunningApp, Store], page: Page) -> None:
    app, _ = compared
    page.set_viewport_size({"width": 390, "height": 844})
    open_page(page, app, f"?ids={ids_of(0, 1)}")
    viewer(page).scroll_into_view_if_needed()
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    box = viewer(page).bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert "Traceback" not in app.log.read_text()
