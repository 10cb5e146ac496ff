"""After a race: new values between the best one and its neighbours, which a person may race by one click."""

from dataclasses import replace

import streamlit as st

from bgen_core.errors import BgenError
from bgen_core.jobs.executors.executor import Executor
from bgen_core.jobs.executors.visitor_limits import check_cells
from bgen_core.jobs.racing.beginning import RaceWish, begin_race, first_round
from bgen_core.jobs.racing.looks import proposal
from bgen_core.jobs.submission import describe_forecast
from bgen_core.records.race import Race
from bgen_core.settings import Settings
from bgen_core.store.store import SeenStore
from bgen_core.sweep.axes import Value
from bgen_core.sweep.plan import SweepPlan
from bgen_core.sweep.race_plan import axis_of
from bgen_core.wording import counted, listed
from pages._ui.app.faults import told
from pages._ui.shared.plain_text import plain


def race_proposal(race: Race, plan: SweepPlan, store: SeenStore, executor: Executor, settings: Settings) -> None:
    """Draw the proposal; nothing where the axis has no scale, nothing lies between, or it was taken up already."""
    axis = axis_of(plan, race.axis)
    best, new = proposal(store, race, plan)
    if best is None or not new:
        return
    values = tuple(sorted((axis.values[best], *new), key=lambda value: float(str(value))))
    wish = RaceWish(axis=race.axis, by=race.by, budget=race.budget)
    try:
        first = first_round(_with_values(plan, race.axis, values), wish, settings)
        check_cells(store, settings, wish.budget)
        photos = {subject: store.subjects.get(subject).extent for subject in first.subject_ids}
        forecast = executor.forecast(first, photos=photos)
    except BgenError as error:
        st.caption(plain(told(error)))
        return
    if forecast is None:
        return
    labels = axis_of(first, race.axis).labels
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(plain(f"Race {listed(list(labels))}")):
            new_id = executor.submit(forecast)
            begin_race(store, new_id, first, wish, made=forecast.known, started_from=race.sweep_id)
            store.races.follow(race.sweep_id, f"A further race compares {listed(list(labels))}: {_why(axis.label)}")
            st.query_params["id"] = new_id
            st.rerun()
        text = f"{counted(len(new), 'new value')} between the best and its neighbours. First round: "
        st.caption(plain(f"{text}{describe_forecast(forecast)}."))


def _why(label: str) -> str:
    return f"the best {label.lower()} may lie between the values that were tried."


def _with_values(plan: SweepPlan, name: str, values: tuple[Value, ...]) -> SweepPlan:
    axes = tuple(replace(axis, values=values) if axis.name == name else axis for axis in plan.axes)
    return replace(plan, axes=axes, only=None)
