"""Operation by who asks: nobody is let in who is not known, and nobody does more than their scope and their role."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from bgen_core.api.operations import OPERATIONS, VERSION_PATH, Operation
from bgen_core.settings import load_settings
from bgen_core.store.people.tokens import BY_OPERATOR, ApiToken
from bgen_core.store.schema import TokenRow
from bgen_core.store.store import Store
from tests.api.scripts import ANNA, BORIS, bearer, token
from tests.made_up import commit, made_up_run, made_up_subject, made_up_sweep
from tests.pages.identity.gated import gated

Caller = Callable[[Store], str | None]


def nobody(store: Store) -> None:
    return None


def a_made_up_token(store: Store) -> str:
    return "bgen_" + "x" * 43


def no_token_at_all(store: Store) -> str:
    return "Größe"


def an_expired_one(store: Store) -> str:
    text = token(store)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    with store.database.writing() as session:
        session.execute(sa.update(TokenRow).values(until=yesterday))
    return text


def a_revoked_one(store: Store) -> str:
    text = token(store)
    store.tokens.revoke(store.tokens.all()[0].id)
    return text


def one_of_another_password(store: Store) -> str:
    text = token(store)
    with store.database.writing() as session:
        session.execute(sa.update(TokenRow).values(made_under="password 0123456789abcdef"))
    return text


def reader(store: Store) -> str:
    return token(store, "read")


def reading_admin(store: Store) -> str:
    return token(store, "read", role="admin")


def viewer(store: Store) -> str:
    return token(store, role="viewer")


def member(store: Store) -> str:
    return token(store)


def admin(store: Store) -> str:
    return token(store, role="admin")


NOT_KNOWN = (
    nobody, a_made_up_token, no_token_at_all, an_expired_one, a_revoked_one, one_of_another_password
)  # fmt: skip
LOOKS = (reader, reading_admin, viewer)
ACTS = (member, admin)


@pytest.fixture
def address(store: Store, worker: None) -> Callable[[Operation], str]:
    """Addresses of things that are there, and are Anna's."""
    run = commit(store, made_up_run(1))
    subject = store.subjects.save(made_up_subject(), {})
    plan = {"subject_id": subject, "model": "demo", "base": run.params.to_json(), "axes": []}
    store.sweeps.add(made_up_sweep("sweep-1", cells=[run.id], state="done", plan=plan, owner=ANNA), [run.id])
    named = {"sweep_id": "sweep-1", "run_id": run.id, "subject_id": subject, "suffix": "csv"}
    return lambda operation: VERSION_PATH + operation.path.format(**named)


SENT = {
    "share_sweep": {"sharing": "private"},
    "finish_sweep": {"cells": [0], "steps": 5},
    "change_opinion": {"rating": 3},
}


def ask(client: TestClient, operation: Operation, address: str, text: str | None):
    headers = {} if text is None else {"Authorization": f"Bearer {text}".encode()}
    content = {"json": SENT.get(operation.name, {})} if operation.body else {}
    return client.request(operation.method, address, headers=headers, **content)


def each_operation(function):
    return pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)(function)


@each_operation
def test_who_is_not_known_learns_nothing(
    served: TestClient, store: Store, address: Callable[[Operation], str], operation: Operation
) -> None:
    for caller in NOT_KNOWN:
        answer = ask(served, operation, address(operation), caller(store))
        assert answer.status_code == 401, caller.__name__
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.json()["status"] == 401


@each_operation
def test_what_changes_something_is_for_who_may(
    served: TestClient, store: Store, address: Callable[[Operation], str], operation: Operation
) -> None:
    for caller in LOOKS:
        answer = ask(served, operation, address(operation), caller(store))
        assert (answer.status_code == 403) == operation.changes, (caller.__name__, answer.text)
        assert answer.is_success != operation.changes
    for caller in ACTS:
        answer = ask(served, operation, address(operation), caller(store))
        assert answer.status_code not in (401, 403), (caller.__name__, answer.text)
        assert answer.status_code < 500
        if operation.method == "DELETE":
            store.subjects.save(made_up_subject(), {})


def test_what_is_not_there_is_not_found(served: TestClient, store: Store, worker: None) -> None:
    text = token(store, role="admin")
    names = ("0" * 64, "nothing", "%00", "..", "a%2Fb", "%25", "ä", "x" * 300)
    for operation, named in itertools.product(OPERATIONS, names):
        if not operation.ids or operation.name == "export_runs":
            continue
        path = operation.path.replace(f"{{{operation.ids[0]}}}", named)
        answer = ask(served, operation, VERSION_PATH + path, text)
        assert answer.status_code in (404, 405), (operation.name, named)
        assert "detail" in answer.json(), (operation.name, named)


@pytest.mark.parametrize("scope", ["read", "sweep"])
def test_pictures_and_downloads_take_the_token_and_pages_do_not(scope: str) -> None:
    settings = load_settings(password="secret")
    client = gated(settings, token_of=lambda text: _kept(scope, text))
    client.headers["Authorization"] = "Bearer bgen_right"
    for path in ("/i/a.png", "/download/runs.csv", "/api/v1/me"):
        assert client.get(path).json()["id"] == ANNA
    for path in ("/", "/sweep", "/_stcore/health", "//i/a.png", "/media/a", "/iii"):
        assert client.get(path).status_code == 401
    assert client.put("/_stcore/upload_file/session/file").status_code == 401


def test_a_right_token_opens_also_where_many_wrong_ones_came_from() -> None:
    client = gated(load_settings(password="secret"), token_of=lambda text: _kept("read", text))
    statuses = [client.get("/api/v1/me", headers=bearer(f"bgen_{number}")).status_code for number in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    waits = client.get("/api/v1/me", headers=bearer("bgen_wrong"))
    assert 0 < int(waits.headers["retry-after"]) <= 61
    assert client.get("/api/v1/me", headers=bearer("bgen_right")).json()["id"] == ANNA


def test_at_this_machine_a_script_needs_no_token_and_with_one_it_is_that_person() -> None:
    client = gated(load_settings(), token_of=lambda text: _kept("sweep", text))
    assert client.get("/api/v1/me").json() == {"role": "nobody"}  # known by nothing: the store's door names them
    assert client.get("/api/v1/me", headers=bearer("bgen_right")).json()["id"] == ANNA
    assert client.get("/api/v1/me", headers=bearer("bgen_wrong")).status_code == 401


def test_behind_a_proxy_tokens_come_through_it_and_its_own_are_left_alone() -> None:
    settings = load_settings(auth="header", trusted_proxies="192.0.2.1")
    by_proxy = gated(settings, peer="192.0.2.1", token_of=lambda text: _kept("sweep", text))
    assert by_proxy.get("/api/v1/me", headers=bearer("bgen_right")).json()["id"] == ANNA
    of_proxy = by_proxy.get("/api/v1/me", headers={**bearer("eyJhbGciOi"), "X-Forwarded-User": "boris"})
    assert of_proxy.json()["name"] == "boris"
    beside = gated(settings, peer="192.0.2.9", token_of=lambda text: _kept("sweep", text))
    assert beside.get("/api/v1/me", headers=bearer("bgen_right")).status_code == 403


def test_another_persons_header_does_not_make_a_script_somebody_else() -> None:
    client = gated(load_settings(password="secret"), token_of=lambda text: _kept("read", text))
    answer = client.get("/api/v1/me", headers={**bearer("bgen_right"), "x-bgen-visitor": BORIS})
    assert answer.json() == {"id": ANNA, "name": "Anna", "role": "viewer"}


def _kept(scope: str, text: str):
    if text != "bgen_right":
        return None
    return ApiToken(
        id="1",
        owner=ANNA,
        owner_name="Anna",
        role="member",
        made_under=BY_OPERATOR,
        scope="read" if scope == "read" else "sweep",
        name="a test",
        created=datetime.now(UTC),
    )
