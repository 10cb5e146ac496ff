"""A Hub on this machine: it answers the requests of the Hub's own client for folders that it is given."""

import hashlib
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass(kw_only=True)
class StandIn:
    """What it holds, how it refuses, and what was asked of it."""

    repositories: dict[str, Path] = field(default_factory=dict[str, Path])
    refusal: tuple[int, str] | None = None  # of files: status and the Hub's code for it
    hidden: bool = False  # 401 for everything, as for a private model
    cut_off: bool = False  # weights end in the middle
    token: str = ""  # with which nothing is refused
    sent: list[str] = field(default_factory=list[str])
    url: str = ""

    def commit(self, repository: str) -> str:
        return hashlib.sha1(repository.encode()).hexdigest()

    def files(self, repository: str) -> list[tuple[str, Path]]:
        root = self.repositories[repository]
        return [(path.relative_to(root).as_posix(), path) for path in sorted(root.rglob("*")) if path.is_file()]


def _handler(hub: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            known = bool(hub.token) and self.headers.get("Authorization") == f"Bearer {hub.token}"
            if path.startswith("/api/models/"):
                owner, name, *rest = path.removeprefix("/api/models/").split("/")
                self._tell(f"{owner}/{name}", is_tree=rest[:1] == ["tree"], known=known)
            else:
                owner, name, _, commit, *rest = path.lstrip("/").split("/")
                self._give(hub.repositories[f"{owner}/{name}"], "/".join(rest), commit, known=known)

        def _tell(self, repository: str, *, is_tree: bool, known: bool) -> None:
            if repository not in hub.repositories or (hub.hidden and not known):
                self._refuse(401, "RepoNotFound")
            else:
                self._send_json(self._tree(repository) if is_tree else self._info(repository))

        def _give(self, folder: Path, wanted: str, commit: str, *, known: bool) -> None:
            if hub.refusal and not known:
                self._refuse(*hub.refusal)
                return
            if not (folder / wanted).is_file():
                self._refuse(404, "EntryNotFound")
                return
            content = (folder / wanted).read_bytes()
            self.send_response(200)
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", commit)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "GET":
                hub.sent.append(wanted)
                is_cut = hub.cut_off and wanted.endswith(".safetensors")
                self.wfile.write(content[: len(content) // 2] if is_cut else content)
                self.close_connection = is_cut

        def _info(self, repository: str) -> dict[str, Any]:
            siblings = [{"rfilename": name, "size": path.stat().st_size} for name, path in hub.files(repository)]
            return {"id": repository, "sha": hub.commit(repository), "siblings": siblings, "private": False}

        def _tree(self, repository: str) -> list[dict[str, Any]]:
            return [
                {"type": "file", "path": name, "size": path.stat().st_size, "oid": hub.commit(name)}
                for name, path in hub.files(repository)
            ]

        def _send_json(self, content: object) -> None:
            body = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _refuse(self, status: int, code: str) -> None:
            self.send_response(status)
            self.send_header("X-Error-Code", code)
            self.send_header("Content-Length", "0")
            self.end_headers()

    return Handler


@contextmanager
def running_hub() -> Generator[StandIn]:
    hub = StandIn()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
