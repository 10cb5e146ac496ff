import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner, Result

from bgen_core.cli.segment import segment
from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.subject.cutout import cut_out
from bgen_core.subject.decoding.image_io import DecodeLimits, read_alpha, read_photo
from bgen_core.subject.samples.samples import SAMPLES, Sample
from bgen_core.subject.subject import quantise_alpha
from tests.cli.calling import Call

PORTRAIT = str(SAMPLES[0].path)
LIMITS = DecodeLimits(max_bytes=10**8, max_pixels=10**8, min_side=1)
ENTRIES = {"photo", "alpha", "person_found", "confidence", "persons", "objects", "error"}

app = typer.Typer()
app.command()(segment)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (300, 200), "white").save("wall.png")
    Path("broken.jpg").write_bytes(b"no photo")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_one_photo(folder: Path) -> None:
    result = run(PORTRAIT, "--out", "alpha.png", "--cutout", "deep/cut.png")
    assert (result.exit_code, result.stdout) == (0, "")
    first, *remarks = result.stderr.splitlines()
    assert first.startswith("alpha.png (person found, confidence 0.")
    assert any(line.startswith("  The person is cut off by the frame on the left") for line in remarks)
    photo = read_photo(PORTRAIT, limits=LIMITS)
    expected = quantise_alpha(cut_out(photo.image)[0])
    np.testing.assert_array_equal(read_alpha("alpha.png", extent=photo.extent, limits=LIMITS), expected)
    with Image.open("deep/cut.png") as cut:
        assert cut.mode == "RGBA"
        pixels = np.asarray(cut)
    np.testing.assert_array_equal(pixels[..., 3], np.rint(expected * 255))
    np.testing.assert_array_equal(pixels[expected == 1, :3], photo.image[expected == 1])
    assert sorted(path.name for path in folder.iterdir()) == ["alpha.png", "broken.jpg", "deep", "wall.png"]


def test_a_link_that_leads_to_itself_is_no_photo(folder: Path) -> None:
    Path("loop.png").symlink_to("loop.png")
    result = run("loop.png", "--out-dir", "alphas")
    assert result.exit_code == 2
    assert result.stderr == "loop.png does not exist: a picture file is needed.\n"


def test_white_is_the_background_where_other_programs_want_it(folder: Path) -> None:
    assert run("wall.png", "--out", "alpha.png", "--invert").exit_code == 0
    alpha = read_alpha("alpha.png", extent=Extent(width=300, height=200), limits=LIMITS)
    assert alpha.min() == 1  # nobody is there


def test_json_is_one_document(folder: Path) -> None:
    result = run(PORTRAIT, "--out", "alpha.png", "--json")
    (entry,) = json.loads(result.stdout)
    assert set(entry) == ENTRIES
    assert (entry["photo"], entry["alpha"], entry["error"]) == (PORTRAIT, "alpha.png", None)
    assert entry["person_found"] is True
    assert entry["persons"] == 1
    assert 0.5 < entry["confidence"] <= 1


def test_several_photos_go_on_after_an_error(folder: Path) -> None:
    result = run("broken.jpg", PORTRAIT, "missing.jpg", "wall.png", "--out-dir", "masks", "--json")
    assert result.exit_code == 2
    entries = json.loads(result.stdout)
    assert [entry["photo"] for entry in entries] == ["broken.jpg", PORTRAIT, "missing.jpg", "wall.png"]
    assert all(set(entry) == ENTRIES for entry in entries)
    assert [entry["alpha"] for entry in entries] == [None, "masks/astronaut.alpha.png", None, "masks/wall.alpha.png"]
    assert "broken.jpg is not a picture" in entries[0]["error"]
    assert "missing.jpg does not exist" in entries[2]["error"]
    assert all(entries[number]["error"] in result.stderr for number in (0, 2))
    assert sorted(path.name for path in Path("masks").iterdir()) == ["astronaut.alpha.png", "wall.alpha.png"]


def test_what_was_assumed_about_a_file_is_said(folder: Path) -> None:
    Image.fromarray(np.full((80, 100), 4000, np.uint16)).save("deep.tif")
    result = run("deep.tif", "--out", "alpha.png")
    assert "  Its samples go up to 4,000 of 65,535: they were read as 0 to 4,095.\n" in result.stderr


def test_nobody_in_the_photo(folder: Path) -> None:
    result = run("wall.png", "--out", "alpha.png", "--json")
    (entry,) = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (entry["person_found"], entry["persons"], entry["error"]) == (False, 0, None)
    assert "no person found" in result.stderr
    assert not read_alpha("alpha.png", extent=Extent(width=300, height=200), limits=LIMITS).any()


@pytest.mark.parametrize("arguments", [["--cutout", "cut.png"], ["--cutout"]])
def test_the_cutout_is_named_or_stands_beside_the_alpha(arguments: list[str], folder: Path) -> None:
    name = "cut.png" if len(arguments) == 2 else "astronaut.cutout.png"
    for _ in range(2):  # a second time over its own file
        result = run(PORTRAIT, "--out", "masks/alpha.png" if len(arguments) == 1 else "alpha.png", *arguments)
        assert result.exit_code == 0
    written = Path(name) if len(arguments) == 2 else Path("masks", name)
    with Image.open(written) as cut:
        assert cut.mode == "RGBA"


def test_cutouts_of_several_photos(folder: Path) -> None:
    result = run("--cutout", PORTRAIT, "wall.png", "--out-dir", "masks")
    assert result.exit_code == 0
    names = ["astronaut.alpha.png", "astronaut.cutout.png", "wall.alpha.png", "wall.cutout.png"]
    assert sorted(path.name for path in Path("masks").iterdir()) == names


@pytest.mark.slow
def test_the_quality_fine(folder: Path) -> None:
    result = run(PORTRAIT, "--out", "alpha.png", "--quality", "fine")
    assert result.exit_code == 0
    photo = read_photo(PORTRAIT, limits=LIMITS)
    expected = quantise_alpha(cut_out(photo.image, "fine")[0])
    np.testing.assert_array_equal(read_alpha("alpha.png", extent=photo.extent, limits=LIMITS), expected)


def test_photos_of_the_same_name(folder: Path) -> None:
    for name in ("a", "b"):
        Path(name).mkdir()
        Image.new("RGB", (80, 80)).save(f"{name}/wall.png")
    result = run("wall.png", "a/wall.png", "b/wall.png", "--out-dir", "masks")
    assert result.exit_code == 0
    names = ["wall-2.alpha.png", "wall-3.alpha.png", "wall.alpha.png"]
    assert sorted(path.name for path in Path("masks").iterdir()) == names


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["wall.png"], "either --out FILE .* or --out-dir DIR, not neither"),
        (["wall.png", "--out", "a.png", "--out-dir", "b"], "not both"),
        (["wall.png", "wall.png", "--out", "a.png"], "--out takes one photo, not 2"),
        (["wall.png", "wall.png", "c.png", "--out", "a.png", "--cutout"], "--out takes one photo, not 3"),
        (["wall.png", "--out", "a.png", "--cutout", "c.jpg"], "--cutout c.jpg must end in .png"),
        (["wall.png", "--out", "a.png", "--cutout", "a.png"], "--cutout a.png is the alpha's file, too"),
        (["wall.png", "--out", "a.png", "--cutout", "wall.png"], "wall.png is a picture without transparency"),
        (["wall.png", "wall.alpha.png", "--out-dir", "."], "wall.alpha.png is one of the photos"),
        (["wall.png", "--out", "a.jpg"], "must end in .png"),
        (["wall.png", "--out", "wall.png"], "is the photo itself"),
        (["wall.png", "--out", "a.png", "--quality", "best"], "--quality best is not known: allowed are fast, st"),
    ],
)
def test_what_is_refused_before_any_work(arguments: list[str], said: str, folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(UserInputError, match=said):
        run(*arguments)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_file_that_claims_to_be_huge_is_not_written_over(folder: Path) -> None:
    header = b"IHDR" + struct.pack(">IIBBBBB", 100_000, 100_000, 8, 6, 0, 0, 0)
    (folder / "huge.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    )
    with pytest.raises(UserInputError, match=r"--cutout huge\.png is a picture without transparency"):
        run("wall.png", "--out", "a.png", "--cutout", "huge.png")


@pytest.mark.parametrize("option", ["--out", "--cutout"])
def test_a_name_as_long_as_the_file_system_takes_is_written_and_a_longer_one_refused(folder: Path, option: str) -> None:
    longest = "ä" * 125 + "x.png"  # 255 bytes
    other = ["--out", "alpha.png"] if option == "--cutout" else []
    assert run("wall.png", *other, option, longest).exit_code == 0
    assert (folder / longest).is_file()
    with pytest.raises(UserInputError, match=f"{option} .* cannot be written: File name too long"):
        run("wall.png", *other, option, f"x{longest}")
    assert sorted(path.suffix for path in folder.iterdir() if path.name.startswith(".")) == []


def test_photos_with_long_names_have_long_results(folder: Path) -> None:
    names = ["ä" * 125 + f"{number}.png" for number in (1, 2)]
    for name in names:
        Path(name).write_bytes(Path("wall.png").read_bytes())
    assert run(*names, "--out-dir", "results", "--cutout").exit_code == 0
    assert len(list(Path("results").iterdir())) == 4


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--out", "broken.jpg/alpha.png"], "--out broken.jpg cannot be used: File exists"),
        (["--out-dir", "broken.jpg"], "--out-dir broken.jpg cannot be used: File exists"),
        (["--out", "a.png", "--cutout", "broken.jpg/b.png"], "--cutout broken.jpg cannot be used: File exists"),
    ],
)
def test_a_place_that_cannot_be_written_is_said_before_anything_is_cut_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], sentence: str
) -> None:
    monkeypatch.setattr("bgen_core.cli.segment.cut_out", lambda *_: pytest.fail("it was cut out"))
    with pytest.raises(UserInputError, match=sentence):
        run("wall.png", *words)


def test_a_folder_is_no_alpha(folder: Path) -> None:
    Path("folder.png").mkdir()
    with pytest.raises(UserInputError, match="is a folder"):
        run("wall.png", "--out", "folder.png")


def test_a_person_reads_one_sentence(folder: Path, call: Call) -> None:
    for words in (["broken.jpg", "--out", "alpha.png"], ["wall.png"]):
        done = call("segment", *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.count("\n") == 1
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_json_is_written_whatever_the_answer_is(folder: Path, sample: Sample) -> None:
    result = run(str(sample.path), "--out", "alpha.png", "--json")
    (entry,) = json.loads(result.stdout)
    assert {name: type(value) for name, value in entry.items() if value is not None} == {
        "photo": str, "alpha": str, "person_found": bool, "confidence": float, "persons": int, "objects": int,
    }  # fmt: skip
    assert entry["person_found"] is (sample.name == "Astronaut")


def test_a_click_beside_the_photo_is_said_and_the_other_object_kept(folder: Path) -> None:
    scene = Image.new("RGB", (300, 200), (40, 120, 60))
    scene.paste((220, 60, 40), (100, 60, 180, 140))
    scene.save("things.png")
    result = run("things.png", "--box", "90,50,190,150", "--click", "900,3", "--out", "alpha.png", "--json")
    assert result.exit_code == 2
    (entry,) = json.loads(result.stdout)
    assert entry["objects"] == 1
    assert entry["error"].startswith("The click 900,3 is outside the photo: x must be 0 to 299")
    alpha = np.asarray(Image.open("alpha.png"))
    assert (alpha[100, 140], alpha[20, 20]) == (255, 0)
    assert run("things.png", "--click", "900,3", "--out", "none.png").exit_code == 2
    assert not Path("none.png").exists()
