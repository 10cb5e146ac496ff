"""What a page says where its script, a callback or a fragment failed: one sentence, and never a trace."""

import logging

import streamlit as st

from bgen_core.errors import StoreError
from pages._ui.shared.plain_text import plain


def tell_fault(error: Exception) -> bool:
    """Say what happened, for `st.App(on_script_error=…)`: a store that cannot be used is no bug, all else is."""
    if isinstance(error, StoreError):
        logging.getLogger("bgen").warning("a page cannot use the store: %s", error)
        st.error(plain(str(error)))
    else:
        logging.getLogger("bgen").error("a page failed", exc_info=error)
        st.error("Something went wrong on our side; nothing you made is lost. Reload the page to go on.")
    return True
