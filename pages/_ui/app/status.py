"""The right end of a title row: which model and device, and how long the queue is."""

from datetime import datetime

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from bgen_core.errors import UserInputError
from bgen_core.ids import SweepId
from bgen_core.jobs.executors.executor import Executor, Health
from bgen_core.jobs.watching.painters import SeenMember, members_of
from bgen_core.store.store import SeenStore
from pages._ui.app.field_files import FIELD_FILES
from pages._ui.app.room import no_room
from pages._ui.shared.plain_text import plain
from pages._ui.shared.told_when_done import tell_elsewhere


@st.fragment(run_every=5)
def show_status(model: str, executor: Executor, store: SeenStore, *, follows: SweepId | None = None) -> None:
    """Model · device · queue, refreshed by itself.

    Parameters
    ----------
    follows
        The sweep that is told of in the tab's title; None on the page that shows it, and tells of it more often.
    """
    health, lacks_room = executor.health(), no_room(store)
    waiting = store.sweeps.count("queued")
    if health is None:
        device, queue, colour, who = "engine starting", "", "gray", ""
    else:
        painters = [each for each in members_of(store) if each.kind == "painter" and each.is_alive]
        device = f"{len(painters)} × {health.device_kind}" if len(painters) > 1 else health.device_kind
        who = "\n".join(_told(each, store) for each in painters)
        queue = "no room" if lacks_room else _queue(health, waiting)
        colour = "orange" if lacks_room else "primary" if health.is_busy else "gray"
    # Not st.badge: Streamlit 1.67 escapes brackets there once more.
    with st.container(gap=None):  # the title is nothing that is seen here
        st.markdown(
            f":{colour}-badge[{plain(' · '.join(part for part in (model, device, queue) if part))}]",
            help=plain(lacks_room) or who or None,
        )
        if follows:
            tell_elsewhere(store, follows)
    if refused := FIELD_FILES.take_refusal(_session()):
        st.toast(plain(refused), icon=":material/upload:", duration="long")
    for fault in executor.faults():
        since = datetime.fromtimestamp(fault.since).astimezone()
        # Its sentence may name servers and folders, which are not every visitor's to know.
        st.badge(
            f"behind: {fault.what}",
            color="orange",
            help=f"Since {since:%Y-%m-%d %H:%M}. On the server, `python -m bgen_core doctor` says why.",
        )


def _told(painter: SeenMember, store: SeenStore) -> str:
    """A line of Markdown: its device, what it paints and how fast; no host, which is not every visitor's to know."""
    try:
        title = plain(store.sweeps.get(SweepId(painter.sweep_id)).title) if painter.sweep_id else "nothing"
    except UserInputError:
        title = "somebody's sweep"
    speed = f", {painter.rows_per_second:.3g} rows/s" if painter.rows_per_second and painter.sweep_id else ""
    return f"- {plain(painter.device)}: {title}{speed}"


def _session() -> str:
    context = get_script_run_ctx()
    return context.session_id if context else ""


def _queue(health: Health, waiting: int) -> str:
    if health.trouble:
        return "store away"
    if waiting:
        return f"{waiting} waiting"
    return "painting" if health.is_busy else "idle"
