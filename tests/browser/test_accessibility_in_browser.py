"""What axe-core finds on every page, in every dialog and popover, in light and in dark: nothing."""

import re
from collections.abc import Callable
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Page, expect

from bgen_core.reports.html_report import html_report
from bgen_core.settings import load_settings
from bgen_core.store.store import open_store
from pages._ui.app.visitor_cookie import COOKIE
from pages._ui.shared.html_templates import render
from tests.browser.acting import settle
from tests.browser.compared import add_own_sweep
from tests.made_up import VISITOR
from tests.serving import RunningApp

pytestmark = pytest.mark.browser

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
# What it finds is told by rule and element; a region that scrolls hides what is below from it, so the window is high.
LOOK = """async ([within, rules]) => {
  const only = rules ? { runOnly: rules } : {};
  const options = { resultTypes: ["violations"], selectors: false, preload: false, ...only };
  const { violations } = await axe.run(within, options);
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 300)}`));
}"""
WINDOW = {"width": 1400, "height": 2400}
TELEPHONE = {"width": 390, "height": 2400}
# What fades while the page's script runs again is not what is looked at.
STILL = """*, *::before, *::after { transition: none !important; animation-duration: 0s !important }
[data-stale=true] { opacity: 1 !important }"""
PAGE, POPOVER, DIALOG, LIST = "html", "[data-testid=stPopoverBody]", "[data-testid=stDialog]", "[role=listbox]"

# Streamlit 1.67 hangs the choices of a field below the page's body, outside all landmarks; they are tied to their field
# by aria-controls, and what is put around them would be taken away by React.
NOT_OURS = re.compile(
    r'region: <div [^>]*role="listbox"|region: <div [^>]*data-testid="st(Multis|S)electDropdown"', re.I
)

LINKS_HAVE_WORDS = (
    "[...document.querySelectorAll('[data-testid=stPageLink-NavLink]')].every((link) => link.textContent.trim())"
)


class Visit:
    """A visitor who looks at what is there, in both themes."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.found, self._url = page, list[str](), url

    def go(self, address: str) -> None:
        self.page.emulate_media(color_scheme="light", reduced_motion="reduce")
        self.page.goto(self._url + address)
        settle(self.page)
        self.page.add_style_tag(content=STILL)
        self.page.evaluate(AXE)

    def press(self, name: str | re.Pattern[str], *, within: str = PAGE, role: str = "button") -> None:
        self.page.locator(within).get_by_role(role, name=name).first.click()  # pyright: ignore[reportArgumentType]
        settle(self.page)

    def unfold_all(self) -> None:
        self.page.evaluate("document.querySelectorAll('details:not([open]) > summary').forEach((each) => each.click())")
        settle(self.page)

    def look(self, state: str, within: str = PAGE) -> None:
        self.page.mouse.move(1, 1)
        self.page.locator(within).first.wait_for(state="attached")
        # Streamlit draws a link's words a moment after the link; one that stays without any ends the test here
        self.page.wait_for_function(LINKS_HAVE_WORDS)
        self._look(f"{state}, light", within, None)
        self.page.emulate_media(color_scheme="dark")
        self.page.wait_for_function("getComputedStyle(document.querySelector('.stApp')).colorScheme === 'dark'")
        self._look(f"{state}, dark", within, ["color-contrast"])
        self.page.emulate_media(color_scheme="light")

    def look_into(self, name: str | re.Pattern[str], within: str = POPOVER, *, inside: str = PAGE) -> None:
        """Open what a button opens, look, and close it."""
        self.press(name, within=inside)
        self.look(str(name), within)
        self.page.keyboard.press("Escape")
        expect(self.page.locator(within)).to_have_count(0)

    def _look(self, state: str, within: str, rules: list[str] | None) -> None:
        told: list[str] = self.page.evaluate(LOOK, [within, rules])
        self.found += [f"{state}: {each}" for each in told if not NOT_OURS.match(each)]


def subject_page(visit: Visit, runs: list[str]) -> None:
    visit.go("/")
    visit.page.locator("canvas.upper-canvas").first.wait_for()
    visit.unfold_all()
    visit.look("page")
    for name in ("New photo", "Mask from a file", "Look"):
        visit.look_into(name)
    visit.press(re.compile("^Library"))
    visit.look("Library", DIALOG)
    visit.look_into("Import", inside=DIALOG)
    visit.look_into("Rename", inside=DIALOG)


def sweep_page(visit: Visit, runs: list[str]) -> None:
    visit.go("/sweep?id=accessible")
    visit.page.locator("td img").first.wait_for()
    visit.unfold_all()
    visit.look("page")
    visit.look_into("Recent")
    visit.look_into(re.compile("^Save"))
    visit.page.get_by_role("combobox", name="Model").click()
    visit.look("models", LIST)
    visit.page.keyboard.press("Escape")
    visit.page.set_viewport_size(TELEPHONE)
    visit.look("on a telephone")
    visit.page.set_viewport_size(WINDOW)
    visit.page.locator("td img").first.click()
    visit.look("cell", DIALOG)


def compare_page(visit: Visit, runs: list[str]) -> None:
    visit.go("/compare?sweep=accessible")
    visit.page.locator(".gallery img").first.wait_for()
    visit.look("gallery")
    for name in (re.compile("^Filter"), re.compile("^Views"), "Export", "Open a file"):
        visit.look_into(name)
    visit.go("/compare?sweep=accessible&list=grid")
    visit.look("grid")
    visit.go("/compare?sweep=accessible&list=table")
    visit.look("table")
    visit.look_into("Columns")


def chosen_runs(visit: Visit, runs: list[str]) -> None:
    visit.go(f"/compare?ids={','.join(runs[:3])}")
    visit.unfold_all()
    visit.look("side by side")
    visit.look_into("Rate")
    visit.look_into(re.compile("^Delete"), DIALOG)
    for panel in ("Slider", "Flicker", "Difference", "Sweep says", "Blind vote"):
        visit.press(panel, role="radio")
        visit.look(panel)


def run_page(visit: Visit, runs: list[str]) -> None:
    visit.go(f"/run?id={runs[0]}")
    visit.unfold_all()
    visit.look("page")
    visit.go("/run")
    visit.look("without a run")


@pytest.mark.parametrize("walk", [subject_page, sweep_page, compare_page, chosen_runs, run_page])
def test_axe_finds_nothing(
    app: RunningApp, page: Page, own_runs: list[str], walk: Callable[[Visit, list[str]], None]
) -> None:
    page.context.add_cookies([{"name": COOKIE, "value": VISITOR.id, "url": app.url}])
    page.set_viewport_size(WINDOW)
    visit = Visit(page, app.url)
    walk(visit, own_runs)
    assert visit.found == []


def found_in_both(page: Page) -> list[str]:
    page.evaluate(AXE)
    found: list[str] = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        found += [f"{theme}: {each}" for each in page.evaluate(LOOK, [PAGE, None])]
    return found


def test_nothing_on_the_form_that_asks_for_the_password(page: Page) -> None:
    said = {"action": "/login", "target": "/", "problem": "This is not the password.", "name": "Anna", "longest": 60}
    page.set_content(render("identity/login.html", **said))
    assert found_in_both(page) == []


def test_nothing_in_a_report(page: Page, tmp_path: Path) -> None:
    with open_store(load_settings(home=tmp_path / "home")) as store:
        add_own_sweep(store)
        report = tmp_path / "report.html"
        report.write_bytes(b"".join(html_report(store, sweep_id="accessible")))
    page.goto(report.as_uri())
    assert found_in_both(page) == []


def test_a_cell_is_reached_opened_and_left_by_keys_alone(app: RunningApp, page: Page, own_runs: list[str]) -> None:
    page.goto(f"{app.url}/sweep?id=accessible")
    page.locator("td img").first.wait_for()
    settle(page)
    # The page is drawn anew when the engine has started: Streamlit 1.67 loses what is done in that moment.
    expect(page.get_by_text("6 to make")).to_be_visible()
    settle(page)
    held = "document.activeElement?.shadowRoot?.activeElement?.dataset.index ?? ''"
    page.get_by_role("button", name="Swap rows and columns").focus()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate(held):
            break
    assert page.evaluate(held) == "0"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(held) == "3"
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_text("4 of 5 · a beach, Guidance 3, Seed 71")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.evaluate(held) == "3"
    page.keyboard.press("Tab")
    assert not page.evaluate(held)  # one stop for the whole grid


def test_what_is_in_a_popover_is_reached_from_its_button_by_keys_alone(app: RunningApp, page: Page) -> None:
    page.goto(app.url)
    settle(page)
    button = page.get_by_role("button", name=re.compile("New photo"))
    inside = page.locator(f"{POPOVER} :focus")
    button.press("Enter")
    # Its code comes after the samples' buttons
    expect(page.locator(POPOVER).get_by_role("button", name=re.compile("Upload"))).to_be_visible()
    settle(page)
    page.keyboard.press("Tab")
    expect(inside).to_have_text(re.compile("Upload"))
    expect(inside).to_be_in_viewport()
    for _ in range(12):
        page.keyboard.press("Tab")
        if not inside.count():
            break
    expect(button).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    expect(button).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(button).not_to_be_focused()
    expect(inside).to_have_count(0)
    button.press("Tab")
    page.keyboard.press("Escape")
    expect(page.locator(POPOVER)).to_have_count(0)
    expect(button).to_be_focused()
