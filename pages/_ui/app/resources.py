"""What pages and routes share: the settings, the store as this visitor sees it, and what computes."""

from contextlib import suppress
from dataclasses import replace

import streamlit as st
from starlette.requests import Request

from bgen_core.authentication import mode_of
from bgen_core.errors import StoreError
from bgen_core.ids import COMMAND_LINE, LinkId, VisitorId
from bgen_core.jobs.executors.executor import Executor, Health
from bgen_core.jobs.executors.local import LocalExecutor, worker_health
from bgen_core.models.allowed_models import AllowedModels, allowed_models
from bgen_core.models.content_hash import keep_hashes
from bgen_core.records.link import Link
from bgen_core.records.visitor import Visitor
from bgen_core.settings import Settings, load_settings
from bgen_core.store.people.tokens import ApiToken
from bgen_core.store.store import OpenStore, SeenStore, open_store
from pages._ui.app.visitor_cookie import known_visitor, new_visitor
from pages._ui.identity.handed_on import visitor_in

_NAMES: dict[VisitorId, str] = {}
"""How visitors are called, as far as the store was told."""

_THIS_MACHINE = Visitor(id=COMMAND_LINE, role="admin", is_local=True)


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


def visitor() -> Visitor:
    """Who sees this page. On this machine, a browser that takes no cookies is a visitor for this session alone.

    Without a gate before it, which knows who visits, a page ends here.
    """
    if asks_nobody():
        return known_visitor(dict(st.context.cookies)) or st.session_state.setdefault("visitor", new_visitor())
    found = visitor_in(st.context.headers)
    if found is None:
        needed = "the password" if mode_of(settings()) == "password" else "a login"
        st.error(f"This needs {needed}: start the server with streamlit_app.py, which asks for it.")
        st.stop()
    return found


def asks_nobody() -> bool:
    """Whether everybody at this machine may do everything, and nobody from elsewhere anything."""
    return mode_of(settings()) == "none"


def token_of(text: str) -> ApiToken | None:
    """What the store knows of the token with this text; that it was used is kept."""
    tokens = opened_store().tokens
    found = tokens.find(text)
    if found is not None and not found.has_ended:
        with suppress(StoreError):  # a disk without room refuses nobody who only reads
            tokens.note_use(found)
    return found


def store() -> SeenStore:
    """The store as this page's visitor sees it."""
    sees = visitor()
    if _NAMES.get(sees.id) != sees.name:
        opened_store().visitors.note(sees)
        _NAMES[sees.id] = sees.name
    return opened_store().seen_by(sees)


def store_of(request: Request) -> SeenStore:
    """The store as whoever asks a route sees it; scripts of this machine that say nothing are the command line's."""
    if asks_nobody():
        asks = visitor_in(request.headers) or known_visitor(request.cookies) or _THIS_MACHINE
    else:  # nobody, where it is asked whether the server is ready
        asks = visitor_in(request.headers) or replace(new_visitor(), role="viewer", is_local=False)
    return opened_store().seen_by(asks)


def store_through(link_id: LinkId, voter: Visitor) -> tuple[SeenStore, Link]:
    """The store as a read-only link shows it to somebody, and the link; one that is not there is a UserInputError."""
    link = opened_store().links.get(link_id)
    return opened_store().through(link, voter), link


def health() -> Health | None:
    """How it is with what computes the sweeps of this server."""
    return worker_health(opened_store())


def executor() -> Executor:
    """What computes the sweeps of this server; those that are submitted are this visitor's."""
    return LocalExecutor(store(), settings())
