from collections.abc import Iterator
from functools import cache, lru_cache

import numpy as np
import pytest
import streamlit as st
from streamlit import config
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.testing.v1 import app_test, local_script_runner
from streamlit.testing.v1.local_script_runner import LocalScriptRunner

from bgen_core.errors import StoreError
from bgen_core.store.store import Store
from bgen_core.subject.cutout import cut_out
from bgen_core.subject.segmentation import Segmentation, Segmenter
from pages._ui.app import resources
from pages._ui.app.faults import tell_fault
from pages._ui.mask import mask_base, mask_preview
from tests.workers import says

SERIALIZABLE = "runner.enforceSerializableSessionState"


@pytest.fixture(autouse=True)
def store_faults_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest of Streamlit 1.67 runs pages without the app around them, which tells faults; bugs stay exceptions."""
    begin = LocalScriptRunner.__init__

    def begin_in_app(self: LocalScriptRunner, *given: object, **named: object) -> None:
        begin(self, *given, **named)  # pyright: ignore[reportArgumentType]
        self._on_script_error = lambda error: isinstance(error, StoreError) and tell_fault(error)

    monkeypatch.setattr(LocalScriptRunner, "__init__", begin_in_app)


@pytest.fixture(autouse=True, scope="session")
def packages_are_searched_once() -> Iterator[None]:
    """Each AppTest looks through every installed package for components, which takes longer than drawing a page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(autouse=True, scope="session")
def scripts_are_compiled_once() -> Iterator[None]:
    """Each run of an AppTest compiles the scripts of its pages anew, as no server does."""
    compiled = ScriptCache()
    with pytest.MonkeyPatch.context() as patch:
        for module in (app_test, local_script_runner):
            patch.setattr(module, "ScriptCache", lambda: compiled)
        yield


@pytest.fixture(autouse=True, scope="session")
def scripts_are_waited_for() -> Iterator[None]:
    """AppTest of Streamlit 1.67 looks every millisecond whether the script has ended, and takes its processor."""
    look = local_script_runner.require_widgets_deltas

    def wait(runner: LocalScriptRunner, timeout: float = 3) -> None:
        if runner._script_thread is not None:
            runner._script_thread.join(timeout)
        look(runner, timeout)  # which says what is wrong where it has not

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_script_runner, "require_widgets_deltas", wait)
        yield


@pytest.fixture(autouse=True, scope="session")
def photos_are_cut_out_once() -> Iterator[None]:
    """A page's caches begin empty in each test, and nearly all open it with the same photo."""

    @lru_cache(maxsize=4)
    def known(
        pixels: bytes, shape: tuple[int, ...], quality: str, segmenter: Segmenter
    ) -> tuple[np.ndarray, Segmentation]:
        return cut_out(np.frombuffer(pixels, np.uint8).reshape(shape), quality, segmenter=segmenter)

    def cut_out_once(
        image: np.ndarray, quality: str = "standard", *, segmenter: Segmenter
    ) -> tuple[np.ndarray, Segmentation]:
        alpha, found = known(image.tobytes(), image.shape, quality, segmenter)
        return alpha.copy(), found

    with pytest.MonkeyPatch.context() as patch:
        for module in (mask_base, mask_preview):
            patch.setattr(module, "cut_out", cut_out_once)
        yield


@pytest.fixture
def page_store(store: Store) -> Iterator[Store]:
    """The store that the pages of this test open by themselves."""
    # AppTest of Streamlit 1.67 keeps every `format_func` in the session state, where no lambda can be pickled.
    enforced = config.get_option(SERIALIZABLE)
    config.set_option(SERIALIZABLE, False)
    st.cache_resource.clear()
    yield store
    resources.opened_store().close()
    st.cache_resource.clear()
    config.set_option(SERIALIZABLE, enforced)


@pytest.fixture
def worker(page_store: Store) -> None:
    """A worker that is ready; it takes nothing from the queue."""
    says(page_store, lasting=3600)  # the first page of a process may take longer to draw than a beat is fresh
