"""Beside the list: the chosen runs in four ways, what the sweep says, and blind votes."""

from collections.abc import Set
from string import ascii_uppercase
from typing import Any

import pandas as pd
import streamlit as st

from bgen_core.ids import RunId
from bgen_core.records.run import RunRecord
from bgen_core.store.store import SeenStore
from pages._ui.compare.blind_votes import votes_panel
from pages._ui.compare.compare_view import CompareView, change
from pages._ui.compare.comparison import side_by_side
from pages._ui.compare.delete_dialog import delete_button
from pages._ui.compare.meaning import more_like_button
from pages._ui.compare.opinions_popover import opinions_popover
from pages._ui.compare.panes import unfold_button
from pages._ui.compare.run_table import clear_choice
from pages._ui.compare.sweep_findings.panel import findings_panel
from pages._ui.shared.browser import is_telephone
from pages._ui.shared.measures import measure_choice
from pages._ui.shared.picture_viewer import MOST_AT_ONCE, VIEWER_MODES

_PANELS = {**VIEWER_MODES, "says": "Sweep says", "vote": "Blind vote"}


def panels(
    runs: list[RunRecord], table: pd.DataFrame, store: SeenStore, view: CompareView, *, seen: Set[RunId]
) -> None:
    """Draw the panel that the view asks for; the others cost nothing.

    Parameters
    ----------
    seen
        The runs that pass the filter: nobody changes what they do not see.
    """
    chosen = table.set_index("id", drop=False).loc[[run.id for run in runs]]
    with st.container(horizontal=True, vertical_alignment="center"):
        if runs and view.panel != "vote":
            unfold_button()
        _panel_choice(view)
    if runs and view.panel != "vote":
        with st.container(horizontal=True, vertical_alignment="center"):
            _choice_bar(runs, chosen, store, view, seen)
    if view.panel == "says":
        findings_panel(table, store, runs, view)
    elif view.panel == "vote":
        votes_panel(table, store, runs, view)
    else:
        _pictures(runs, chosen, table, view)


def _choice_bar(
    runs: list[RunRecord], chosen: pd.DataFrame, store: SeenStore, view: CompareView, seen: Set[RunId]
) -> None:
    ids = [run.id for run in runs if run.id in seen]
    st.markdown(f"**{len(runs)}** chosen", width="content")
    opinions_popover(store, ids)
    delete_button(store, ids, hidden=len(runs) - len(ids))
    if len(runs) == 1:
        more_like_button(runs[0].id)
    st.button("Clear choice", type="tertiary", on_click=clear_choice)
    if view.panel in VIEWER_MODES and len(runs) > 1:
        _baseline_choice(runs[:MOST_AT_ONCE], view)
        measure_choice("Best by", chosen[:MOST_AT_ONCE], view, width=240, is_in_line=True)


def _panel_choice(view: CompareView) -> None:
    st.session_state["compare_panel"] = view.panel
    shared: dict[str, Any] = {
        "label": "Panel",
        "options": list(_PANELS),
        "key": "compare_panel",
        "format_func": _PANELS.__getitem__,
        "on_change": lambda: change(panel=st.session_state["compare_panel"]),
        "label_visibility": "collapsed",
    }
    if is_telephone():  # a row of buttons would be cut off after the third
        st.selectbox(**shared)
    else:
        st.segmented_control(**shared, required=True)


def _baseline_choice(runs: list[RunRecord], view: CompareView) -> None:
    """Choose the run against which the others are measured."""
    ids = {run.id: letter for run, letter in zip(runs, ascii_uppercase, strict=False)}
    st.session_state["compare_baseline"] = next((each for each in ids if view.is_baseline(each)), "")
    st.selectbox(
        "Baseline",
        ["", *ids],
        key="compare_baseline",
        format_func=lambda run_id: f"Baseline: {ids.get(run_id, 'none')}",
        label_visibility="collapsed",
        help="Measures of the others are shown as differences from this run's, here and in the table.",
        on_change=lambda: change(baseline=st.session_state["compare_baseline"]),
        width=150,
    )


def _pictures(runs: list[RunRecord], chosen: pd.DataFrame, table: pd.DataFrame, view: CompareView) -> None:
    if not runs:
        with st.container(border=True):
            st.markdown(f"Tick up to {MOST_AT_ONCE} runs to see them here, large and side by side.")
        return
    if len(runs) > MOST_AT_ONCE:
        st.caption(f"{len(runs)} are chosen: the first {MOST_AT_ONCE} are shown.")
    if len(runs) == 1:
        st.caption("Tick another run to compare.")
    mode = view.panel if len(runs) > 1 and view.panel in VIEWER_MODES else "side"
    side_by_side(runs, chosen[:MOST_AT_ONCE], table, view, mode)
