"""Whether there is room for what a visitor would bring: said before they choose a file."""

import streamlit as st

from bgen_core.errors import NoRoomError
from bgen_core.store.store import SeenStore
from pages._ui.shared.plain_text import plain


def no_room(store: SeenStore) -> str:
    """Why the store takes no more pictures; empty where it does."""
    try:
        store.blobs.check_room()
    except NoRoomError as error:
        return error.public
    return ""


def warn_of_no_room(store: SeenStore) -> None:
    """Say above a field that its file would be refused."""
    if sentence := no_room(store):
        st.warning(plain(sentence), width=420)
