"""One cell of the grid, large: its picture, what made it, and where to go with it."""

from collections.abc import Sequence

import streamlit as st

from bgen_core.errors import UserInputError
from bgen_core.ids import RunId
from bgen_core.metrics import METRICS
from bgen_core.parameters import PARAMETERS
from bgen_core.records.sweep import SweepCellRow
from bgen_core.runs.links import download_name, picture_url
from bgen_core.runs.table import FIELDS
from bgen_core.store.store import SeenStore
from bgen_core.sweep.grid import describe_place
from bgen_core.sweep.plan import SweepPlan
from pages._ui.app import page_files
from pages._ui.app.faults import told
from pages._ui.compare.comparison import value_table
from pages._ui.shared.pictures import picture
from pages._ui.shared.plain_text import plain

OPENED = "opened_cell"
_FIRST = (*(parameter.field for parameter in PARAMETERS if parameter.stage == "paint"), "seconds")
# What acts on the mask or the pasting is shown where it is in use.
_WHERE_USED = {parameter.field: parameter.default for parameter in PARAMETERS if parameter.stage != "paint"}


def open_cell(index: int) -> None:
    """Show a cell with the next drawing of the page."""
    st.session_state[OPENED] = index


@st.dialog("Cell", width="large")
def show_cell(store: SeenStore, plan: SweepPlan, cells: Sequence[SweepCellRow]) -> None:
    """Draw the opened cell; arrow keys walk to the finished ones beside it, Esc closes."""
    finished = [cell for cell in cells if cell.done]
    if not finished:
        st.info("No cell is finished yet.")
        return
    places = [cell.index for cell in finished]
    opened = st.session_state.get(OPENED)
    at = places.index(opened) if opened in places else 0
    cell = finished[at]

    def walk(steps: int) -> None:
        st.session_state[OPENED] = places[(at + steps) % len(places)]

    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Before", key="cell_before", shortcut="ArrowLeft", on_click=walk, args=(-1,))
        st.button("Next", key="cell_after", shortcut="ArrowRight", on_click=walk, args=(1,))
        st.caption(f"{at + 1} of {len(finished)} · {plain(describe_place(plan, cell.index))}")
    try:
        run = store.runs.get(cell.run_id)
    except UserInputError as error:
        st.warning(plain(told(error)))
        return
    large, facts = st.columns([3, 2], gap="medium")
    with large:
        picture(run, side=1024)
    with facts:
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button("Use as base", type="primary", help="Fill the sweep page with this cell's parameters."):
                st.switch_page(page_files.SWEEP, query_params={"base": run.id})
            if st.button("Compare"):
                st.switch_page(page_files.COMPARE, query_params={"ids": run.id})
            st.page_link(page_files.RUN, label="Permalink", query_params={"id": run.id})
            st.link_button("PNG", picture_url(run.image, download=download_name(run)), type="tertiary")
        shown = (
            field
            for field in FIELDS
            if field.name in _FIRST or (field.name in _WHERE_USED and field.read(run) != _WHERE_USED[field.name])
        )
        value_table({field.label: field.in_words(run) for field in shown})
        _metrics(store, run.id)


def _metrics(store: SeenStore, run_id: RunId) -> None:
    """What was measured, with its unit; the worker measures while nothing waits."""
    measured = store.metrics.of([run_id]).get(run_id, {})
    if not measured:
        st.caption("Not measured yet: that is done while nothing waits.")
        return
    known = [(metric, measured[metric.name].value) for metric in METRICS if metric.name in measured]
    value_table({metric.heading: f"{value:.4g}" for metric, value in known if value is not None})
