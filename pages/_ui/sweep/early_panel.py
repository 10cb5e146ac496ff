"""Stopping cells early on the Sweep page: the choice before a run, and which cells were stopped and why."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from bgen_core.errors import UserInputError
from bgen_core.ids import VisitorId
from bgen_core.jobs.early.kept_runs import PREVIEWED, early_note, early_wish
from bgen_core.jobs.executors.executor import Executor
from bgen_core.records.early_stop import EarlyWish
from bgen_core.records.sweep import SweepCellRow, SweepRecord
from bgen_core.store.store import SeenStore
from bgen_core.sweep.grid import describe_place
from bgen_core.sweep.plan import SweepPlan
from bgen_core.wording import counted
from pages._ui.app.faults import told
from pages._ui.shared.plain_text import plain
from pages._ui.sweep.queue_panel import ask

_OFF = "off"
_KEEP, _STOP = "keep", "stop"
_LISTED = 12
_NOTE_SECONDS = 60  # for which what kept runs say is kept


def early_choice() -> EarlyWish | None:
    """Draw the choice of a measure by which cells are stopped early; None where it is off."""
    metrics = {metric.name: metric.label.lower() for metric in PREVIEWED}
    options = [_OFF, *(f"{way}:{name}" for name in metrics for way in (_KEEP, _STOP))]

    def spoken(option: str) -> str:
        way, _, name = option.partition(":")
        if option == _OFF:
            return _OFF
        return f"stop by {metrics[name]}" if way == _STOP else f"learn about {metrics[name]}"

    chosen = st.selectbox(
        "Stop cells early", options, format_func=spoken, key="stop_early", persist_state="session",
        help=(
            "At 30 % of the steps a cell's preview is measured. A cell that will lose is painted no further; it can "
            "be painted after all. That needs kept runs of the same model and steps, which “learn” collects."
        ),
    )  # fmt: skip
    way, _, name = chosen.partition(":")
    return None if chosen == _OFF else early_wish(name, stops=way == _STOP)


def early_choice_note(store: SeenStore, plan: SweepPlan, wish: EarlyWish) -> None:
    """Draw what kept runs say of a choice, before it is run."""
    try:
        st.caption(plain(_note(store.visitor.id, str(plan.to_json()), wish, plan, store)))
    except UserInputError as error:
        st.error(plain(told(error)))


@st.cache_resource(ttl=_NOTE_SECONDS, max_entries=32, show_spinner=False)
def _note(visitor: VisitorId, plan_text: str, wish: EarlyWish, _plan: SweepPlan, _store: SeenStore) -> str:
    """By who looks, the plan, and the choice."""
    del visitor, plan_text
    return early_note(_store, _plan, wish)


def early_panel(
    sweep: SweepRecord, plan: SweepPlan, cells: Sequence[SweepCellRow], store: SeenStore, executor: Executor
) -> None:
    """Draw which of a sweep's cells were stopped early, and buttons that paint them after all."""
    if sweep.early is None:
        return
    stopped = [cell for cell in cells if cell.is_stopped]
    if not stopped:
        if sweep.early_note:
            st.caption(plain(sweep.early_note))
        return
    may_paint = store.sweeps.may_change(sweep) and not sweep.is_active
    with st.expander(f"{counted(len(stopped), 'cell')} stopped early", expanded=False):
        st.caption(plain(sweep.early_note))
        st.caption(
            "Averages of values whose losing cells are missing look better than they are: to compare values, paint "
            "these cells too."
        )
        if may_paint:
            st.button(
                f"Paint all {len(stopped)}", key="paint_stopped", on_click=ask,
                args=(partial(executor.retry, stopped=True), sweep.id),
            )  # fmt: skip
        for cell in stopped[:_LISTED]:
            with st.container(horizontal=True, vertical_alignment="center"):
                if may_paint:
                    st.button(
                        "Paint", key=f"paint_{cell.index}", on_click=ask, args=(executor.retry, sweep.id, cell.index)
                    )
                st.text(f"{describe_place(plan, cell.index)}: {cell.error}")
        if len(stopped) > _LISTED:
            st.caption(f"The first {_LISTED} of {len(stopped)}; the others say why in their places.")
