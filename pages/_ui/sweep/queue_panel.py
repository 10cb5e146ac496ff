"""This visitor's place in the queue: when a sweep begins, and pausing, hastening or cancelling it."""

from collections.abc import Callable

import streamlit as st

from bgen_core.jobs.executors.executor import Executor
from bgen_core.jobs.queue_forecast import QueuePlace, waiting_sweeps
from bgen_core.jobs.submission import describe_duration
from bgen_core.records.sweep import SweepRecord
from bgen_core.records.sweep_states import UNFINISHED_STATES
from bgen_core.store.store import SeenStore
from pages._ui.app import page_files
from pages._ui.shared.plain_text import plain


def current_queue(store: SeenStore, executor: Executor) -> list[QueuePlace]:
    """All waiting sweeps in the order in which they are served."""
    running = {sweep.id: executor.events(sweep.id) for sweep in store.sweeps.select(states=["running"])}
    return waiting_sweeps(store, {name: progress for name, progress in running.items() if progress})


def describe_waiting(waiting: QueuePlace) -> str:
    """ "2 ahead, begins in about 40 s"."""
    if not waiting.ahead:
        return "next"
    if waiting.seconds is None:
        return f"{waiting.ahead} ahead"
    return f"{waiting.ahead} ahead, begins in about {describe_duration(waiting.seconds)}"


def own_sweeps(store: SeenStore, executor: Executor) -> None:
    """Draw this visitor's unfinished sweeps, with what can be done with each; nothing where there are none."""
    mine = store.sweeps.select(states=UNFINISHED_STATES, owner=store.visitor.id)
    if len(mine) < 2 and not any(sweep.state == "paused" for sweep in mine):
        return
    places = {waiting.sweep.id: waiting for waiting in current_queue(store, executor)}
    with st.popover(f"My sweeps · {len(mine)}"):
        for number, sweep in enumerate(mine):
            waiting = places.get(sweep.id)
            state = describe_waiting(waiting) if waiting else sweep.state
            with st.container(horizontal=True, vertical_alignment="center"):
                st.page_link(
                    page_files.SWEEP,
                    label=f"{plain(sweep.title) or 'Sweep'} · {sweep.total}",
                    query_params={"id": sweep.id},
                )
                st.caption(state)
                st.space("stretch")
                if sweep.state == "queued" and number and mine[number - 1].state == "queued":
                    st.button("Earlier", key=f"hasten_{sweep.id}", on_click=store.sweeps.hasten, args=(sweep.id,))
                pause_and_cancel(executor, sweep)


def pause_and_cancel(executor: Executor, sweep: SweepRecord, *, key: str = "mine") -> None:
    """Draw the buttons that stop a sweep for a while or for good; one that ended meanwhile stays as it is."""
    if sweep.state == "paused":
        st.button("Continue", key=f"{key}_continue_{sweep.id}", on_click=ask, args=(executor.go_on, sweep.id))
    else:
        st.button(
            "Pause", key=f"{key}_pause_{sweep.id}", on_click=ask, args=(executor.pause, sweep.id),
            help="What is made stays; others come first until you continue.",
        )  # fmt: skip
    st.button("Cancel", key=f"{key}_cancel_{sweep.id}", on_click=ask, args=(executor.cancel, sweep.id))


def ask(change: Callable[..., bool], *args: str | int) -> None:
    """Ask the executor, for a button's callback: what came of it is seen in the sweep's state."""
    change(*args)
