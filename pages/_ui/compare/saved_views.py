"""Views of the compare page under a name: one's own, and those that others share."""

from typing import Any

import streamlit as st

from bgen_core.errors import BgenError
from bgen_core.limits import LONGEST_VIEW_NAME
from bgen_core.store.access import EVERYONE
from bgen_core.store.store import SeenStore
from bgen_core.store.views import SavedView
from pages._ui.app.faults import told
from pages._ui.compare.compare_view import CompareView, show, unread_conditions, unread_values
from pages._ui.identity.viewers import looks_alone
from pages._ui.shared.left_out import say_left_out
from pages._ui.shared.owners import whose
from pages._ui.shared.plain_text import plain

# The page of the table and the chosen runs belong to a link, not to a view that is opened again on another day.
_NOT_KEPT = ("page", "ids", "pair")
_PROBLEM = "saved_view_problem"
_FORGETTING = "saved_view_to_forget"
_SHARED = "view_is_shared"


def views_popover(store: SeenStore, view: CompareView) -> None:
    """Draw the list of saved views, and the field that saves the present one."""
    views = store.views.all()
    with st.popover(f"Views · {len(views)}" if views else "Views", key="compare_views"):
        for saved in views:
            _listed(store, saved)
        if not views:
            st.caption("A view keeps the filter, the order and the columns under a name.")
        if looks_alone(store):
            return
        with st.form("save_view", border=False, clear_on_submit=True):
            st.text_input("Name", key="view_name", max_chars=LONGEST_VIEW_NAME, placeholder="best of this week")
            if not store.visitor.is_local:
                shared = store.access.sharing == "shared"
                st.checkbox("All visitors see it", value=shared, key=_SHARED)
            st.form_submit_button("Save this view", on_click=_save, args=(store, view))
        if problem := st.session_state.pop(_PROBLEM, ""):
            st.error(plain(problem))


def _listed(store: SeenStore, saved: SavedView) -> None:
    """One view; deleting it asks first, since others may use it."""
    key = f"{saved.owner}_{saved.name}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(plain(saved.name), key=f"view_{key}", type="tertiary", icon=":material/filter_alt:",
                  on_click=_open, args=(saved,))  # fmt: skip
        if saved.owner not in (store.visitor.id, EVERYONE):
            st.caption(f"by {plain(whose(store, saved.owner))}")
        st.space("stretch")
        if not store.views.may_change(saved):
            return
        if st.session_state.get(_FORGETTING) == key:
            gone = "Delete" if saved.sharing == "private" else "Delete for everybody"
            st.button(gone, key=f"forget_{key}", on_click=_forget, args=(store, saved))
            st.button("Keep", key=f"keep_{key}", type="tertiary", on_click=_think, args=("",))
        else:
            st.button("Delete", key=f"think_{key}", type="tertiary", on_click=_think, args=(key,),
                      help="Asks first. No run is deleted.")  # fmt: skip


def _think(key: str) -> None:
    st.session_state[_FORGETTING] = key


def _forget(store: SeenStore, saved: SavedView) -> None:
    try:
        store.views.delete(saved)
    except BgenError as error:
        st.session_state[_PROBLEM] = told(error)
    _think("")


def kept_query(view: CompareView) -> dict[str, Any]:
    """What of a view is saved."""
    return {name: value for name, value in view.to_query().items() if name not in _NOT_KEPT}


def _save(store: SeenStore, view: CompareView) -> None:
    try:
        name = st.session_state["view_name"]
        sharing = "shared" if st.session_state.get(_SHARED, True) else "private"
        store.views.save(SavedView(name=name, query=kept_query(view), sharing=sharing))
    except BgenError as error:
        st.session_state[_PROBLEM] = told(error)


def _open(saved: SavedView) -> None:
    """Show a view as it was saved; what another version knew and this one does not is said, as of a link."""
    query = {name: [value] if isinstance(value, str) else list(value) for name, value in saved.query.items()}
    for sentence in (*unread_conditions(query), *unread_values(query)):
        say_left_out(sentence, of="view")
    show(CompareView.from_query(query))
