"""Tokens in the account popover: making one, whose text is shown once, and revoking."""

import streamlit as st

from bgen_core.api.token_visitor import way_in
from bgen_core.authentication import mode_of
from bgen_core.errors import BgenError
from bgen_core.records.visitor import Visitor
from bgen_core.settings import Settings
from bgen_core.store.people.tokens import LONGEST_TOKEN_NAME, ApiToken, Scope
from pages._ui.app import resources
from pages._ui.app.faults import told
from pages._ui.identity.logins import login_of
from pages._ui.shared.plain_text import plain

ACCOUNT_OPEN = "account_open"
"""Of the account popover, whether it is open."""

_MADE = "token_made"
_PROBLEM = "token_problem"
_SCOPES: dict[Scope, str] = {"read": "Look only", "sweep": "Also upload, sweep, stop and rate"}
_DAYS: dict[str, float | None] = {"30 days": 30, "90 days": 90, "A year": 365, "No end": None}


def tokens_button(visitor: Visitor, settings: Settings) -> None:
    """Draw the button that opens the dialog."""
    if st.button("Tokens for scripts", key="tokens", icon=":material/key:", type="tertiary", on_click=_begin):
        _tokens(visitor, settings)


@st.dialog("Tokens for scripts", width="medium")
def _tokens(visitor: Visitor, settings: Settings) -> None:
    st.caption("A script that sends one as “Authorization: Bearer …” at /api/v1/ acts in your name.")
    if text := st.session_state.get(_MADE):
        st.success("This is the token. Copy it now: it is kept nowhere, and not shown again.")
        st.code(text, language=None)
    with st.form("new_token", border=False):
        st.text_input("Name", max_chars=LONGEST_TOKEN_NAME, placeholder="my notebook", key="token_name")
        offered: list[Scope] = ["read"] if visitor.role == "viewer" else list(_SCOPES)
        st.radio("It may", offered, format_func=_SCOPES.__getitem__, key="token_scope")
        st.selectbox("It ends after", list(_DAYS), index=1, key="token_days")
        st.form_submit_button("Make a token", type="primary", on_click=_make, args=(visitor, settings))
        if problem := st.session_state.get(_PROBLEM):
            st.error(plain(problem))
    try:
        mine = [each for each in resources.store().tokens.all() if each.owner == visitor.id]
    except BgenError as error:
        st.error(plain(told(error)))
        return
    for token in mine:
        _row(token)


def _make(visitor: Visitor, settings: Settings) -> None:
    _forget()
    chosen = st.session_state
    try:
        _, chosen[_MADE] = resources.store().tokens.add(
            chosen["token_name"],
            chosen["token_scope"],
            owner=visitor,
            made_under=way_in(settings, visitor.role),
            known_as=_known_as(visitor, settings),
            days=_DAYS[chosen["token_days"]],
        )
    except BgenError as error:
        chosen[_PROBLEM] = told(error)


def _known_as(visitor: Visitor, settings: Settings) -> tuple[str, ...]:
    """The names by which the lists of admins and viewers know the visitor."""
    if mode_of(settings) == "header":
        return (visitor.name,)
    login = login_of(dict(st.context.cookies), settings) if mode_of(settings) == "oidc" else None
    return login.known_as if login else ()


def _row(token: ApiToken) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        used = f"last used {token.last_used:%Y-%m-%d}" if token.last_used else "never used"
        until = "has ended" if token.has_ended else f"until {token.until:%Y-%m-%d}" if token.until else "no end"
        st.markdown(f"**{plain(token.name)}**  \n{token.scope} · {until} · {used}", width="stretch")
        st.button("Revoke", key=f"revoke_{token.id}", on_click=_revoke, args=(token.id,), help="It opens nothing more.")


def _revoke(token_id: str) -> None:
    _forget()
    try:
        resources.store().tokens.revoke(token_id)
    except BgenError as error:
        st.session_state[_PROBLEM] = told(error)


def _begin() -> None:
    _forget()
    st.session_state[ACCOUNT_OPEN] = False


def _forget() -> None:
    """What was said of the last act: a token's text is shown once."""
    st.session_state.pop(_MADE, None)
    st.session_state.pop(_PROBLEM, None)
