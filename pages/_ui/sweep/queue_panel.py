"""This visitor's place in the queue: when a sweep begins, and pausing, hastening or cancelling it."""

from collections.abc import Callable, Sequence

import streamlit as st

from bgen_core.errors import BgenError
from bgen_core.jobs.executors.executor import Executor
from bgen_core.jobs.queue_forecast import QueuePlace, waiting_sweeps
from bgen_core.jobs.submission import describe_duration
from bgen_core.records.sweep import SweepRecord
from bgen_core.store.store import SeenStore
from pages._ui.app.faults import told
from pages._ui.shared.plain_text import plain

_CANCELLING = "sweep_to_cancel"


def current_queue(store: SeenStore, executor: Executor) -> list[QueuePlace]:
    """All waiting sweeps in the order in which they are served."""
    running = {left.turn.id: executor.events(left.turn.id) for left in store.sweeps.queue_left().in_hand}
    return waiting_sweeps(store, {name: progress for name, progress in running.items() if progress})


def describe_waiting(waiting: QueuePlace) -> str:
    """ "2 ahead, begins in about 40 s"; one that has had a turn goes on."""
    if not waiting.ahead:
        return "next"
    if waiting.seconds is None:
        return f"{waiting.ahead} ahead"
    begins = "begins" if waiting.sweep.started is None else "goes on"
    return f"{waiting.ahead} ahead, {begins} in about {describe_duration(waiting.seconds)}"


def hasten_button(store: SeenStore, mine: Sequence[SweepRecord], number: int) -> None:
    """Draw a button that puts a waiting sweep before the one of the same owner that waits before it."""
    sweep = mine[number]
    if sweep.state == "queued" and number and mine[number - 1].state == "queued" and mine[number - 1].place >= 0:
        st.button("Earlier", key=f"hasten_{sweep.id}", on_click=ask, args=(store.sweeps.hasten, sweep.id))


def first_button(store: SeenStore, sweep: SweepRecord) -> None:
    """Draw an admin's button that puts a waiting sweep before everybody's turn."""
    if store.visitor.role == "admin" and sweep.state == "queued" and sweep.place >= 0:
        st.button(
            "First", key=f"first_{sweep.id}", on_click=ask, args=(store.sweeps.put_first, sweep.id),
            help="Made before all others, without giving way to them.",
        )  # fmt: skip


def pause_and_cancel(executor: Executor, sweep: SweepRecord, *, key: str = "mine") -> None:
    """Draw the buttons that stop a sweep for a while, or after a question for good."""
    if st.session_state.get(_CANCELLING) == sweep.id:
        st.button(
            "Cancel it", key=f"{key}_cancel_{sweep.id}", type="primary", on_click=_cancel, args=(executor, sweep),
            help="What is made stays, and it can be continued.",
        )  # fmt: skip
        st.button("Keep it", key=f"{key}_keep_{sweep.id}", on_click=_think, args=("",))
        return
    if sweep.state == "paused":
        st.button("Continue", key=f"{key}_continue_{sweep.id}", on_click=ask, args=(executor.go_on, sweep.id))
    else:
        st.button(
            "Pause", key=f"{key}_pause_{sweep.id}", on_click=ask, args=(executor.pause, sweep.id),
            help="What is made stays; others come first until you continue.",
        )  # fmt: skip
    st.button(
        "Cancel", key=f"{key}_think_{sweep.id}", on_click=_think, args=(sweep.id,),
        help="Asks first. What is made stays.",
    )  # fmt: skip


def _think(doomed: str) -> None:
    st.session_state[_CANCELLING] = doomed


def _cancel(executor: Executor, sweep: SweepRecord) -> None:
    _think("")
    try:
        happened = executor.cancel(sweep.id)
    except BgenError as error:
        st.toast(plain(told(error)), duration="infinite")
    else:
        st.toast(plain(f"Cancelled: {sweep.title}") if happened else "It had ended already.")


def ask(change: Callable[..., object], *args: str | int | None) -> None:
    """Ask the executor or the store for a change, for a callback: what came of it is seen, and what did not is said."""
    try:
        change(*args)
    except BgenError as error:
        st.toast(plain(told(error)), duration="infinite")
