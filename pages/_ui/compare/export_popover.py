"""Saving runs and sharing the view: links to the app's own routes, so that nothing large goes through the script."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode, urlsplit

import pandas as pd
import streamlit as st

from bgen_core.records.run import RunRecord
from bgen_core.reports.file_sizes import in_megabytes, report_bytes
from bgen_core.runs.links import runs_url
from pages._ui.app import resources
from pages._ui.compare.compare_view import CompareView
from pages._ui.routes.export_routes import EXPORT_FORMS, MOST_IN_REPORT

# What decides which runs are meant; the rest of an address is only about how they are shown.
_REPORT_SIDES = (512, 256, 96)
_DECIDES = ("q", "f", "sweep", "sort")


@st.fragment
def export_popover(rows: pd.DataFrame, runs: Sequence[RunRecord], view: CompareView) -> None:
    """Draw the forms for the chosen runs, or else for all runs of the view, and the link to the view."""
    opened = st.popover("Export", width=96, key="export", on_change="rerun")
    if not opened.open:
        return
    with opened:
        kinds = {"chosen": f"{len(runs)} chosen", "all": f"all {len(rows):,} of this view"}
        if not runs:
            kinds.pop("chosen")
        if st.session_state.get("export_kind") not in kinds:
            st.session_state["export_kind"] = next(iter(kinds))
        kind = st.segmented_control(
            "Which runs", list(kinds), key="export_kind", required=True, format_func=kinds.__getitem__
        )
        query = view.to_query()
        asked = {"ids": query["ids"]} if kind == "chosen" else {name: query[name] for name in _DECIDES if name in query}
        with st.container(horizontal=True):
            for form in EXPORT_FORMS:
                if form.suffix != "html":
                    st.link_button(
                        form.label, runs_url(form.suffix, asked), disabled=kind == "all" and rows.empty, help=form.help
                    )
        _reports(rows if kind == "all" else rows.head(0), runs if kind == "chosen" else (), asked)
        st.markdown("Link to this view")
        st.code(view_link(view), language=None, wrap_lines=True)


def _reports(rows: pd.DataFrame, runs: Sequence[RunRecord], asked: Mapping[str, str | Sequence[str]]) -> None:
    """The report in three sizes of pictures, each with its size in MB."""
    count = len(rows) or len(runs)
    (form,) = (form for form in EXPORT_FORMS if form.suffix == "html")
    if not 0 < count <= MOST_IN_REPORT:
        st.link_button(form.label, runs_url(form.suffix, asked), disabled=True, help=form.help)
        return
    store = resources.store()
    if not runs:  # a few of them tell the size
        step = max(1, count // 6)
        runs = store.runs.get_all(rows["id"].tolist()[::step])
    st.markdown("Report, with pictures of")
    with st.container(horizontal=True):
        for side in _REPORT_SIDES:
            size = in_megabytes(round(report_bytes(store.blobs, runs, side) / len(runs) * count))
            st.link_button(f"{side} px · {size}", runs_url(form.suffix, {**asked, "side": str(side)}), help=form.help)


def view_link(view: CompareView) -> str:
    """The address of a view, as a colleague opens it."""
    base = urlsplit(st.context.url or "")._replace(query="", fragment="").geturl()
    query = urlencode(view.to_query(), doseq=True)
    return f"{base}?{query}" if query else base
