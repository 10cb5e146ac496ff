"""Compare: everything ever made on the left, the chosen runs right of it, and what sweeps and voters say."""

from dataclasses import replace

import streamlit as st

from bgen_core.models.default_model import default_model
from bgen_core.runs.wide_table import run_table
from pages._ui.app import page_files, resources
from pages._ui.app.status import show_status
from pages._ui.compare.compare_panels import panels
from pages._ui.compare.compare_view import current_view, show
from pages._ui.compare.export_popover import export_popover
from pages._ui.compare.filters import filters_bar
from pages._ui.compare.list_bar import list_bar
from pages._ui.compare.meaning import searched
from pages._ui.compare.opened_file import open_file_popover, show_opened_file
from pages._ui.compare.panes import is_list_folded, places
from pages._ui.compare.rows_in_view import chosen_runs, rows_in_view
from pages._ui.compare.run_gallery import run_gallery
from pages._ui.compare.run_groups import group_table
from pages._ui.compare.run_table import editable_table
from pages._ui.identity.viewers import LOOKS_ALONE, looks_alone
from pages._ui.links.link_dialog import link_button, sweep_of
from pages._ui.shared.browser import is_telephone
from pages._ui.shared.plain_text import plain
from pages._ui.shared.told_when_done import shown_last

METRICS_AGE = 10.0  # seconds: while the worker measures, a page need not read all metrics at every click

with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
    st.title("Compare", width="content")
    filters_place = st.container(
        horizontal=True, vertical_alignment="center", width="content", gap="xsmall", key="compare_filters"
    )
    st.space("stretch")
    opened = None
    if looks_alone(resources.store()):
        st.caption(LOOKS_ALONE, width="content")
    else:
        opened = open_file_popover()
    export_place, link_place = st.container(width="content"), st.container(width="content")
    status_place = st.container(width="content")
view = current_view()
store = resources.store()
table = run_table(store, metrics_age=METRICS_AGE)
with status_place:
    show_status(default_model(resources.settings()), resources.executor(), store, follows=shown_last())

if opened is not None:
    show_opened_file(opened, store)
if table.empty:
    with st.container(border=True):
        st.markdown("Every picture that is made appears here with all its parameters, to be compared side by side.")
        st.page_link(page_files.SWEEP, label="Make the first pictures")
    st.stop()

runs, unknown = chosen_runs(store, view.ids)
if [run.id for run in runs] != list(view.ids):
    view = show(replace(view, ids=tuple(run.id for run in runs)))
for sentence in unknown:
    st.warning(plain(sentence))
if view.panel == "vote":
    st.caption(
        "Blind: the runs with their parameters are hidden while you vote. Keys: ← or 1, → or 2, 0 for no difference."
    )
    panels(runs, table, store, view, seen=set())
    st.stop()

table, said_of_search = searched(table, store, view)
has_list = not is_list_folded(has_choice=bool(runs))
# The whole head before what stands below it, which would be moved.
if has_list and not is_telephone():
    with filters_place:
        filters_bar(table, store, view)
rows = rows_in_view(table, store, view)
with export_place:
    export_popover(rows, runs, view)
if not looks_alone(store):
    chosen = [run.id for run in runs]
    with link_place:
        link_button(store, sweep=lambda: sweep_of(store, chosen), run_ids=chosen, title="")
list_place, pictures_place = places(view, has_list=has_list)
if list_place is not None:
    if is_telephone():  # pictures come first there
        with list_place.container(horizontal=True, vertical_alignment="center"):
            filters_bar(table, store, view)
    with list_place:
        list_bar(rows, len(table), view, can_fold=bool(runs))
        if said_of_search:
            st.caption(plain(said_of_search))
        if rows.empty:
            st.info("No run passes this filter: take a word or a choice away.")
        elif view.shape != "table":
            run_gallery(rows, store, view)
        elif view.group:
            group_table(rows, view)
        else:
            baseline = table[table["id"].map(view.is_baseline)] if view.baseline else table.iloc[:0]
            editable_table(rows, store, view, baseline=baseline)
with pictures_place:
    # Of the chosen ones alone: ten thousand ids as Python's own texts take as long as all other filtering
    panels(runs, table, store, view, seen=set(rows["id"][rows["id"].isin([run.id for run in runs])]))
