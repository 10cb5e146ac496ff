"""Saving runs and sharing the view: links to the app's own routes, so that nothing large goes through the script."""

from collections.abc import Sequence
from urllib.parse import urlencode, urlsplit

import pandas as pd
import streamlit as st

from bgen_core.records.run import RunRecord
from bgen_core.runs.links import runs_url
from pages._ui.compare.compare_view import CompareView
from pages._ui.routes.export_routes import EXPORT_FORMS

# What decides which runs are meant; the rest of an address is only about how they are shown.
_DECIDES = ("q", "f", "sweep", "sort")


def export_popover(rows: pd.DataFrame, runs: Sequence[RunRecord], view: CompareView) -> None:
    """Draw the forms for the chosen runs, or else for all runs of the view, and the link to the view."""
    with st.popover("Export", width=110):
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
                st.link_button(
                    form.label, runs_url(form.suffix, asked), disabled=kind == "all" and rows.empty, help=form.help
                )
        st.markdown("Link to this view")
        st.code(view_link(view), language=None, wrap_lines=True)


def view_link(view: CompareView) -> str:
    """The address of a view, as a colleague opens it."""
    base = urlsplit(st.context.url or "")._replace(query="", fragment="").geturl()
    query = urlencode(view.to_query(), doseq=True)
    return f"{base}?{query}" if query else base
