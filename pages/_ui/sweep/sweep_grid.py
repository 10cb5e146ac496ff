"""The live grid: what stands in its places, drawn and arranged by a component in plain JavaScript."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from bgen_core.extent import Extent
from bgen_core.ids import BlobHash, RunId
from bgen_core.json_value import JsonValue
from bgen_core.metrics import JUDGING
from bgen_core.records.progress import SweepProgress
from bgen_core.records.sweep import SweepCellRow
from bgen_core.runs.analysis.columns import Measure
from bgen_core.runs.analysis.noise import shade
from bgen_core.runs.attempt_words import attempt_text
from bgen_core.runs.short_texts import short_texts
from bgen_core.sweep.grid import beginning
from bgen_core.sweep.plan import SweepPlan
from pages._ui.shared.component_data import component_data
from pages._ui.shared.frontend_source import frontend_source
from pages._ui.sweep.grid_arrangement import Arrangement, keep_in_address, told_arrangement
from pages._ui.sweep.ticked_cells import TICKED

STARS = "stars"
ROWS = "shown_rows"
_LONGEST_LABEL = 40
_EVENTS = "cell_clicks"

# Streamlit registers a component once, when its module is imported.
_events = component("bgen_cell_clicks", js=frontend_source("cell_clicks.js"))
_grid = component(
    "bgen_sweep_grid",
    html='<div class="sweep-grid"></div>\n<!-- filled by the script -->',
    css=frontend_source("sweep_grid.css"),
    js=frontend_source("in_order.js", "sweep_grid.js"),
)


def badge_names() -> list[str]:
    """What can stand on the cells: stars, or a metric that says which way is better."""
    return [STARS, *(metric.name for metric in JUDGING)]


@dataclass(frozen=True, kw_only=True)
class GridContent:
    """What stands in the grid's places.

    Attributes
    ----------
    plan
        Whose cells they are.
    extent
        Size of the pictures; empty places have their aspect.
    cells
        The cells by their index.
    progress
        What the worker is painting, if anything.
    pictures
        Run id -> content address of its picture.
    stars
        Run id -> rating, where there is one.
    explored
        Index -> content address of the picture with few steps that this place finishes.
    values, measure
        Run id -> value of the metric that is the badge, and that metric with the noise among these cells.
    """

    plan: SweepPlan
    extent: Extent
    cells: Mapping[int, SweepCellRow] = field(default_factory=dict[int, SweepCellRow])
    progress: SweepProgress | None = None
    pictures: Mapping[RunId, BlobHash] = field(default_factory=dict[RunId, BlobHash])
    stars: Mapping[RunId, int] = field(default_factory=dict[RunId, int])
    explored: Mapping[int, BlobHash] = field(default_factory=dict[int, BlobHash])
    values: Mapping[RunId, float] = field(default_factory=dict[RunId, float])
    measure: Measure | None = None

    def places(self) -> list[Any]:
        """What the component draws at each index; see sweep_grid.js."""
        only = None if self.plan.only is None else set(self.plan.only)
        return [
            self._place(index) if only is None or index in only else self._not_asked_for(index)
            for index in range(self.plan.places)
        ]

    def _not_asked_for(self, index: int) -> dict[str, Any] | int:
        return {"u": self.explored[index]} if index in self.explored else 0

    def _place(self, index: int) -> dict[str, Any] | None:
        cell = self.cells.get(index)
        also = {"u": self.explored[index]} if index in self.explored else {}
        if cell and cell.done and cell.run_id in self.pictures:
            stars = self.stars.get(cell.run_id)
            rated = {"stars": stars} if stars else {}
            return {"p": self.pictures[cell.run_id], "r": cell.run_id[:16], **rated, **also, **self._tried(cell)}
        if cell and cell.error:
            return {"e": cell.error, **({"x": 1} if cell.is_stopped else {})}
        under_way = self.progress.cells.get(index) if self.progress else None
        if under_way:
            return {"s": [under_way.step, under_way.of], "v": under_way.preview, **also}
        return also or None

    def _tried(self, cell: SweepCellRow) -> dict[str, Any]:
        """What several seeds gave, and whether another one is under way."""
        if len(cell.attempts) < 2:
            return {}
        return {"n": cell.attempt + 1, "t": attempt_text(cell, self.plan.redraw), "w": not cell.is_over}

    def heat(self) -> dict[str, tuple[float, str]]:
        """Index -> how good the value is from 0 to 1 among those of the grid, and the value."""
        if not self.values or self.measure is None:
            return {}
        is_lower_better = self.measure.direction == "lower"
        low, high = min(self.values.values()), max(self.values.values())
        scaled: dict[str, tuple[float, str]] = {}
        for index, cell in self.cells.items():
            value = self.values.get(cell.run_id)
            if value is not None:
                share = shade(value, low, high, self.measure.noise)
                scaled[str(index)] = (round(1 - share if is_lower_better else share, 3), self.measure.text(value))
        return scaled


def grid_data(content: GridContent, shown: Arrangement, *, ticking: bool = False) -> dict[str, Any]:
    """All that the component is told, as sweep_grid.js describes it."""
    plan = content.plan
    return {
        "axes": [
            {
                "name": axis.name,
                "label": axis.label,
                "values": list(axis.labels),
                "short": short_texts(axis.labels, _LONGEST_LABEL),
            }
            for axis in plan.axes
        ],
        "shown": shown.to_json(),
        "places": content.places(),
        "aspect": [content.extent.width, content.extent.height],
        "prompt": beginning(plan),
        "ticked": st.session_state.get(TICKED, []) if ticking else [],
        "ticking": ticking,
        "badges": [[STARS, "Rating"], *([metric.name, metric.label] for metric in JUDGING)],
        "heat": content.heat(),
    }


def draw_grid(content: GridContent, shown: Arrangement, *, ticking: bool = False) -> None:
    """Draw the grid; what is done in it is told to `watch_grid`."""
    _grid(key="sweep_grid", data=component_data("sweep_grid", grid_data(content, shown, ticking=ticking)))


def watch_grid(on_rated: Callable[[int, int | None], None]) -> None:
    """Hear what is done in the grid: an arrangement goes into the address, ticks to the second pass.

    Parameters
    ----------
    on_rated
        Called with a cell's index and its stars, None where they are taken back.
    """

    def arranged() -> None:
        keep_in_address(told_arrangement(st.session_state[_EVENTS].get("shown") or {}))

    def ticked() -> None:
        told: Sequence[Any] = st.session_state[_EVENTS].get("ticked") or []
        st.session_state[TICKED] = [int(index) for index in told]

    def opened() -> None:
        told: dict[str, Any] = st.session_state[_EVENTS].get("opened") or {}
        st.session_state[ROWS] = told.get("rows") or []

    def rated() -> None:
        told: dict[str, Any] = st.session_state[_EVENTS].get("rated") or {}
        if told:
            on_rated(int(told["index"]), int(told["stars"]) or None)

    found = _events(
        key=_EVENTS, on_shown_change=arranged, on_ticked_change=ticked, on_opened_change=opened, on_rated_change=rated
    )
    clicked: JsonValue = found.opened
    st.session_state["clicked_cell"] = clicked.get("index") if isinstance(clicked, dict) else None


def clicked_cell() -> int | None:
    """Index of the grid's cell that was clicked just now, or None."""
    return st.session_state.get("clicked_cell")
