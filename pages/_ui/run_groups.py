"""Runs grouped by one parameter: how many, and mean and spread of the measures, instead of the rows themselves."""

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from bgen_core.runs.analysis.groups import group_runs
from bgen_core.runs.run_columns import run_column
from pages._ui.compare_view import CompareView, change
from pages._ui.measures import measure_choice, measures_in

_SHOWN_AT_ONCE = 4
_KEY = "compare_groups"


def group_table(rows: pd.DataFrame, view: CompareView) -> None:
    """Draw one row for each value of the column that is grouped by; choosing one filters by it."""
    column = run_column(view.group)
    known = measures_in(rows)
    measure_choice("Measure", rows, view, width=260)
    first = [measure for measure in known if measure.name == view.measure]
    measures = [*first, *(measure for measure in known if measure not in first)][:_SHOWN_AT_ONCE]
    grouped = group_runs(rows, view.group, [measure.name for measure in measures])
    values = grouped[view.group].tolist()
    config: dict[str, Any] = {
        view.group: st.column_config.Column(column.label, help=column.help),
        "runs": st.column_config.NumberColumn("Runs", width=80),
    }
    for measure in measures:
        config[f"{measure.name}_mean"] = st.column_config.NumberColumn(f"{measure.heading}, mean", format="%.4g")
        config[f"{measure.name}_spread"] = st.column_config.NumberColumn(
            "± spread", format="%.3g", help="Standard deviation of the runs in the group.", width=90
        )
    st.dataframe(
        grouped,
        key=_KEY,
        on_select=partial(_filter, values, view),
        selection_mode="single-row",
        column_config=config,
        hide_index=True,
        placeholder="–",
        alt=f"Runs grouped by {column.label}",
    )
    st.caption("Choose a row to see its runs.")


def _filter(values: list[Any], view: CompareView) -> None:
    chosen = st.session_state[_KEY]["selection"]["rows"]
    if not chosen or chosen[0] >= len(values):
        return
    value = values[chosen[0]]
    piece = "" if pd.isna(value) else f"{value:.12g}" if isinstance(value, float) else str(value)
    change(conditions=view.with_pieces(view.group, [piece]).conditions, group="", page=1)
