"""Making read-only links, and taking them back."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import streamlit as st

from bgen_core.errors import BgenError
from bgen_core.ids import LinkId, RunId, SweepId
from bgen_core.records.link import Link
from bgen_core.store.people.links import LONGEST_TEXT, MOST_PICTURES
from bgen_core.store.store import SeenStore
from bgen_core.wording import counted
from pages._ui.app import resources
from pages._ui.app.faults import told
from pages._ui.app.sub_path import sub_path
from pages._ui.links.link_address import link_path
from pages._ui.shared.plain_text import plain

_TITLE, _QUESTION, _VOTE, _ENDS, _PROBLEM = "link_title", "link_question", "link_vote", "link_ends", "link_problem"
_NUMBER = "links_made"
_DAYS: dict[str, int] = {"in a week": 7, "in a month": 30, "in a year": 365, "never": 0}


def link_button(
    store: SeenStore, *, sweep: Callable[[], SweepId | None], run_ids: Sequence[RunId], title: str, whole: str = ""
) -> None:
    """Draw the button that opens what makes a link to a sweep or to chosen pictures, and the links that were made.

    Parameters
    ----------
    sweep
        The sweep that it shows; asked once it is opened.
    run_ids
        The pictures that are chosen.
    whole
        What a link shows where none is; empty where there is nothing to show then.
    """
    if resources.settings().links == "off":
        return
    if st.button("Link", icon=":material/link:", key="links", help="A read-only page to send to somebody."):
        _links(store, sweep(), tuple(run_ids), title, whole)


@st.dialog("A page to look at", width="medium", icon=":material/link:")
def _links(store: SeenStore, sweep_id: SweepId | None, run_ids: tuple[RunId, ...], title: str, whole: str) -> None:
    shown = f"It shows {counted(len(run_ids), 'chosen picture')}." if run_ids else f"It shows {whole}." if whole else ""
    if store.visitor.is_local:
        who = "It opens on this machine alone, as the app does"
    elif resources.settings().links == "open":
        who = "Whoever has the link opens it, without a login"
    else:
        who = "Whoever has the link and is logged in opens it, also what is private"
    st.caption(f"{shown or 'Choose pictures first.'} {who}; nothing else of the app is seen through it.")
    if problem := st.session_state.pop(_PROBLEM, ""):
        st.error(plain(problem))
    if shown and len(run_ids) > MOST_PICTURES:
        st.caption(f"Up to {MOST_PICTURES} pictures: choose fewer.")
    elif shown:
        _form(store, sweep_id, run_ids, title)
    for link in store.links.of(sweep_id=sweep_id):
        if not link.is_revoked and (sweep_id is not None or link.sweep_id is None):
            _made(store, link)


def sweep_of(store: SeenStore, run_ids: Sequence[RunId]) -> SweepId | None:
    """The newest sweep of the visitor's in whose grid all of these runs stand; None where there is none."""
    for sweep in store.sweeps.of_runs(run_ids[:1]):
        if store.sweeps.may_change(sweep) and {cell.run_id for cell in store.sweeps.cells(sweep.id)} >= set(run_ids):
            return sweep.id
    return None


def _form(store: SeenStore, sweep_id: SweepId | None, run_ids: Sequence[RunId], title: str) -> None:
    number: int = st.session_state.setdefault(_NUMBER, 0)
    with st.form(f"make_link_{number}", border=False):
        st.text_input("Title", value=title[:LONGEST_TEXT], key=f"{_TITLE}_{number}", max_chars=LONGEST_TEXT)
        st.text_input(
            "Question", key=f"{_QUESTION}_{number}", max_chars=LONGEST_TEXT, placeholder="which for the team page?"
        )
        can_vote = sweep_id is not None and len(run_ids) > 1
        help_vote = "Blindly, each browser once on each pair." if can_vote else "Choose two or more pictures of it."
        st.checkbox(
            "Ask for votes on the chosen pictures", key=f"{_VOTE}_{number}", disabled=not can_vote, help=help_vote
        )
        st.selectbox("It ends", list(_DAYS), index=1, key=f"{_ENDS}_{number}")
        st.form_submit_button(
            "Make the link", type="primary", on_click=_make, args=(store, sweep_id, tuple(run_ids), number)
        )


def _made(store: SeenStore, link: Link) -> None:
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"**{plain(link.title or 'Pictures')}**")
        st.code(_whole_address(link), language=None)
        votes = " · asks for votes" if link.may_vote else ""
        until = f"until {link.until:%Y-%m-%d}" if link.until else "without an end"
        st.caption(f"{counted(len(link.run_ids), 'picture') if link.run_ids else 'the whole sweep'} · {until}{votes}")
        st.text_input(
            "Decision", value=link.verdict, key=f"decide_{link.id}", placeholder="what was decided, and why",
            on_change=_decide, args=(store, link.id),
        )  # fmt: skip
        st.button("Take back", key=f"revoke_{link.id}", on_click=_revoke, args=(store, link.id), type="tertiary")


def _whole_address(link: Link) -> str:
    settings = resources.settings()
    if settings.public_url:
        return f"{settings.public_url.rstrip('/')}/{link_path(link, settings.home)}"
    page = urlsplit(st.context.url or "")
    return f"{page.scheme}://{page.netloc}{sub_path()}/{link_path(link, settings.home)}"


def _make(store: SeenStore, sweep_id: SweepId | None, run_ids: tuple[RunId, ...], number: int) -> None:
    """Make what the form of this number describes, once: a second click would make another link, of an empty form."""
    if st.session_state[_NUMBER] != number:
        return
    title, question, ends, vote = (st.session_state[f"{part}_{number}"] for part in (_TITLE, _QUESTION, _ENDS, _VOTE))
    days = _DAYS[ends]
    try:
        store.links.add(
            sweep_id=sweep_id,
            run_ids=run_ids,
            title=title,
            question=question,
            until=datetime.now(UTC) + timedelta(days=days) if days else None,
            may_vote=vote,
        )
    except BgenError as error:
        st.session_state[_PROBLEM] = told(error)
    else:
        st.session_state[_NUMBER] = number + 1  # the next one begins empty; what was refused stays to be mended


def _revoke(store: SeenStore, link_id: LinkId) -> None:
    try:
        store.links.revoke(link_id)
    except BgenError as error:
        st.session_state[_PROBLEM] = told(error)


def _decide(store: SeenStore, link_id: LinkId) -> None:
    try:
        store.links.decide(link_id, st.session_state[f"decide_{link_id}"])
    except BgenError as error:
        st.session_state[_PROBLEM] = told(error)
