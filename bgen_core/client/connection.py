"""HTTP to one server, by the standard library: addresses, the token, limits of time, and problems as errors."""

import json
import secrets
import ssl
import urllib.error
import urllib.request
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from bgen_core.errors import BgenError
from bgen_core.wording import quoted

STILL_HERE = ""
"""In the place of an event's name: nothing is new."""
_API = "api/v1/"
_LONGEST_PROBLEM = 100_000
_PIECE = 1 << 16
_IN_PATHS = "/%:@!$&'()*+,;=~"  # RFC 3986, and what is encoded already


class ApiError(BgenError):
    """What the server refused, or that it does not answer: one sentence.

    Attributes
    ----------
    status
        Of the answer; 0 where there was none.
    sentence
        What the server said.
    retry_after
        Seconds after which the server asks to be tried again; 0 where it says nothing.
    """

    def __init__(self, status: int, sentence: str, *, retry_after: float = 0.0) -> None:
        super().__init__(f"{sentence} ({status})" if status else sentence)
        self.status, self.sentence, self.retry_after = status, sentence, retry_after


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """urllib would hand the token on to wherever an answer leads."""

    def redirect_request(self, *given: Any, **named: Any) -> None:
        return None


class Connection:
    """Requests to one server.

    Parameters
    ----------
    url
        The folder in which the app lies, such as "https://host/bgen/".
    token
        Of a person; empty where the server asks nobody.
    timeout
        Seconds that each wait for the server may take.
    """

    def __init__(self, url: str, token: str, timeout: float) -> None:
        self.url = _address(url)
        if not (token.isascii() and token.isprintable()):  # it is not shown: most of it may be right
            raise ApiError(0, "The token holds letters that no token has: copy it anew.")
        if not timeout > 0:
            raise ApiError(0, f"A timeout of {timeout:g} s is not allowed: give more than 0.")
        self.timeout = timeout
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._opener = urllib.request.build_opener(
            _NoRedirect(), urllib.request.HTTPSHandler(context=ssl.create_default_context())
        )

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """What a path of the API answers, read from JSON."""
        return json.loads(self.download(_API + path, query))

    def send(self, method: str, path: str, content: Mapping[str, Any] | None = None) -> Any:
        """Send JSON to a path of the API; returns its answer, or None where there is none."""
        body = json.dumps({} if content is None else content, allow_nan=False).encode()
        with self.open(method, _API + path, body=body, kind="application/json") as answer:
            return self._read_json(answer)

    def send_form(self, path: str, fields: Mapping[str, str], files: Mapping[str, tuple[str, bytes]]) -> Any:
        """Send a form with files, each with its name, to a path of the API."""
        body, kind = _form(fields, files)
        with self.open("POST", _API + path, body=body, kind=kind) as answer:
            return self._read_json(answer)

    def download(self, path: str, query: Mapping[str, Any] | None = None) -> bytes:
        """The bytes at a path within the app's folder, such as those that answers name."""
        with self.open("GET", path, query=query) as answer, _explained(self.url):
            return answer.read()

    def save(self, path: str, query: Mapping[str, Any] | None, target: Path) -> None:
        """Write the bytes at a path within the app's folder to a file, which appears whole or stays as it was."""
        with self.open("GET", path, query=query) as answer:
            part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
            try:
                with part.open("wb") as file:
                    while piece := self._read_piece(answer):
                        file.write(piece)
                part.replace(target)
            finally:
                part.unlink(missing_ok=True)

    def events(self, path: str, *, timeout: float) -> Generator[tuple[str, Any]]:
        """Events of a stream, each as its name and its data, until the server ends it.

        Parameters
        ----------
        timeout
            Seconds that each wait for the server may take, in place of the connection's.

        Yields
        ------
        tuple
            An event, or `STILL_HERE` and None where the server says that there is nothing new.
        """
        with self.open("GET", _API + path, timeout=timeout) as answer, _explained(self.url):
            yield from _events(line.decode("utf-8").rstrip("\r\n") for line in answer)

    @contextmanager
    def open(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: bytes | None = None,
        kind: str = "",
        timeout: float | None = None,
    ) -> Generator[HTTPResponse]:
        """An answer that is being read.

        Parameters
        ----------
        timeout
            In place of the connection's.

        Raises
        ------
        ApiError
            The server refuses, or does not answer in time.
        """
        asked = {name: value for name, value in (query or {}).items() if value is not None}
        address = self.url + path + (f"?{urlencode(asked, doseq=True)}" if asked else "")
        headers = {"Accept": "*/*", **self._headers, **({"Content-Type": kind} if kind else {})}
        request = urllib.request.Request(address, data=body, headers=headers, method=method)
        with _explained(self.url):
            answer = cast(HTTPResponse, self._opener.open(request, timeout=timeout or self.timeout))
        with answer:
            yield answer

    def _read_piece(self, answer: HTTPResponse) -> bytes:
        with _explained(self.url):
            return answer.read(_PIECE)

    def _read_json(self, answer: HTTPResponse) -> Any:
        with _explained(self.url):
            content = answer.read()
        return json.loads(content) if content else None


def _address(url: str) -> str:
    """Where the app lies, with a slash at its end; what a request cannot name as it is stands percent-encoded."""
    try:
        parts = urlsplit(url)
        is_servers = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # half of an IPv6 address, a port that is none
        is_servers, parts = False, urlsplit("")
    if not is_servers or parts.query or parts.fragment:
        raise ApiError(0, f"{quoted(url)} is no address of a server: give one such as https://host/bgen/.")
    return urlunsplit(parts._replace(path=quote(parts.path.rstrip("/") + "/", safe=_IN_PATHS)))


@contextmanager
def _explained(url: str) -> Generator[None]:
    try:
        yield
    except urllib.error.HTTPError as error:
        with error:
            raise _refused(error) from None
    except urllib.error.URLError as error:
        raise ApiError(0, f"{url} does not answer: {_reason(error.reason)}.") from error
    except TimeoutError as error:
        raise ApiError(0, f"{url} does not answer in time: give a longer timeout, or try again.") from error
    except (OSError, HTTPException) as error:
        raise ApiError(0, f"{url} broke off: {_reason(error)}.") from error


def _refused(error: urllib.error.HTTPError) -> ApiError:
    if 300 <= error.code < 400:
        return ApiError(error.code, f"The server leads on to {error.headers.get('Location')}: give that address.")
    try:
        text = error.read(_LONGEST_PROBLEM).decode("utf-8", "replace")
    except (OSError, HTTPException):
        text = ""
    try:
        sentence = str(json.loads(text)["detail"])
    except (ValueError, KeyError, TypeError):
        lines = text.strip().splitlines()
        is_sentence = len(lines) == 1 and "text/plain" in error.headers.get("Content-Type", "")
        sentence = lines[0] if is_sentence else f"The server answered {error.reason}."
    after = error.headers.get("Retry-After", "")
    return ApiError(error.code, sentence, retry_after=float(after) if after.isdecimal() else 0.0)


def _reason(error: object) -> str:
    if isinstance(error, TimeoutError):
        return "it took too long"
    return str(getattr(error, "strerror", None) or error).rstrip(".")


def _form(fields: Mapping[str, str], files: Mapping[str, tuple[str, bytes]]) -> tuple[bytes, str]:
    boundary = f"bgen{secrets.token_hex(16)}"
    pieces: list[bytes] = []
    for name, value in fields.items():
        pieces.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
    for name, (file_name, content) in files.items():
        shown = "".join(letter if letter.isprintable() and letter not in '"\\' else "_" for letter in file_name)
        head = f'Content-Disposition: form-data; name="{name}"; filename="{shown}"'
        pieces += [
            f"--{boundary}\r\n{head}\r\nContent-Type: application/octet-stream\r\n\r\n".encode("utf-8", "replace"),
            content,
            b"\r\n",
        ]
    return b"".join([*pieces, f"--{boundary}--\r\n".encode()]), f"multipart/form-data; boundary={boundary}"


def _events(lines: Iterable[str]) -> Generator[tuple[str, Any]]:
    """Read the format of server-sent events; a comment is `STILL_HERE`, what this client does not know is left out."""
    name, data = "message", list[str]()
    for line in lines:
        if line.startswith(":"):
            yield STILL_HERE, None
        if not line:
            if data:
                yield name, json.loads("\n".join(data))
            name, data = "message", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
