"""The right end of a title row: which model and device, and how long the queue is."""

import streamlit as st

from bgen_core.jobs.executors.executor import Executor
from bgen_core.store.store import SeenStore


@st.fragment(run_every=5)
def show_status(model: str, executor: Executor, store: SeenStore) -> None:
    """Model · device · queue, refreshed by itself."""
    health = executor.health()
    waiting = len(store.sweeps.select(states=["queued"]))
    if health is None:
        device, queue, colour = "engine starting", "", "gray"
    else:
        device = health.device_kind
        queue = (
            "store away"
            if health.trouble
            else f"{waiting} waiting"
            if waiting
            else "painting"
            if health.is_busy
            else "idle"
        )
        colour = "primary" if health.is_busy else "gray"
    st.badge(" · ".join(part for part in (model, device, queue) if part), color=colour)
