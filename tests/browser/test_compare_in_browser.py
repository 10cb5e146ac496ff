"""The compare page in a real browser: rows that are ticked and rated, votes by keyboard, files that are dropped."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from bgen_core.metrics.clip_space import model_key
from bgen_core.records.run import RunRecord
from bgen_core.runs.likeness import AlikeTo, likeness
from bgen_core.store.opinions import Opinion
from bgen_core.store.store import Store
from tests.browser.acting import drop, enter, settle, until
from tests.browser.compared import ids_of, open_page, viewer
from tests.made_up import run_id
from tests.serving import RunningApp

pytestmark = pytest.mark.browser

HEADER, ROW = 34, 56  # px, of the table


def edit(page: Page, place: tuple[float, float]) -> None:
    """Open the field over a cell, and wait until it takes keys."""

    def is_open() -> bool:
        return page.evaluate("['INPUT', 'TEXTAREA'].includes(document.activeElement.tagName)")

    page.mouse.click(*place)
    page.wait_for_timeout(300)
    if not is_open():  # a click on the cell that is marked already opens it; Enter would close it again
        page.keyboard.press("Enter")
    until(page, is_open)


def test_rows_are_ticked_rated_tagged_and_noted_in_the_table(compared: tuple[RunningApp, Store], page: Page) -> None:
    app, store = compared
    open_page(page, app, "?list=table&cols=seed,rating,tags,notes&sort=seed")
    box = page.get_by_test_id("stDataFrame").first.bounding_box()
    assert box is not None

    def cell(share: float, row: int) -> tuple[float, float]:
        """The grid is drawn on a canvas: its cells are places in it."""
        return box["x"] + share * box["width"], box["y"] + HEADER + ROW * (row + 0.5)

    tick, rating, tags, notes = 0.045, 0.37, 0.60, 0.87  # columns share the width
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
    assert opinion() == Opinion(rating=1, tags=("print",), notes="good light", mean_rating=1.0, raters=1)
    page.reload()
    expect(viewer(page).locator("figure")).to_have_count(2)


def test_pictures_of_the_gallery_are_ticked_rated_and_opened(compared: tuple[RunningApp, Store], page: Page) -> None:
    app, store = compared
    open_page(page, app, "?sweep=sweep-1&sort=seed")
    cards = page.locator(".gallery .pick")
    expect(cards).to_have_count(4)
    ids = [cards.nth(place).get_attribute("data-id") or "" for place in range(4)]
    cards.nth(2).click()
    expect(cards.nth(2)).to_have_attribute("aria-pressed", "true")  # at once, whatever the server is doing
    cards.nth(0).click()
    cards.nth(1).click()
    expect(page).to_have_url(re.compile("%2C".join(ids[place][:12] for place in (2, 0, 1))))
    expect(viewer(page).locator("figure")).to_have_count(3)
    expect(page.locator(".gallery .letter:visible")).to_have_text(["B", "C", "A"])
    for name in ("picture", "list"):  # each in the window, however many there are
        box = (page.locator(".viewer .frame").first if name == "picture" else page.locator(".gallery")).bounding_box()
        assert box is not None and box["y"] + box["height"] <= 1000

    cards.nth(3).focus()
    page.keyboard.press("4")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("2")
    until(page, lambda: [store.opinions.of([each]).get(each, Opinion()).rating for each in ids[2:]] == [2, 4])
    cards.nth(1).click()
    expect(page).to_have_url(re.compile(f"{ids[2][:12]}%2C{ids[0][:12]}(&|$)"))
    page.keyboard.press("o")
    page.wait_for_url(re.compile(f"/run.id={ids[1]}"))


def test_the_grid_keeps_the_focus_where_a_picture_is_chosen(compared: tuple[RunningApp, Store], page: Page) -> None:
    app, _ = compared
    open_page(page, app, "?list=grid")
    pictures = page.locator(".gallery .pick")
    for number in (0, 1):  # the first choice gives the list a new place
        pictures.nth(number).press("Enter")
        expect(page.get_by_text(f"{number + 1} chosen")).to_be_visible()
        settle(page)
    expect(pictures.nth(1)).to_be_focused()


def test_a_heading_sorts_all_runs_and_the_address_keeps_it(compared: tuple[RunningApp, Store], page: Page) -> None:
    app, _ = compared
    open_page(page, app, "?list=table&cols=seed,rating")
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


def test_votes_are_given_with_the_keys(compared: tuple[RunningApp, Store], page: Page) -> None:
    app, store = compared
    before = len(store.opinions.votes_of("sweep-1"))
    for axis, keys in (("guidance", ["1", "ArrowRight"]), ("seed", ["0", "ArrowLeft"])):
        page.goto(f"{app.url}/compare?sweep=sweep-1&show=vote&axis={axis}")
        expect(page.get_by_role("button", name="Left is better")).to_be_visible()
        settle(page)
        assert not page.get_by_test_id("stDataFrame").count()  # blind: no parameters beside the pictures
        for key in keys:
            count = len(store.opinions.votes_of("sweep-1"))
            expect(page.get_by_alt_text("Picture 1 (left)")).to_be_visible()
            page.keyboard.press(key)
            expect(page.get_by_text(f"{count + 1} vote")).to_be_visible()
            settle(page)
    assert [vote.winner for vote in store.opinions.votes_of("sweep-1")[before:]] == ["a", "b", "tie", "a"]


def test_what_a_double_click_and_a_held_key_repeat_is_no_vote(compared: tuple[RunningApp, Store], page: Page) -> None:
    app, store = compared
    before = len(store.opinions.votes_of("sweep-1"))
    left = page.get_by_role("button", name="Left is better")
    twice: list[tuple[str, Callable[[], None]]] = [
        ("guidance", lambda: click_twice(left)),
        ("guidance", lambda: hold(page, "1")),
        ("seed", lambda: click_twice(left)),
        ("seed", lambda: hold(page, "Enter")),  # the button that was clicked has the focus
    ]
    for number, (axis, act) in enumerate(twice, 1):
        if f"axis={axis}" not in page.url:
            page.goto(f"{app.url}/compare?sweep=sweep-1&show=vote&axis={axis}")
        expect(left).to_be_visible()
        settle(page)
        act()
        expect(page.get_by_text(re.compile(f"^{before + number} votes? by"))).to_be_visible()
        settle(page)
    assert len(store.opinions.votes_of("sweep-1")) == before + len(twice)


def click_twice(button: Locator) -> None:
    """Double-click as slowly as a person does: what the first click led to is there before the second."""
    button.hover()
    for click in (1, 2):
        button.page.mouse.down(click_count=click)
        button.page.mouse.up(click_count=click)
        settle(button.page)


def hold(page: Page, key: str) -> None:
    """Press a key until it repeats; a focused button stays focused."""
    for _ in range(3):
        page.keyboard.down(key)
        settle(page)
    page.keyboard.up(key)


def test_keys_choose_what_is_decided_there_and_vote_once_it_is_chosen(
    compared: tuple[RunningApp, Store], page: Page
) -> None:
    app, store = compared
    page.goto(f"{app.url}/compare?sweep=sweep-1&show=vote&axis=seed")
    left = page.get_by_role("button", name="Left is better")
    expect(left).to_be_visible()
    settle(page)
    before = len(store.opinions.votes_of("sweep-1"))
    page.get_by_role("radio", name="Seed").focus()
    page.keyboard.press("ArrowLeft")
    settle(page)
    assert len(store.opinions.votes_of("sweep-1")) == before

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


def test_a_file_dropped_anywhere_is_opened_takes_anothers_place_and_nothing_covers_it(
    compared: tuple[RunningApp, Store], page: Page
) -> None:
    app, store = compared
    run = store.runs.get(run_id(1))
    open_page(page, app, "")
    field = page.get_by_text("A PNG to see its settings, or a ZIP to import", exact=True)
    for name in ("mine.png", "another.png"):
        opened = page.get_by_role("button", name="Choose for comparison")
        drop_run(page, store, run, name)
        expect(opened).to_be_visible()
        expect(field).to_have_count(0)
        page.get_by_role("button", name="Close", exact=True).click()
        expect(page.get_by_text(name)).to_have_count(0)
        settle(page)
    opened = page.get_by_test_id("stMainBlockContainer").locator("strong").filter(has_text=re.compile(r"\.png$"))
    for name in (f"{number}.png" for number in range(6)):
        drop_run(page, store, run, name)
        if name not in ("2.png", "4.png"):  # the next one is dropped at once
            expect(opened).to_have_text([name])
            expect(page.get_by_test_id("stFileChipName")).to_have_count(0)  # nothing covers it
    page.get_by_role("button", name="Close", exact=True).click()
    expect(opened).to_have_count(0)
    settle(page)
    drop_run(page, store, run, "notes.txt")
    expect(page.get_by_text("files are not allowed")).to_be_visible()  # where it was refused, the field stays open


def drop_run(page: Page, store: Store, run: RunRecord, name: str) -> None:
    """Drop a run's picture on the page, under another name."""
    drop(page, store.blobs.get(run.image), name, on="Compare", invitation="Drop a PNG to see its settings")


def test_words_and_a_chosen_picture_bring_the_most_alike_to_the_top(
    compared: tuple[RunningApp, Store], page: Page
) -> None:
    app, store = compared
    clip = str(app.home.parent / "clip")
    runs = [run.id for run in store.runs.select()]

    def by_likeness(asked: AlikeTo) -> list[str]:
        return [runs[place] for place in np.argsort(-likeness(store, clip, asked, runs).values, kind="stable")]

    def shows(ids: list[str]) -> None:
        cards = page.locator(".gallery .pick")
        until(page, lambda: [card.get_attribute("data-id") for card in cards.all()] == ids)

    open_page(page, app, "")
    until(page, lambda: len(store.vectors.of(model_key(clip), runs)) == len(runs))  # the worker reads them
    page.get_by_role("button", name="Meaning").click()
    page.get_by_role("textbox", name="Pictures that show").fill("a beach")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("meaning=a(%20|\\+)beach"))
    shows(by_likeness(AlikeTo(words="a beach")))
    page.get_by_role("textbox", name="And less of").fill("a red room")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("less=a"))
    shows(by_likeness(AlikeTo(words="a beach", less="a red room")))
    page.keyboard.press("Escape")
    page.locator(f'.gallery .pick[data-id="{runs[0]}"]').click()
    page.get_by_role("button", name="More like this").first.click()
    expect(page).to_have_url(re.compile("like="))
    shows(by_likeness(AlikeTo(run_id=runs[0])))


def test_a_saved_link_downloads_what_it_shows(compared: tuple[RunningApp, Store], page: Page) -> None:
    app, _ = compared
    open_page(page, app, "?f=seed:1")
    page.get_by_role("button", name="Export").click()
    link = page.get_by_role("link", name="CSV").get_attribute("href")
    assert link is not None
    saved = page.request.get(f"{app.url}/{link}")
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


def test_on_a_narrow_screen_left_is_left_of_right_in_a_vote(compared: tuple[RunningApp, Store], page: Page) -> None:
    app, _ = compared
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{app.url}/compare?show=vote&sweep=sweep-1&axis=guidance")
    pictures = page.get_by_alt_text(re.compile("^Picture "))
    expect(pictures).to_have_count(2)
    settle(page)
    # Both in one look: between two, what stands above may still have moved them.
    left, right = pictures.evaluate_all("nodes => nodes.map(node => node.getBoundingClientRect().toJSON())")
    assert left["y"] == right["y"]
    assert left["x"] + left["width"] < right["x"]
    assert right["x"] + right["width"] <= 390
