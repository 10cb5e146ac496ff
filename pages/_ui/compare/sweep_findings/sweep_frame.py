"""The cells of one sweep as the analysis takes them: a row for each made cell, its place on each axis, its measures."""

from dataclasses import dataclass
from itertools import chain

import pandas as pd
import streamlit as st

from bgen_core.errors import UserInputError
from bgen_core.ids import SweepId
from bgen_core.records.run import RunRecord
from bgen_core.records.sweep import SweepRecord
from bgen_core.runs.analysis.columns import SECONDS, TIMES, AxisColumn
from bgen_core.runs.analysis.lost_cells import race_text, stopped_text
from bgen_core.runs.made_by_sweep import runs_made_by
from bgen_core.store.store import SeenStore
from bgen_core.sweep.axes import Axis, Value
from bgen_core.sweep.plan import SweepPlan
from pages._ui.app.faults import told
from pages._ui.compare.compare_view import CompareView, change, say_of_link
from pages._ui.compare.rows_in_view import rows_in_view
from pages._ui.compare.sweep_titles import sweep_titles
from pages._ui.shared.left_out import quoted_value
from pages._ui.shared.measures import measures_in
from pages._ui.shared.plain_text import plain


@dataclass(frozen=True, kw_only=True, eq=False)
class SweepFrame:
    """One sweep's made cells.

    Attributes
    ----------
    sweep
        Which sweep.
    cells
        One row per cell: `id` of its run, a column for each axis under the axis's name, and the measures.
    axes
        Everything that was swept, with at least two values.
    reused
        How many of the runs were there before or made by another sweep: their times are left out.
    pasted
        How many of the others were only pasted again, before a background that was painted for another run.
    lost
        Sentences on values that lack cells which looked like losers.
    lacks_losers
        Whether single cells are missing for that reason, and not whole seeds of values alone.
    """

    sweep: SweepRecord
    cells: pd.DataFrame
    axes: tuple[AxisColumn, ...]
    reused: int = 0
    pasted: int = 0
    lost: tuple[str, ...] = ()
    lacks_losers: bool = False

    def axis(self, name: str, *, other_than: str = "") -> AxisColumn | None:
        """The axis of that name, or else one that is not the other: steps or guidance rather than seeds or prompts."""
        offered = [axis for axis in self.axes if axis.name != other_than]
        asked = (axis for axis in offered if axis.name == name)
        scales = (axis for axis in offered if axis.is_scale(self.cells))
        return next(chain(asked, scales, reversed(offered)), None)


def sweep_frame(table: pd.DataFrame, store: SeenStore, sweep: SweepRecord) -> SweepFrame:
    """Join the plan's cells with the wide table.

    Values come from the plan, not from the runs: a prompt in which two words were replaced has a place on two axes.
    """
    plan = SweepPlan.from_json(sweep.plan)
    axes = [axis for axis in plan.axes if len(axis.values) > 1]
    placed = store.sweeps.cells(sweep.id)
    run_ids = {cell.index: cell.run_id for cell in placed if cell.done}
    stopped = [cell.index for cell in placed if cell.is_stopped]
    lost = stopped_text(plan, stopped), race_text(store.races.of(sweep.id), plan, run_ids.keys())
    rows = [
        {"id": run_ids[cell.index]}
        | {axis.name: _shown(axis, place) for axis, place in zip(plan.axes, cell.position, strict=True) if axis in axes}
        for cell in plan.cells()
        if cell.index in run_ids
    ]
    measured = measures_in(table.loc[table["id"].isin(list(run_ids.values()))])
    cells = pd.DataFrame(rows, columns=["id", *(axis.name for axis in axes)])
    columns = list(dict.fromkeys(["id", *(measure.name for measure in measured), SECONDS.name]))
    cells = cells.merge(table[columns], on="id", how="left")
    own = cells["id"].isin(list(runs_made_by(store, sweep.id)))
    pasted = cells.loc[own & cells[SECONDS.name].isna(), "id"].nunique()
    for name in TIMES:
        if name in cells:
            cells[name] = cells[name].where(own)
    return SweepFrame(
        sweep=sweep,
        cells=cells,
        axes=tuple(AxisColumn(name=axis.name, label=axis.label) for axis in axes),
        reused=cells.loc[~own, "id"].nunique(),
        pasted=pasted,
        lost=tuple(text for text in lost if text),
        lacks_losers=bool(stopped),
    )


def sweep_in_view(store: SeenStore, table: pd.DataFrame, runs: list[RunRecord], view: CompareView) -> SweepFrame | None:
    """Draw the choice of a sweep: the view's, one of the first run that is chosen or passes its filter, or the newest.

    Returns None, and says so, where there is none that varies anything.
    """
    titles = sweep_titles(store, also=view.sweep)
    suggested = view.sweep if view.sweep in titles else ""
    if view.sweep and not suggested and view.panel == "vote":  # elsewhere the filter says it
        say_of_link(f"{quoted_value('sweep', view.sweep)} is not known.")
    if not suggested:
        in_view = rows_in_view(table, store, view)["id"].tolist() if view.is_filtered else []
        first = next(iter([*(run.id for run in runs), *in_view]), None)
        of_run = [] if first is None else [sweep.id for sweep in store.sweeps.of_run(first)]
        suggested = next(iter([*of_run, *titles]), "")
    if not suggested:
        st.info("These runs belong to no sweep: vary a parameter on the sweep page, and what it does is said here.")
        return None
    st.session_state["compare_asked_sweep"] = suggested
    st.selectbox(
        "Sweep",
        list(titles),
        key="compare_asked_sweep",
        format_func=titles.__getitem__,
        on_change=lambda: change(sweep=st.session_state["compare_asked_sweep"], axis="", against="", page=1),
        width=300,
    )
    try:
        return sweep_frame(table, store, store.sweeps.get(SweepId(suggested)))
    except UserInputError as error:
        st.warning(plain(told(error)))
        return None


def asked_axis(frame: SweepFrame, field: str, name: str, *, other_than: str = "") -> AxisColumn | None:
    """The axis that a field of the view names, or else another one of the sweep's, which is said of a link."""
    axis = frame.axis(name, other_than=other_than)
    if name and (axis is None or axis.name != name):
        why = "is the axis itself" if name == other_than else "is not varied in this sweep"
        say_of_link(f"{quoted_value(field, name)} {why}.")
    return axis


def axis_choice(label: str, field: str, frame: SweepFrame, chosen: AxisColumn, *, other_than: str = "") -> None:
    """Draw the choice of an axis, which goes into a field of the view."""
    labels = {axis.name: axis.label for axis in frame.axes if axis.name != other_than}
    key = f"compare_{field}"
    st.session_state[key] = chosen.name
    st.selectbox(
        label,
        list(labels),
        key=key,
        format_func=labels.__getitem__,
        on_change=lambda: change(**{field: st.session_state[key]}, ends=(0, 0)),
        width=180,
    )


def _shown(axis: Axis, place: int) -> Value:
    return axis.values[place] if axis.is_scale else axis.labels[place]
