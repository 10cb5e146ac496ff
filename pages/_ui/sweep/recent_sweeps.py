"""This visitor's sweeps with their first pictures, newest first; for an admin, also what others have in the queue."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import streamlit as st

from bgen_core.ids import SweepId, VisitorId
from bgen_core.jobs.executors.executor import Executor
from bgen_core.jobs.queue_forecast import QueuePlace
from bgen_core.records.sweep import SweepRecord
from bgen_core.records.sweep_states import UNFINISHED_STATES
from bgen_core.runs.links import thumbnail_url
from bgen_core.store.access import EVERYONE
from bgen_core.store.store import SeenStore
from pages._ui.app import page_files
from pages._ui.shared.pictures import picture_html
from pages._ui.shared.plain_text import plain
from pages._ui.sweep.queue_panel import (
    current_queue,
    describe_waiting,
    first_button,
    hasten_button,
    pause_and_cancel,
)

MOST = 12
_PICTURES = 4
_LONGEST_TITLE = 40
_THUMBNAIL = "height:44px;width:auto;border-radius:3px;display:inline-block;margin-right:3px"


def recent_sweeps(store: SeenStore, executor: Executor) -> None:
    """Draw the list behind a button; nothing where there is no sweep yet. What it holds is read once it is open."""
    mine = [*store.sweeps.select(owner=store.visitor.id), *store.sweeps.select(owner=EVERYONE)]
    others = _of_others(store)
    if not mine and not others:
        return
    unfinished = [sweep for sweep in mine if sweep.state in UNFINISHED_STATES]
    label = f"My sweeps · {len(unfinished)}" if unfinished else "Recent" if mine else "Queue"
    opened = st.popover(label, key="recent_sweeps", on_change="rerun")
    if opened.open:
        with opened:
            over = sorted(
                (each for each in mine if each not in unfinished), key=lambda each: each.created, reverse=True
            )
            names = store.visitors.names(each.owner for each in others)
            places = {waiting.sweep.id: waiting for waiting in current_queue(store, executor)}
            _list(store, executor, [*unfinished, *over[: max(0, MOST - len(unfinished))]], places, {})
            if others:
                st.markdown("**Sweeps of others**")
                _list(store, executor, others, places, names)


def _of_others(store: SeenStore) -> list[SweepRecord]:
    """What an admin may stop and put first: what others have in hand or in the queue."""
    if store.visitor.role != "admin":
        return []
    unfinished = store.sweeps.select(states=UNFINISHED_STATES)
    return [sweep for sweep in unfinished if sweep.owner not in (store.visitor.id, EVERYONE)]


def _list(
    store: SeenStore,
    executor: Executor,
    sweeps: Sequence[SweepRecord],
    places: Mapping[SweepId, QueuePlace],
    names: Mapping[VisitorId, str],
) -> None:
    for number, sweep in enumerate(sweeps):
        waiting = places.get(sweep.id)
        state = describe_waiting(waiting) if waiting else sweep.state
        with st.container(horizontal=True, vertical_alignment="center"):
            _thumbnails(store, sweep)
            with st.container(gap=None, width="content"):
                st.page_link(
                    page_files.SWEEP,
                    label=f"{plain(_short(sweep.title or 'Sweep'))} · {sweep.total}",
                    query_params={"id": sweep.id},
                )
                whose = f"{plain(names[sweep.owner])} · " if sweep.owner in names else ""
                st.caption(f"{whose}{state} · {_when(sweep.created)}")
            st.space("stretch")
            if sweep.state in UNFINISHED_STATES and store.sweeps.may_change(sweep):
                first_button(store, sweep)
                if sweep.owner == store.visitor.id:
                    hasten_button(store, sweeps, number)
                pause_and_cancel(executor, sweep)


def _thumbnails(store: SeenStore, sweep: SweepRecord) -> None:
    done = [cell.run_id for cell in store.sweeps.cells(sweep.id) if cell.done][:_PICTURES]
    if pictures := store.runs.images(done):
        urls = (thumbnail_url(pictures[run_id][0], 96) for run_id in done if run_id in pictures)
        st.html("".join(picture_html(url, alt="", style=_THUMBNAIL) for url in urls), width="content")


def _short(title: str) -> str:
    return title if len(title) <= _LONGEST_TITLE else f"{title[:_LONGEST_TITLE].rstrip()}…"


def _when(created: datetime) -> str:
    return f"{created.astimezone():%d %b, %H:%M}"
