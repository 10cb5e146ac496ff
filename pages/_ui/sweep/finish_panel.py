"""The second pass of a sweep: which cells are worth full steps, by hand or by a metric."""

from collections.abc import Sequence

import streamlit as st

from bgen_core.errors import BgenError
from bgen_core.jobs.executors.executor import Executor
from bgen_core.jobs.measuring import RankedCell, lacks_model, ranked_cells
from bgen_core.jobs.submission import describe_forecast
from bgen_core.metrics import JUDGING, find_metric
from bgen_core.records.sweep import SweepCellRow, SweepRecord
from bgen_core.settings import Settings
from bgen_core.store.store import SeenStore
from bgen_core.sweep.axes import parse_axis
from bgen_core.sweep.explore import STEPS, finish_plan, sweeps_steps
from bgen_core.sweep.grid import describe_place
from bgen_core.sweep.plan import SweepPlan
from bgen_core.sweep.race_plan import is_painted
from pages._ui.app.faults import told
from pages._ui.shared.plain_text import plain
from pages._ui.sweep.ticked_cells import TICKED, forget_ticks

BY_HAND = "by hand"
_DEFAULT_KEPT = 3


def can_be_finished(sweep: SweepRecord, plan: SweepPlan) -> bool:
    """Whether cells of this sweep can be ticked for a second pass with more steps."""
    return sweep.explored is None and not sweeps_steps(plan)


def finish_panel(
    sweep: SweepRecord,
    plan: SweepPlan,
    cells: Sequence[SweepCellRow],
    store: SeenStore,
    executor: Executor,
    settings: Settings,
) -> None:
    """Draw the choice of cells and their full steps; nothing for a sweep that has nothing to choose from."""
    done = [cell for cell in cells if cell.done]
    if len(done) < 2 or not can_be_finished(sweep, plan) or not is_painted(plan):
        return
    opened = bool(st.session_state.get("explore", "").strip())
    with st.expander("Finish the best with more steps", expanded=opened):
        rankable = [metric.name for metric in JUDGING]
        with st.container(horizontal=True, vertical_alignment="bottom"):
            by = st.selectbox(
                "Chosen", [BY_HAND, *rankable], key="finish_by", width=220,
                format_func=lambda name: BY_HAND if name == BY_HAND else f"by {find_metric(name).label.lower()}",
            )  # fmt: skip
            keep = (
                st.number_input("How many", 1, len(done), min(_DEFAULT_KEPT, len(done)), key="finish_keep", width=120)
                if by != BY_HAND
                else 0
            )
            text = st.text_input(
                "Full steps", value=str(max(20, 3 * plan.base.num_inference_steps)), width=140,
                key=f"finish_steps_{sweep.id}",  # its own: under one key, what stood there of another sweep would stay
            )  # fmt: skip
        if by != BY_HAND and (reason := lacks_model(by, settings)):
            st.caption(reason)
            return
        chosen = _by_hand(plan, done) if by == BY_HAND else _by_metric(store, sweep, plan, by, int(keep), len(done))
        if not chosen:
            return
        try:
            _offer(sweep, finish_plan(plan, chosen, parse_axis(STEPS, text)), store, executor)
        except BgenError as error:
            st.error(plain(told(error)))


def _by_hand(plan: SweepPlan, done: Sequence[SweepCellRow]) -> list[int]:
    return st.multiselect(
        "Cells", [cell.index for cell in done], key=TICKED,
        format_func=lambda index: describe_place(plan, index),
    )  # fmt: skip


def _by_metric(store: SeenStore, sweep: SweepRecord, plan: SweepPlan, by: str, keep: int, done: int) -> list[int]:
    ranked: list[RankedCell] = ranked_cells(store, sweep.id, by)
    if len(ranked) < done:
        st.caption(f"{len(ranked)} of {done} cells are measured; the worker measures while nothing waits.")
    metric = find_metric(by)
    for cell in ranked[:keep]:
        st.caption(f"{plain(describe_place(plan, cell.index))}: {metric.label} {metric.text(cell.value)} {metric.unit}")
    return [cell.index for cell in ranked[:keep]]


def _offer(sweep: SweepRecord, plan: SweepPlan, store: SeenStore, executor: Executor) -> None:
    photos = {subject: store.subjects.get(subject).extent for subject in plan.subject_ids}
    forecast = executor.forecast(plan, photos=photos)
    if forecast is None:
        st.caption("The engine is starting.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Finish these", type="primary"):
            new = executor.submit(forecast, explored=sweep.id)
            forget_ticks()
            st.query_params["id"] = new
            st.rerun()
        st.caption(describe_forecast(forecast))
