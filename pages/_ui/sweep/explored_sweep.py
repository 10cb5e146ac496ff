"""A second pass beside its first: the explored pictures in the places that are being finished."""

import streamlit as st

from bgen_core.errors import UserInputError
from bgen_core.ids import BlobHash, SweepId
from bgen_core.records.sweep import SweepRecord
from bgen_core.store.store import SeenStore
from bgen_core.sweep.explore import STEPS
from bgen_core.sweep.plan import SweepPlan
from pages._ui.app import page_files
from pages._ui.shared.plain_text import plain


def explored_pictures(store: SeenStore, sweep: SweepRecord, plan: SweepPlan) -> dict[int, BlobHash]:
    """Index in the second pass -> picture of its cell in the first; empty for a sweep that finishes none."""
    if sweep.explored is None:
        return {}
    try:
        cells = store.sweeps.cells(sweep.explored)
    except UserInputError:  # deleted meanwhile
        return {}
    pictures = store.runs.images(cell.run_id for cell in cells if cell.done)
    # Several numbers of steps are the last axis: each explored cell has so many places in a row.
    count = next((len(axis.values) for axis in plan.axes if axis.name == STEPS), 1)
    return {
        cell.index * count + step: pictures[cell.run_id][0]
        for cell in cells
        if cell.run_id in pictures
        for step in range(count)
    }


def way_back(store: SeenStore, sweep: SweepRecord) -> None:
    """A link to the first pass, where there is one."""
    if sweep.explored is not None:
        link_back(store, sweep.explored)


def link_back(store: SeenStore, sweep_id: SweepId) -> None:
    """A link to another sweep, unless it is gone."""
    try:
        other = store.sweeps.get(sweep_id)
    except UserInputError:
        return
    st.page_link(page_files.SWEEP, label=f"← Back to the sweep {plain(other.title)}", query_params={"id": sweep_id})
