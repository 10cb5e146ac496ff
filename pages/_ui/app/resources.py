"""What pages and routes share: the settings, the store as this visitor sees it, and what computes."""

import streamlit as st
from starlette.requests import Request

from bgen_core.jobs.executors.executor import Executor, Health
from bgen_core.jobs.executors.local import LocalExecutor, worker_health
from bgen_core.models.allowed_models import AllowedModels, allowed_models
from bgen_core.models.content_hash import keep_hashes
from bgen_core.settings import Settings, load_settings
from bgen_core.store.store import OpenStore, SeenStore, open_store
from pages._ui.app.visitor_cookie import known_visitor, new_visitor


@st.cache_resource(show_spinner=False)
def settings() -> Settings:
    """The deployment's settings, read once per server."""
    read = load_settings()
    keep_hashes(read.home)
    return read


def allowed() -> AllowedModels:
    """The models that visitors may name."""
    return allowed_models(settings())


@st.cache_resource(show_spinner=False)
def opened_store() -> OpenStore:
    """The one store of this server, with its migrations done; pages and routes get it as their visitor sees it."""
    return open_store(settings())


def store() -> SeenStore:
    """The store of a page. A browser that takes no cookies is a visitor for this session alone."""
    visitor = known_visitor(dict(st.context.cookies)) or st.session_state.setdefault("visitor", new_visitor())
    return opened_store().seen_by(visitor)


def store_of(request: Request) -> SeenStore:
    """The store of a route. A browser without its cookie is a visitor for this request alone."""
    return opened_store().seen_by(known_visitor(request.cookies) or new_visitor())


def health() -> Health | None:
    """How it is with what computes the sweeps of this server."""
    return worker_health(settings())


def executor() -> Executor:
    """What computes the sweeps of this server; those that are submitted are this visitor's."""
    return LocalExecutor(store(), settings())
