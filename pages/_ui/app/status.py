"""The right end of a title row: which model and device, and how long the queue is."""

import streamlit as st

from bgen_core.jobs.worker_folder import WorkerFolder, WorkerStatus
from bgen_core.settings import Settings
from bgen_core.store.store import SeenStore


def worker_status(settings: Settings) -> WorkerStatus | None:
    """What the worker last said, or None where no worker is alive."""
    status = WorkerFolder(settings.home).read_status()
    return status if status and status.is_alive else None


@st.fragment(run_every=5)
def show_status(model: str, settings: Settings, store: SeenStore) -> None:
    """Model · device · queue, refreshed by itself."""
    status = worker_status(settings)
    waiting = len(store.sweeps.select(states=["queued"]))
    if status is None or status.state == "starting":
        device, queue, colour = "engine starting", "", "gray"
    else:
        device = status.device_kind
        running = status.state == "painting" or bool(status.sweep_id)
        queue = f"{waiting} waiting" if waiting else "painting" if running else "idle"
        colour = "primary" if running else "gray"
    st.badge(" · ".join(part for part in (model, device, queue) if part), color=colour)
