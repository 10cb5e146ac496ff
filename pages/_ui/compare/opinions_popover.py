"""Rate and tag several runs at once."""

from collections.abc import Sequence

import streamlit as st

from bgen_core.errors import BgenError
from bgen_core.ids import RunId
from bgen_core.store.opinions import MAX_RATING, Opinion
from bgen_core.store.store import SeenStore
from pages._ui.app.faults import told
from pages._ui.compare.run_table import show_anew, stars
from pages._ui.identity.viewers import looks_alone
from pages._ui.shared.plain_text import plain

_RATING, _TAGS = "give_rating", "give_tags"


def opinions_popover(store: SeenStore, ids: Sequence[RunId]) -> None:
    """Draw what the chosen runs are rated and tagged with."""
    if looks_alone(store):
        return
    place = st.popover("Rate", disabled=not ids, help="Rate and tag the chosen runs at once.", width=90)
    with place, st.form("give", border=False, clear_on_submit=True):
        st.pills(f"Rating for {len(ids)}", range(1, MAX_RATING + 1), key=_RATING, format_func=stars)
        st.multiselect("Tags to add", store.opinions.all_tags(), key=_TAGS, accept_new_options=True, placeholder="none")
        st.form_submit_button(f"Give to {len(ids)} chosen", on_click=_give, args=(store, ids))


def _give(store: SeenStore, ids: Sequence[RunId]) -> None:
    rating, tags = st.session_state[_RATING], st.session_state[_TAGS]
    refused: set[str] = set()
    for run_id in ids:  # each for itself: one that was deleted meanwhile takes nothing from the others
        try:
            if tags:
                opinion = store.opinions.of([run_id]).get(run_id, Opinion())
                store.opinions.tag(run_id, [*opinion.tags, *tags])
            if rating:
                store.opinions.rate(run_id, rating)
        except BgenError as error:
            refused.add(told(error))
    for sentence in sorted(refused):
        st.toast(plain(sentence))
    show_anew()
