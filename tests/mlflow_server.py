"""An MLflow server that records what it is asked and keeps the promises of its API."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Tracking:
    """What the server holds, and how it behaves."""

    experiments: dict[str, str] = field(default_factory=dict)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    logins: list[str | None] = field(default_factory=list)
    artifacts: str = "mlflow-artifacts:/1"
    answers_with: bytes | None = None
    fails_with: int = 0
    deleted: bool = False  # the experiment, in the trash
    refuses: str = ""  # a run that it does not take

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> tuple[int, Any]:
        if method == "PUT":
            self.pictures[path.removeprefix("/api/2.0/mlflow-artifacts/artifacts/")] = body
            return 200, {}
        name, sent = path.removeprefix("/api/2.0/mlflow/"), json.loads(body or b"{}")
        if name == "experiments/get-by-name":
            (wanted,) = query["experiment_name"]
            if wanted not in self.experiments:
                return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST"}
            stage = "deleted" if self.deleted else "active"
            found = {"experiment_id": self.experiments[wanted], "name": wanted, "lifecycle_stage": stage}
            return 200, {"experiment": found}
        if name == "experiments/create":
            self.experiments[sent["name"]] = "1"
            return 200, {"experiment_id": "1"}
        if name == "runs/search":
            assert sent["experiment_ids"] == ["1"]
            wanted = sent["filter"].removeprefix("tags.bgen_run = '").removesuffix("'")
            return 200, {"runs": [as_told(run) for run in self.runs.values() if run["tags"]["bgen_run"] == wanted]}
        if name == "runs/create":
            run_id = f"r{len(self.runs)}"
            info = {"run_id": run_id, "artifact_uri": f"{self.artifacts}/{run_id}/artifacts", "status": "RUNNING"}
            tags = {tag["key"]: tag["value"] for tag in sent["tags"]}
            if self.deleted or tags["bgen_run"] == self.refuses:
                return 400, {"error_code": "RESOURCE_DOES_NOT_EXIST"}
            self.runs[run_id] = {"info": info | sent, "tags": tags, "params": {}, "metrics": {}}
            return 200, {"run": {"info": info}}
        run = self.runs[sent["run_id"]]
        if name == "runs/log-batch":
            for param in sent["params"]:
                assert 0 < len(param["value"]) <= 500
                assert run["params"].setdefault(param["key"], param["value"]) == param["value"], "never changes"
            for metric in sent["metrics"]:
                run["metrics"].setdefault(metric["key"], []).append(metric["value"])
            return 200, {}
        assert name == "runs/update"
        run["info"] |= sent
        return 200, {"run_info": run["info"]}


def as_told(run: dict[str, Any]) -> dict[str, Any]:
    """A run as a search gives it: the latest value of each metric."""
    metrics = [{"key": key, "value": values[-1]} for key, values in run["metrics"].items()]
    return {"info": run["info"], "data": {"metrics": metrics} if metrics else {}}


@contextmanager
def serving(tracking: Tracking) -> Iterator[str]:
    """Answer as `tracking` does; the value is the server's address."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            tracking.calls.append(f"{self.command} {parts.path}")
            tracking.logins.append(self.headers.get("Authorization"))
            if tracking.fails_with:
                status, content = tracking.fails_with, b'{"message": "out of order"}'
            elif tracking.answers_with is not None:
                status, content = 200, tracking.answers_with
            else:
                status, answer = tracking.answer(self.command, parts.path, parse_qs(parts.query), body)
                content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = _serve  # noqa: N815 - called by these names

        def log_message(self, format: str, *args: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()
