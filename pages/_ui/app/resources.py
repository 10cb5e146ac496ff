"""What every page shares: the settings, the store, what computes, and who is visiting."""

import uuid

import streamlit as st

from bgen_core.jobs.executors.executor import Executor
from bgen_core.jobs.executors.local import LocalExecutor
from bgen_core.settings import Settings, load_settings
from bgen_core.store.store import Store, open_store
from pages._ui.app.visitor_cookie import known_visitor


@st.cache_resource(show_spinner=False)
def settings() -> Settings:
    """The deployment's settings, read once per server."""
    return load_settings()


@st.cache_resource(show_spinner=False)
def store() -> Store:
    """The one store of this server, with its migrations done."""
    return open_store(settings())


def executor() -> Executor:
    """What computes the sweeps of this server."""
    return LocalExecutor(store(), settings())


def visitor() -> str:
    """A name for this browser, under which its sweeps queue; for this session alone where it takes no cookies."""
    if known := known_visitor(dict(st.context.cookies)):
        return known
    if "visitor" not in st.session_state:
        st.session_state["visitor"] = uuid.uuid4().hex[:12]
    return st.session_state["visitor"]
