"""What goes wrong beside painting is kept until it is mended, whatever else is broken."""

from pathlib import Path

import pytest

from bgen_core.jobs.background_faults import BackgroundFaults


def test_a_fault_stays_until_it_is_mended_and_keeps_its_beginning(tmp_path: Path) -> None:
    faults = BackgroundFaults(tmp_path)
    faults.note("MLflow", "It is away.")
    faults.note("Metrics", "One cannot be measured.")
    (first, _) = faults.all()
    faults.note("MLflow", "It refuses.")
    assert [(fault.what, fault.text) for fault in BackgroundFaults(tmp_path).all()] == [
        ("MLflow", "It refuses."),
        ("Metrics", "One cannot be measured."),
    ]
    assert faults.all()[0].since == first.since
    faults.clear("MLflow")
    faults.clear("MLflow")
    assert [fault.what for fault in faults.all()] == ["Metrics"]


def test_a_folder_that_cannot_be_used_is_no_second_fault(tmp_path: Path) -> None:
    (tmp_path / "worker").write_text("a file in its place")
    faults = BackgroundFaults(tmp_path)
    faults.note("MLflow", "It is away.")
    faults.clear("MLflow")
    assert faults.all() == []


def test_half_a_file_is_none(tmp_path: Path) -> None:
    faults = BackgroundFaults(tmp_path)
    faults.note("MLflow", "It is away.")
    (file,) = (tmp_path / "worker" / "faults").iterdir()
    for content in ("", "[1]", '{"what": "MLflow"}'):
        file.write_text(content)
        assert faults.all() == []


def test_threads_that_note_the_same_at_once_are_in_nobodys_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Those that commit measure too."""
    faults, replace = BackgroundFaults(tmp_path), Path.replace

    def meanwhile(path: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "replace", replace)
        faults.note("Metrics", "Another one cannot be measured.")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", meanwhile)
    faults.note("Metrics", "One cannot be measured.")
    assert [fault.text for fault in faults.all()] == ["One cannot be measured."]
    assert not caplog.text
