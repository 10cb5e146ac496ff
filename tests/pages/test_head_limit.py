"""Heads of requests that never come whole, over real sockets to a small server in this process."""

import asyncio
import http.client
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from functools import partial

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.sync.client import connect

from pages._ui.app.head_limit import heads_in_time

LIMIT = 0.2
LONG = 3 * LIMIT  # a connection without a head has ended by then
PATIENCE = 60
WHOLE = b"GET / HTTP/1.1\r\nHost: bgen\r\n\r\n"
HALF = WHOLE[:-2]


async def takes_its_time(request: Request) -> StreamingResponse:
    async def pieces() -> AsyncIterator[str]:
        yield "begun, "
        await asyncio.sleep(LONG)
        yield "done"

    return StreamingResponse(pieces())


async def echoes(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(await websocket.receive_text())


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    app = Starlette(routes=[Route("/", takes_its_time), WebSocketRoute("/echo", echoes)])
    config = uvicorn.Config(app, http="h11", log_config=None, lifespan="off", timeout_keep_alive=PATIENCE)
    server = uvicorn.Server(config)
    with heads_in_time(LIMIT), socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield listening.getsockname()
        server.should_exit = True
        thread.join()


def test_a_connection_ends_where_no_whole_head_comes(address: tuple[str, int]):
    answers = {b"": 0, b"GET": 0, HALF: 0, WHOLE: 1, WHOLE + HALF: 1, WHOLE + WHOLE + HALF: 2}
    received: dict[bytes, int] = {}
    with ExitStack() as opened:
        connections: dict[bytes, socket.socket] = {}
        for sent in answers:
            connection = opened.enter_context(socket.create_connection(address, timeout=PATIENCE))
            connection.sendall(sent)
            connections[sent] = connection
        for sent, connection in connections.items():
            received[sent] = b"".join(iter(partial(connection.recv, 10_000), b"")).count(b"begun")
    assert received == answers


def test_a_head_that_drips_ends_too(address: tuple[str, int]):
    with socket.create_connection(address, timeout=PATIENCE) as connection, pytest.raises(OSError):
        connection.sendall(HALF)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            connection.sendall(b"a: b\r\n")
            time.sleep(LIMIT / 5)


def test_an_answer_may_take_long(address: tuple[str, int]):
    connection = http.client.HTTPConnection(*address, timeout=PATIENCE)
    connection.request("GET", "/")
    assert connection.getresponse().read() == b"begun, done"
    connection.close()


def test_a_websocket_may_be_silent(address: tuple[str, int]):
    with connect("ws://{}:{}/echo".format(*address)) as websocket:
        time.sleep(LONG)
        websocket.send("still here")
        assert websocket.recv(timeout=PATIENCE) == "still here"
