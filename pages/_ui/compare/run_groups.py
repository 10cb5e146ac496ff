"""Runs grouped by one parameter: how many, and mean and spread of the measures, instead of the rows themselves."""

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from bgen_core.runs.analysis.best import all_equal
from bgen_core.runs.analysis.columns import Measure
from bgen_core.runs.analysis.groups import against_spread, best_groups, group_runs
from bgen_core.runs.analysis.noise import noise_text
from bgen_core.runs.run_columns import run_column
from bgen_core.runs.value_notes import notes_text, value_notes
from pages._ui.app import resources
from pages._ui.compare.compare_view import CompareView, change
from pages._ui.shared.measures import measure_choice, measures_in
from pages._ui.shared.plain_text import plain

_SHOWN_AT_ONCE = 4
_KEY = "compare_groups"
_BEST = "best_group"
_BETTER = {
    "lower": "lower is better.",
    "higher": "higher is better.",
    "none": "neither side is better, so no group is marked.",
}


def group_table(rows: pd.DataFrame, view: CompareView) -> None:
    """Draw one row for each value of the column that is grouped by; choosing one filters by it."""
    column = run_column(view.group)
    known = measures_in(rows)
    measure = measure_choice("Measure", rows, view, place="groups", width=260)
    noisy = None if measure is None else against_spread(measure, rows, view.group)
    measures = known if measure is None else [measure, *(each for each in known if each != measure)]
    measures = measures[:_SHOWN_AT_ONCE]
    grouped = group_runs(rows, view.group, [each.name for each in measures])
    values = grouped[view.group].tolist()
    config: dict[str, Any] = {
        view.group: st.column_config.Column(column.label, help=column.help),
        "runs": st.column_config.NumberColumn("Runs", width=80),
    }
    if noisy is not None and any(best := best_groups(grouped, noisy)):
        grouped.insert(2, _BEST, ["best" if each else "" for each in best])
        config[_BEST] = st.column_config.TextColumn(
            "Best", help=f"By the mean {noisy.spoken}, beyond what runs within a group differ by.", width=80
        )
    for each in measures:
        config[f"{each.name}_mean"] = st.column_config.NumberColumn(
            f"{each.heading}, mean", format="%.4g", help=_BETTER[each.direction]
        )
        config[f"{each.name}_spread"] = st.column_config.NumberColumn(
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
    for line in ("" if noisy is None else _says(grouped, rows, noisy), "Choose a row to see its runs."):
        if line:
            st.caption(plain(line))


def _says(grouped: pd.DataFrame, rows: pd.DataFrame, measure: Measure) -> str:
    """Which side is better, which group is best, and what stands beside the values."""
    means = grouped[f"{measure.name}_mean"].dropna()
    best = _alike(measure, means.tolist()) if len(means) > 1 and all_equal(means, measure.noise) else ""
    measured = rows.loc[rows[measure.name].notna(), "id"].tolist()
    notes = notes_text(value_notes(resources.store(), measure.name, measured), len(measured))
    return " ".join(text for text in (f"{measure.label}: {_BETTER[measure.direction]}", best, notes) if text)


def _alike(measure: Measure, means: list[float]) -> str:
    if all_equal(means):
        return "All groups have the same mean."
    return f"No group is best: their means are within the noise of {noise_text(measure)}."


def _filter(values: list[Any], view: CompareView) -> None:
    chosen = st.session_state[_KEY]["selection"]["rows"]
    if not chosen or chosen[0] >= len(values):
        return
    value = values[chosen[0]]
    piece = "" if pd.isna(value) else f"{value:.12g}" if isinstance(value, float) else str(value)
    change(conditions=view.with_pieces(view.group, [piece]).conditions, group="", page=1)
