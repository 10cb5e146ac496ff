"""What surrounds every page: the browser tab, the navigation, who visits, and a second look at whether they may."""

import sys
from pathlib import Path

# Streamlit puts this script's own folder on the path, not the project's.
PROJECT = str(Path(__file__).resolve().parents[3])
if PROJECT not in sys.path:
    sys.path.insert(0, PROJECT)

import streamlit as st  # noqa: E402

from pages._ui.app import page_files, resources  # noqa: E402
from pages._ui.app.early_component import load_components_early  # noqa: E402
from pages._ui.identity.account import account_popover  # noqa: E402

st.set_page_config(page_title="bgen", page_icon="🖼️", layout="wide")
# The gate lets nobody come this far who is not known; it is missing where this script is run without the app around it.
visitor = resources.visitor()
page = st.navigation(
    [
        st.Page(page_files.SUBJECT, title="Subject", url_path="subject", default=True),
        st.Page(page_files.SWEEP, title="Sweep", url_path="sweep"),
        st.Page(page_files.COMPARE, title="Compare", url_path="compare"),
        st.Page(page_files.RUN, title="Run", url_path="run", visibility="hidden"),
    ],
    position="top",
)
load_components_early()
if not resources.asks_nobody():
    account_popover(visitor, resources.settings())
page.run()
