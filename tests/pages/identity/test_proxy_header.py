"""A proxy's header: from where it is believed, what else it may not be, and who it makes of somebody."""

from pathlib import Path

import pytest
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from bgen_core import server_secret
from bgen_core.server_secret import SECRET_NAME
from bgen_core.settings import Settings, load_settings
from pages._ui.app import gate
from pages._ui.identity import real_peer
from pages._ui.identity.real_peer import peers_kept
from tests.pages.identity.gated import by_every_way, gated, opened_socket, ways_in


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path, auth="header", trusted_proxies="10.0.0.0/8", auth_header="Remote-User")


def named(name: str | bytes) -> dict[str, str]:
    return {"remote-user": name if isinstance(name, str) else name.decode("latin-1")}


@pytest.mark.parametrize("peer", ["192.0.2.1", "127.0.0.1", "11.0.0.1", "testclient", "::1"])
def test_from_elsewhere_nobody_is_let_in_whatever_they_say(settings: Settings, peer: str) -> None:
    with gated(settings, peer=peer) as client:
        forged = named("Anna") | {"x-forwarded-for": "10.0.0.1", "forwarded": "for=10.0.0.1", "x-real-ip": "10.0.0.1"}
        assert ways_in(client, **forged) == by_every_way("")
        answer = client.get("/", headers=forged)
        assert (answer.status_code, answer.text) == (
            403,
            "This app answers through its proxy alone: open it at the proxy's address.",
        )


def test_a_person_is_the_same_whatever_their_capitals_and_another_than_others(settings: Settings) -> None:
    with gated(settings, peer="10.0.0.7") as client:
        assert ways_in(client, **named("Anna")) == by_every_way("member")
        anna, again, other = (client.get("/", headers=named(name)).json() for name in ("Anna", " anna ", "Anna2"))
        assert anna["name"] == "Anna"
        assert anna["id"] == again["id"] != other["id"]
        assert set(anna["id"]) <= set("0123456789abcdef")
        assert len(anna["id"]) == 12
    (settings.home / SECRET_NAME).write_bytes(b"x" * 32)
    server_secret._kept_secret.cache_clear()
    with gated(settings, peer="10.0.0.7") as client:
        assert client.get("/", headers=named("Anna")).json()["id"] != anna["id"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Jürgen".encode(), "Jürgen"),
        ("Jürgen".encode("latin-1"), "Jürgen"),
        ("../../etc", "../../etc"),
        ("a\tb", "a b"),
    ],
)
def test_any_name_can_be_shown_and_makes_a_plain_id(settings: Settings, name: str | bytes, shown: str) -> None:
    with gated(settings, peer="10.0.0.7") as client:
        said = client.get("/", headers=[(b"remote-user", name if isinstance(name, bytes) else name.encode())]).json()
        assert said["name"] == shown
        assert set(said["id"]) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [
        ([], "The proxy names nobody in Remote-User: log in there first."),
        ([(b"remote-user", b"  ")], "The proxy names nobody in Remote-User: log in there first."),
        ([(b"remote-user", b"Eve"), (b"Remote-User", b"Anna")], "The proxy sends Remote-User twice"),
        ([(b"remote-user", b"x" * 300)], "The name has 300 letters: 254 are the most."),
        ([(b"remote-user", "a\u202eb".encode())], "holds what cannot be shown"),
    ],
)
def test_what_the_proxy_must_not_say_is_refused(
    settings: Settings, headers: list[tuple[bytes, bytes]], sentence: str
) -> None:
    with gated(settings, peer="10.0.0.7") as client:
        answer = client.get("/", headers=headers)
        assert answer.status_code == 403
        assert sentence in answer.text


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "is_let_in"),
    [
        ("10.0.0.7", "203.0.113.9", True),
        ("203.0.113.9", "10.0.0.7", False),
        ("203.0.113.9", "10.0.0.7, 10.0.0.8", False),
    ],
)
def test_the_connection_counts_where_uvicorn_believes_everybody(
    settings: Settings, peer: str, forwarded_for: str, is_let_in: bool
) -> None:
    """As with `--forwarded-allow-ips '*'`, which puts the header's address in the place of the connection's."""
    with gated(settings, peer=peer) as client, peers_kept():
        client._transport.app = ProxyHeadersMiddleware(client.app, "*")  # pyright: ignore
        said = ways_in(client, **named("Anna"), **{"x-forwarded-for": forwarded_for})
        assert said == by_every_way("member" if is_let_in else "")


def test_a_websocket_comes_anew_through_the_proxy_by_and_by(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "_PROXY_SECONDS", 0.05)
    with gated(settings, peer="10.0.0.7") as client, opened_socket(client, **named("Anna")) as opened:
        assert opened.receive_json()["name"] == "Anna"
        message = opened.receive()
        assert (message["type"], message["code"]) == ("websocket.close", 1012)  # Streamlit connects again by itself


def test_a_unix_socket_is_named_by_itself() -> None:
    assert real_peer.real_peer({"type": "http", "server": ("/run/bgen.sock", None), "client": None}) == "unix"
    assert real_peer.real_peer({"type": "http", "server": ("127.0.0.1", 80), "client": None}) is None


def test_nobody_logs_out_where_the_proxy_knows_them(settings: Settings) -> None:
    with gated(settings, peer="10.0.0.7") as client:
        answer = client.post("/logout", headers=named("Anna"))
        assert answer.status_code == 403
        assert "You are known by the proxy before this app: log out there." in answer.text
        assert client.get("/login", headers=named("Anna")).headers["location"] == "/"
