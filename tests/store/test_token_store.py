"""Tokens: kept as a hash, seen and revoked by their person or an admin, never more than their person."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bgen_core.api.token_visitor import token_visitor, way_in
from bgen_core.errors import UserInputError
from bgen_core.ids import VisitorId
from bgen_core.records.visitor import Role, Visitor
from bgen_core.settings import Settings, load_settings
from bgen_core.store.people.tokens import BY_OPERATOR, MOST_TOKENS, ApiToken, Scope
from bgen_core.store.store import Store

ANNA = Visitor(id=VisitorId("a" * 12), name="Anna")
BORIS = Visitor(id=VisitorId("b" * 12), name="Boris")
ADMIN = Visitor(id=VisitorId("c" * 12), name="Cleo", role="admin")


def made(store: Store, owner: Visitor = ANNA, scope: Scope = "sweep", **more: Any) -> tuple[ApiToken, str]:
    return store.seen_by(owner).tokens.add("notebook", scope, owner=owner, made_under=BY_OPERATOR, **more)


@pytest.mark.both_databases
def test_a_token_is_found_by_its_text_which_is_kept_nowhere(store: Store) -> None:
    token, text = made(store, days=30)
    assert store.tokens.find(text) == token
    assert (token.owner, token.owner_name, token.role) == (ANNA.id, "Anna", "member")
    with store.database.reading() as session:
        row = session.execute(sa.text("SELECT * FROM tokens")).one()
    assert text not in str(row)
    assert text.removeprefix("bgen_") not in str(row)
    for other in (text[:-1], text + "a", text.upper(), text.removeprefix("bgen_"), "", "bgen_", f" {text}"):
        assert store.tokens.find(other) is None


def test_its_use_is_kept_to_the_minute(store: Store) -> None:
    _, text = made(store)
    store.tokens.note_use(_found(store, text))
    first = _found(store, text)
    assert first.last_used is not None
    store.tokens.note_use(first)
    assert _found(store, text) == first


def _found(store: Store, text: str) -> ApiToken:
    token = store.tokens.find(text)
    assert token is not None
    return token


def test_a_person_sees_and_revokes_their_own_and_an_admin_all(store: Store) -> None:
    (of_anna, text), (of_boris, _) = made(store), made(store, BORIS)
    assert store.seen_by(ANNA).tokens.all() == [of_anna]
    assert {each.id for each in store.seen_by(ADMIN).tokens.all()} == {of_anna.id, of_boris.id}
    with pytest.raises(UserInputError, match="No token has the id"):
        store.seen_by(BORIS).tokens.revoke(of_anna.id)
    assert store.seen_by(ADMIN).tokens.revoke(of_anna.id) == of_anna
    assert store.tokens.find(text) is None
    with pytest.raises(UserInputError, match="No token has the id"):
        store.seen_by(ANNA).tokens.revoke(of_anna.id)


def test_nobody_makes_a_token_of_somebody_else_or_of_more_than_they_may(store: Store) -> None:
    token, _ = store.seen_by(ANNA).tokens.add("x", "sweep", owner=ADMIN, made_under=BY_OPERATOR)
    assert (token.owner, token.role) == (ANNA.id, "member")
    viewer = Visitor(id=ANNA.id, role="viewer")
    with pytest.raises(UserInputError, match="scope read"):
        store.seen_by(viewer).tokens.add("x", "sweep", owner=viewer, made_under=BY_OPERATOR)


@pytest.mark.parametrize(
    ("name", "days"), [("", None), ("  ", None), ("x" * 81, None), ("a\0b", None), ("\x1b[31m", None)]
    + [("x", days) for days in (0.0, -1.0, 3651.0, float("nan"), float("inf"))],
)  # fmt: skip
def test_a_name_or_an_end_that_is_none_is_refused(store: Store, name: str, days: float | None) -> None:
    with pytest.raises(UserInputError):
        store.tokens.add(name, "read", owner=ANNA, made_under=BY_OPERATOR, days=days)
    assert store.tokens.all() == []


def test_a_person_has_so_many_and_no_more(store: Store) -> None:
    for _ in range(MOST_TOKENS):
        made(store)
    with pytest.raises(UserInputError, match="revoke one first"):
        made(store)
    made(store, BORIS)


ORDER = ("viewer", "member", "admin")
PASSWORD = {"password": "secret", "admin_password": "boss"}
HEADER = {"auth": "header", "trusted_proxies": "127.0.0.1"}


def known(settings: Settings, role: Role, scope: Scope = "sweep", **changes: Any) -> ApiToken:
    """A token that somebody of this role makes on a page."""
    given: dict[str, Any] = {
        "id": "1", "owner": ANNA.id, "owner_name": "Anna", "role": role, "scope": scope, "name": "x",
        "made_under": way_in(settings, role), "created": datetime.now(UTC),
    }  # fmt: skip
    return ApiToken(**given | changes)


@pytest.mark.parametrize(
    ("before", "now", "role", "gives"),
    [
        (PASSWORD, PASSWORD, "member", "member"),
        (PASSWORD, PASSWORD, "admin", "admin"),
        (PASSWORD, PASSWORD | {"default_role": "viewer"}, "member", "viewer"),
        (PASSWORD, PASSWORD | {"password": "another"}, "member", ""),
        (PASSWORD, PASSWORD | {"password": "another"}, "admin", "admin"),
        (PASSWORD, PASSWORD | {"admin_password": "another"}, "admin", ""),
        (PASSWORD, {"password": "secret"}, "admin", ""),
        (PASSWORD, {}, "member", ""),
        (PASSWORD, HEADER, "member", ""),
        ({}, PASSWORD, "admin", ""),  # whoever was at this machine is nobody elsewhere
        (HEADER, HEADER, "member", "member"),
        (HEADER, HEADER | {"viewers": "anna"}, "member", "viewer"),
        (HEADER, HEADER | {"admins": "Anna"}, "member", "member"),
        (HEADER | {"admins": "Anna"}, HEADER | {"admins": "Anna"}, "admin", "admin"),
        (HEADER | {"admins": "Anna"}, HEADER, "admin", "member"),
    ],
)
def test_a_token_gives_no_more_than_its_person_has_now_or_had_then(
    before: dict[str, Any], now: dict[str, Any], role: Role, gives: str
) -> None:
    then, today = load_settings(**before), load_settings(**now)
    token = known(then, role, known_as=("Anna",) if before.get("auth") else ())
    if not gives:
        with pytest.raises(UserInputError, match="another way of logging in"):
            token_visitor(token, today)
        return
    assert token_visitor(token, today) == Visitor(id=ANNA.id, name="Anna", role=gives)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("role", ORDER)
def test_the_scope_read_makes_a_viewer_of_everybody(role: Role) -> None:
    settings = load_settings(**PASSWORD)
    assert token_visitor(known(settings, role, "read"), settings).role == "viewer"


def test_a_token_ends_when_it_said() -> None:
    settings = load_settings()
    now = datetime.now(UTC)
    assert token_visitor(known(settings, "member", until=now + timedelta(seconds=60)), settings).id == ANNA.id
    with pytest.raises(UserInputError, match="This token ended on"):
        token_visitor(known(settings, "member", until=now - timedelta(seconds=1)), settings)
