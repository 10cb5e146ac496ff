"""Tokens under one's name on the pages: shown once, revoked in the same place."""

import pytest
from streamlit.testing.v1 import AppTest

from bgen_core.ids import VisitorId
from bgen_core.records.visitor import Role, Visitor
from bgen_core.store.people.tokens import BY_OPERATOR
from bgen_core.store.store import Store
from pages._ui.app import resources


def account() -> None:
    from pages._ui.app import resources
    from pages._ui.identity.account import account_popover

    account_popover(resources.store().visitor, resources.settings())


def page_of(monkeypatch: pytest.MonkeyPatch, role: Role) -> AppTest:
    monkeypatch.setenv("BGEN_PASSWORD", "secret")
    visitor = Visitor(id=VisitorId("0123456789ab"), name="Vera", role=role)
    monkeypatch.setattr(resources, "store", lambda: resources.opened_store().seen_by(visitor))
    at = AppTest.from_function(account, default_timeout=60).run()
    at.button(key="tokens").click().run()
    assert not at.exception
    return at


def make(at: AppTest, name: str) -> AppTest:
    at.text_input(key="token_name").set_value(name)
    (button,) = [each for each in at.button if each.label == "Make a token"]
    button.click().run()
    assert not at.exception  # AppTest of Streamlit 1.67 draws no dialog anew: a browser does
    return at


def test_a_token_is_shown_once_and_revoked(page_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    at = page_of(monkeypatch, "member")
    at.radio(key="token_scope").set_value("sweep")
    make(at, "my *notebook*")
    token = page_store.tokens.find(at.session_state["token_made"])
    assert token is not None
    assert (token.owner, token.owner_name, token.scope, token.role) == ("0123456789ab", "Vera", "sweep", "member")
    assert token.until is not None
    assert token.made_under.startswith("password ")
    at.button(key="tokens").click().run()
    assert "token_made" not in at.session_state
    assert len(at.code) == 0
    at.button(key=f"revoke_{token.id}").click().run()
    assert page_store.tokens.all() == []


@pytest.mark.parametrize("name", ["", " "])
def test_what_is_no_name_is_said(page_store: Store, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    at = make(page_of(monkeypatch, "member"), name)
    assert at.session_state["token_problem"] == "A token's name has 1 to 80 letters: say what will use it."
    assert page_store.tokens.all() == []


def test_a_viewer_is_offered_looking_alone(page_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    at = page_of(monkeypatch, "viewer")
    assert at.radio(key="token_scope").options == ["Look only"]


def test_an_admin_sees_their_own_here(page_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Visitor(id=VisitorId("b" * 12), name="Boris")
    page_store.tokens.add("of Boris", "read", owner=other, made_under=BY_OPERATOR)
    at = page_of(monkeypatch, "admin")
    assert not [each for each in at.button if each.label == "Revoke"]
