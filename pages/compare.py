"""Compare: the table of everything ever made, chosen runs side by side, and what sweeps and voters say."""

from dataclasses import replace

import streamlit as st

from bgen_core.models.default_model import default_model
from bgen_core.runs.wide_table import run_table
from pages._ui.app import page_files, resources
from pages._ui.app.status import show_status
from pages._ui.compare.compare_panels import panels
from pages._ui.compare.compare_view import current_view, show
from pages._ui.compare.filter_card import filter_card
from pages._ui.compare.opened_file import open_file_popover, show_opened_file
from pages._ui.compare.rows_in_view import chosen_runs, rows_in_view
from pages._ui.compare.run_groups import group_table
from pages._ui.compare.run_table import editable_table
from pages._ui.compare.table_bar import table_bar
from pages._ui.shared.plain_text import plain

METRICS_AGE = 10.0  # seconds: while the worker measures, a page need not read all metrics at every click

with st.container(horizontal=True, vertical_alignment="center"):
    st.title("Compare", width="content")
    st.space("stretch")
    opened = open_file_popover()
    status_place = st.container(width="content")
view = current_view()
store = resources.store()
table = run_table(store, metrics_age=METRICS_AGE)
with status_place:
    show_status(default_model(resources.settings()), resources.executor(), store)

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
if view.panel == "vote":
    st.caption("Blind: the table with its parameters is hidden while you vote.")
else:
    filter_card(table, store, view)
    rows = rows_in_view(table, store, view)
    table_bar(rows, len(table), runs, store, view)
    if rows.empty:
        st.info("No run passes this filter: take a word or a choice away.")
    elif view.group:
        group_table(rows, view)
    else:
        editable_table(rows, store, view)
for sentence in unknown:
    st.warning(plain(sentence))
panels(runs, table, store, view)
