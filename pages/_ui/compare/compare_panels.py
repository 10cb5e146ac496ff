"""Below the table: the chosen runs in four ways, what the sweep says, and blind votes."""

from typing import Any

import pandas as pd
import streamlit as st

from bgen_core.records.run import RunRecord
from bgen_core.store.store import SeenStore
from pages._ui.compare.blind_votes import votes_panel
from pages._ui.compare.compare_view import CompareView, change
from pages._ui.compare.comparison import side_by_side
from pages._ui.compare.findings import findings_panel
from pages._ui.compare.run_table import clear_choice
from pages._ui.shared.browser import is_telephone
from pages._ui.shared.measures import measure_choice
from pages._ui.shared.picture_viewer import MOST_AT_ONCE, VIEWER_MODES

_PANELS = {**VIEWER_MODES, "says": "What the sweep says", "vote": "Blind vote"}


def panels(runs: list[RunRecord], table: pd.DataFrame, store: SeenStore, view: CompareView) -> None:
    """Draw the panel that the view asks for; the others cost nothing."""
    chosen = table.set_index("id", drop=False).loc[[run.id for run in runs]]
    st.session_state["compare_panel"] = view.panel
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label = "Panel" if view.panel == "vote" else f"**{len(runs)}** chosen" if runs else "None chosen"
        shared: dict[str, Any] = {
            "key": "compare_panel",
            "format_func": _PANELS.__getitem__,
            "on_change": lambda: change(panel=st.session_state["compare_panel"]),
        }
        if is_telephone():  # a row of buttons would be cut off after the third
            st.selectbox(label, list(_PANELS), **shared)
        else:
            st.segmented_control(label, list(_PANELS), required=True, **shared)
        if view.panel in VIEWER_MODES and len(runs) > 1:
            measure_choice("Best by", chosen[:MOST_AT_ONCE], view)
        if runs:
            st.button("Clear choice", type="tertiary", on_click=clear_choice)
    if view.panel in VIEWER_MODES:
        if len(runs) < 2:
            st.caption(
                f"Tick 2 to {MOST_AT_ONCE} rows at their left edge to compare them."
                if not runs
                else "Tick another row to compare."
            )
        elif len(runs) > MOST_AT_ONCE:
            st.caption(f"{len(runs)} are chosen: the first {MOST_AT_ONCE} are shown.")
        if runs:
            mode = view.panel if len(runs) > 1 else "side"
            side_by_side(runs, chosen[:MOST_AT_ONCE], view, mode)
    elif view.panel == "says":
        findings_panel(table, store, runs, view)
    else:
        votes_panel(table, store, runs, view)
