"""The subject that `generate` and `sweep` keep, as their options and the photo's own transparency say."""

import os
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bgen_core.cli.inputs import check_invert, read_pictures, read_subject
from bgen_core.errors import UserInputError
from bgen_core.settings import load_settings
from bgen_core.subject.decoding.image_io import encode_cutout_png, encode_png

IMAGE = np.random.default_rng(0).integers(0, 256, (80, 100, 3), dtype=np.uint8)
LEFT = np.zeros((80, 100), np.float32)
LEFT[:, :40] = 1
CORNERS = np.ones((80, 100), np.float32)
CORNERS[:5, :5] = 0


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    path.write_bytes(encode_cutout_png(IMAGE, LEFT))
    return path


def test_the_files_own_transparency_is_the_mask(photo: Path) -> None:
    np.testing.assert_array_equal(read_subject(photo, None, load_settings()).alpha, LEFT)


def test_what_was_assumed_about_a_file_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deep = tmp_path / "deep.tif"
    Image.fromarray(np.full((80, 100), 4000, np.uint16)).save(deep)
    mask = tmp_path / "mask.png"
    mask.write_bytes(encode_png(np.rint(LEFT * 255).astype(np.uint8)))
    read_subject(deep, mask, load_settings())
    said = "Its samples go up to 4,000 of 65,535: they were read as 0 to 4,095."
    assert capsys.readouterr().err == f"deep.tif: {said}\n"


def test_a_background_with_transparency_is_seen_before_white(photo: Path) -> None:
    _, (kept,) = read_pictures([str(photo)], load_settings(), encode_png)
    np.testing.assert_array_equal(Image.open(BytesIO(kept)), np.where(LEFT[..., None] > 0, IMAGE, 255))


def test_a_name_that_is_no_utf8_is_readable(photo: Path) -> None:
    named = photo.rename(os.fsdecode(os.fsencode(photo.parent) + b"/caf\xe9.png"))
    assert read_subject(named, None, load_settings()).name == r"caf\xe9"


def test_what_is_said_of_a_photo_is_one_line(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read_subject(photo.rename(photo.with_name("a\n\x1b[2Jb.png")), None, load_settings())
    assert capsys.readouterr().err == "a\\n\ufffd[2Jb.png: the file's own transparency is the alpha\n"


def test_a_command_to_type_holds_the_photos_name_as_one_word(photo: Path) -> None:
    photo = photo.rename(photo.with_name("my photo.png"))
    photo.write_bytes(encode_cutout_png(IMAGE, CORNERS))
    with pytest.raises(UserInputError, match=r"segment '[^']*/my photo\.png' --out .* --alpha '[^']*/my photo\.png'"):
        read_subject(photo, None, load_settings())


def test_a_few_transparent_pixels_are_never_taken_by_themselves(photo: Path) -> None:
    photo.write_bytes(encode_cutout_png(IMAGE, CORNERS))
    with pytest.raises(UserInputError, match=r"keeps 99.7% of the photo .* segment .*photo.png --out") as refusal:
        read_subject(photo, None, load_settings())
    assert f"--alpha {photo}" in str(refusal.value)
    np.testing.assert_array_equal(read_subject(photo, photo, load_settings()).alpha, CORNERS)  # as is, when asked for


def test_white_may_be_what_to_repaint(photo: Path, tmp_path: Path) -> None:
    mask = tmp_path / "mask.png"
    mask.write_bytes(encode_png(np.rint((1 - LEFT) * 255).astype(np.uint8)))
    np.testing.assert_array_equal(read_subject(photo, mask, load_settings(), invert=True).alpha, LEFT)


def test_there_must_be_a_mask_to_turn_round() -> None:
    with pytest.raises(UserInputError, match="give the mask too, with --alpha FILE"):
        check_invert(True, None)
    check_invert(True, Path("mask.png"))
    check_invert(None, None)
