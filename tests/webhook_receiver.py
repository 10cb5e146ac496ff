"""A receiver of messages on this machine, which answers as it is told."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, kw_only=True)
class Received:
    """One request, the names of its headers in small letters."""

    headers: dict[str, str]
    body: bytes


@dataclass(kw_only=True)
class Receiver:
    """What came to `url`."""

    url: str
    got: list[Received] = field(default_factory=list[Received])


@contextmanager
def receiving(*, answers: Sequence[int] = (), location: str = "") -> Iterator[Receiver]:
    """Answer with these codes, one after the other, then with 204; `location` is named in every answer."""
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.got.append(Received(headers=headers, body=self.rfile.read(int(headers["content-length"]))))
            self.send_response(left.pop(0) if left else 204)
            self.send_header("Content-Length", "0")
            if location:
                self.send_header("Location", location)
            self.end_headers()

        def log_message(self, *given: object) -> None:
            del given

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(url=f"http://127.0.0.1:{server.server_address[1]}/hook")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield receiver
        server.shutdown()
        thread.join()
