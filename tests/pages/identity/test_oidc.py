"""Logging in at a provider that this process plays: the whole way, and every part of it that may be wrong."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import OctKey, RSAKey
from starlette.testclient import TestClient

from bgen_core.settings import Settings
from pages._ui.identity import logins
from pages._ui.identity.logins import COOKIE
from tests.pages.identity.gated import BROWSER, by_every_way, gated, ways_in
from tests.pages.identity.provider import FakeProvider


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider()


@pytest.fixture
def settings(tmp_path: Path, provider: FakeProvider) -> Settings:
    return provider.settings(tmp_path, admins="boss@example.org", viewers="vera@example.org, guests")


@pytest.fixture
def client(settings: Settings, provider: FakeProvider) -> Iterator[TestClient]:
    with gated(settings, transport=provider.transport) as client:
        yield client


def test_a_page_leads_to_the_provider_and_back_to_itself(client: TestClient, provider: FakeProvider) -> None:
    begun = client.get("/sweep?id=1&x=a%20b", headers=BROWSER)
    asked = parse_qs(urlsplit(begun.headers["location"]).query)
    assert asked["redirect_uri"] == ["http://127.0.0.1/login/callback"]
    assert asked["scope"] == ["openid email profile"]
    assert len(asked["nonce"][0]) > 10
    assert COOKIE not in client.cookies
    back = client.get(provider.sent_back(begun.headers["location"]))
    assert (back.status_code, back.headers["location"]) == (303, "/sweep?id=1&x=a%20b")
    assert ways_in(client) == by_every_way("member")
    assert list(client.cookies) == [COOKIE]  # nothing is left of what was begun
    assert client.get("/login", headers=BROWSER).headers["location"] == "/"


def test_programs_are_told_where_to_log_in(client: TestClient) -> None:
    answer = client.get("/i/" + "a" * 64 + ".png")
    assert (answer.status_code, answer.text) == (401, "This needs a login: begin at /login.")


@pytest.mark.parametrize("own", ["https://bgen.example.org", "https://tools.example.org/bgen"])
def test_the_way_back_goes_by_the_public_address(tmp_path: Path, provider: FakeProvider, own: str) -> None:
    settings = provider.settings(tmp_path, public_url=own)
    with gated(settings, transport=provider.transport) as client:
        asked = parse_qs(urlsplit(client.get("/", headers=BROWSER).headers["location"]).query)
        assert asked["redirect_uri"] == [f"{own}/login/callback"]


@pytest.mark.parametrize(
    ("sub", "claims", "role"),
    [
        ("anna", {}, "member"),
        ("boss", {}, "admin"),
        ("boss", {"email_verified": False}, "member"),
        ("boss", {"email_verified": None}, "member"),
        ("boss", {"email_verified": "true"}, "member"),
        ("eve", {"name": "boss@example.org", "preferred_username": "boss@example.org"}, "member"),
        ("vera", {"email": "VERA@example.org"}, "viewer"),
    ],
)
def test_a_role_goes_by_the_verified_address(
    client: TestClient, provider: FakeProvider, sub: str, claims: dict[str, Any], role: str
) -> None:
    provider.claims = claims
    provider.log_in(client, sub=sub)
    assert client.get("/").json()["role"] == role


@pytest.mark.parametrize(
    ("claim", "claims", "role"),
    [
        ("preferred_username", {"preferred_username": "guests"}, "viewer"),
        ("groups", {"groups": ["staff", "guests", *(f"group {number}" for number in range(500))]}, "viewer"),
        ("groups", {"groups": []}, "member"),
        ("groups", {}, "member"),
    ],
)
def test_another_claim_may_be_named(
    tmp_path: Path, provider: FakeProvider, claim: str, claims: dict[str, Any], role: str
) -> None:
    settings = provider.settings(tmp_path, viewers="guests", oidc_claim=claim)
    provider.claims = claims
    with gated(settings, transport=provider.transport) as client:
        provider.log_in(client, sub="anna")
        assert client.get("/").json()["role"] == role
        assert len(client.cookies[COOKIE]) < 1000


@pytest.mark.parametrize(("sub", "role"), [("anna", "viewer"), ("somebody else", "member")])
def test_what_the_token_leaves_out_is_asked_for(tmp_path: Path, provider: FakeProvider, sub: str, role: str) -> None:
    settings = provider.settings(tmp_path, viewers="guests", oidc_claim="groups")
    provider.userinfo = {"sub": sub, "groups": ["guests"]}
    with gated(settings, transport=provider.transport) as client:
        provider.log_in(client, sub="anna")
        assert client.get("/").json()["role"] == role


def test_a_person_is_known_by_what_never_changes(client: TestClient, provider: FakeProvider) -> None:
    provider.log_in(client, sub="anna")
    before = client.get("/").json()
    client.cookies.clear()
    provider.claims = {"name": None, "email": "married@example.org"}
    provider.log_in(client, sub="anna")
    after = client.get("/").json()
    assert (before["id"], before["name"], after["name"]) == (after["id"], "Anna", "married@example.org")
    client.cookies.clear()
    provider.log_in(client, sub="Anna")
    assert client.get("/").json()["id"] != before["id"]


def test_a_login_ends_after_a_working_day(
    client: TestClient, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.log_in(client, sub="anna")
    later = time.time() + logins.OIDC_SECONDS + 5
    monkeypatch.setattr(time, "time", lambda: later)
    assert ways_in(client) == by_every_way("")


def test_logging_out_does_not_log_in_again_by_itself(client: TestClient, provider: FakeProvider) -> None:
    provider.log_in(client, sub="anna")
    assert client.post("/logout").headers["location"] == "/logout"
    shown = client.get("/logout", headers=BROWSER)
    assert "You are logged out here." in shown.text
    assert 'href="/login"' in shown.text
    assert client.get("/login", headers=BROWSER).status_code == 302


def test_several_tabs_log_in_at_once(client: TestClient, provider: FakeProvider) -> None:
    begun = [client.get(path, headers=BROWSER).headers["location"] for path in ("/sweep", "/compare", "/run?id=1")]
    back = [client.get(provider.sent_back(each)).headers["location"] for each in begun]
    assert back == ["/sweep", "/compare", "/run?id=1"]


WRONG_CLAIMS: list[dict[str, Any]] = [
    {"iss": "https://evil.example"},
    {"aud": "another client"},
    {"nonce": "of another login"},
    {"nonce": None},
    {"exp": 1},
    {"exp": None},
    {"sub": None},
    {"sub": ""},
]


@pytest.mark.parametrize("claims", WRONG_CLAIMS, ids=str)
def test_a_token_that_is_not_for_this_login_lets_nobody_in(
    client: TestClient, provider: FakeProvider, claims: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    provider.claims = claims
    assert_refused(client, provider.log_in(client, sub="anna"), caplog)


@pytest.mark.parametrize(("key", "algorithm"), [("stranger", "RS256"), ("client", "HS256"), ("nothing", "none")])
def test_a_token_that_the_provider_did_not_sign_lets_nobody_in(
    client: TestClient, provider: FakeProvider, key: str, algorithm: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The provider lists HS256 and none among its algorithms, as some do."""
    keys = {"stranger": RSAKey.generate_key(2048, {"kid": "first"}), "client": OctKey.import_key("of the client's")}
    provider.key, provider.algorithm = keys.get(key, provider.key), algorithm  # pyright: ignore
    assert_refused(client, provider.log_in(client, sub="anna"), caplog)


def test_a_callback_that_this_browser_did_not_ask_for_lets_nobody_in(
    client: TestClient, settings: Settings, provider: FakeProvider, caplog: pytest.LogCaptureFixture
) -> None:
    """Else a link of somebody else's would log people in as them."""
    with gated(settings, transport=provider.transport) as attacker:
        sent_back = provider.sent_back(attacker.get("/", headers=BROWSER).headers["location"], sub="eve")
        assert client.get(sent_back).status_code == 403
        own = provider.sent_back(client.get("/", headers=BROWSER).headers["location"])
        stolen = own.split("&state=")[0] + "&state=" + sent_back.split("&state=")[1]
        assert client.get(stolen).status_code == 403
        for state in ("", "x", "../x", "a;b=c", "x" * 5000):
            assert client.get("/login/callback", params={"code": "code0", "state": state}).status_code == 403
        assert client.get(own).status_code == 303
        assert_refused(client, client.get(own), caplog, let_in=True)  # a second time


def test_who_says_no_at_the_provider_reads_a_sentence(
    client: TestClient, provider: FakeProvider, caplog: pytest.LogCaptureFixture
) -> None:
    state = parse_qs(urlsplit(client.get("/", headers=BROWSER).headers["location"]).query)["state"][0]
    said = {"error": "access_denied", "error_description": "<script>alert(1)</script>", "state": state}
    answer = client.get("/login/callback", params=said)
    assert "<script" not in answer.text
    assert_refused(client, answer, caplog)


def test_a_login_that_took_too_long_is_begun_again(
    client: TestClient, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent_back = provider.sent_back(client.get("/", headers=BROWSER).headers["location"])
    later = time.time() + 700
    monkeypatch.setattr(time, "time", lambda: later)
    answer = client.get(sent_back)
    assert answer.status_code == 403
    assert "The login did not come to its end: try again." in answer.text
    assert COOKIE not in client.cookies


@pytest.mark.parametrize("metadata", [{"issuer": "https://evil.example"}, {"authorization_endpoint": None}, None])
def test_a_provider_that_cannot_be_asked_is_a_sentence(
    client: TestClient, provider: FakeProvider, metadata: dict[str, Any] | None, caplog: pytest.LogCaptureFixture
) -> None:
    provider.is_away, provider.metadata = metadata is None, metadata or {}
    answer = client.get("/", headers=BROWSER)
    assert answer.status_code == 403
    assert "The login provider does not answer as it should: try again in a minute." in answer.text
    assert "no login at https://login.example.org/realms/team" in caplog.text
    provider.is_away = False
    if metadata is None:
        assert client.get("/", headers=BROWSER).status_code == 302


def assert_refused(client: TestClient, answer: Any, caplog: pytest.LogCaptureFixture, *, let_in: bool = False) -> None:
    assert answer.status_code == 403
    assert "The login did not come to its end: try again." in answer.text
    assert not [record for record in caplog.records if record.levelno > logging.WARNING]
    if not let_in:
        assert ways_in(client) == by_every_way("")
