"""A component that is ended and begun again on the same element, as React does under load, shows everything once."""

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
}
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


def begun_twice(page: Page, source: str, html: str, data: dict[str, Any]) -> None:
    page.set_content(f'<div id="parent">{html}</div>')
    page.evaluate(TWICE, [frontend_source(source), data])
