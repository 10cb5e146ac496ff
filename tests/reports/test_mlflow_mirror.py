"""The copy on an MLflow server, against one that records what it is asked and keeps the promises of its API."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from bgen_core.metrics import MetricValue
from bgen_core.records.run import RunRecord
from bgen_core.reports import mlflow_mirror
from bgen_core.reports.mlflow_mirror import MlflowError, MlflowMirror
from tests.made_up import made_up_run
from tests.mlflow_server import Tracking, serving

PNG = b"\x89PNG\r\n\x1a\n and the rest"
METRICS = {
    "seam": MetricValue(name="seam", value=0.25, reason="", version=1),
    "clip_score": MetricValue(name="clip_score", value=None, reason="No CLIP model is set.", version=1),
}


@pytest.fixture
def tracking() -> Tracking:
    return Tracking()


@pytest.fixture
def url(tracking: Tracking, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(mlflow_mirror, "_TIMEOUT_SECONDS", 5.0)
    with serving(tracking) as url:
        yield url


def the_run(**params: Any) -> RunRecord:
    return made_up_run(3, params=params, versions={"torch": "2.13.0"})


def test_parameters_metrics_and_picture_are_copied(url: str, tracking: Tracking) -> None:
    run = the_run(prompt="日本, “ü”")
    MlflowMirror(url).copy(run, METRICS, PNG)
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
    mirror.copy(run, METRICS, PNG)
    mirror.copy(run, again, PNG)
    mirror.copy(made_up_run(4), {}, PNG)
    assert [copied["metrics"] for copied in tracking.runs.values()] == [{"seam": [0.25, 0.5]}, {}]
    assert sum(call.endswith("experiments/get-by-name") for call in tracking.calls) == 1


def test_long_and_empty_texts_fit(url: str, tracking: Tracking) -> None:
    run = the_run(prompt="x" * 9000, negative_prompt="")
    MlflowMirror(url).copy(run, {}, PNG)
    (copied,) = tracking.runs.values()
    assert copied["params"]["prompt"] == "x" * 500
    assert "negative_prompt" not in copied["params"]
    assert len(copied["tags"]["mlflow.note.content"]) == 4000


def test_a_server_that_keeps_artifacts_elsewhere_gets_no_picture(url: str, tracking: Tracking) -> None:
    tracking.artifacts = "s3://bucket/1"
    MlflowMirror(url).copy(the_run(), METRICS, PNG)
    assert tracking.pictures == {}
    assert len(tracking.runs) == 1


def test_name_and_password_are_sent_and_never_told(url: str, tracking: Tracking) -> None:
    mirror = MlflowMirror(url.replace("http://", "http://ada:s%40cret@"))
    mirror.copy(the_run(), METRICS, PNG)
    assert set(tracking.logins) == {f"Basic {base64.b64encode(b'ada:s@cret').decode()}"}
    tracking.fails_with = 401
    with pytest.raises(MlflowError, match="answered 401") as caught:
        mirror.copy(the_run(), METRICS, PNG)
    assert "cret" not in f"{caught.value} {mirror.url}"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"fails_with": 500}, r"answered 500 \({\"message\": \"out of order\"}\)"),
        ({"answers_with": b"<html>"}, "answered no JSON"),
        ({"answers_with": b"[]"}, "answered no object"),
        ({"answers_with": b"{}"}, "has no experiment.experiment_id"),
    ],
)
def test_a_server_out_of_order_is_told_and_asked_again(
    url: str, tracking: Tracking, fault: dict[str, Any], said: str
) -> None:
    mirror = MlflowMirror(url)
    for name, value in fault.items():
        setattr(tracking, name, value)
    with pytest.raises(MlflowError, match=said):
        mirror.copy(the_run(), METRICS, PNG)
    tracking.fails_with, tracking.answers_with = 0, None
    mirror.copy(the_run(), METRICS, PNG)
    assert len(tracking.runs) == 1


def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(MlflowError, match="GET mlflow/experiments/get-by-name failed"):
        MlflowMirror("http://127.0.0.1:9").copy(the_run(), METRICS, PNG)


def test_a_deleted_experiment_is_told_until_it_is_restored(url: str, tracking: Tracking) -> None:
    mirror = MlflowMirror(url)
    mirror.copy(made_up_run(4), METRICS, PNG)
    tracking.deleted = True
    for _ in range(2):
        with pytest.raises(MlflowError, match=r"RESOURCE_DOES_NOT_EXIST|'bgen' is deleted there; restore it"):
            mirror.copy(the_run(), METRICS, PNG)
    tracking.deleted = False
    mirror.copy(the_run(), METRICS, PNG)
    assert len(tracking.runs) == 2


def test_what_stands_there_is_not_sent_again(url: str, tracking: Tracking) -> None:
    for _ in range(2):
        MlflowMirror(url).copy(the_run(), METRICS, PNG)
    assert [copied["metrics"] for copied in tracking.runs.values()] == [{"seam": [0.25]}]
