"""Guessing the password: who guesses waits, and nobody else."""

import asyncio
import time
from collections.abc import Callable

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from bgen_core.settings import load_settings
from pages._ui.app.gate import Gate
from pages._ui.app.wrong_tries import WrongTries, network_of, too_many

SECRET = "a password"
Clock = Callable[[float], None]


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let seconds pass."""
    passed = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: passed[0])
    return lambda seconds: passed.append(passed.pop() + seconds)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:0db8:0001:0002::/64"),
        ("2001:db8:1:2::1", "2001:0db8:0001:0002::/64"),
        ("2001:db8:1:3::1", "2001:0db8:0001:0003::/64"),
        ("fe80::1%eth0", "fe80:0000:0000:0000::/64"),
        ("", ""),
        ("no address" * 100, ("no address" * 100)[:64]),
    ],
)
def test_who_counts_as_one(address: str, network: str):
    assert network_of(address) == network


def test_each_wrong_try_beyond_the_free_ones_doubles_the_pause(wait: Clock):
    tries, pauses = WrongTries(), list[float]()
    for _ in range(tries.per_address - 1):
        tries.add("192.0.2.1")
    assert tries.pause("192.0.2.1") == 0
    for _ in range(9):
        tries.add("192.0.2.1")
        pauses.append(tries.pause("192.0.2.1"))
        wait(pauses[-1])
        assert tries.pause("192.0.2.1") == 0
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    wait(7201)
    tries.add("192.0.2.2")
    assert [*tries._wrong] == ["192.0.2.2"]


def test_a_million_wrong_tries_are_a_pause_of_an_hour(wait: Clock):
    tries = WrongTries()
    for _ in range(2000):
        tries.add("192.0.2.1")
    assert tries.pause("192.0.2.1") == 3600


def test_an_attack_from_everywhere_closes_the_form_to_nobody_else(wait: Clock, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(WrongTries, "most_addresses", 300)
    tries = WrongTries()
    for number in range(3 * tries.most_addresses):
        tries.add(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert tries.pause("192.0.2.1") == 0
    assert len(tries._wrong) == tries.most_addresses
    for _ in range(tries.in_attack):
        assert tries.pause("192.0.2.1") == 0
        tries.add("192.0.2.1")
    assert tries.pause("192.0.2.1") == 60
    wait(61)
    assert tries.pause("192.0.2.1") == 0


def test_one_household_of_ipv6_is_one_address(wait: Clock):
    tries = WrongTries()
    for number in range(tries.per_address):
        tries.add(f"2001:db8::{number:x}")
    assert tries.pause("2001:db8::ffff") == 60
    assert tries.pause("2001:db8:0:1::1") == 0


def test_only_so_many_wrong_tries_wait_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(WrongTries, "most_waiting", 3)

    async def all_at_once() -> list[bool]:
        tries = WrongTries()
        waiting = [asyncio.create_task(tries.slow_down(3600)) for _ in range(10)]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        done = [not task.cancelled() for task in waiting if await asyncio.wait([task])]
        return [*done, tries._waiting == 0]

    assert asyncio.run(all_at_once()) == [False] * 3 + [True] * 7 + [True]


@pytest.mark.parametrize(
    ("pause", "said"), [(0.2, "a minute"), (60, "a minute"), (61, "2 minutes"), (3600, "60 minutes")]
)
def test_how_long_is_said(pause: float, said: str):
    assert too_many(pause) == f"Too many wrong passwords from your address: wait {said}."


async def behind(request: Request) -> PlainTextResponse:
    return PlainTextResponse("behind the gate")


class Browsers:
    """Browsers at any addresses, all of one server behind uvicorn's own look at proxies."""

    def __init__(self) -> None:
        settings = load_settings(password=SECRET)
        entrance = Middleware(Gate, settings=lambda: settings, wrong_seconds=0)
        app = Starlette(routes=[Route("/{path:path}", behind)], middleware=[entrance])
        self._app = ProxyHeadersMiddleware(app, trusted_hosts="127.0.0.1")  # pyright: ignore[reportArgumentType]

    def enter(self, tried: str, at: str, forwarded: str = "") -> int:
        client = TestClient(
            self._app,  # pyright: ignore[reportArgumentType]
            base_url="http://127.0.0.1",
            client=(at, 5000),
            follow_redirects=False,
        )
        headers = {"x-forwarded-for": forwarded} if forwarded else {}
        return client.post("/login", data={"password": tried}, headers=headers).status_code


def test_the_right_password_opens_from_where_nobody_guessed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(WrongTries, "altogether", 10)
    browsers = Browsers()
    for number in range(12):
        browsers.enter("wrong", f"198.51.100.{number}")
    answers = [browsers.enter("wrong", "203.0.113.1") for _ in range(4)]
    assert answers == [401] * WrongTries.in_attack + [429]
    assert browsers.enter(SECRET, "203.0.113.1") == 429
    assert browsers.enter(SECRET, "203.0.113.2") == 303


def test_what_an_office_mistypes_does_not_add_up():
    browsers = Browsers()
    for _ in range(3):
        for _ in range(WrongTries.per_address - 1):
            assert browsers.enter("wrong", "203.0.113.1") == 401
        assert browsers.enter(SECRET, "203.0.113.1") == 303


@pytest.mark.parametrize(
    ("at", "forged"),
    [
        pytest.param("127.0.0.1", "192.0.2.{}, 203.0.113.9", id="before what the proxy added"),
        pytest.param("203.0.113.9", "192.0.2.{}", id="without a proxy"),
    ],
)
def test_an_address_that_the_sender_wrote_is_not_believed(at: str, forged: str):
    browsers = Browsers()
    for number in range(WrongTries.per_address):
        assert browsers.enter("wrong", at, forged.format(number)) == 401
    assert browsers.enter(SECRET, at, forged.format(99)) == 429
    assert browsers.enter(SECRET, "127.0.0.1", "203.0.113.10") == 303
