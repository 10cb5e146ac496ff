import json
from pathlib import Path

import pytest

from bgen_core.server_secret import keyed_id
from bgen_core.settings import load_settings
from bgen_core.store.store import open_store
from tests.cli.calling import Call


def test_a_token_is_made_listed_and_revoked(call: Call) -> None:
    made = call("tokens", "add", "notebook of Anna", "--scope", "sweep", "--days", "30", "--json")
    told = json.loads(made.stdout)
    assert (told["name"], told["scope"], told["person"], told["role"]) == (
        "notebook of Anna", "sweep", "command line", "admin",
    )  # fmt: skip
    with open_store(load_settings()) as store:
        found = store.tokens.find(told["token"])
        assert found is not None
        assert found.id == told["id"]
    (listed,) = json.loads(call("tokens", "list", "--json").stdout)
    assert listed == {name: value for name, value in told.items() if name != "token"}
    assert told["token"] not in call("tokens", "list").stdout
    assert call("tokens", "revoke", told["id"]).returncode == 0
    assert json.loads(call("tokens", "list", "--json").stdout) == []
    assert call("tokens", "revoke", told["id"]).returncode == 2


def test_the_text_alone_is_on_stdout(call: Call) -> None:
    made = call("tokens", "add", "x")
    assert made.stdout.startswith("bgen_")
    assert made.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "environment", "said"),
    [
        (["--scope", "write"], {}, "--scope 'write' is not allowed"),
        (["--role", "boss"], {}, "--role 'boss' is not allowed"),
        (["--days", "0"], {}, "0 days is not allowed"),
        (["--id", ""], {}, "is no visitor's id"),
        (["--person", "Anna"], {"BGEN_PASSWORD": "x"}, "a name says not who somebody is"),
        ([], {"BGEN_PASSWORD": "x"}, "a name says not who somebody is"),
    ],
)
def test_what_is_no_token_is_refused_in_a_sentence(
    call: Call, monkeypatch: pytest.MonkeyPatch, words: list[str], environment: dict[str, str], said: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    ended = call("tokens", "add", "x", *words)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert said in ended.stderr


def test_a_proxys_name_is_the_same_person_as_on_the_pages(
    call: Call, monkeypatch: pytest.MonkeyPatch, own_home: Path
) -> None:
    monkeypatch.setenv("BGEN_AUTH", "header")
    monkeypatch.setenv("BGEN_TRUSTED_PROXIES", "127.0.0.1")
    monkeypatch.setenv("BGEN_ADMINS", "anna@example.org")
    told = json.loads(call("tokens", "add", "x", "--person", "Anna@example.org", "--json").stdout)
    assert told["person_id"] == keyed_id(own_home, "header", "anna@example.org")
    assert told["role"] == "admin"
