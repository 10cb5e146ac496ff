"""Who somebody is here, in the corner of every page: their name, what they may do, and the way out."""

import streamlit as st

from bgen_core.authentication import mode_of
from bgen_core.records.visitor import Role, Visitor
from bgen_core.settings import Settings
from pages._ui.identity.forms import LOGOUT, RENAME
from pages._ui.identity.logins import LONGEST_NAME
from pages._ui.identity.token_dialog import ACCOUNT_OPEN, tokens_button
from pages._ui.shared.html_templates import render
from pages._ui.shared.plain_text import plain

_MAY: dict[Role, str] = {
    "viewer": "Viewer: you look and vote.",
    "member": "Member: you upload, sweep, and change what is yours.",
    "admin": "Admin: you see and change what is anybody's.",
}
_LONGEST_LABEL = 18


@st.fragment
def account_popover(visitor: Visitor, settings: Settings) -> None:
    """Draw the popover; its place is told by streamlit.css."""
    mode = mode_of(settings)
    label = visitor.name or "Account"
    shown = label if len(label) <= _LONGEST_LABEL else f"{label[:_LONGEST_LABEL].rstrip()}…"
    with (
        st.container(key="account", width="content"),
        st.popover(
            plain(shown), icon=":material/person:", type="tertiary", key=ACCOUNT_OPEN, on_change="rerun"
        ),  # which a dialog closes: it would lie below in a narrow window
    ):
        if mode != "password":
            st.markdown(f"**{plain(visitor.name)}**")
        st.caption(_MAY[visitor.role])
        tokens_button(visitor, settings)
        if mode == "header":
            st.caption("The proxy before this app knows you: log out there.")
            return
        rename = RENAME if mode == "password" else ""
        st.html(render("identity/account.html", name=visitor.name, longest=LONGEST_NAME, rename=rename, logout=LOGOUT))
