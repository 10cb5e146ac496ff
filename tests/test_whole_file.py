"""Files that are written whole, and what is no ordinary file."""

import os
import threading
from pathlib import Path

import pytest

from bgen_core.whole_file import can_be_written, write_whole


def test_a_link_stays_one_and_its_file_is_written(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "latest.csv").symlink_to(tmp_path / "data" / "runs.csv")
    for content in (b"first", b"second"):
        can_be_written(tmp_path / "latest.csv")
        write_whole(tmp_path / "latest.csv", [content])
        assert (tmp_path / "latest.csv").is_symlink()
        assert (tmp_path / "data" / "runs.csv").read_bytes() == content
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["runs.csv"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
def test_a_pipe_stays_one_and_gets_the_pieces(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()), daemon=True)
    reader.start()
    write_whole(tmp_path / "pipe", [b"one, ", b"two"])
    assert (tmp_path / "pipe").is_fifo()
    reader.join(timeout=10)
    assert read == [b"one, two"]


@pytest.mark.parametrize("name", ["", "/", "folder"])
def test_a_folder_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(IsADirectoryError):
        write_whole(Path(name), [b"text"])
