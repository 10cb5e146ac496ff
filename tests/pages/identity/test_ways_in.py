"""Mode by way in by what a browser brings: nobody is let in who is not known, and nobody as somebody else."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from bgen_core.settings import Settings, load_settings
from pages._ui.app.visitor_cookie import COOKIE as UNSIGNED
from pages._ui.identity import logins
from pages._ui.identity.handed_on import HEADER, with_visitor
from pages._ui.identity.logins import COOKIE, KNOWN_COOKIE
from tests.pages.identity.gated import BROWSER, UPLOAD, by_every_way, gated, opened_socket, ways_in
from tests.pages.identity.provider import FakeProvider

Change = Callable[[TestClient, Settings], None]


def password(home: Path, **more: object) -> Settings:
    return load_settings(home=home, password="secret", admin_password="boss", **more)


def header(home: Path, **more: object) -> Settings:
    return load_settings(home=home, auth="header", trusted_proxies="10.0.0.0/8, 192.0.2.1", **more)


def logged_in(settings: Settings, provider: FakeProvider) -> TestClient:
    """A browser that went through the mode's own login."""
    client = gated(settings, transport=provider.transport)
    if settings.auth == "oidc":
        provider.log_in(client, sub="anna")
    else:
        client.post("/login", data={"password": "secret", "name": "Anna"})
    assert COOKIE in client.cookies
    return client


def bring(client: TestClient, value: str | None) -> None:
    client.cookies.delete(COOKIE)
    if value is not None:
        client.cookies.set(COOKIE, value)


def nothing(client: TestClient, settings: Settings) -> None:
    bring(client, None)


def only_the_known_name(client: TestClient, settings: Settings) -> None:
    bring(client, client.cookies.get(KNOWN_COOKIE) or "")


def an_unsigned_id(client: TestClient, settings: Settings) -> None:
    bring(client, None)
    client.cookies.set(UNSIGNED, "0123456789ab")


def tampered(client: TestClient, settings: Settings) -> None:
    content, _, signature = client.cookies[COOKIE].partition(".")
    bring(client, f"{content[:-2]}AA.{signature}")


def signature_cut(client: TestClient, settings: Settings) -> None:
    bring(client, client.cookies[COOKIE][:-1])


def no_ascii(client: TestClient, settings: Settings) -> None:
    bring(client, "x" * 5000 + ".=.%ff")


def the_handed_on_header(client: TestClient, settings: Settings) -> None:
    bring(client, None)
    client.headers[HEADER] = "eyJpZCI6ImEiLCJuYW1lIjoiIiwicm9sZSI6ImFkbWluIn0.x"


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider()


@pytest.fixture(params=["password", "oidc"])
def settings(request: pytest.FixtureRequest, tmp_path: Path, provider: FakeProvider) -> Settings:
    return password(tmp_path) if request.param == "password" else provider.settings(tmp_path)


@pytest.fixture
def client(settings: Settings, provider: FakeProvider) -> Iterator[TestClient]:
    with logged_in(settings, provider) as client:
        yield client


def test_who_logged_in_is_the_same_person_by_every_way(client: TestClient) -> None:
    assert ways_in(client) == by_every_way("member")
    first, second = client.get("/"), client.put(UPLOAD)
    assert first.json() == second.json()
    assert first.json()["name"] == "Anna"
    assert len(first.json()["id"]) == 12


@pytest.mark.parametrize(
    "change",
    [nothing, only_the_known_name, an_unsigned_id, tampered, signature_cut, no_ascii, the_handed_on_header],
)
def test_what_is_no_login_opens_nothing(client: TestClient, settings: Settings, change: Change) -> None:
    change(client, settings)
    assert ways_in(client) == by_every_way("")


def test_a_login_ends_by_itself(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    later = time.time() + logins.PASSWORD_SECONDS + 5
    monkeypatch.setattr(time, "time", lambda: later)
    assert ways_in(client) == by_every_way("")


def test_a_login_of_another_server_or_mode_opens_nothing(
    client: TestClient, settings: Settings, tmp_path: Path, provider: FakeProvider
) -> None:
    cookie = client.cookies[COOKIE]
    others = [
        password(tmp_path / "other"),
        provider.settings(tmp_path / "other"),
        load_settings(home=tmp_path, password="changed"),
        load_settings(home=tmp_path, password="boss"),
        provider.settings(tmp_path, oidc_client_id="another"),
        header(tmp_path),
        password(tmp_path) if settings.auth == "oidc" else provider.settings(tmp_path),
    ]
    for other in others:
        with gated(other, transport=provider.transport) as foreign:
            foreign.cookies.set(COOKIE, cookie)
            assert ways_in(foreign) == by_every_way(""), other


def test_what_was_logged_out_opens_nothing_after_a_restart_either(client: TestClient, settings: Settings) -> None:
    cookie = client.cookies[COOKIE]
    answer = client.post("/logout")
    assert (answer.status_code, answer.headers["location"]) == (303, "/logout")
    assert COOKIE not in client.cookies
    assert "You are logged out here." in client.get("/logout", headers=BROWSER).text
    client.cookies.set(COOKIE, cookie)
    assert ways_in(client) == by_every_way("")
    logins._ended.cache_clear()  # as after a restart
    assert ways_in(client) == by_every_way("")


def test_a_link_logs_nobody_out(client: TestClient) -> None:
    answer = client.get("/logout", headers=BROWSER)
    assert '<form method="post" action="/logout">' in answer.text
    assert "You are logged in as Anna." in answer.text
    assert ways_in(client) == by_every_way("member")


def test_a_websocket_ends_with_its_login(client: TestClient) -> None:
    with opened_socket(client) as opened:
        assert opened.receive_json()["name"] == "Anna"
        opened.send_text("still here")
        assert opened.receive_text() == "still here"
        client.post("/logout")
        message = opened.receive()
        assert (message["type"], message["code"]) == ("websocket.close", 1008)


def test_a_websocket_is_looked_at_again_with_each_message(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened_socket(client) as opened:
        opened.receive_json()
        later = time.time() + logins.PASSWORD_SECONDS + 5
        monkeypatch.setattr(time, "time", lambda: later)
        opened.send_text("the app may be waiting for this one already")
        while (message := opened.receive())["type"] == "websocket.send":
            pass
        assert (message["type"], message["code"]) == ("websocket.close", 1008)


@pytest.mark.parametrize("mode", ["none", "password", "header"])
def test_nobody_can_write_the_header_by_which_the_app_is_told(tmp_path: Path, mode: str) -> None:
    """Not even with one that the gate itself wrote for somebody else."""
    settings = {"none": load_settings, "password": password, "header": header}[mode](home=tmp_path)
    written = with_visitor({"headers": []}, logins.Visitor(id=logins.VisitorId("a" * 12), role="admin"))
    stolen = {name.decode(): value.decode() for name, value in written["headers"]}
    proxied = {"x-forwarded-user": "Anna"} if mode == "header" else {}
    with gated(settings, peer="10.1.2.3") as client:
        if mode == "password":
            client.post("/login", data={"password": "secret"})
        expected = "nobody" if mode == "none" else "member"
        assert ways_in(client, **stolen, **proxied) == by_every_way(expected)
        assert client.get("/healthz", headers=stolen).json() == {"role": "nobody"}


def test_who_looks_alone_uploads_and_changes_nothing(tmp_path: Path) -> None:
    settings = header(tmp_path, viewers="Vera", admins="boss@example.org")
    with gated(settings, peer="10.1.2.3") as client:
        changing = {"upload": "", "delete": ""}
        assert ways_in(client, **{"x-forwarded-user": "vera"}) == by_every_way("viewer") | changing
        answer = client.put(UPLOAD, headers={"x-forwarded-user": "Vera"})
        assert (answer.status_code, answer.text) == (
            403,
            "You may look and vote here: uploading and changing is for members.",
        )
        assert ways_in(client, **{"x-forwarded-user": "BOSS@example.org"}) == by_every_way("admin")


def test_an_unknown_address_from_another_machine_meets_nobody_without_a_login(tmp_path: Path) -> None:
    with gated(load_settings(home=tmp_path), url="http://192.0.2.7") as client:
        assert ways_in(client) == by_every_way("")
