"""What was measured holds for one device and one torch, and is measured once."""

from pathlib import Path

import pytest

from bgen_core.extent import Extent
from bgen_core.sweep import tuning
from bgen_core.sweep.tuning import BatchTuning, BatchTunings, TuningPlace, last_tuning

SIZE = Extent(width=96, height=64)
FIRST = BatchTuning(batch_size=8, quantum=4, seconds_per_row=0.25)
SECOND = BatchTuning(batch_size=2, quantum=None, seconds_per_row=0.5)


def measured(place: TuningPlace | None, tuning: BatchTuning) -> BatchTuning:
    """What a new process uses that would measure `tuning`."""
    return BatchTunings(place).get(SIZE, lambda kept: kept or tuning)


def test_a_measurement_serves_every_later_process(tmp_path: Path):
    assert measured(TuningPlace.of(tmp_path, "a GPU"), FIRST) == FIRST
    assert measured(TuningPlace.of(tmp_path, "a GPU"), SECOND) == FIRST


def test_another_device_or_another_torch_measures_anew_and_both_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    measured(TuningPlace.of(tmp_path, "a GPU"), FIRST)
    assert measured(TuningPlace.of(tmp_path, "another GPU"), SECOND) == SECOND
    with monkeypatch.context() as patch:
        patch.setattr(tuning, "version", lambda name: "99.0")
        assert measured(TuningPlace.of(tmp_path, "a GPU"), SECOND) == SECOND
    assert measured(TuningPlace.of(tmp_path, "a GPU"), SECOND) == FIRST


def test_no_quantum_is_not_a_quantum_of_one(tmp_path: Path):
    measured(TuningPlace.of(tmp_path, "a GPU"), SECOND)
    kept = TuningPlace.of(tmp_path, "a GPU").read(SIZE)
    assert kept is not None and kept.quantum is None and kept.filled_to == 1


def test_an_estimate_takes_what_was_measured_last_also_by_an_older_version(tmp_path: Path):
    (tmp_path / "96x64.json").write_text('{"batch_size": 4, "quantum": 1, "seconds_per_row": 0.75}')
    old = last_tuning(tmp_path, SIZE)
    assert old is not None and old.seconds_per_row == 0.75
    assert measured(TuningPlace.of(tmp_path, "a GPU"), FIRST) == FIRST  # its quantum may be "none was found"
    assert last_tuning(tmp_path, SIZE) == FIRST
    assert last_tuning(tmp_path, Extent(width=6, height=64)) is None
    assert last_tuning(tmp_path / "nowhere", SIZE) is None


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"batch_size": 4}'])
def test_a_damaged_note_is_measured_again(tmp_path: Path, damage: str):
    place = TuningPlace.of(tmp_path, "a GPU")
    measured(place, SECOND)
    (note,) = tmp_path.iterdir()
    note.write_text(damage)
    assert last_tuning(tmp_path, SIZE) is None
    assert measured(place, FIRST) == FIRST


def test_a_folder_that_cannot_be_written_costs_no_picture(tmp_path: Path):
    (tmp_path / "file").write_text("no folder")
    assert measured(TuningPlace.of(tmp_path / "file", "a GPU"), FIRST) == FIRST
