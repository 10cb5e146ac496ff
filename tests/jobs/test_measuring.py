"""What is measured in the background: what is missing, and what could not be measured then and now can."""

from dataclasses import replace
from pathlib import Path

import pytest

from bgen_core.errors import StoreError
from bgen_core.jobs import measuring
from bgen_core.jobs.measuring import SEED_METRIC, lacks_model, measure_pending, measure_run, pending_runs
from bgen_core.metrics import clip
from bgen_core.records.run import RunRecord
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from tests.made_up import commit, made_up_run, run_id
from tests.tiny_clip import saved_clip

NAMES = ["clip_score", "images_per_minute"]


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The models that were looked for on the disk."""
    found: list[str] = []
    look = clip.files_key

    def counted(name: str) -> str:
        found.append(name)
        return look(name)

    monkeypatch.setattr(clip, "files_key", counted)
    monkeypatch.setattr(clip, "_failures", {})
    return found


def with_model(settings: Settings, name: str | Path) -> Settings:
    return settings.model_copy(update={"clip_model": str(name)})


def measure(store: Store, settings: Settings) -> list[str]:
    return list(measure_pending(store, settings, limit=100, names=NAMES))


def test_runs_of_before_get_their_score_when_a_model_is_set(
    store: Store, settings: Settings, tmp_path: Path, attempts: list[str]
) -> None:
    old = [commit(store, made_up_run(number)).id for number in range(2)]
    empty = commit(store, made_up_run(2, params={"prompt": " "})).id
    assert measure(store, settings) == [*old, empty]
    assert store.metrics.of(old)[old[0]]["clip_score"].reason == clip.NO_MODEL
    assert measure(store, settings) == []
    model = with_model(settings, saved_clip(tmp_path, sign=-1))
    assert measure(store, model) == [*old, empty]
    assert all(store.metrics.of(old)[run]["clip_score"].value is not None for run in old)
    assert store.metrics.of([empty])[empty]["clip_score"].reason == "The prompt is empty."
    assert measure(store, model) == []
    assert measure(store, settings) == []  # without a model again, the scores stay


def test_a_model_that_cannot_be_loaded_is_tried_once_for_all_runs(
    store: Store, settings: Settings, tmp_path: Path, attempts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = [commit(store, made_up_run(number)).id for number in range(3)]
    measure(store, settings)
    missing = with_model(settings, tmp_path / "clip")
    assert measure(store, missing) == old
    assert "cannot be loaded from this machine" in store.metrics.of(old)[old[0]]["clip_score"].reason
    assert measure(store, missing) == []
    assert attempts == [str(tmp_path / "clip")]
    saved_clip(tmp_path / "clip", sign=-1)  # it was downloaded meanwhile
    assert measure(store, missing) == []
    now = clip.time.monotonic()
    monkeypatch.setattr(clip.time, "monotonic", lambda: now + 3600)
    assert measure(store, missing) == old
    assert all(store.metrics.of(old)[run]["clip_score"].value is not None for run in old)


def test_runs_of_before_get_their_preference_when_a_model_is_set(
    store: Store, settings: Settings, tmp_path: Path, attempts: list[str]
) -> None:
    old = commit(store, made_up_run(1)).id
    assert list(measure_pending(store, settings, limit=9, names=["preference"])) == [old]
    assert lacks_model("preference", settings)
    model = settings.model_copy(update={"preference_model": str(saved_clip(tmp_path, sign=1))})
    assert not lacks_model("preference", model)
    assert list(measure_pending(store, model, limit=9, names=["preference"])) == [old]
    assert store.metrics.of([old])[old]["preference"].value is not None
    assert list(measure_pending(store, model, limit=9, names=["preference"])) == []


def test_a_run_that_is_deleted_meanwhile_is_passed_over(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = commit(store, made_up_run(1)).id
    monkeypatch.setattr(measuring, "pending_runs", lambda *_, **__: [run_id(9), there])
    assert list(measure_pending(store, settings, limit=9, names=["images_per_minute"])) == [there]


def test_only_what_is_missing_is_measured_again(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = commit(store, made_up_run(1))
    measure(store, settings)
    asked: list[list[str]] = []

    def noted(store: Store, settings: Settings, run: RunRecord, *, names: list[str]) -> None:
        asked.append(names)

    monkeypatch.setattr(measuring, "measure_run", noted)
    assert list(measure_pending(store, with_model(settings, "/nowhere"), limit=9, names=NAMES)) == [run.id]
    assert asked == [["clip_score"]]


def test_a_new_seed_lets_those_be_measured_again_that_count_it(store: Store, settings: Settings) -> None:
    runs = [commit(store, made_up_run(number, params={"seed": number})) for number in range(10)]
    for run in runs:
        measure_run(store, settings, run, names=[SEED_METRIC, "images_per_minute"])
    list(measure_pending(store, settings, limit=100, names=[SEED_METRIC, "images_per_minute"]))
    last = commit(store, replace(made_up_run(20), params=replace(runs[0].params, seed=50)))
    measure_run(store, settings, last, names=["images_per_minute"])
    assert pending_runs(store, settings, limit=100, names=[SEED_METRIC]) == [last.id]
    first = commit(store, replace(made_up_run(21), params=replace(runs[0].params, seed=5)))
    measure_run(store, settings, first, names=["images_per_minute"])
    assert len(pending_runs(store, settings, limit=100, names=[SEED_METRIC])) == 12


def test_pictures_that_cannot_be_read_now_are_measured_later(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = commit(store, made_up_run(0))

    def refuse(*_: str) -> bytes:
        raise StoreError("The pictures cannot be read.")

    with monkeypatch.context() as context:
        context.setattr(store.blobs, "get", refuse)
        with pytest.raises(StoreError, match="The pictures cannot be read"):
            measure_run(store, settings, run)
    assert store.metrics.of([run.id]) == {}
    store.blobs.delete(run.image)
    measure_run(store, settings, run, names=["clip_score"])
    assert store.metrics.of([run.id])[run.id]["clip_score"].reason == "Its picture cannot be had any more."
