"""`reproduce` as a person calls it, with the real model: another store, the same pixels."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from bgen_core.archive.run_archive import run_archive
from bgen_core.settings import load_settings
from bgen_core.store.store import open_store
from bgen_core.subject.samples.samples import SAMPLES
from tests.cli.calling import PHOTO, Call, pixels

pytestmark = pytest.mark.slow

AXES = ["--steps", "3", "--seed", "2", "--shadow", "0,0.5", "--scheduler", "ddim,euler_a"]


@pytest.fixture(scope="module")
def made(call: Call, tmp_path_factory: pytest.TempPathFactory, alpha_file: Path) -> Path:
    """A folder with the PNGs of a sweep, the ZIP of its runs, and nothing of its store."""
    folder = tmp_path_factory.mktemp("made")
    words = ["sweep", PHOTO, "--prompt", "a beach", "--alpha", alpha_file, *AXES, "--out-dir", folder / "pictures"]
    done = call(*words, home=folder / "home")
    assert done.returncode == 0, done.stderr
    assert call("runs", "export", "--out", folder / "runs.zip", home=folder / "home").returncode == 0
    return folder


def test_a_whole_sweep_comes_out_equal_in_a_fresh_store(call: Call, made: Path, tmp_path: Path):
    """Imported from the ZIP on another day: every pixel of all 4 runs is made again."""
    home = tmp_path / "fresh"
    assert call("runs", "import", made / "runs.zip", home=home).returncode == 0
    files = sorted((made / "pictures").iterdir())
    done = call("reproduce", *files, "--json", home=home)
    told = json.loads(done.stdout)
    assert [(each["equal"], each["changed"], each["differences"]) for each in told] == [(True, 0, [])] * 4, done.stderr
    assert done.returncode == 0
    with open_store(load_settings(home=home)) as store:
        assert len(store.runs.select()) == 4
        assert b"".join(run_archive(store, [run.id for run in store.runs.select()]))


def test_photo_and_mask_do_where_the_store_has_nothing(call: Call, made: Path, tmp_path: Path, alpha_file: Path):
    picture = min((made / "pictures").iterdir())
    out = tmp_path / "again.png"
    home = tmp_path / "fresh"
    done = call("reproduce", picture, "--photo", PHOTO, "--alpha", alpha_file, "--out", out, home=home)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{picture}: equal: all {pixels(PHOTO)[..., 0].size:,} pixels\n"
    assert np.array_equal(pixels(out), pixels(picture))


def test_one_changed_pixel_is_seen(call: Call, made: Path, tmp_path: Path):
    picture = min((made / "pictures").iterdir())
    with Image.open(picture) as opened:
        chunks = PngImagePlugin.PngInfo()
        for name, text in opened.text.items():  # pyright: ignore[reportAttributeAccessIssue]
            chunks.add_itxt(name, text)
        opened.putpixel((0, 0), tuple(255 - value for value in opened.getpixel((0, 0))))
        opened.save(tmp_path / "changed.png", pnginfo=chunks)
    done = call("reproduce", tmp_path / "changed.png", "--json", home=made / "home")
    (told,) = json.loads(done.stdout)
    assert (done.returncode, told["equal"], told["changed"]) == (2, False, 1)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["PICTURE"], "of this PNG is not in the store: give its photo and mask, or import"),
        ([PHOTO], "PNG"),
        (["missing.png"], "missing.png cannot be read"),
        (["PICTURE", "--alpha", "x.png"], "give --photo too"),
        (["PICTURE", "PICTURE", "--out", "x.png"], "--out is one picture, but 2 files are given"),
        (["PICTURE", "--out", "PICTURE"], "is the file that is read"),
        (["PICTURE", "--photo", PHOTO, "--alpha", "a.png", "--out", "a.png"], "is the file that is read"),
    ],
)
def test_what_can_be_mended_is_one_sentence(call: Call, made: Path, tmp_path: Path, words: list, sentence: str):
    picture = min((made / "pictures").iterdir())
    done = call("reproduce", *[picture if word == "PICTURE" else word for word in words], home=tmp_path / "home")
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""


def test_nothing_is_made_where_a_later_picture_cannot_be(call: Call, made: Path, tmp_path: Path):
    picture = min((made / "pictures").iterdir())
    with Image.open(picture) as opened:
        chunks = PngImagePlugin.PngInfo()
        chunks.add_text("bgen", json.dumps(json.loads(opened.info["bgen"]) | {"model": "./nowhere"}))
        opened.save(tmp_path / "other.png", pnginfo=chunks)
    done = call("reproduce", picture, tmp_path / "other.png", home=made / "home")
    assert (done.returncode, done.stdout) == (2, "")
    assert "other.png: model './nowhere' is not there" in done.stderr


def test_a_picture_of_a1111_is_made_with_what_can_be_taken_over(
    call: Call, made: Path, tmp_path: Path, alpha_file: Path
):
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("parameters", "a beach\nSteps: 2, Sampler: Euler a, CFG scale: 3, Seed: 5, Mask blur: 4")
    with Image.open(SAMPLES[0].path) as photo:
        photo.convert("RGB").save(tmp_path / "a1111.png", pnginfo=chunks)
    home = tmp_path / "fresh"
    done = call("reproduce", tmp_path / "a1111.png", "--photo", PHOTO, "--alpha", alpha_file, "--json", home=home)
    (told,) = json.loads(done.stdout)
    assert (done.returncode, told["equal"], told["model"]) == (2, False, "demo")
    assert told["params"]["scheduler"] == "euler_a"
    assert "Mask blur '4' has no place here." in told["not_taken"]
