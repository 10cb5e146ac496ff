import pytest

from bgen_core.metrics import MetricValue
from bgen_core.store.store import Store
from tests.made_up import commit, made_up_run, made_up_sweep, run_id

pytestmark = pytest.mark.both_databases

VERSIONS = {"seam": 1, "detail": 2}


def value(name: str, number: float | None, *, version: int = 1, reason: str = "") -> MetricValue:
    return MetricValue(name=name, value=number, reason=reason, version=version)


def test_measures_come_back_as_they_were_kept(store: Store) -> None:
    one, two = (commit(store, made_up_run(number)).id for number in range(2))
    kept = [value("seam", 0.1 + 0.2), value("clip_score", None, reason="No CLIP model is set: ü.")]
    store.metrics.save(one, kept)
    assert store.metrics.of([one, two]) == {one: {each.name: each for each in kept}}


def test_measured_again_replaces_only_what_was_measured(store: Store) -> None:
    run = commit(store, made_up_run()).id
    store.metrics.save(run, [value("seam", 1.0), value("detail", 2.0)])
    store.metrics.save(run, [value("seam", None, version=2, reason="No outline.")])
    found = store.metrics.of([run])[run]
    assert (found["seam"].value, found["seam"].version, found["detail"].value) == (None, 2, 2.0)


def test_nothing_is_kept_of_a_run_that_is_gone(store: Store) -> None:
    store.metrics.save(run_id(99), [value("seam", 1.0)])
    assert store.metrics.of([run_id(99)]) == {}


def test_runs_wait_until_they_have_every_metric_at_its_version(store: Store) -> None:
    runs = [commit(store, made_up_run(number)).id for number in range(4)]
    store.metrics.save(runs[0], [value("seam", 1.0), value("detail", 1.0, version=2)])
    store.metrics.save(runs[1], [value("seam", 1.0), value("detail", 1.0, version=1)])
    store.metrics.save(runs[2], [value("seam", None)])
    assert store.metrics.unmeasured_runs(VERSIONS, limit=10) == [runs[3], runs[1], runs[2]]
    assert store.metrics.unmeasured_runs(VERSIONS, limit=1) == [runs[3]]
    assert store.metrics.unmeasured_runs({"seam": 1}, limit=10) == [runs[3]]
    store.sweeps.add(made_up_sweep(total=2), [runs[0], runs[3]])
    assert store.metrics.unmeasured_runs(VERSIONS, limit=10, sweep_id="sweep-1") == [runs[3]]


def test_forgotten_measures_are_wanted_again(store: Store) -> None:
    runs = [commit(store, made_up_run(number)).id for number in range(2)]
    for run in runs:
        store.metrics.save(run, [value("seam", 1.0), value("detail", 1.0, version=2)])
    store.metrics.forget([runs[0]], ["detail"])
    assert store.metrics.of(runs).keys() == set(runs)
    assert store.metrics.unmeasured_runs(VERSIONS, limit=10) == [runs[0]]
    store.metrics.forget([runs[1]])
    assert store.metrics.unmeasured_runs(VERSIONS, limit=10) == [runs[1], runs[0]]


def test_what_could_not_be_measured_waits_again_when_the_reason_is_overcome(store: Store) -> None:
    runs = [commit(store, made_up_run(number)).id for number in range(4)]
    reasons = ["No_100% model: X.", "No_100% model.", "Nox100% model.", "Empty."]
    for run, reason in zip(runs, reasons, strict=True):
        store.metrics.save(run, [value("seam", None, reason=reason)])
    store.metrics.save(runs[0], [value("seam", 1.0, reason="No_100% model, but a value.")])
    overcome = {"seam": ["No_100% model"]}
    assert store.metrics.unmeasured_runs({"seam": 1}, limit=10) == []
    assert store.metrics.unmeasured_runs({"seam": 1}, limit=10, overcome=overcome) == [runs[1]]
    assert (store.metrics.has_reason("seam", "No_100%"), store.metrics.has_reason("seam", "No_101%")) == (True, False)
    assert not store.metrics.has_reason("detail", "No_100%")
