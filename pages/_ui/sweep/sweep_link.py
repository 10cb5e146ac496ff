"""What the Sweep page's address asks for: a sweep to show, or a run to begin from."""

import streamlit as st

from bgen_core.errors import UserInputError
from bgen_core.ids import SweepId
from bgen_core.records.sweep import SweepRecord
from bgen_core.store.store import SeenStore
from bgen_core.sweep.plan import SweepPlan
from pages._ui.app.faults import told
from pages._ui.sweep.sweep_form import fill_from_plan


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
