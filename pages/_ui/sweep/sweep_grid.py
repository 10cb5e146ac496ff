"""The live grid: labelled axes, skeletons, previews of unfinished cells, pictures by URL."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import streamlit as st
from streamlit.components.v2 import component

from bgen_core.extent import Extent
from bgen_core.ids import BlobHash, RunId
from bgen_core.records.progress import CellProgress, SweepProgress
from bgen_core.records.sweep import SweepCellRow
from bgen_core.runs.links import run_url, thumbnail_url
from bgen_core.sweep.axes import AXIS_KINDS
from bgen_core.sweep.grid import Grid, arrange, default_axes, describe_place
from bgen_core.sweep.plan import SweepPlan
from pages._ui.shared.frontend_source import frontend_source
from pages._ui.shared.html_templates import render
from pages._ui.shared.left_out import quoted_value, say_left_out

_AXIS_LABELS = frozenset(kind.label for kind in AXIS_KINDS)
MOST_IN_A_ROW = 6  # more values of a single axis flow over several rows

_clicks = component("bgen_cell_clicks", js=frontend_source("cell_clicks.js"))


def arrangement(plan: SweepPlan) -> Grid:
    """Choosers for columns, rows and the fixed values of the other axes; returns the page that they show."""
    _say_unknown_places(plan)
    if len(plan.axes) < 2:
        across, down = default_axes(plan)
        return arrange(plan, across=across, down=down, fixed={})
    # A bound chooser keeps its label in the URL, so labels are its options.
    names = {axis.kind.label: axis.name for axis in plan.axes}
    labels = {name: label for label, name in names.items()}
    for key, name in zip(("x", "y"), default_axes(plan), strict=True):
        if (st.session_state.get(key) or st.query_params.get(key)) not in names:
            st.session_state[key] = labels[name] if name else None
    shown = [st.session_state.get(key) or st.query_params.get(key) for key in ("x", "y")]
    if shown[0] == shown[1]:
        st.session_state["y"] = next(label for label in names if label != shown[0])
    fixed: dict[str, int] = {}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        across = names[st.selectbox("Across", list(names), key="x", bind="query-params", width=150)]
        down = names[st.selectbox("Down", list(names), key="y", bind="query-params", width=150)]
        st.button("⇄ Swap", on_click=_swap, help="Exchange rows and columns; nothing is computed again.")
        for axis in plan.axes:
            if axis.name not in (across, down):
                chosen = st.selectbox(
                    axis.kind.label, range(len(axis.values)), format_func=axis.labels.__getitem__,
                    key=f"page_{axis.name}", width=150,
                )  # fmt: skip
                fixed[axis.name] = chosen
    return arrange(plan, across=across, down=down, fixed=fixed)


def _say_unknown_places(plan: SweepPlan) -> None:
    """Say which `x` and `y` of a link this plan does not have; the choosers then begin with the usual axes."""
    offered = [axis.kind.label for axis in plan.axes]
    for key in ("x", "y"):
        asked = st.query_params.get(key, "")
        if not asked or st.session_state.get(key):
            continue
        if asked not in _AXIS_LABELS:
            say_left_out(f"{quoted_value(key, asked)} is not known.")
            if len(offered) < 2:  # else the chooser takes it out of the address
                del st.query_params[key]
        elif len(offered) < 2:  # no chooser: what it held when there were more may still stand in the address
            continue
        elif asked not in offered:
            say_left_out(f"{quoted_value(key, asked)} is not varied here.")
        elif key == "y" and asked == st.query_params.get("x"):
            say_left_out(f"{quoted_value(key, asked)} lies across already.")


def _swap() -> None:
    st.session_state["x"], st.session_state["y"] = st.session_state["y"], st.session_state["x"]


@dataclass(frozen=True, kw_only=True)
class GridContent:
    """What stands in the grid's places.

    Attributes
    ----------
    plan
        Whose cells they are.
    cells
        The sweep's cells by their index; None before it is submitted, when all places are empty.
    progress
        What the worker is painting, if anything.
    pictures
        Run id -> content address of its picture.
    extent
        Size of the pictures; empty places have their aspect.
    """

    plan: SweepPlan
    extent: Extent
    cells: Mapping[int, SweepCellRow] | None = None
    progress: SweepProgress | None = None
    pictures: Mapping[RunId, BlobHash] = field(default_factory=dict[RunId, BlobHash])

    def place(self, index: int) -> "_Place":
        """One place: the picture, why there is none, a preview, or nothing yet."""
        cell = self.cells.get(index) if self.cells else None
        if self.plan.only is not None and index not in self.plan.only:
            return _LEFT_OUT
        if cell and cell.done and cell.run_id in self.pictures:
            return _Place(
                index=index,
                picture=thumbnail_url(self.pictures[cell.run_id], 512),
                alt=describe_place(self.plan, index),
                link=run_url(cell.run_id[:16]),
            )
        if cell and cell.error:
            return _Place(error=cell.error)
        under_way = self.progress.cells.get(index) if self.progress else None
        return _Place(under_way=under_way) if under_way else _NOTHING_YET


@dataclass(frozen=True, kw_only=True)
class _Place:
    """What the template draws in one place: the first of these that there is."""

    left_out: bool = False
    picture: str = ""
    alt: str = ""
    link: str = ""
    index: int = 0
    error: str = ""
    under_way: CellProgress | None = None


_LEFT_OUT, _NOTHING_YET = _Place(left_out=True), _Place()


def grid_html(grid: Grid, content: GridContent) -> str:
    """The grid as a table with labelled edges; a single long axis flows over several rows."""
    columns = grid.across.labels if grid.across else ()
    labels = grid.down.labels if grid.down else (None,)
    return render(
        "sweep/sweep_grid.html",
        extent=content.extent,
        corner=grid.corner,
        columns=columns,
        rows=[(label, [content.place(index) for index in row]) for label, row in zip(labels, grid.cells, strict=True)],
        flowing=grid.down is None and len(columns) > MOST_IN_A_ROW,
    )


def clicked_cell() -> int | None:
    """Index of the grid's cell that was clicked just now, or None."""
    clicked = _clicks(key="cell_clicks", on_cell_change=lambda: None).cell
    return int(clicked) if isinstance(clicked, int | float) else None
