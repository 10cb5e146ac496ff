"""A bucket for tests and benchmarks: as much of S3 as the program asks for, with the faults that one wants.

python -m tests.bucket_server --port 9000 --delay 0.01
"""

import argparse
import asyncio
import hashlib
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

KEY, SECRET, BUCKET = "bgen", "secret of a test", "pictures"
_REASONS = {200: "OK", 204: "No Content", 403: "Forbidden", 404: "Not Found", 412: "Precondition Failed"}


@dataclass(kw_only=True)
class BucketServer:
    """What it holds, what it was asked, and what is wrong with it.

    Attributes
    ----------
    delay
        Seconds before each answer.
    is_read_only, is_gone, is_away
        Whether it refuses changes, does not know the bucket, or ends connections without an answer.
    skew
        How far its clock is before this machine's.
    asked
        Method and key of each request.
    """

    port: int = 0
    address: str = "127.0.0.1"
    delay: float = 0.0
    is_read_only: bool = False
    is_gone: bool = False
    is_away: bool = False
    skew: timedelta = timedelta(0)
    asked: list[tuple[str, str]] = field(default_factory=list)
    objects: dict[str, tuple[bytes, datetime]] = field(default_factory=dict)
    page: int = 1000

    @property
    def settings(self) -> dict[str, str]:
        """Environment variables by which AWS's tools find it."""
        return {
            "AWS_ENDPOINT_URL_S3": f"http://{self.address}:{self.port}",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    async def serve(self) -> asyncio.Server:
        server = await asyncio.start_server(self._talk, self.address, self.port, limit=2**20)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, target, _ = head[0].split(" ")
                headers = {
                    name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)
                }
                if headers.get("expect", "").lower() == "100-continue":
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                if self.is_away:
                    break
                if self.delay:
                    await asyncio.sleep(self.delay)
                status, data, more = self._answer(method, target, headers, body)
                length = more.pop("Content-Length", str(len(data)))
                lines = [f"HTTP/1.1 {status} {_REASONS[status]}", f"Content-Length: {length}"]
                lines += [f"{name}: {value}" for name, value in more.items()]
                writer.write("\r\n".join([*lines, "", ""]).encode() + (b"" if method == "HEAD" else data))
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass  # the other side is gone, or this is the end
        finally:
            writer.close()

    def _answer(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, bytes, dict[str, str]]:
        parts = urlsplit(target)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        asked = parse_qs(parts.query, keep_blank_values=True)
        self.asked.append((method, key or parts.query))
        if f"Credential={KEY}/" not in headers.get("authorization", ""):
            return _fault(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist.")
        if self.is_gone or bucket != BUCKET:
            return _fault(404, "NoSuchBucket", "The specified bucket does not exist")
        if self.is_read_only and method not in ("GET", "HEAD"):
            return _fault(403, "AccessDenied", "Access Denied")
        if method == "POST" and "delete" in asked:
            for name in ElementTree.fromstring(body).iter("{http://s3.amazonaws.com/doc/2006-03-01/}Key"):
                self.objects.pop(name.text or "", None)
            return 200, b'<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>', {}
        if not key:
            return (200, b"", {}) if method == "HEAD" else self._listing(asked)
        if method == "PUT":
            if headers.get("if-none-match") == "*" and key in self.objects:
                return _fault(
                    412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold"
                )
            self.objects[key] = body, datetime.now(UTC) + self.skew
            return 200, b"", {"ETag": _etag(body)}
        if method == "DELETE":
            self.objects.pop(key, None)
            return 204, b"", {}
        if key not in self.objects:
            return _fault(404, "NoSuchKey", "The specified key does not exist.")
        data, modified = self.objects[key]
        when = modified.strftime("%a, %d %b %Y %H:%M:%S GMT")
        return 200, data, {"ETag": _etag(data), "Last-Modified": when, "Content-Length": str(len(data))}

    def _listing(self, asked: Mapping[str, list[str]]) -> tuple[int, bytes, dict[str, str]]:
        prefix = asked.get("prefix", [""])[0]
        after = asked.get("continuation-token", asked.get("start-after", [""]))[0]
        most = min(int(asked.get("max-keys", ["1000"])[0]), self.page)
        keys = sorted(key for key in self.objects if key.startswith(prefix) and key > after)
        shown = keys[:most]
        text = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self.objects[key][0])}</Size>"
            f"<LastModified>{self.objects[key][1].strftime('%Y-%m-%dT%H:%M:%S.000Z')}</LastModified></Contents>"
            for key in shown
        )
        cut = len(keys) > len(shown)
        text += f"<IsTruncated>{str(cut).lower()}</IsTruncated><KeyCount>{len(shown)}</KeyCount>"
        text += f"<NextContinuationToken>{escape(shown[-1])}</NextContinuationToken>" if cut else ""
        data = f'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{text}</ListBucketResult>'
        return 200, data.encode(), {"Content-Type": "application/xml"}


def _etag(data: bytes) -> str:
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


def _fault(status: int, code: str, message: str) -> tuple[int, bytes, dict[str, str]]:
    return status, f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode(), {}


@contextmanager
def running_bucket(*, port: int = 0, address: str = "127.0.0.1") -> Iterator[BucketServer]:
    """A bucket in a thread of this process; at the end its connections are cut."""
    bucket, ready = BucketServer(port=port, address=address), threading.Event()
    loop = asyncio.new_event_loop()

    def run() -> None:
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(bucket.serve())
        ready.set()
        loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield bucket
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    arguments = parser.parse_args()
    with running_bucket(port=arguments.port) as served:
        served.delay = arguments.delay
        while True:
            time.sleep(3600)
