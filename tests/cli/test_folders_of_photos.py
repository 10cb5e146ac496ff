"""`sweep` with a folder of photos: what cannot be used is said, and the rest goes on."""

import json
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from bgen_core.settings import load_settings
from bgen_core.store.store import open_store
from tests.cli.calling import PHOTO, Call

WANTED = ("--prompt", "a beach", "--steps", "1", "--guidance", "1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two photos of a person, a landscape, half a photo, a folder that is named like one, and what is none."""
    folder = tmp_path / "photos"
    (folder / "deeper").mkdir(parents=True)
    with Image.open(PHOTO) as photo:
        photo.save(folder / "b.png")
        ImageOps.mirror(photo).save(folder / "a.png")
    Image.new("RGB", (300, 200), "grey").save(folder / "empty.png")
    (folder / "half.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(40))
    (folder / "holiday.jpg").mkdir()
    (folder / "notes.txt").write_text("not a photo")
    return folder


@pytest.mark.slow
def test_what_cannot_be_used_is_said_and_the_rest_is_made(call: Call, folder: Path) -> None:
    done = call("sweep", folder, *WANTED, "--json")
    assert done.returncode == 2
    document = json.loads(done.stdout)
    assert (document["made"], document["failed"]) == (2, 0)
    assert [Path(each["photo"]).name for each in document["left_out"]] == ["empty.png", "half.jpg", "holiday.jpg"]
    assert "no person was found" in document["left_out"][0]["reason"]
    assert all(each["reason"] in done.stderr for each in document["left_out"])
    with open_store(load_settings()) as store:
        assert sorted(subject.name for subject in store.subjects.all()) == ["a", "b"]


def test_a_name_that_is_empty_is_not_the_current_folder(
    call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    done = call("sweep", "", *WANTED, "--dry-run", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("bgen: A photo's name is empty: give a file")


def test_a_dry_run_keeps_nothing(call: Call, folder: Path) -> None:
    done = call("sweep", *sorted(folder.glob("*.*g")), *WANTED, "--dry-run", "--json")  # as a shell gives them
    document = json.loads(done.stdout)
    assert (done.returncode, document["cells"], len(document["left_out"])) == (0, 2, 3)
    with open_store(load_settings()) as store:
        assert store.subjects.all() == []


def test_a_folder_without_pictures_and_photos_of_which_none_is_one_are_a_sentence_each(
    call: Call, folder: Path
) -> None:
    refused = call("sweep", folder / "deeper", *WANTED)
    assert (refused.returncode, "holds no picture" in refused.stderr) == (2, True)
    refused = call("sweep", folder / "half.jpg", folder / "empty.png", *WANTED)
    assert (refused.returncode, "None of 2 photos can be used" in refused.stderr) == (2, True)


def test_too_many_cells_are_refused_before_a_photo_is_read(
    call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BGEN_MAX_CELLS", "10")
    refused = call("sweep", folder, "--prompt", "a beach", "--seed", "1-3")  # of four pictures
    assert (refused.returncode, "left out" in refused.stderr) == (2, False)
    assert "at most" in refused.stderr


def test_why_a_cell_could_not_be_made_is_said_and_the_other_one_is_there(call: Call, folder: Path) -> None:
    done = call("sweep", folder / "a.png", "--model", "plain-colour", "--canvas", "photo,80x80")
    assert (done.returncode, "1 made, 0 reused, 1 failed" in done.stderr) == (2, True)
    assert "  1 cell: The subject 'a' is " in done.stderr
    assert "does not fit a canvas of 80 × 80: choose a larger canvas" in done.stderr
