"""Who sees a sweep, and whose it is."""

import streamlit as st

from bgen_core.errors import BgenError
from bgen_core.ids import SweepId
from bgen_core.records.sweep import SweepRecord
from bgen_core.records.visitor import Sharing
from bgen_core.store.access import EVERYONE
from bgen_core.store.store import SeenStore
from pages._ui.app.faults import told
from pages._ui.shared.owners import SEEN_BY, whose
from pages._ui.shared.plain_text import plain

_HELP: dict[Sharing, str] = {
    "private": "You and admins.",
    "link": "Whoever opens the address of this page, too. It stands in nobody's list.",
    "shared": "All who may visit, also in Compare.",
}


def share_popover(store: SeenStore, sweep: SweepRecord) -> None:
    """Draw who sees a sweep, to be changed by its owner; for others, whose it is."""
    if store.visitor.is_local:
        return
    if sweep.owner == EVERYONE:
        st.caption("Everybody's", width="content")
        return
    if sweep.owner != store.visitor.id:
        st.caption(f"By {plain(whose(store, sweep.owner))}", width="content")
    if not store.sweeps.may_change(sweep):
        return
    # As it stands now: another tab may have changed it, and a change may have been refused
    st.session_state[f"sharing_{sweep.id}"] = sweep.sharing
    st.session_state[f"voting_{sweep.id}"] = sweep.viewers_vote
    with st.popover(SEEN_BY[sweep.sharing], key="share_sweep"):
        st.radio(
            "Who sees this sweep and its pictures",
            list(SEEN_BY),
            captions=list(_HELP.values()),
            format_func=SEEN_BY.__getitem__,
            key=f"sharing_{sweep.id}",
            on_change=_share,
            args=(store, sweep.id),
        )
        st.checkbox(
            "Viewers may vote on it", key=f"voting_{sweep.id}", on_change=_let_vote, args=(store, sweep.id),
            disabled=sweep.sharing == "private",
        )  # fmt: skip


def _let_vote(store: SeenStore, sweep_id: SweepId) -> None:
    try:
        store.sweeps.let_viewers_vote(sweep_id, vote=st.session_state[f"voting_{sweep_id}"])
    except BgenError as error:
        st.toast(plain(told(error)))


def _share(store: SeenStore, sweep_id: SweepId) -> None:
    try:
        store.sweeps.share(sweep_id, st.session_state[f"sharing_{sweep_id}"])
    except BgenError as error:
        st.toast(plain(told(error)))
