"""A race on the Sweep page: beginning one from a sweep, and what was decided in it and why."""

from collections.abc import Sequence

import streamlit as st

from bgen_core.errors import BgenError
from bgen_core.ids import SweepId
from bgen_core.jobs.executors.executor import Executor
from bgen_core.jobs.executors.visitor_limits import check_cells
from bgen_core.jobs.measuring import lacks_model
from bgen_core.jobs.racing.beginning import (
    MOST_BUDGET,
    RaceWish,
    begin_race,
    first_round,
    measures_to_race_by,
    spoken,
)
from bgen_core.jobs.racing.looks import left_in, look_at, named_values
from bgen_core.jobs.submission import describe_forecast
from bgen_core.metrics import find_metric
from bgen_core.records.race import BY_VOTES, Race, RaceState, StepKind
from bgen_core.records.sweep import SweepCellRow, SweepRecord
from bgen_core.records.sweep_states import UNFINISHED_STATES
from bgen_core.settings import Settings
from bgen_core.store.store import SeenStore
from bgen_core.sweep.plan import SweepPlan
from bgen_core.sweep.race_plan import axis_of, is_painted, raced_axes
from bgen_core.wording import counted
from pages._ui.app import page_files
from pages._ui.app.faults import told
from pages._ui.shared.plain_text import plain
from pages._ui.sweep.explored_sweep import link_back
from pages._ui.sweep.race_proposal import race_proposal

LOOK_SECONDS = 2.0
_USUAL = "seam"
_BUDGET_SEEDS = 10
_STATES: dict[RaceState, str] = {
    "open": "goes on",
    "won": "won",
    "alike": "ended: alike",
    "spent": "ended: budget spent",
    "stuck": "ended",
    "stopped": "stopped",
}
_SIGNS: dict[StepKind, str] = {
    "start": ":material/flag:",
    "round": ":material/add:",
    "lost": ":material/remove:",
    "won": ":material/trophy:",
}
_OTHER_SIGN = ":material/stop_circle:"


def race_panel(
    sweep: SweepRecord,
    plan: SweepPlan,
    cells: Sequence[SweepCellRow],
    store: SeenStore,
    executor: Executor,
    settings: Settings,
) -> None:
    """Draw a sweep's race, or the choice of one; nothing where nothing can be raced."""
    race = store.races.of(sweep.id)
    if race is not None:
        _decisions(sweep, race, store, executor, settings)
        return
    _races_from(sweep, store)
    can_be_raced = is_painted(plan) and raced_axes(plan)
    if store.sweeps.may_change(sweep) and can_be_raced and any(cell.done for cell in cells):
        _beginning(sweep, plan, cells, store, executor, settings)


def _races_from(sweep: SweepRecord, store: SeenStore) -> None:
    for sweep_id in store.races.started_from(sweep.id)[:3]:
        race = store.races.of(sweep_id)
        if race is not None:
            label = f"Race on {race.axis} by {spoken(race.by)}: {_STATES[race.state]}"
            st.page_link(page_files.SWEEP, label=plain(label), query_params={"id": sweep_id})


def _beginning(
    sweep: SweepRecord,
    plan: SweepPlan,
    cells: Sequence[SweepCellRow],
    store: SeenStore,
    executor: Executor,
    settings: Settings,
) -> None:
    with st.expander("Race: seeds only for values that may still be the best"):
        labels = {axis.name: axis.label for axis in plan.axes}
        measures = [name for name in measures_to_race_by() if not lacks_model(name, settings)]
        with st.container(horizontal=True, vertical_alignment="bottom"):
            axis = st.selectbox("Race", raced_axes(plan), format_func=labels.__getitem__, key="race_axis", width=180)
            by = st.selectbox(
                "By", [BY_VOTES, *measures], index=1 + measures.index(_USUAL), format_func=_by, key="race_by", width=220
            )
            usual = min(_BUDGET_SEEDS * len(axis_of(plan, axis).values), MOST_BUDGET)
            budget = st.number_input(
                "Budget", 1, MOST_BUDGET, usual, width=130,
                key=f"race_budget_{sweep.id}_{axis}",  # under one key, what stood there of another axis would stay
                help="How many cells may be added to those that are made.",
            )  # fmt: skip
        st.caption(
            "Every value gets four seeds. Then those that another one clearly beats get no more, and the others two "
            "more each, until one is left or the budget is spent. What is made stays."
        )
        wish = RaceWish(axis=axis, by=by, budget=int(budget))
        made = [cell.index for cell in cells if cell.done]
        try:
            first = first_round(plan, wish, settings, made=made)
            check_cells(store, settings, wish.budget)
            _offer(sweep, first, wish, len(made), store, executor)
        except BgenError as error:
            st.error(plain(told(error)))


def _by(name: str) -> str:
    return "votes" if name == BY_VOTES else find_metric(name).label


def _offer(
    sweep: SweepRecord, first: SweepPlan, wish: RaceWish, made: int, store: SeenStore, executor: Executor
) -> None:
    photos = {subject: store.subjects.get(subject).extent for subject in first.subject_ids}
    forecast = executor.forecast(first, photos=photos)
    if forecast is None:
        st.caption("The engine is starting.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Start the race", type="primary"):
            new = executor.submit(forecast)
            begin_race(store, new, first, wish, made=made, started_from=sweep.id)
            if sweep.state in UNFINISHED_STATES:
                executor.cancel(sweep.id)
            st.query_params["id"] = new
            st.rerun()
        stops = " This sweep stops: what is not made yet is the race's to ask for." if sweep.is_active else ""
        st.caption(plain(f"First round: {describe_forecast(forecast)}.{stops}"))


def _decisions(
    sweep: SweepRecord, race: Race, store: SeenStore, executor: Executor, settings: Settings
) -> None:  # fmt: skip
    if race.started_from is not None:
        link_back(store, race.started_from)

    @st.fragment(run_every=LOOK_SECONDS if race.is_open else None)
    def decisions() -> None:
        now = store.races.of(sweep.id)
        if now is None:  # or its owner shows the sweep no longer, which the page says
            return
        current = store.sweeps.get(sweep.id)
        if (now.state, current.state, current.total) != (race.state, sweep.state, sweep.total):
            st.rerun()  # another grid, and other buttons
        plan = SweepPlan.from_json(current.plan)
        with st.container(border=True):
            _headline(now, plan, current, store)
            for step in now.steps:
                st.caption(f"{_SIGNS.get(step.kind, _OTHER_SIGN)} {plain(step.text)}")
            if now.is_open and current.state == "done":
                _waiting(now, plan, store)
            if not now.is_open and store.sweeps.may_change(current):
                race_proposal(now, plan, store, executor, settings)

    decisions()


def _headline(race: Race, plan: SweepPlan, sweep: SweepRecord, store: SeenStore) -> None:
    axis = axis_of(plan, race.axis)
    names, left = named_values(axis), left_in(race, plan)
    added = max(0, len(plan) - race.begun_with)
    with st.container(horizontal=True, vertical_alignment="center"):
        state = "paused" if race.is_open and sweep.state == "paused" else _STATES[race.state]
        state = "cancelled" if race.is_open and sweep.state == "cancelled" else state
        st.markdown(f"**{plain(f'Race on {axis.label.lower()} by {spoken(race.by)}: {state}')}**")
        if race.is_open and store.sweeps.may_change(sweep):
            st.button(
                "Stop the race", key=f"stop_race_{sweep.id}", on_click=_stop, args=(store, sweep.id),
                help="What is made stays; no more seeds are added.",
            )  # fmt: skip
    some = ", ".join(names[place] for place in left[:6]) + (" and more" if len(left) > 6 else "")
    told_of = f"{len(left)} of {counted(len(names), 'value')} left: {some}"
    st.markdown(plain(f"{told_of} · {added:,} of {race.budget:,} cells added in {counted(race.rounds, 'round')}"))


def _waiting(race: Race, plan: SweepPlan, store: SeenStore) -> None:
    if race.by != BY_VOTES:
        st.caption("The pictures are measured, then the next round is decided.")
        return
    look = look_at(store, race, plan)
    query = {"sweep": race.sweep_id, "show": "vote", "axis": race.axis}
    st.page_link(page_files.COMPARE, label="Vote", query_params=query)
    st.caption(plain(f"Waits for {look.waits or 'the next look'}."))


def _stop(store: SeenStore, sweep_id: SweepId) -> None:
    try:
        store.races.stop(sweep_id)
    except BgenError as error:
        st.toast(plain(told(error)), duration="infinite")
