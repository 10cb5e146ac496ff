"""This visitor's sweeps with their first pictures, newest first: unfinished, paused, cancelled and finished ones."""

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from bgen_core.jobs.executors.executor import Executor
from bgen_core.records.sweep import SweepRecord
from bgen_core.records.sweep_states import UNFINISHED_STATES
from bgen_core.runs.links import thumbnail_url
from bgen_core.store.store import SeenStore
from pages._ui.app import page_files
from pages._ui.shared.pictures import picture_html
from pages._ui.shared.plain_text import plain
from pages._ui.sweep.queue_panel import current_queue, describe_waiting, hasten_button, pause_and_cancel

MOST = 12
_PICTURES = 4
_LONGEST_TITLE = 40
_THUMBNAIL = "height:44px;width:auto;border-radius:3px;display:inline-block;margin-right:3px"


def recent_sweeps(store: SeenStore, executor: Executor) -> None:
    """Draw the list behind a button; nothing where there is no sweep yet. What it holds is read once it is open."""
    mine = store.sweeps.select(owner=store.visitor.id)
    if not mine:
        return
    unfinished = [sweep for sweep in mine if sweep.state in UNFINISHED_STATES]
    label = f"My sweeps · {len(unfinished)}" if unfinished else "Recent"
    opened = st.popover(label, key="recent_sweeps", on_change="rerun")
    if opened.open:
        with opened:
            over = sorted(
                (each for each in mine if each not in unfinished), key=lambda each: each.created, reverse=True
            )
            _list(store, executor, [*unfinished, *over[: max(0, MOST - len(unfinished))]])


def _list(store: SeenStore, executor: Executor, sweeps: Sequence[SweepRecord]) -> None:
    places = {waiting.sweep.id: waiting for waiting in current_queue(store, executor)}
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
                st.caption(f"{state} · {_when(sweep.created)}")
            st.space("stretch")
            if sweep.state in UNFINISHED_STATES:
                hasten_button(store, sweeps, number)
                pause_and_cancel(executor, sweep)


def _thumbnails(store: SeenStore, sweep: SweepRecord) -> None:
    done = [cell.run_id for cell in store.sweeps.cells(sweep.id) if cell.done][:_PICTURES]
    if done:
        pictures = (thumbnail_url(run.image, 96) for run in store.runs.get_all(done))
        st.html("".join(picture_html(url, alt="", style=_THUMBNAIL) for url in pictures), width="content")


def _short(title: str) -> str:
    return title if len(title) <= _LONGEST_TITLE else f"{title[:_LONGEST_TITLE].rstrip()}…"


def _when(created: datetime) -> str:
    return f"{created.astimezone():%d %b, %H:%M}"
