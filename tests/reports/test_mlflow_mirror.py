"""The copy on an MLflow server, against one that records what it is asked and keeps the promises of its API."""

import base64
import json
import logging
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bgen_core.metrics import MetricValue
from bgen_core.records.run import RunRecord
from bgen_core.reports import mlflow_mirror
from bgen_core.reports.mlflow_mirror import MlflowMirror, mirror_run
from bgen_core.settings import load_settings
from tests.made_up import made_up_run

PNG = b"\x89PNG\r\n\x1a\n and the rest"
METRICS = {
    "seam": MetricValue(name="seam", value=0.25, reason="", version=1),
    "clip_score": MetricValue(name="clip_score", value=None, reason="No CLIP model is set.", version=1),
}


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

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> tuple[int, Any]:
        if method == "PUT":
            self.pictures[path.removeprefix("/api/2.0/mlflow-artifacts/artifacts/")] = body
            return 200, {}
        name, sent = path.removeprefix("/api/2.0/mlflow/"), json.loads(body or b"{}")
        if name == "experiments/get-by-name":
            (wanted,) = query["experiment_name"]
            if wanted not in self.experiments:
                return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST"}
            return 200, {"experiment": {"experiment_id": self.experiments[wanted], "name": wanted}}
        if name == "experiments/create":
            self.experiments[sent["name"]] = "1"
            return 200, {"experiment_id": "1"}
        if name == "runs/search":
            assert sent["experiment_ids"] == ["1"]
            wanted = sent["filter"].removeprefix("tags.bgen_run = '").removesuffix("'")
            return 200, {"runs": [run for run in self.runs.values() if run["tags"]["bgen_run"] == wanted]}
        if name == "runs/create":
            run_id = f"r{len(self.runs)}"
            info = {"run_id": run_id, "artifact_uri": f"{self.artifacts}/{run_id}/artifacts", "status": "RUNNING"}
            tags = {tag["key"]: tag["value"] for tag in sent["tags"]}
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


@pytest.fixture
def tracking() -> Tracking:
    return Tracking()


@pytest.fixture
def url(tracking: Tracking, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(mlflow_mirror, "_TIMEOUT_SECONDS", 5.0)

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


def the_run(**params: Any) -> RunRecord:
    return made_up_run(3, params=params, versions={"torch": "2.13.0"})


def test_parameters_metrics_and_picture_are_copied(url: str, tracking: Tracking) -> None:
    run = the_run(prompt="日本, “ü”")
    assert MlflowMirror(url).copy(run, METRICS, PNG)
    assert tracking.experiments == {"bgen": "1"}
    (copied,) = tracking.runs.values()
    assert copied["params"]["prompt"] == "日本, “ü”"
    assert copied["params"]["num_inference_steps"] == "20"
    assert copied["params"]["version_torch"] == "2.13.0"
    assert copied["params"].keys() > {"model", "model_revision", "subject", "size", "device", "dtype", "seed"}
    assert copied["metrics"] == {"seam": [0.25]}
    assert copied["tags"]["bgen_run"] == run.id
    assert copied["tags"]["mlflow.note.content"] == "日本, “ü”\n\nNot: text"
    started = round(run.created.timestamp() * 1000)
    info = copied["info"]
    assert (info["start_time"], info["end_time"], info["status"]) == (started, started + 1938, "FINISHED")
    assert tracking.pictures == {"1/r0/artifacts/picture.png": PNG}


def test_a_run_that_is_there_gets_its_new_measures_and_no_second_copy(url: str, tracking: Tracking) -> None:
    mirror, run = MlflowMirror(url), the_run()
    again = {"seam": MetricValue(name="seam", value=0.5, reason="", version=2)}
    assert mirror.copy(run, METRICS, PNG)
    assert mirror.copy(run, again, PNG)
    assert mirror.copy(made_up_run(4), {}, PNG)
    assert [copied["metrics"] for copied in tracking.runs.values()] == [{"seam": [0.25, 0.5]}, {}]
    assert sum(call.endswith("experiments/get-by-name") for call in tracking.calls) == 1


def test_long_and_empty_texts_fit(url: str, tracking: Tracking) -> None:
    run = the_run(prompt="x" * 9000, negative_prompt="")
    assert MlflowMirror(url).copy(run, {}, PNG)
    (copied,) = tracking.runs.values()
    assert copied["params"]["prompt"] == "x" * 500
    assert "negative_prompt" not in copied["params"]
    assert len(copied["tags"]["mlflow.note.content"]) == 4000


def test_a_server_that_keeps_artifacts_elsewhere_gets_no_picture(url: str, tracking: Tracking) -> None:
    tracking.artifacts = "s3://bucket/1"
    assert MlflowMirror(url).copy(the_run(), METRICS, PNG)
    assert tracking.pictures == {}
    assert len(tracking.runs) == 1


def test_name_and_password_are_sent_and_never_logged(
    url: str, tracking: Tracking, caplog: pytest.LogCaptureFixture
) -> None:
    mirror = MlflowMirror(url.replace("http://", "http://ada:s%40cret@"))
    assert mirror.copy(the_run(), METRICS, PNG)
    assert set(tracking.logins) == {f"Basic {base64.b64encode(b'ada:s@cret').decode()}"}
    tracking.fails_with = 401
    assert not mirror.copy(the_run(), METRICS, PNG)
    assert "answered 401" in caplog.text
    assert "cret" not in caplog.text


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"fails_with": 500}, r"answered 500 \({\"message\": \"out of order\"}\)"),
        ({"answers_with": b"<html>"}, "answered no JSON"),
        ({"answers_with": b"[]"}, "answered no object"),
        ({"answers_with": b"{}"}, "has no experiment.experiment_id"),
    ],
)
def test_a_server_out_of_order_stops_nothing_and_has_a_pause(
    url: str, tracking: Tracking, fault: dict[str, Any], said: str, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    mirror = MlflowMirror(url)
    for name, value in fault.items():
        setattr(tracking, name, value)
    with caplog.at_level(logging.WARNING):
        assert not mirror.copy(the_run(), METRICS, PNG)
    assert re.search(said, caplog.text)
    asked = len(tracking.calls)
    assert not mirror.copy(the_run(), METRICS, PNG)
    assert len(tracking.calls) == asked, "it is left alone for a while"
    tracking.fails_with, tracking.answers_with = 0, None
    monkeypatch.setattr(mirror, "_paused_until", 0.0)
    assert mirror.copy(the_run(), METRICS, PNG)


def test_a_server_that_is_not_there_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    settings = load_settings(mlflow_url="http://127.0.0.1:9")
    assert not mirror_run(settings, the_run(), METRICS, PNG)
    assert "is not copied to MLflow at http://127.0.0.1:9" in caplog.text


def test_without_an_address_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow_mirror, "urlopen", lambda *_, **__: pytest.fail("a server was asked"))
    assert not mirror_run(load_settings(), the_run(), METRICS, PNG)
