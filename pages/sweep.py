"""Sweep: prompt and parameters on the left, the grid of pictures in the middle."""

import streamlit as st

from bgen_core.errors import UserInputError
from bgen_core.jobs.submission import SweepForecast, describe_forecast, forecast_sweep, submit_sweep
from bgen_core.sweep.plan import SweepPlan
from pages._ui import page_files, resources
from pages._ui.first_subject import keep_sample
from pages._ui.live_sweep import show_sweep
from pages._ui.status import show_status, worker_status
from pages._ui.sweep_form import axis_controls, fill_from_plan, model_choice, read_plan, subject_choice
from pages._ui.sweep_grid import GridContent, arrangement, grid_html

settings, store = resources.settings(), resources.store()
sweep_id = st.query_params.get("id")
sweep = None
problem = ""
if sweep_id:
    try:
        sweep = store.get_sweep(sweep_id)
        if st.session_state.get("shown_sweep") != sweep_id:
            fill_from_plan(SweepPlan.from_json(sweep.plan))
        st.session_state["shown_sweep"] = sweep_id
    except UserInputError as error:
        problem = str(error)
elif base := st.query_params.get("base"):
    try:
        run = store.get_run(base)
        fill_from_plan(SweepPlan(subject_id=run.subject_id, model=run.model, base=run.params))
    except UserInputError as error:
        problem = str(error)
    del st.query_params["base"]

subjects = store.list_subjects()
with st.container(horizontal=True, vertical_alignment="center"):
    st.title("Sweep", width="content")
    st.space("stretch")
    status_place = st.container(width="content")
if problem:
    st.error(problem)
if not subjects:
    with st.container(border=True):
        st.markdown("A sweep paints new backgrounds behind a **subject**: a photo and the part of it to keep.")
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button("Start with the sample photo", type="primary"):
                with st.spinner("Cutting out"):
                    keep_sample(store, settings)
                st.rerun()
            st.page_link(page_files.SUBJECT, label="or choose a photo of your own")
    st.stop()

with st.sidebar:
    subject_id = subject_choice(subjects)
    entry = model_choice(settings.model)
    texts = axis_controls(entry)
with status_place:
    show_status(entry.name, settings, store)

plan: SweepPlan | None = None
forecast: SweepForecast | None = None
complaint = ""
status = worker_status(settings)
try:
    plan = read_plan(entry, subject_id, texts)
    if status and status.device_kind:
        forecast = forecast_sweep(
            store,
            settings,
            plan,
            photo=store.get_subject(subject_id).extent,
            device_kind=status.device_kind,
            dtype_name=status.dtype_name,
        )
except UserInputError as error:
    complaint = str(error)

with st.container(horizontal=True, vertical_alignment="center", border=True):
    in_hand = bool(sweep and plan and sweep.is_active and sweep.plan == plan.to_json())
    if in_hand:
        st.markdown(f"**{len(plan or ())} cells in hand**")
    elif forecast:
        st.markdown(f"**{describe_forecast(forecast)}**")
    elif plan:
        st.markdown(f"**{len(plan)} cells** · the engine is starting")
    else:
        st.markdown("**Not ready**")
    st.space("stretch")
    run_pressed = st.button("Run", type="primary", shortcut="Ctrl+Enter", disabled=forecast is None or in_hand)
    if sweep and sweep.is_active and st.button("Cancel"):
        store.set_sweep_state(sweep.id, "cancelled")
        st.rerun()
if complaint:
    st.error(complaint)
for note in forecast.notes if forecast else ():
    st.caption(note)

if run_pressed and forecast:
    try:
        st.query_params["id"] = submit_sweep(store, forecast, owner=resources.visitor())
        st.session_state["shown_sweep"] = st.query_params["id"]
        st.rerun()
    except UserInputError as error:
        st.error(str(error))

if sweep:
    show_sweep(sweep, store, settings)
elif plan and len(plan) <= settings.max_cells:
    st.html(grid_html(arrangement(plan), GridContent(plan=plan, extent=store.get_subject(subject_id).extent)))
if plan and forecast is None and not complaint:

    @st.fragment(run_every=1.0)
    def wait_for_engine() -> None:
        fresh = worker_status(settings)
        if fresh and fresh.device_kind:
            st.rerun()

    wait_for_engine()
