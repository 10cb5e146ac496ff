"""A copy of each new run on an MLflow tracking server: parameters, metrics and the picture.

Spoken with by its REST API (https://mlflow.org/docs/latest/rest-api.html, version 2.0) and nothing else: see
docs/decisions/mlflow-by-its-api.md. It is a copy for people who compare there; nothing is ever read back into the
store, and a server that does not answer stops nothing.
"""

import base64
import json
import logging
import re
import time
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, unquote, urlencode, urlsplit, urlunsplit
from urllib.request import Request, urlopen

from bgen_core.json_value import JsonValue
from bgen_core.metrics import MetricValue
from bgen_core.records.run import RunRecord
from bgen_core.wording import quoted

logger = logging.getLogger(__name__)

EXPERIMENT = "bgen"
RUN_TAG = "bgen_run"
PICTURE = "picture.png"
_TIMEOUT_SECONDS = 10.0
_LONGEST_ANSWER = 10_000_000
_LONGEST_PARAM = 500  # what servers since 1.28 take; newer ones take more
_LONGEST_NOTE = 4000


class MlflowError(Exception):
    """The server refused or did not answer, or its answer is none: says which request, and why."""


class MlflowMirror:
    """One MLflow server. For one thread.

    Parameters
    ----------
    url
        Address of the server, such as "http://server:5000"; name and password in it are sent as basic authentication.

    Attributes
    ----------
    url
        The address without name and password.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = parts.netloc.rpartition("@")[2]
        self.url = urlunsplit((parts.scheme, self._host, parts.path.rstrip("/"), "", ""))
        self._headers: dict[str, str] = {}
        if parts.username is not None:
            login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
        self._experiment = ""

    def copy(self, run: RunRecord, metrics: Mapping[str, MetricValue], png: bytes) -> None:
        """Copy a run; again for a run that is there adds new metrics.

        Parameters
        ----------
        metrics
            Name -> what was measured, as `Store.metrics.of` gives it for the run.
        png
            The finished picture.

        Raises
        ------
        MlflowError
            The copy is not there, or not all of it.
        """
        try:
            self._copy(run, metrics, png)
        except MlflowError:
            self._experiment = ""  # it may have been deleted
            raise

    def _copy(self, run: RunRecord, metrics: Mapping[str, MetricValue], png: bytes) -> None:
        if not self._experiment:
            self._experiment = self._find_experiment()
        info, measured = self._find_run(run) or (self._create_run(run), {})
        run_id, artifacts = str(info["run_id"]), str(info.get("artifact_uri", ""))
        now = round(time.time() * 1000)
        values = [
            {"key": each.name, "value": each.value, "timestamp": now, "step": 0}
            for each in metrics.values()
            if each.value is not None and measured.get(each.name) != each.value
        ]
        params = [{"key": name, "value": value[:_LONGEST_PARAM]} for name, value in _params(run).items() if value]
        self._post("runs/log-batch", {"run_id": run_id, "metrics": values, "params": params})
        ended = _milliseconds(run) + round(run.total_seconds * 1000)
        self._post("runs/update", {"run_id": run_id, "status": "FINISHED", "end_time": ended})
        self._put_picture(artifacts, png)

    def _find_experiment(self) -> str:
        query = urlencode({"experiment_name": EXPERIMENT})
        found = self._call("GET", f"mlflow/experiments/get-by-name?{query}", missing_is_none=True)
        if found is None:
            return str(_at(self._post("experiments/create", {"name": EXPERIMENT}), "experiment_id"))
        experiment_id = str(_at(found, "experiment", "experiment_id"))
        if _at(found, "experiment").get("lifecycle_stage") == "deleted":
            raise MlflowError(
                f"the experiment {quoted(EXPERIMENT)} is deleted there; restore it, or delete it for good"
            )
        return experiment_id

    def _find_run(self, run: RunRecord) -> tuple[dict[str, Any], dict[str, JsonValue]] | None:
        """What MLflow says of a run's copy, and its latest metrics."""
        wanted = {"experiment_ids": [self._experiment], "filter": f"tags.{RUN_TAG} = '{run.id}'", "max_results": 1}
        found: JsonValue = self._post("runs/search", wanted).get("runs")
        if not isinstance(found, list) or not found:
            return None
        return _at({"run": found[0]}, "run", "info"), _latest_metrics(found[0])

    def _create_run(self, run: RunRecord) -> dict[str, Any]:
        note = f"{run.params.prompt}\n\nNot: {run.params.negative_prompt}".removesuffix("\n\nNot: ")
        tags = {
            RUN_TAG: run.id,
            "bgen_raw": run.raw_id,
            "bgen_subject": run.subject_id,
            "mlflow.user": run.owner or "bgen",
            "mlflow.source.name": "bgen",
            "mlflow.note.content": note[:_LONGEST_NOTE],
        }
        created = self._post(
            "runs/create",
            {
                "experiment_id": self._experiment,
                "run_name": f"{run.subject_name[:60]} {run.short_id}",
                "start_time": _milliseconds(run),
                "tags": [{"key": key, "value": value} for key, value in tags.items()],
            },
        )
        return _at(created, "run", "info")

    def _put_picture(self, artifacts: str, png: bytes) -> None:
        """Through the server, where it passes artifacts on (its default); else there is nobody to ask."""
        parts = urlsplit(artifacts)
        if parts.scheme == "mlflow-artifacts":
            path = f"mlflow-artifacts/artifacts/{quote(parts.path.strip('/'))}/{PICTURE}"
            self._call("PUT", path, png, "image/png")
        else:
            logger.info("MLflow at %s keeps artifacts in %s itself: pictures are not copied", self.url, parts.scheme)

    def _post(self, path: str, content: Mapping[str, Any]) -> dict[str, Any]:
        body = json.dumps(content, allow_nan=False).encode()
        return self._call("POST", f"mlflow/{path}", body, "application/json") or {}

    def _call(
        self, method: str, path: str, body: bytes | None = None, kind: str = "", *, missing_is_none: bool = False
    ) -> dict[str, Any] | None:
        headers = self._headers | ({"Content-Type": kind} if kind else {})
        request = Request(f"{self.url}/api/2.0/{path}", data=body, headers=headers, method=method)
        try:
            with urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:
                text = answer.read(_LONGEST_ANSWER)
        except HTTPError as error:
            with error:
                if error.code == 404 and missing_is_none:
                    return None
                said = error.read(500).decode(errors="replace")
            raise MlflowError(f"{method} {path.partition('?')[0]} answered {error.code} ({said})") from error
        except (OSError, HTTPException, ValueError) as error:
            raise MlflowError(f"{method} {path.partition('?')[0]} failed ({error})") from error
        return _object(text) if text.strip() else {}


def _object(text: bytes) -> dict[str, Any]:
    try:
        content: JsonValue = json.loads(text)
    except ValueError as error:
        raise MlflowError(f"it answered no JSON ({quoted(text, 100)})") from error
    if not isinstance(content, dict):
        raise MlflowError(f"it answered no object ({quoted(text, 100)})")
    return content


def _at(content: dict[str, Any], *path: str) -> Any:
    found: JsonValue = content
    for name in path:
        if not isinstance(found, dict) or name not in found:
            raise MlflowError(f"its answer has no {'.'.join(path)}")
        found = found[name]
    return found


def _latest_metrics(run: JsonValue) -> dict[str, JsonValue]:
    """Those of a run as a search gives it; a run without any has no such list."""
    data: JsonValue = run.get("data") if isinstance(run, dict) else None
    metrics: JsonValue = data.get("metrics") if isinstance(data, dict) else None
    found: dict[str, JsonValue] = {}
    for metric in metrics if isinstance(metrics, list) else []:
        each: JsonValue = metric
        if isinstance(each, dict):
            found[str(each.get("key"))] = each.get("value")
    return found


def _milliseconds(run: RunRecord) -> int:
    return round(run.created.timestamp() * 1000)


def _params(run: RunRecord) -> dict[str, str]:
    return {
        **{name: str(value) for name, value in run.params.to_json().items()},
        "model": run.model,
        "model_revision": run.model_revision,
        "subject": run.subject_name,
        "size": str(run.extent),
        "model_size": str(run.model_extent),
        "device": run.device,
        "dtype": run.dtype,
        **{f"made_on_{name}": text for name, text in run.to_json()["made_on"].items()},
        # MLflow takes no other letters in a name, and a LoRA's is a file's.
        **{re.sub(r"[^\w./ -]", "_", f"version_{name}"): version for name, version in run.versions.items()},
    }
