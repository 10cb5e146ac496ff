"""The client against a server that says little, or breaks off."""

import json
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from bgen_core.client import ApiError, Client, SweepHandle
from bgen_core.client.connection import Connection

STATE = b'event: state\ndata: {"sweep": {"state": "paused"}}\n\n'


@contextmanager
def serving(
    answer: Callable[[Callable[[bytes], object]], object],
    asked: list[str] | None = None,
    sent: list[bytes] | None = None,
) -> Generator[str]:
    """A server that answers everything in chunks, as `answer` sends them, and then breaks off.

    Parameters
    ----------
    asked
        Gets each address that is asked for.
    sent
        Gets each body.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if asked is not None:
                asked.append(self.path)
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.close_connection = True
            with suppress(OSError):  # the client has heard enough
                answer(lambda piece: self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece)))

        def do_PATCH(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if sent is not None:
                sent.append(body)
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("beats", [0.1, 100.0])
def test_waiting_ends_when_it_shall_although_nothing_is_new(beats: float) -> None:
    ended = time.monotonic() + 4

    def stream(send: Callable[[bytes], object]) -> None:
        send(STATE)
        beat = time.monotonic() + beats
        while time.monotonic() < ended:
            time.sleep(0.02)
            if time.monotonic() >= beat:
                send(b": still here\n\n")
                beat += beats

    with serving(stream) as url:
        sweep = SweepHandle(Connection(url, "", timeout=60), "one")
        began = time.monotonic()
        with pytest.raises(ApiError, match=r"The sweep one has not ended after 0\.5 s"):
            sweep.wait(timeout=0.5)
        assert 0.5 <= time.monotonic() - began < 3


def test_a_file_that_breaks_off_is_one_sentence_and_leaves_the_earlier_one(tmp_path: Path) -> None:
    target = tmp_path / "runs.csv"
    target.write_text("of yesterday")
    with serving(lambda send: send(b"id,created\n")) as url, pytest.raises(ApiError, match="broke off"):
        Client(url, token="").export("csv", target)
    assert target.read_text() == "of yesterday"
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_of_no_runs_is_not_a_file_of_all(tmp_path: Path) -> None:
    with pytest.raises(ApiError, match="ids names no run"):
        Client("http://127.0.0.1:1", token="").export("csv", tmp_path / "runs.csv", ids=[])
    assert list(tmp_path.iterdir()) == []


def test_no_ids_are_no_runs() -> None:
    asked: list[str] = []
    with serving(lambda send: send(b"{}"), asked) as url:
        assert [Client(url, token="").runs(ids=ids) for ids in ([], [""], "")] == [[], [], []]
    assert asked == []


@pytest.mark.parametrize(
    ("ids", "query"),
    [(None, ""), *((ids, "?ids=one%2Ctwo") for ids in (["one", "two"], ("one", "two"), "one,two"))],
)
def test_a_file_is_of_all_runs_or_of_those_that_are_named(ids: object, query: str, tmp_path: Path) -> None:
    asked: list[str] = []
    with serving(lambda send: send(b"id"), asked) as url, pytest.raises(ApiError):
        Client(url, token="").export("csv", tmp_path / "runs.csv", ids=ids)
    assert asked == [f"/api/v1/export/runs.csv{query}"]


def test_a_text_alone_is_not_taken_for_its_letters() -> None:
    asked: list[str] = []
    sent: list[bytes] = []
    with serving(lambda send: send(b"{}"), asked, sent) as url:
        client = Client(url, token="")
        for act in (lambda: client.tag("one", "sunset"), lambda: client.runs(ids="one", conditions="model:demo")):
            with pytest.raises(ApiError, match="broke off"):
                act()
    assert sent == [b'{"tags": ["sunset"]}']
    assert asked[1] == "/api/v1/runs?f=model%3Ademo&ids=one&limit=100&offset=0"


@pytest.mark.parametrize("what", ["runs", "subjects"])
def test_what_is_made_while_a_list_is_read_gives_nothing_twice(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bgen_core.client.handles._MOST_IN_ONE", 2)
    there = [{"id": name} for name in "dcba"]
    asked: list[str] = []

    def part(send: Callable[[bytes], object]) -> None:
        query = parse_qs(urlsplit(asked[-1]).query)
        begin, most = (int(query[name][0]) for name in ("offset", "limit"))
        send(json.dumps({"total": len(there), what: there[begin : begin + most]}).encode())
        send(b"")
        there.insert(0, {"id": f"new {len(there)}"})

    with serving(part, asked) as url:
        client = Client(url, token="")
        found = client.runs(limit=None) if what == "runs" else client.subjects.all()
    assert [each["id"] for each in found] == list("dcba")
