"""Compare: the table of everything ever made, and chosen runs side by side."""

from functools import partial

import streamlit as st

from bgen_core.errors import UserInputError
from bgen_core.runs.export import runs_csv
from pages._ui import page_files, resources
from pages._ui.compare_view import change, current_view
from pages._ui.comparison import MOST_AT_ONCE, side_by_side
from pages._ui.run_table import clear_choice, filter_card, load_runs, selectable_table
from pages._ui.status import show_status

with st.container(horizontal=True, vertical_alignment="center"):
    st.title("Compare", width="content")
    st.space("stretch")
    status_place = st.container(width="content")
view = current_view()
try:
    store = resources.store()
    runs, frame = load_runs(store)
    with status_place:
        show_status(resources.settings().model, resources.settings(), store)
except UserInputError as error:
    st.error(str(error))
    st.stop()

if not runs:
    with st.container(border=True):
        st.markdown("Every picture that is made appears here with all its parameters, to be compared side by side.")
        st.page_link(page_files.SWEEP, label="Make the first pictures")
    st.stop()

rows = filter_card(frame, store, view)

chosen, unknown = [], []
for run_id in view.ids:
    try:
        chosen.append(runs.get(run_id) or store.get_run(run_id))
    except UserInputError as error:
        unknown.append(str(error))
if chosen and [run.id for run in chosen] != list(view.ids):
    change(ids=tuple(run.id for run in chosen))
    view = current_view()

with st.container(horizontal=True, vertical_alignment="center"):
    st.markdown(f"**{len(rows)}** of {len(frame)} runs" if len(rows) < len(frame) else f"**{len(rows)}** runs")
    st.download_button(
        "CSV",
        partial(runs_csv, [runs[run_id] for run_id in rows["id"]]),
        file_name="bgen-runs.csv",
        mime="text/csv",
        on_click="ignore",
        help="The filtered runs with all parameters, versions and times.",
        disabled=rows.empty,
    )
if rows.empty:
    st.info("No run passes this filter: take a word or a choice away.")
else:
    selectable_table(rows, view)

for sentence in unknown:
    st.warning(sentence)
if not chosen:
    st.caption(f"Choose 2 to {MOST_AT_ONCE} rows at their left edge to see them side by side.")
    st.stop()
with st.container(horizontal=True, vertical_alignment="center"):
    st.subheader("Side by side" if len(chosen) > 1 else "One chosen")
    st.button("Clear", type="tertiary", on_click=clear_choice)
if len(chosen) == 1:
    st.caption("Choose another row to compare.")
elif len(chosen) > MOST_AT_ONCE:
    st.caption(f"{len(chosen)} are chosen: the first {MOST_AT_ONCE} are shown.")
side_by_side(chosen)
