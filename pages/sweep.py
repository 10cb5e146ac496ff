"""Sweep: prompt and parameters on the left, the grid of pictures in the middle."""

import streamlit as st

from bgen_core.errors import BgenError, UserInputError
from bgen_core.ids import SweepId
from bgen_core.jobs.submission import SweepForecast
from bgen_core.models.default_model import default_model
from bgen_core.sweep.plan import SweepPlan
from pages._ui.app import page_files, resources
from pages._ui.app.faults import told
from pages._ui.app.status import show_status
from pages._ui.identity.viewers import LOOKS_ALONE, looks_alone
from pages._ui.shared.plain_text import plain
from pages._ui.subject.first_subject import start_with_sample, starts_at_once
from pages._ui.sweep.drawn_seeds import draw_anew_after, note_seeds_used
from pages._ui.sweep.early_panel import early_choice, early_choice_note
from pages._ui.sweep.explored_sweep import link_back
from pages._ui.sweep.live_sweep import show_plan, show_sweep, wait_for_engine
from pages._ui.sweep.plan_text import plan_status
from pages._ui.sweep.queue_panel import pause_and_cancel
from pages._ui.sweep.recent_sweeps import recent_sweeps
from pages._ui.sweep.seeds_note import seeds_note
from pages._ui.sweep.sweep_form import axis_controls, model_choice, read_plan, subject_choice
from pages._ui.sweep.sweep_link import keep_address, linked_sweep, return_to_last, under_way
from pages._ui.sweep.ticked_cells import forget_ticks

settings, store, executor = resources.settings(), resources.store(), resources.executor()
return_to_last()
sweep, problem = linked_sweep(store)
subjects = store.subjects.all()
head = st.container(horizontal=True, vertical_alignment="center", gap="xsmall")
with head:
    st.title("Sweep", width="content", anchor=False)
remarks, grid = st.container(), st.container()  # remarks come and go: the grid keeps its place, and is there once
if problem:
    remarks.error(plain(problem))
is_viewer = looks_alone(store)
if is_viewer:
    remarks.caption(LOOKS_ALONE)
can_stop = sweep is not None and store.sweeps.may_change(sweep) and (sweep.is_active or sweep.state == "paused")
if not subjects:  # the photo of a sweep that is shown may be gone, or its owner's alone
    with head:
        if sweep and can_stop:
            pause_and_cancel(executor, sweep, key="shown")
        st.space("stretch")
        recent_sweeps(store, executor)
    if sweep:
        with grid:
            show_sweep(sweep, store, executor, settings)
    elif is_viewer:
        st.info("No sweep is open: a link to one shows it, and so does the page of each of its runs.")
    else:
        start_with_sample(store, settings)
    keep_address()
    st.stop()

if sweep:
    draw_anew_after(sweep)
with st.sidebar:
    chosen = subject_choice(subjects)
    models = model_choice(default_model(settings))
    texts = axis_controls(models)
    early = early_choice() if any(entry.family.backdrop is None for entry in models) else None

plan: SweepPlan | None = None
forecast: SweepForecast | None = None
complaint = ""
try:
    plan = read_plan(models, chosen, texts)
    forecast = executor.forecast(plan, photos={entry.id: entry.extent for entry in chosen})
except UserInputError as error:
    complaint = told(error)

in_hand = bool(sweep and plan and sweep.is_active and sweep.plan == plan.to_json())
with head:
    st.markdown(f"**{plan_status(plan if not complaint else None, forecast, in_hand=in_hand)}**", width="content")
    cannot_run = forecast is None or in_hand or is_viewer
    run_pressed = st.button("Run", key="run", type="primary", shortcut="Ctrl+Enter", disabled=cannot_run)
    if sweep and can_stop:
        pause_and_cancel(executor, sweep, key="shown")
    st.space("stretch")
    recent_sweeps(store, executor)
    with st.container(width="content"):
        show_status(", ".join(entry.name for entry in models), executor, store)
with remarks:
    if complaint:
        st.error(plain(complaint))
    for note in forecast.notes if forecast else ():
        st.caption(plain(note))
    if forecast and not in_hand and not is_viewer:
        seeds_note(store, forecast.plan, st.query_params.get("badge", ""))
        if early:
            early_choice_note(store, forecast.plan, early)

at_once = starts_at_once(waiting=forecast is None and not complaint) and not in_hand
if (run_pressed or at_once) and forecast and not is_viewer:
    try:
        st.query_params["id"] = under_way(store, forecast.plan) or executor.submit(forecast, early=early)
        forget_ticks()
        st.session_state["shown_sweep"] = st.query_params["id"]
        note_seeds_used(SweepId(st.query_params["id"]))
        st.rerun()
    except BgenError as error:
        remarks.error(plain(told(error)))

with grid:
    if sweep:
        show_sweep(sweep, store, executor, settings)
    elif plan and not complaint:
        if came_from := st.query_params.get("from"):
            link_back(store, SweepId(came_from))
        show_plan(plan, forecast, plan.first_composition.extent(chosen[0].extent), store)
    elif not complaint:
        st.page_link(page_files.SUBJECT, label="Choose a subject")
keep_address()
if plan and forecast is None and not complaint:
    wait_for_engine(executor)
