"""What stands above the list of runs: its shape, how many there are, and their order."""

from dataclasses import replace

import pandas as pd
import streamlit as st

from bgen_core.runs.run_columns import RUN_COLUMNS, run_column
from pages._ui.compare.compare_view import GROUPED, SORTED, CompareView, change
from pages._ui.compare.filters import active_filters
from pages._ui.compare.meaning import meaning_popover
from pages._ui.compare.panes import fold_button
from pages._ui.compare.run_gallery import grid_controls
from pages._ui.compare.run_table import choose_all, columns_in, visible_ids
from pages._ui.compare.table_headings import begins_descending

_LISTS = {"gallery": "Gallery", "table": "Table", "grid": "Grid"}


def order_controls(view: CompareView) -> None:
    """Sort and group over all rows of the view."""
    labels = {"": "most alike" if view.is_searched else "newest first"} | {
        column.name: column.label for column in SORTED
    }
    # A field of its own: browsers send the words of an option, and those of the usual order are others here.
    key = "compare_sort_alike" if view.is_searched else "compare_sort"
    st.session_state[key] = view.sort.removeprefix("-")
    st.session_state["compare_falling"] = view.sort.startswith("-")

    def choose() -> None:
        column, falling = st.session_state[key], st.session_state.get("compare_falling", False)
        if column != view.sort.removeprefix("-"):  # a new column begins with what is best
            falling = bool(column) and begins_descending(run_column(column))
        change(sort=f"-{column}" if column and falling else column, page=1)

    st.selectbox(
        "Sort by",
        list(labels),
        key=key,
        format_func=lambda name: f"Sort: {labels[name]}",
        label_visibility="collapsed",
        help="Sorts all runs of this view, as a click on a heading of the table does.",
        on_change=choose,
        width=170,
    )
    if view.sort:
        st.toggle("Largest first", key="compare_falling", on_change=choose)
    if view.shape != "table":
        return
    groups = {"": "none"} | {column.name: column.label for column in GROUPED}
    st.session_state["compare_group"] = view.group if view.group in groups else ""
    st.selectbox(
        "Group by",
        list(groups),
        key="compare_group",
        format_func=lambda name: f"Group: {groups[name]}",
        label_visibility="collapsed",
        on_change=lambda: change(group=st.session_state["compare_group"]),
        width=170,
    )


def columns_popover(rows: pd.DataFrame, view: CompareView) -> None:
    """Choose the table's columns and their order."""
    labels = {column.name: column.label for column in RUN_COLUMNS}
    usual = columns_in(rows, replace(view, columns=()))
    st.session_state["compare_columns"] = list(view.columns or usual)

    def choose() -> None:
        chosen = tuple(st.session_state["compare_columns"])
        change(columns=() if chosen == usual else chosen)

    with st.popover("Columns", width=110):
        st.multiselect(
            "Columns",
            list(labels),
            key="compare_columns",
            format_func=labels.__getitem__,
            on_change=choose,
            help="In the order in which they are chosen.",
        )
        st.button("Usual columns", type="tertiary", on_click=lambda: change(columns=()))


def list_bar(rows: pd.DataFrame, total: int, view: CompareView, *, can_fold: bool) -> None:
    """Draw the lines above the list: its shape, how many runs it has, their order."""
    st.session_state["compare_list"] = view.shape
    count = f"**{len(rows):,}** of {total:,} runs" if len(rows) < total else f"**{len(rows):,}** runs"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.segmented_control(
            "List",
            list(_LISTS),
            key="compare_list",
            format_func=_LISTS.__getitem__,
            required=True,
            label_visibility="collapsed",
            on_change=lambda: change(shape=st.session_state["compare_list"]),
        )
        st.markdown(count, width="content")
        if can_fold:
            fold_button()
    with st.container(horizontal=True, vertical_alignment="center"):
        if view.shape == "grid":
            grid_controls(rows, view)
        else:
            order_controls(view)
        meaning_popover(view)
        active_filters(view)
        if view.shape == "table":
            columns_popover(rows, view)
            ids = visible_ids(rows, view)
            st.button(
                f"Choose these {len(ids)}",
                type="tertiary",
                help="Tick all rows on this page of the table.",
                on_click=choose_all,
                args=(ids,),
                disabled=not ids or bool(view.group),
            )
