"""Components as React treats them under load: ended and begun again on the same element, and called out of order."""

from typing import Any

import pytest
from playwright.sync_api import Page

from pages._ui.shared.frontend_source import frontend_source

pytestmark = pytest.mark.browser

AXES = [
    {"name": name, "label": name, "values": ["1", "2"], "short": ["1", "2"]} for name in ("steps", "seed")
]  # fmt: skip
GRID = {
    "axes": AXES,
    "shown": {"across": ["seed"], "down": ["steps"], "at": {}, "hide": {}, "size": "fit", "badge": ""},
    "places": [{"p": "a" * 64, "r": "b" * 16}, {"p": "c" * 64, "r": "d" * 16}, None, None],
    "aspect": [4, 3],
    "prompt": "a beach",
    "ticked": [],
    "ticking": False,
    "badges": [],
    "heat": {},
    "told": ["session", 1],
}
OVERTAKEN = """async ([source, early, late]) => {
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const { default: begin } = await import(url);
    const parentElement = document.querySelector("#parent");
    begin({ data: late, parentElement });
    const end = begin({ data: early, parentElement }); // it had to wait for the module longer than the later call
    end?.(); // as Streamlit does with what an overtaken call returns
}"""
TWICE = """async ([source, data]) => {
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const { default: begin } = await import(url);
    const told = { data, parentElement: document.querySelector("#parent"), setStateValue() {}, setTriggerValue() {} };
    const end = begin(told);
    end();
    begin(told);
}"""


def test_the_grid_stands_there_once(page: Page) -> None:
    begun_twice(page, "sweep_grid.js", '<div class="sweep-grid"></div>', GRID)
    assert page.locator("table").count() == 1
    assert page.locator("td img").count() == 2


def test_the_grid_shows_what_it_was_told_last_whatever_comes_last(page: Page) -> None:
    """Chromium lets calls that wait for a module's first arrival go on in any order."""
    later = {**GRID, "told": ["session", 2], "places": [GRID["places"][0]] * 4}
    page.set_content('<div id="parent"><div class="sweep-grid"></div></div>')
    page.evaluate(OVERTAKEN, [frontend_source("in_order.js", "sweep_grid.js"), GRID, later])
    assert page.locator("td img").count() == 4


def begun_twice(page: Page, source: str, html: str, data: dict[str, Any]) -> None:
    page.set_content(f'<div id="parent">{html}</div>')
    page.evaluate(TWICE, [frontend_source("in_order.js", source), data])
