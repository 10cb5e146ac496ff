"""The app's own routes behind its gate, over a store with a little in it, for a script that brings a token."""

import time
from collections.abc import Iterator

import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from bgen_core.jobs.worker_folder import WorkerFolder, WorkerStatus
from bgen_core.settings import Settings, load_settings
from bgen_core.store.store import Store
from pages._ui.app import resources
from pages._ui.app.gate import Gate
from pages._ui.routes.routes import own_routes


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
def worker(settings: Settings) -> None:
    """A worker that is ready; it takes nothing from the queue."""
    folder = WorkerFolder(settings.home)
    folder.prepare()
    beat = time.time() + 3600
    folder.write_status(WorkerStatus(pid=1, state="ready", device_kind="cpu", dtype_name="float32", beat=beat))
