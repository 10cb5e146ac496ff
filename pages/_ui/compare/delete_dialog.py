"""Deleting runs: asks first, and says what goes and what stays."""

from collections.abc import Sequence

import streamlit as st

from bgen_core.errors import BgenError, UserInputError
from bgen_core.ids import RunId
from bgen_core.store.store import SeenStore
from bgen_core.wording import counted
from pages._ui.app.faults import told
from pages._ui.compare.run_table import clear_choice
from pages._ui.identity.viewers import looks_alone
from pages._ui.shared.plain_text import plain

_DONE = "deleted_runs"


def delete_button(store: SeenStore, ids: Sequence[RunId], *, hidden: int = 0) -> None:
    """Draw the button that asks whether the chosen runs shall go, and what became of the last answer.

    `hidden` says how many others are chosen that the filter hides: they stay.
    """
    if looks_alone(store):
        return
    if done := st.session_state.pop(_DONE, ""):
        st.toast(plain(done))
    if st.button("Delete …", type="tertiary", disabled=not ids, help="Asks first, and says what goes."):
        _ask(store, ids, hidden)


@st.dialog("Delete for good?")
def _ask(store: SeenStore, ids: Sequence[RunId], hidden: int) -> None:
    try:
        st.markdown(store.deletion.count(ids).sentence)
    except UserInputError as error:
        st.error(plain(told(error)))
        return
    st.caption("This cannot be taken back. Subjects and sweeps stay; a run can be made again from its settings.")
    if hidden:
        st.caption(f"{counted(hidden, 'chosen run')} that the filter hides {'stays' if hidden == 1 else 'stay'}.")
    with st.container(horizontal=True):
        st.button(f"Delete {len(ids):,}", type="primary", key="delete_chosen", on_click=_delete, args=(store, ids))
        if st.button("Keep them", key="keep_chosen"):
            st.rerun()


def _delete(store: SeenStore, ids: Sequence[RunId]) -> None:
    try:
        gone = store.deletion.delete(ids)
        st.session_state[_DONE] = gone.told
        clear_choice(ids)
    except BgenError as error:
        st.session_state[_DONE] = told(error)
    st.rerun()
