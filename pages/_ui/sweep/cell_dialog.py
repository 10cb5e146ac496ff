"""One cell of the grid, large: its picture, what made it, and where to go with it."""

import re
from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.components.v2 import component

from bgen_core.errors import UserInputError
from bgen_core.ids import RunId
from bgen_core.metrics import METRICS
from bgen_core.parameters import PARAMETERS, PROMPTS
from bgen_core.records.run import RunRecord
from bgen_core.records.sweep import SweepCellRow
from bgen_core.runs.attempt_words import attempt_text
from bgen_core.runs.links import download_name, picture_url
from bgen_core.runs.table import FIELDS, acts
from bgen_core.store.store import SeenStore
from bgen_core.sweep.grid import describe_place
from bgen_core.sweep.plan import SweepPlan
from pages._ui.app import page_files
from pages._ui.app.faults import told
from pages._ui.compare.comparison import value_table
from pages._ui.identity.viewers import looks_alone
from pages._ui.shared.frontend_source import frontend_source
from pages._ui.shared.picture_viewer import VIEWER_MODES, Badge, ViewerMode, picture_viewer
from pages._ui.shared.plain_text import plain
from pages._ui.shared.run_facts import opinion_fields
from pages._ui.sweep.queue_panel import ask
from pages._ui.sweep.sweep_grid import ROWS, clicked_cell

MARKED = "marked_cell"
_PARAMETER = "cell"  # in the address, counted from 1
_WALKS = (
    ("Before", "ArrowLeft", (0, -1)),
    ("Next", "ArrowRight", (0, 1)),
    ("Above", "ArrowUp", (-1, 0)),
    ("Below", "ArrowDown", (1, 0)),
)
_FIRST = (*(parameter.field for parameter in PARAMETERS if parameter.short or parameter in PROMPTS), "seconds")
# The others are shown where they are in use.
_WHERE_USED = {parameter.field: parameter.default for parameter in PARAMETERS if parameter.field not in _FIRST}

_keys = component("bgen_rating_keys", js=frontend_source("rating_keys.js"))


def show_opened_cell(store: SeenStore, plan: SweepPlan, cells: Sequence[SweepCellRow]) -> None:
    """Draw the cell that the address names or that was clicked just now; nothing where it is not made."""
    if (clicked := clicked_cell()) is not None:
        _open(clicked)
    finished = {cell.index: cell for cell in cells if cell.done}
    if _opened() in finished:
        _dialog(store, plan, finished)
    else:
        _close()


def _open(index: int) -> None:
    st.query_params[_PARAMETER] = str(index + 1)


def _opened() -> int | None:
    """Index of the cell in the address; None where there is none."""
    asked = st.query_params.get(_PARAMETER, "")
    return int(asked) - 1 if re.fullmatch("[0-9]{1,6}", asked, re.ASCII) else None


def _close() -> None:
    st.query_params.pop(_PARAMETER, None)


@st.dialog("Cell", width="large", on_dismiss=_close)
def _dialog(store: SeenStore, plan: SweepPlan, finished: Mapping[int, SweepCellRow]) -> None:
    """Draw the opened cell; arrow keys walk to the finished ones beside it as the grid shows them, Esc closes."""
    opened = _opened()
    rows = shown_rows(list(finished))
    if opened in finished and not any(opened in row for row in rows):  # the grid that told them showed another sweep
        rows = [list(finished)]
    places = [index for row in rows for index in row]
    index = opened if opened in places else places[0]
    try:
        run = store.runs.get(finished[index].run_id)
        marked = _marked_run(store, run.id)
    except UserInputError as error:
        st.warning(plain(told(error)))
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, key, (down, across) in _WALKS:
            st.button(
                label, key=f"cell_{key.lower()}", shortcut=key, on_click=_open,
                args=(beside(rows, index, down=down, across=across),),
            )  # fmt: skip
        st.caption(f"{places.index(index) + 1} of {len(places)} · {plain(describe_place(plan, index))}")
    large, facts = st.columns([3, 2], gap="medium")
    with large:
        _pictures(
            run, marked, keys="arrows walk on" if looks_alone(store) else "arrows walk on · 1 to 5 rate, 0 takes back"
        )
    with facts:
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button("Use as base", type="primary", help="Fill the sweep page with this cell's parameters."):
                came_from = {"from": st.query_params["id"]} if "id" in st.query_params else {}
                st.switch_page(page_files.SWEEP, query_params={"base": run.id, **came_from})
            if st.button("Compare"):
                st.switch_page(page_files.COMPARE, query_params={"ids": run.id})
            st.page_link(page_files.RUN, label="Permalink", query_params={"id": run.id})
            st.link_button("PNG", picture_url(run.image, download=download_name(run)), type="tertiary")
        if not looks_alone(store):
            _rating_keys(store, run.id)
        _attempts(store, plan, finished[index])
        opinion_fields(store, run.id)
        shown = (
            field
            for field in FIELDS
            if acts(field, run)
            and (field.name in _FIRST or (field.name in _WHERE_USED and field.read(run) != _WHERE_USED[field.name]))
        )
        value_table({field.label: field.in_words(run) for field in shown})
        _metrics(store, run.id)


def _attempts(store: SeenStore, plan: SweepPlan, cell: SweepCellRow) -> None:
    """What the seeds that were tried gave, each with its own page where it is here: a ZIP may have left it out."""
    if not (text := attempt_text(cell, plan.redraw)):
        return
    st.caption(plain(text))
    others = [(number, each) for number, each in enumerate(cell.attempts, start=1) if each.run_id != cell.run_id]
    here = store.runs.visible(each.run_id for _, each in others)
    if here:
        with st.container(horizontal=True, vertical_alignment="center"):
            for number, each in others:
                if each.expansion is not None and each.run_id in here:
                    st.page_link(page_files.RUN, label=f"Attempt {number}", query_params={"id": each.run_id})


def shown_rows(finished: Sequence[int]) -> list[list[int]]:
    """The finished cells as the grid shows them, row by row; in the plan's order where it has not told."""
    told: list[list[int]] = st.session_state.get(ROWS) or [list(finished)]
    known = set(finished)
    rows = [[index for index in row if index in known] for row in told]
    return [row for row in rows if row] or [list(finished)]


def beside(rows: Sequence[Sequence[int]], index: int, *, down: int, across: int) -> int:
    """The cell beside one: rows are walked from end to end, one after the other; columns up and down."""
    if across:
        places = [each for row in rows for each in row]
        return places[(places.index(index) + across) % len(places)]
    at = next(number for number, row in enumerate(rows) if index in row)
    row = rows[(at + down) % len(rows)]
    return row[min(rows[at].index(index), len(row) - 1)]


def _marked_run(store: SeenStore, shown: RunId) -> RunRecord | None:
    marked: RunId | None = st.session_state.get(MARKED)
    if not marked or marked == shown:
        return None
    if marked not in store.runs.visible([marked]):  # it was deleted, or its owner hides it now
        del st.session_state[MARKED]
        return None
    return store.runs.get(marked)


def _pictures(run: RunRecord, marked: RunRecord | None, *, keys: str) -> None:
    """The cell's picture with zoom, or beside the marked one."""

    def mark(run_id: RunId | None) -> None:
        st.session_state[MARKED] = run_id

    modes = list(VIEWER_MODES)
    mode: ViewerMode = "side"
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.session_state.get(MARKED) == run.id:
            st.button("Unmark", on_click=mark, args=(None,), shortcut="m")
            st.caption("Marked: walk on, and each cell is shown beside it.")
        else:
            st.button(
                "Mark", on_click=mark, args=(run.id,), shortcut="m", help="Compare the other cells with this one."
            )
        if marked:
            mode = st.segmented_control(
                "Beside the marked cell", modes, default=modes[0], format_func=VIEWER_MODES.__getitem__, required=True,
                key="cell_mode", label_visibility="collapsed", persist_state="session",
            )  # fmt: skip
            st.button("Unmark", on_click=mark, args=(None,), key="unmark_other")
    runs = [marked, run] if marked else [run]
    badges: list[list[Badge]] = [[Badge(text=name, whole=name)] for name in ("marked", "this cell") if marked] or [[]]
    picture_viewer(
        runs, mode=mode, badges=badges, best=[""] * len(runs),
        pair=(0, len(runs) - 1), on_pair=lambda _: None, page_keys=keys,
    )  # fmt: skip


def _rating_keys(store: SeenStore, run_id: RunId) -> None:
    """Listen for 1 to 5, and 0 for none, wherever nothing is being typed."""

    def pressed() -> None:
        key = st.session_state["rating_keys"].get("pressed")
        if key is not None:
            ask(store.opinions.rate, run_id, int(key) or None)

    _keys(key="rating_keys", on_pressed_change=pressed)


def _metrics(store: SeenStore, run_id: RunId) -> None:
    """What was measured, with its unit; the worker measures while nothing waits."""
    measured = store.metrics.of([run_id]).get(run_id, {})
    if not measured:
        st.caption("Not measured yet: that is done while nothing waits.")
        return
    known = [(metric, measured[metric.name].value) for metric in METRICS if metric.name in measured]
    value_table({metric.heading: metric.text(value) for metric, value in known if value is not None})
