"""With the shared password: the name that somebody gives, what it makes of them, and changing it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from bgen_core.settings import Settings, load_settings
from pages._ui.app.wrong_tries import WrongTries
from pages._ui.identity import account_answers
from pages._ui.identity.logins import COOKIE, KNOWN_COOKIE, PASSWORD_SECONDS
from tests.pages.identity.gated import BROWSER, gated, opened_socket


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path, password="secret", admin_password="boss")


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    with gated(settings) as client:
        yield client


def enter(client: TestClient, name: str | None = None, tried: str = "secret") -> dict[str, str]:
    given = {"password": tried} | ({} if name is None else {"name": name})
    answer = client.post("/login", data=given)
    assert answer.status_code == 303, answer.text
    return client.get("/").json()


def test_the_name_is_shown_and_kept(client: TestClient) -> None:
    anna = enter(client, "  Anna \t Lindqvist ")
    assert (anna["name"], anna["role"]) == ("Anna Lindqvist", "member")
    client.post("/logout")
    assert 'value="Anna Lindqvist"' in client.get("/", headers=BROWSER).text
    assert enter(client, "Anna Lindqvist") == anna
    client.post("/logout")
    assert enter(client) == anna  # a program that gives none
    client.post("/logout")
    assert enter(client, "anna lindqvist") == anna | {"name": "anna lindqvist"}


def test_another_name_in_the_same_browser_is_somebody_else(client: TestClient) -> None:
    anna = enter(client, "Anna")
    client.post("/logout")
    berta = enter(client, "Berta")
    assert berta["id"] != anna["id"]


def test_each_comes_back_by_their_name_whoever_was_there_between(client: TestClient) -> None:
    first = {name: enter_and_leave(client, name) for name in ("Anna", "Berta", "Ånn " * 12)}
    again = {name: enter_and_leave(client, name) for name in first}
    assert again == first
    assert 'value="Ånn Ånn' in client.get("/", headers=BROWSER).text, "the last one is offered"
    for number in range(10):
        enter_and_leave(client, f"{number}{'🏖' * 59}")
    assert len(client.cookies[KNOWN_COOKIE]) < 4000, "more than browsers keep"
    assert enter_and_leave(client, "Anna") != first["Anna"], "the oldest are forgotten"


def test_who_is_forgotten_takes_nobody_else_along(client: TestClient) -> None:
    anna = enter_and_leave(client, "Anna")
    berta = enter(client, "Berta")
    client.post("/logout", data={"forget": "1"})
    assert "Berta" not in client.get("/", headers=BROWSER).text
    assert enter_and_leave(client, "Berta") != berta["id"]
    assert enter_and_leave(client, "Anna") == anna


def enter_and_leave(client: TestClient, name: str) -> str:
    who = enter(client, name)
    client.post("/logout")
    return who["id"]


def test_the_same_name_in_another_browser_is_somebody_else(client: TestClient, settings: Settings) -> None:
    anna = enter(client, "Anna")
    with gated(settings) as other:
        assert enter(other, "Anna")["id"] != anna["id"]


def test_who_wants_to_be_forgotten_is(client: TestClient) -> None:
    anna = enter(client, "Anna")
    client.post("/logout", data={"forget": "1"})
    assert not client.cookies
    assert "Anna" not in client.get("/", headers=BROWSER).text
    assert enter(client, "Anna")["id"] != anna["id"]


def test_who_was_here_is_known_after_the_password_changed(
    client: TestClient, settings: Settings, tmp_path: Path
) -> None:
    anna = enter(client, "Anna")
    with gated(load_settings(home=tmp_path, password="changed")) as again:
        again.cookies.update(dict(client.cookies.items()))
        assert again.get("/").status_code == 401
        assert enter(again, "Anna", "changed") == anna


@pytest.mark.parametrize(
    ("ahead", "holds"), [(120.0, True), (-PASSWORD_SECONDS + 60, True), (-PASSWORD_SECONDS - 60, False)]
)
def test_a_login_by_a_server_with_another_clock_holds_until_its_end(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, ahead: float, holds: bool
) -> None:
    now = time.time
    with monkeypatch.context() as there:
        there.setattr(time, "time", lambda: now() + ahead)
        enter(client, "Anna")
    assert (client.get("/").status_code == 200) is holds


def test_an_older_programs_login_is_asked_again(client: TestClient) -> None:
    client.cookies.set(COOKIE, "in.aRandomTime.signature")
    client.cookies.set(KNOWN_COOKIE, "0123456789ab")
    assert client.get("/", headers=BROWSER).status_code == 401


def test_the_admins_password_makes_an_admin_until_it_changes(client: TestClient, tmp_path: Path) -> None:
    assert enter(client, "Anna", "boss")["role"] == "admin"
    cookie = client.cookies[COOKIE]
    for changed in ("another", None):
        with gated(load_settings(home=tmp_path, password="secret", admin_password=changed)) as again:
            again.cookies.set(COOKIE, cookie)
            assert again.get("/").status_code == 401
    client.post("/logout")
    assert enter(client, "Anna")["role"] == "member"


def test_who_knows_the_password_cannot_go_on_guessing_the_admins(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(WrongTries.per_address):
        assert client.post("/login", data={"password": f"admin{number}"}).status_code == 401
        assert enter(client)["role"] == "member"
    for tried in ("boss", "wrong"):  # nobody is told that it would have been right
        answer = client.post("/login", data={"password": tried})
        assert answer.status_code == 401
        assert "not the password. An admin&#39;s: Too many wrong passwords from your address: wait" in answer.text
    assert enter(client)["role"] == "member"
    monkeypatch.setattr(WrongTries, "seconds", 0.0)
    assert enter(client, tried="boss")["role"] == "admin"


def test_the_password_may_let_people_look_alone(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path, password="secret", admin_password="boss", default_role="viewer")
    with gated(settings) as client:
        assert enter(client, "Vera")["role"] == "viewer"
        assert client.put("/_stcore/upload_file/a/b").status_code == 403
        assert client.post("/login/name", data={"visitor_name": "Vera Lind"}).status_code == 303
        assert client.post("/logout").status_code == 303
        assert enter(client, "Anna", "boss")["role"] == "admin"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("x" * 61, "The name has 61 letters: 60 are the most."), ("a\u202eb", "holds what cannot be shown")],
)
def test_a_name_that_cannot_be_shown_is_refused_beside_what_was_typed(
    client: TestClient, name: str, sentence: str
) -> None:
    answer = client.post("/login", data={"password": "secret", "name": name, "next": "/sweep"})
    assert answer.status_code == 400
    assert sentence in answer.text
    assert 'value="/sweep"' in answer.text
    assert COOKIE not in client.cookies
    enter(client, "Anna")
    assert client.post("/login/name", data={"visitor_name": name}).status_code == 400
    assert client.get("/").json()["name"] == "Anna"


def test_a_wrong_password_keeps_the_name_that_was_typed(client: TestClient) -> None:
    answer = client.post("/login", data={"password": "wrong", "name": "<Anna>"})
    assert 'value="&lt;Anna&gt;"' in answer.text


def test_a_changed_name_is_the_same_person_and_login(client: TestClient) -> None:
    anna = enter(client, "Anna")
    before = client.cookies[COOKIE]
    page = {"referer": "http://127.0.0.1/sweep?id=1"}
    answer = client.post("/login/name", data={"visitor_name": "Anna Berg"}, headers=page)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sweep?id=1")
    assert client.get("/").json() == anna | {"name": "Anna Berg"}
    client.post("/logout")
    client.cookies.set(COOKIE, before)  # the one from before the change
    assert client.get("/").status_code == 401
    assert enter(client, "Anna Berg")["id"] == anna["id"]


def test_a_websocket_comes_anew_with_another_name(client: TestClient) -> None:
    """Else a page of another tab would write the old one back."""
    enter(client, "Anna")
    with opened_socket(client) as opened:
        opened.receive_json()
        assert client.post("/login/name", data={"visitor_name": "x" * 99}).status_code == 400
        opened.send_text("still here")
        assert opened.receive_text() == "still here"
        client.post("/login/name", data={"visitor_name": "Anna Berg"})
        message = opened.receive()
        assert (message["type"], message["code"]) == ("websocket.close", 1012), "Streamlit connects again by itself"
    with opened_socket(client) as opened:
        assert opened.receive_json()["name"] == "Anna Berg"


def test_in_a_folder_of_the_host_it_leads_back_to_the_page_there(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which `SubPath` puts before it again."""
    monkeypatch.setattr(account_answers, "sub_path", lambda: "/bgen")
    enter(client, "Anna")
    page = {"referer": "http://127.0.0.1/bgen/sweep?id=1"}
    answer = client.post("/login/name", data={"visitor_name": "Berta"}, headers=page)
    assert answer.headers["location"] == "/sweep?id=1"


@pytest.mark.parametrize("page", ["//evil.example/", "https://evil.example//evil.example", "/\\evil.example", ""])
def test_changing_the_name_leads_nowhere_else(client: TestClient, page: str) -> None:
    enter(client, "Anna")
    answer = client.post("/login/name", data={"visitor_name": "Berta"}, headers={"referer": page})
    assert answer.headers["location"] == "/"


def test_nobody_changes_a_name_without_a_login(client: TestClient) -> None:
    assert client.post("/login/name", data={"visitor_name": "Eve"}).status_code == 401
    enter(client, "Anna")
    assert client.get("/login/name?visitor_name=Eve").status_code == 303
    assert client.get("/").json()["name"] == "Anna"


def test_the_forms_of_the_account_are_small(client: TestClient) -> None:
    enter(client, "Anna")
    for path in ("/login/name", "/logout"):
        assert client.post(path, content=b"x" * 10_000).status_code == 413
    assert client.get("/").is_success


def test_the_cookies_stay_out_of_scripts_and_other_sites(settings: Settings) -> None:
    with gated(settings, url="https://127.0.0.1") as client:
        answer = client.post("/login", data={"password": "secret", "name": "Anna"})
        assert len(answer.headers.get_list("set-cookie")) == 2
        for cookie in answer.headers.get_list("set-cookie"):
            assert {"httponly", "samesite=lax", "secure", "path=/"} <= set(cookie.lower().split("; "))
