"""The live grid: labelled axes, skeletons, previews of unfinished cells, pictures by URL."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

import streamlit as st

from bgen_core.extent import Extent
from bgen_core.ids import BlobHash, RunId
from bgen_core.records.progress import CellProgress, SweepProgress
from bgen_core.runs.links import thumbnail_url
from bgen_core.store.sweeps import SweepCellRow
from bgen_core.sweep.grid import Grid, arrange, default_axes, describe_place
from bgen_core.sweep.plan import SweepPlan

EMPTY = "background:rgba(128,128,128,.14);border-radius:4px"
LABEL = "font-size:.8rem;opacity:.75;padding:2px 6px;text-align:center;font-weight:600"
# Narrower cells are not pictures any more: the grid then scrolls sideways in its own box.
NARROWEST = 110
LABEL_WIDTH = 84
MOST_IN_A_ROW = 6  # more values of a single axis flow over several rows


def arrangement(plan: SweepPlan) -> Grid:
    """Choosers for columns, rows and the fixed values of the other axes; returns the page that they show."""
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

    def html(self, index: int) -> str:
        """One place: the picture, why there is none, a preview, or nothing yet."""
        box = (
            f"width:100%;aspect-ratio:{self.extent.width}/{self.extent.height};display:block;border-radius:4px;"
            "object-fit:contain"  # subjects of one grid may have other shapes
        )
        cell = self.cells.get(index) if self.cells else None
        if self.plan.only is not None and index not in self.plan.only:
            return f'<div style="{box}"></div>'
        if cell and cell.done and cell.run_id in self.pictures:
            source = escape(thumbnail_url(self.pictures[cell.run_id], 512))
            named = escape(describe_place(self.plan, index))
            picture = f'<img src="{source}" alt="{named}" loading="lazy" style="{box}">'
            return f'<a href="/run?id={cell.run_id[:16]}" data-cell="{index}">{picture}</a>'
        if cell and cell.error:
            return f'<div style="{box};{EMPTY};padding:6px;font-size:.8rem;overflow:auto">{escape(cell.error)}</div>'
        under_way = self.progress.cells.get(index) if self.progress else None
        return _unfinished(under_way, box)


def grid_html(grid: Grid, content: GridContent) -> str:
    """The grid as a table with labelled edges; a single long axis flows over several rows."""
    columns = len(grid.cells[0])
    if grid.across and not grid.down and columns > MOST_IN_A_ROW:
        return _flowing(grid, content)
    head = "".join(f'<th style="{LABEL}">{_short(label)}</th>' for label in (grid.across.labels if grid.across else ()))
    corner = (
        f'<th style="{LABEL};width:{LABEL_WIDTH}px">{escape(_corner(grid))}</th>' if grid.down or grid.across else ""
    )
    lines: list[str] = []
    for place, row in enumerate(grid.cells):
        label = _short(grid.down.labels[place]) if grid.down else ""
        first = f'<th style="{LABEL};width:{LABEL_WIDTH}px">{label}</th>' if grid.down or grid.across else ""
        lines.append(f"<tr>{first}{''.join(_place(content.html(index)) for index in row)}</tr>")
    # A single picture needs no more than the height of a screen.
    widest = min(1100, 420 * columns)
    width = f"width:100%;max-width:{widest}px;min-width:{NARROWEST * columns}px"
    table = f'<table style="border-collapse:separate;border-spacing:4px;table-layout:fixed;border:0;{width}">'
    return f'<div style="overflow-x:auto">{table}<tr>{corner}{head}</tr>{"".join(lines)}</table></div>'


def _flowing(grid: Grid, content: GridContent) -> str:
    """Its pictures fill the width row by row, each with its value above."""
    labels = grid.across.labels if grid.across else ()
    places = "".join(
        f'<div><div style="{LABEL}">{_short(label)}</div>{content.html(index)}</div>'
        for label, index in zip(labels, grid.cells[0], strict=True)
    )
    title = f'<div style="{LABEL};text-align:left">{escape(_corner(grid))}</div>'
    columns = f"repeat(auto-fill,minmax({NARROWEST * 1.6:.0f}px,1fr))"
    return f'{title}<div style="display:grid;gap:6px;grid-template-columns:{columns}">{places}</div>'


def _place(picture: str) -> str:
    return f'<td style="padding:0;border:0;vertical-align:top">{picture}</td>'


def _corner(grid: Grid) -> str:
    down = grid.down.kind.label if grid.down else ""
    across = grid.across.kind.label if grid.across else ""
    return f"{down} ↓ {across} →" if down else f"{across} →"


def _short(label: str) -> str:
    text = label or "(none)"
    return f'<span title="{escape(text)}">{escape(text if len(text) <= 28 else text[:27] + "…")}</span>'


def _unfinished(under_way: CellProgress | None, box: str) -> str:
    if under_way is None:
        return f'<div style="{box};{EMPTY}"></div>'
    steps = (
        '<span style="position:absolute;right:6px;bottom:4px;font-size:.75rem;padding:0 5px;border-radius:3px;'
        f'background:rgba(0,0,0,.55);color:#fff">{under_way.step}/{under_way.of}</span>'
    )
    inner = (
        f'<img src="{escape(under_way.preview)}" alt="Preview after step {under_way.step}" style="{box}">'
        if under_way.preview
        else f'<div style="{box};{EMPTY}"></div>'
    )
    return f'<div style="position:relative">{inner}{steps}</div>'
