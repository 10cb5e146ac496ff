"""Strangers and bad networks: bodies that never come, that drip, and that are broken off."""

import asyncio
import http.client
import resource
import socket
import urllib.parse
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Scope

from bgen_core.settings import load_settings
from pages._ui.app import gate
from pages._ui.app.connection_limits import BodyLimits, quiet_after_closing, raise_open_files
from pages._ui.app.gate import Gate
from tests.serving import FROM_THE_CLONE, RunningApp, serve
from tests.waiting import wait_until

SECRET = "a password"
DESCRIPTORS = 300
HALF_SENT = 320
BROKEN_LOGIN = "a browser broke off what it sent: POST /login"
SHORT = 0.05
PATIENCE = 60.0  # for what comes: far above what a busy machine needs
FOREVER = None


def piece(body: bytes = b"x", *, more: bool = True) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


BROKEN_OFF: Message = {"type": "http.disconnect"}


def scope_of(path: str, headers: dict[str, str]) -> Scope:
    return {
        "type": "http", "method": "POST", "scheme": "http", "path": path, "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 5000), "http_version": "1.1",
    }  # fmt: skip


async def answered(
    app: ASGIApp, messages: Iterable[Message | float | None], path: str = "/", headers: dict[str, str] | None = None
) -> list[Message]:
    """What the app sends to a browser that sends these; a number is a pause, and None is waiting for good."""
    coming, sent = iter(messages), list[Message]()

    async def receive() -> Message:
        while True:
            message = next(coming, FOREVER)
            if message is FOREVER:
                await asyncio.sleep(3600)
            elif isinstance(message, float):
                await asyncio.sleep(message)
            else:
                return message

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope_of(path, {"content-length": "100"} if headers is None else headers), receive, send)
    return sent


def status_and_connection(sent: list[Message]) -> tuple[int, bytes | None]:
    (start,) = [message for message in sent if message["type"] == "http.response.start"]
    return start["status"], dict(start["headers"]).get(b"connection")


async def reads_all(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"{len(await request.body())} bytes")


async def reads_nothing(request: Request) -> PlainTextResponse:
    return PlainTextResponse("not needed")


async def streams(request: Request) -> StreamingResponse:
    async def pieces():
        yield b"begun"
        await asyncio.sleep(3600)

    return StreamingResponse(pieces())


def limited(idle_seconds: float = SHORT, total_seconds: float = 3600) -> ASGIApp:
    routes = [
        Route(f"/{name}", endpoint, methods=["POST"])
        for name, endpoint in {"all": reads_all, "nothing": reads_nothing, "streams": streams}.items()
    ]
    limits = Middleware(BodyLimits, idle_seconds=idle_seconds, total_seconds=total_seconds)
    return Starlette(routes=routes, middleware=[limits])


def dripping() -> Iterator[Message | float]:
    while True:
        yield piece()
        yield SHORT / 5


@pytest.mark.parametrize(
    ("path", "messages", "headers", "status", "connection"),
    [
        pytest.param("/all", [FOREVER], None, 408, b"close", id="nothing comes"),
        pytest.param("/all", [piece(), FOREVER], None, 408, b"close", id="half of it comes"),
        pytest.param("/all", [FOREVER], {"transfer-encoding": "chunked"}, 408, b"close", id="no length is named"),
        pytest.param("/all", [piece(), SHORT / 5, piece(more=False)], None, 200, None, id="all of it comes"),
        pytest.param("/all", [piece(b"", more=False)], {}, 200, None, id="there is none"),
        pytest.param("/nothing", [FOREVER], None, 200, b"close", id="the answer does not wait for it"),
        pytest.param("/nothing", [FOREVER], {"content-length": "0"}, 200, None, id="its length is 0"),
        pytest.param("/streams", [piece(), FOREVER], None, 200, b"close", id="the answer has begun before"),
    ],
)
def test_a_body_comes_in_time_or_its_connection_is_closed(
    path: str,
    messages: list[Message | float | None],
    headers: dict[str, str] | None,
    status: int,
    connection: bytes | None,
):
    limit = SHORT if FOREVER in messages else PATIENCE
    sent = asyncio.run(answered(limited(limit), messages, path, headers))
    assert status_and_connection(sent) == (status, connection)


def test_a_body_that_drips_ends_at_the_limit_of_all_its_pieces():
    sent = asyncio.run(answered(limited(total_seconds=SHORT), dripping(), "/all"))
    assert status_and_connection(sent) == (408, b"close")


def test_a_browser_that_waits_for_an_answer_has_no_limit():
    """What is slow to answer asks whether the browser is still there: that is no body to wait for."""

    async def waits(scope: Scope, receive: object, send: object) -> None:
        messages.append(await receive())  # pyright: ignore
        messages.append(await receive())  # pyright: ignore

    messages: list[Message] = []
    coming = [piece(more=False), SHORT * 3, BROKEN_OFF]
    asyncio.run(answered(BodyLimits(waits, idle_seconds=SHORT, total_seconds=SHORT), coming))
    assert messages == [piece(more=False), BROKEN_OFF]


def test_what_a_browser_breaks_off_is_one_quiet_line(caplog: pytest.LogCaptureFixture):
    assert asyncio.run(answered(limited(), [piece(), BROKEN_OFF], "/all")) == []
    (record,) = caplog.records
    assert record.getMessage() == "a browser broke off what it sent: POST /all"
    assert record.exc_info is None


def test_a_fault_of_the_app_is_no_broken_upload():
    async def fails(request: Request) -> PlainTextResponse:
        raise ZeroDivisionError

    app = Starlette(routes=[Route("/", fails, methods=["POST"])], middleware=[Middleware(BodyLimits)])
    with pytest.raises(ZeroDivisionError):
        asyncio.run(answered(app, [piece(more=False)]))


def gated(form_seconds: float) -> ASGIApp:
    settings = load_settings(password=SECRET)
    entrance = Middleware(Gate, settings=lambda: settings, wrong_seconds=0, form_seconds=form_seconds)
    return Starlette(middleware=[Middleware(BodyLimits), entrance])


def test_the_form_with_the_password_comes_soon():
    sent = asyncio.run(answered(gated(SHORT), [piece(b"password="), FOREVER], "/login"))
    assert status_and_connection(sent) == (408, b"close")


def test_people_come_in_while_strangers_send_forms_that_never_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gate, "_MOST_BODIES", 3)
    form = piece(f"password={urllib.parse.quote(SECRET)}".encode(), more=False)

    async def several() -> list[list[Message]]:
        app = gated(form_seconds=10 * SHORT)
        return await asyncio.gather(
            *(answered(app, [piece(b"password="), FOREVER], "/login") for _ in range(5)),
            answered(app, [form], "/login"),
        )

    *strangers, person = map(status_and_connection, asyncio.run(several()))
    assert strangers == [(503, b"close")] * 3 + [(408, b"close")] * 2  # the oldest give way
    assert person == (303, None)


@contextmanager
def soft_limit(allowed: int) -> Iterator[int]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, before[1]))
    try:
        yield before[1]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_server_takes_as_many_descriptors_as_the_system_gives():
    with soft_limit(512) as most:
        raise_open_files()
        raised = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert raised[1] == most
    assert raised[0] > 512
    assert raised[0] == most or raised[0] == 65_536


def half_sent(app: RunningApp, path: str) -> socket.socket:
    address = urllib.parse.urlsplit(app.url)
    connection = socket.create_connection((address.hostname or "", address.port or 0), timeout=30)
    connection.sendall(f"POST {path} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: 100\r\n\r\np".encode())
    return connection


def asked(app: RunningApp, method: str, path: str, body: str | None = None) -> int:
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(app.url).netloc, timeout=30)
    try:
        connection.request(method, path, body)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.slow
def test_a_server_with_few_descriptors_answers_while_more_bodies_are_half_sent(tmp_path: Path):
    limited_shell = ("bash", "-c", f'ulimit -n {DESCRIPTORS} && exec "$@"', "bash")
    with serve(tmp_path, command=(*limited_shell, *FROM_THE_CLONE), BGEN_PASSWORD=SECRET) as app:
        connections = [half_sent(app, "/login") for _ in range(HALF_SENT)]
        try:
            assert asked(app, "GET", "/healthz") == 200
            assert asked(app, "POST", "/login", f"password={SECRET}") == 303
        finally:
            for connection in connections:  # broken off: those that still wait for their body
                connection.close()
        assert asked(app, "GET", "/healthz") == 200
        wait_until(lambda: BROKEN_LOGIN in app.log.read_text(), "the line about what was broken off")
    log = app.log.read_text()
    assert log.count(BROKEN_LOGIN) <= 2  # the first, and how many more
    assert len(log) < 20_000


def test_looks_at_closed_sockets_are_not_told_and_all_else_is(caplog: pytest.LogCaptureFixture) -> None:
    def closed() -> None:
        raise ValueError("Invalid file descriptor: -1")

    def wrong() -> None:
        raise ValueError("a bug")

    loop = asyncio.new_event_loop()
    quiet_after_closing(loop)
    for call in (closed, wrong, closed):
        loop.call_soon(call)
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == ["a bug"]
