"""The app's own routes behind its gate, over a store with a little in it, for a script that brings a token."""

from collections.abc import Iterator

import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from bgen_core.settings import Settings, load_settings
from bgen_core.store.store import Store
from pages._ui.app import resources
from pages._ui.app.gate import Gate
from pages._ui.routes.routes import own_routes
from tests.workers import says


@pytest.fixture
def settings(own_home: object, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A server that asks for a password; its routes read the same from the environment."""
    monkeypatch.setenv("BGEN_PASSWORD", "secret")
    monkeypatch.setenv("BGEN_DEVICE", "cpu")
    return load_settings()


@pytest.fixture
def served(store: Store, settings: Settings) -> Iterator[TestClient]:
    """A script's connection without any token."""
    st.cache_resource.clear()
    app = Starlette(routes=own_routes(), middleware=[Middleware(Gate, wrong_seconds=0)])
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        yield client
    resources.opened_store().close()
    st.cache_resource.clear()


@pytest.fixture
def worker(store: Store) -> None:
    """A worker that is ready; it takes nothing from the queue."""
    says(store, lasting=3600)
