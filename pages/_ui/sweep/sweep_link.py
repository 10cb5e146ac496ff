"""What the Sweep page's address asks for: a sweep to show, or a run to begin from; and the way back to it."""

import streamlit as st

from bgen_core.errors import UserInputError
from bgen_core.ids import SweepId
from bgen_core.records.sweep import SweepRecord
from bgen_core.store.store import SeenStore
from bgen_core.sweep.plan import SweepPlan
from pages._ui.app.faults import told
from pages._ui.sweep.sweep_form import fill_from_plan

_LAST = "last_sweep_address"


def return_to_last() -> None:
    """Where the address says nothing, as after a click on the page's tab, say what it said last in this session."""
    last: dict[str, list[str]] = st.session_state.get(_LAST, {})
    if len(st.query_params) or not last:
        return
    st.query_params.from_dict(last)


def keep_address() -> None:
    """Remember the address for the next visit of the page."""
    st.session_state[_LAST] = {key: st.query_params.get_all(key) for key in st.query_params}


def under_way(store: SeenStore, plan: SweepPlan) -> SweepId | None:
    """This session's sweep where it is being made from just this plan.

    A second press of Run, sent before the browser knew the address that the first one led to, names no sweep.
    """
    shown: str | None = st.session_state.get("shown_sweep")
    if shown is None:
        return None
    try:
        sweep = store.sweeps.get(SweepId(shown))
    except UserInputError:  # deleted meanwhile
        return None
    return sweep.id if sweep.is_active and sweep.plan == plan.to_json() else None


def linked_sweep(store: SeenStore) -> tuple[SweepRecord | None, str]:
    """The sweep that the address names, and what is wrong with it; fills the form when it is first shown."""
    try:
        if sweep_id := st.query_params.get("id"):
            sweep = store.sweeps.get(SweepId(sweep_id))
            if st.session_state.get("shown_sweep") != sweep_id:
                fill_from_plan(SweepPlan.from_json(sweep.plan))
            st.session_state["shown_sweep"] = sweep_id
            return sweep, ""
        if base := st.query_params.get("base"):
            del st.query_params["base"]
            run = store.runs.get(base)
            fill_from_plan(SweepPlan(subject_id=run.subject_id, model=run.model, base=run.params))
    except UserInputError as error:
        return None, told(error)
    return None, ""
