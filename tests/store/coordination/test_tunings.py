"""What was measured holds for one device and one torch, and is measured once by all that share a store."""

from pathlib import Path

import pytest

from bgen_core.errors import StoreAwayError
from bgen_core.extent import Extent
from bgen_core.settings import Settings
from bgen_core.store.database import Database
from bgen_core.store.store import Store, open_store
from bgen_core.sweep import tuning
from bgen_core.sweep.tuning import BatchTuning, BatchTunings
from tests.kept_tunings import write_file

SIZE = Extent(width=96, height=64)
FIRST = BatchTuning(batch_size=8, quantum=4, seconds_per_row=0.25)
SECOND = BatchTuning(batch_size=2, quantum=None, seconds_per_row=0.5)
MODEL = "a model"


def measured(store: Store, tuning: BatchTuning, device: str = "a GPU") -> BatchTuning:
    """What a new process uses that would measure `tuning`."""
    return BatchTunings(store.tunings.of(MODEL, device)).get(SIZE, lambda kept: kept or tuning)


@pytest.mark.both_databases
def test_a_measurement_serves_every_later_process_on_such_a_device(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = store.revision()
    assert measured(store, FIRST) == FIRST
    assert measured(store, SECOND) == FIRST
    assert measured(store, SECOND, "another GPU") == SECOND
    with monkeypatch.context() as patch:
        patch.setattr(tuning, "version", lambda name: "99.0")
        assert measured(store, SECOND) == SECOND
    assert measured(store, SECOND) == FIRST
    assert store.revision() == before
    store.tunings.of(MODEL, "a GPU").write(SIZE, SECOND)
    assert measured(store, FIRST) == SECOND


def test_no_quantum_is_not_a_quantum_of_one(store: Store) -> None:
    measured(store, SECOND)
    kept = store.tunings.of(MODEL, "a GPU").read(SIZE)
    assert kept is not None and kept.quantum is None and kept.filled_to == 1


def test_an_estimate_takes_what_was_measured_last_on_any_device(store: Store) -> None:
    assert store.tunings.last(MODEL, SIZE) is None
    measured(store, FIRST, "a GPU")
    measured(store, SECOND, "another GPU")
    assert store.tunings.last(MODEL, SIZE) == SECOND
    assert store.tunings.last(MODEL, Extent(width=6, height=64)) is None
    assert store.tunings.last("another model", SIZE) is None


def test_what_older_versions_kept_in_files_is_brought_along_once(settings: Settings) -> None:
    folder = settings.home / "tuning"
    old = '{"batch_size": 4, "quantum": 1, "seconds_per_row": 0.75}'
    write_file(folder / MODEL / "96x64.json", old)  # before devices were told apart
    write_file(folder / MODEL / f"64x64-{tuning.measured_by('a GPU')}.json", old)
    for number, damage in enumerate(["", "{", "[]", '{"batch_size": 4}', '{"unknown": 4}']):
        write_file(folder / MODEL / f"{number}x64-ab.json", damage)
    with open_store(settings) as store:
        last = store.tunings.last(MODEL, SIZE)
        assert last is not None and last.seconds_per_row == 0.75
        assert measured(store, FIRST) == FIRST  # its quantum may be "none was found"
        kept = store.tunings.of(MODEL, "a GPU").read(Extent(width=64, height=64))
        assert kept is not None and kept.batch_size == 4
    assert not folder.exists()


def test_what_another_process_brings_along_in_the_same_moment_is_left_to_it(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Path, "is_dir", lambda path: True)  # it is removed after this look
        store.tunings.bring_along(tmp_path / "tuning")
    assert store.tunings.last(MODEL, SIZE) is None


def test_a_store_that_is_away_costs_no_picture(store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def away(*_: object) -> None:
        raise StoreAwayError("The database does not answer.")

    monkeypatch.setattr(Database, "reading", away)
    monkeypatch.setattr(Database, "coordinating", away)
    assert measured(store, FIRST) == FIRST
    write_file(tmp_path / MODEL / "96x64.json", '{"batch_size": 4, "quantum": 1, "seconds_per_row": 0.75}')
    store.tunings.bring_along(tmp_path)
    assert (tmp_path / MODEL / "96x64.json").exists()
