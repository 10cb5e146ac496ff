"""How the canvas lies on the page: as wide as its column, with wheel and drag to look at another part of the photo."""

import math

import streamlit as st
from streamlit.components.v2 import component
from streamlit.delta_generator import DeltaGenerator

from bgen_core.extent import Extent
from bgen_core.json_value import JsonValue
from pages._ui.mask.mask_drawing import settle
from pages._ui.mask.viewport import Viewport, current_viewport, look_at
from pages._ui.shared.component_data import component_data
from pages._ui.shared.frontend_source import frontend_source

CANVAS_PLACE = "mask_canvas_place"
PICTURE_PLACE = "mask_picture_place"
_KEY = "mask_canvas_look"
# Streamlit registers a component once, when its module is imported.
_look = component("bgen_mask_canvas", js=frontend_source("in_order.js", "mask_canvas.js"))


def sized_place(key: str, canvas: Extent) -> DeltaGenerator:
    """A container of the canvas's size, so that what comes below is drawn where it stays."""
    return st.container(key=key, width=canvas.width, height=canvas.height, border=False)


def fit_canvas(canvas: Extent, photo: Extent) -> None:
    """Fit both places into their columns, and listen to wheel and drag on the canvas."""

    def look() -> None:
        told: JsonValue = st.session_state[_KEY].get("looked")
        if (wanted := viewport_told(told, current_viewport(), photo)) is not None:
            settle()
            look_at(wanted)

    viewport = current_viewport()
    _look(
        key=_KEY,
        data=component_data(
            _KEY,
            {
                "place": f".st-key-{CANVAS_PLACE}",
                "beside": f".st-key-{PICTURE_PLACE}",
                "width": canvas.width,
                "height": canvas.height,
                "zoomed": viewport.zoom > 1,
                "look": str(viewport),
            },
        ),
        on_looked_change=look,
        width="content",
        height="content",
    )


def viewport_told(told: JsonValue, viewport: Viewport, photo: Extent) -> Viewport | None:
    """What to look at after what the browser tells; None where it tells nothing of that."""
    if not isinstance(told, dict):
        return None
    values = {name: float(value) for name, value in told.items() if isinstance(value, int | float)}
    if not all(math.isfinite(value) for value in values.values()):
        return None
    if values.keys() == {"steps", "x", "y"}:
        return viewport.zoomed(int(values["steps"]), values["x"], values["y"], photo)
    if values.keys() == {"right", "down"}:
        return viewport.moved(2 * values["right"], 2 * values["down"])
    return None
