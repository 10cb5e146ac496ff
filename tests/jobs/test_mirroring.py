"""Copies on an MLflow server: whatever is missing there gets there, and what keeps it from that is told."""

from collections.abc import Iterator

import pytest

from bgen_core.jobs import mirroring
from bgen_core.jobs.background_faults import BackgroundFaults
from bgen_core.jobs.mirroring import Mirroring
from bgen_core.metrics import MetricValue
from bgen_core.settings import Settings, load_settings
from bgen_core.store.store import Store
from tests.made_up import commit, made_up_run, run_id
from tests.mlflow_server import Tracking, serving

SEAM = MetricValue(name="seam", value=0.25, reason="", version=1)


@pytest.fixture
def tracking() -> Tracking:
    return Tracking()


@pytest.fixture
def mirrored(settings: Settings, tracking: Tracking) -> Iterator[Settings]:
    with serving(tracking) as url:
        yield load_settings(home=settings.home, mlflow_url=url)


@pytest.fixture
def measured(store: Store) -> Store:
    """A store with three runs that are measured and one that is not yet."""
    for number in range(4):
        commit(store, made_up_run(number))
    for number in range(3):
        store.metrics.save(run_id(number), [SEAM])
    return store


def copied(tracking: Tracking) -> set[str]:
    return {run["tags"]["bgen_run"] for run in tracking.runs.values()}


def copy_all(copies: Mirroring) -> int:
    return sum(1 for _ in iter(copies.copy_next, False))


def test_what_was_missed_is_copied_later_and_nothing_twice(
    measured: Store, mirrored: Settings, tracking: Tracking, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracking.fails_with = 500
    copies = Mirroring(measured, mirrored)
    assert not copies.copy_next()
    asked = len(tracking.calls)
    assert not copies.copy_next()
    assert len(tracking.calls) == asked, "it is left alone for a while"
    (fault,) = BackgroundFaults(mirrored.home).all()
    assert (fault.what, "answered 500" in fault.text) == ("MLflow", True)

    monkeypatch.setattr(mirroring, "PAUSE_SECONDS", 0.0)
    tracking.fails_with = 0
    copies = Mirroring(measured, mirrored)  # after another start
    assert copy_all(copies) == 3
    assert copied(tracking) == {run_id(number) for number in range(3)}
    assert BackgroundFaults(mirrored.home).all() == []
    asked = len(tracking.calls)
    assert copy_all(Mirroring(measured, mirrored)) == 0
    assert len(tracking.calls) == asked

    measured.metrics.save(run_id(3), [SEAM])
    measured.copies.forget(run_id(0))  # as when it is measured again
    assert copy_all(copies) == 2
    assert len(tracking.runs) == 4


def test_a_run_that_is_refused_keeps_no_other_waiting(
    measured: Store, mirrored: Settings, tracking: Tracking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirroring, "PAUSE_SECONDS", 0.0)
    tracking.refuses = measured.copies.missing("anywhere") or ""
    copies = Mirroring(measured, mirrored)
    assert [copies.copy_next() for _ in range(4)] == [False, True, True, False]
    assert copied(tracking) == {run_id(number) for number in range(3)} - {tracking.refuses}
    assert len(BackgroundFaults(mirrored.home).all()) == 1
    tracking.refuses = ""
    assert copies.copy_next()
    assert BackgroundFaults(mirrored.home).all() == []


def test_a_lost_picture_and_a_deleted_run_stop_nothing(measured: Store, mirrored: Settings, tracking: Tracking) -> None:
    measured.blobs.delete(measured.runs.get(run_id(0)).image)
    assert copy_all(Mirroring(measured, mirrored)) == 3
    assert copied(tracking) == {run_id(1), run_id(2)}


def test_a_server_that_is_not_set_any_more_has_no_fault(measured: Store, settings: Settings) -> None:
    BackgroundFaults(settings.home).note("MLflow", "It is away.")
    assert not Mirroring(measured, settings).copy_next()
    assert BackgroundFaults(settings.home).all() == []
