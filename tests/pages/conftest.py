from collections.abc import Iterator

import pytest
import streamlit as st
from streamlit import config

from bgen_core.store.store import Store
from pages._ui.app import resources

SERIALIZABLE = "runner.enforceSerializableSessionState"


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
