"""What visitors read of what failed: one sentence, and never a trace, nor where the server keeps what."""

import logging

import streamlit as st

from bgen_core.errors import BgenError, StoreError
from pages._ui.shared.plain_text import plain


def told(error: BgenError) -> str:
    """The sentence for a visitor; what it leaves out of a fault of the store goes to the log."""
    if isinstance(error, StoreError):
        logging.getLogger("bgen").warning("the store cannot be used: %s", error)
    return error.public


def tell_fault(error: Exception) -> bool:
    """Say what happened, for `st.App(on_script_error=…)`: a store that cannot be used is no bug, all else is."""
    if isinstance(error, StoreError):
        st.error(plain(told(error)))
    else:
        logging.getLogger("bgen").error("a page failed", exc_info=error)
        st.error("Something went wrong on our side; nothing you made is lost. Reload the page to continue.")
    return True
