import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from bgen_core.bench import cutout
from bgen_core.bench.cutout import LabelledPhoto, find_labelled_photos, measure_quality, measure_speed
from bgen_core.cli.bench import bench
from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.subject.cutout import cut_out
from bgen_core.subject.decoding.image_io import DecodeLimits, read_photo
from bgen_core.subject.samples.samples import SAMPLES

LIMITS = DecodeLimits(max_bytes=10**8, max_pixels=10**8, min_side=1)

app = typer.Typer()
app.command()(bench)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """The astronaut with a mask, which is her standard cut-out itself, and a wall without anybody."""
    shutil.copy(SAMPLES[0].path, tmp_path / "astronaut.jpg")
    alpha = cut_out(read_photo(SAMPLES[0].path, limits=LIMITS).image)[0]
    Image.fromarray(np.rint(alpha * 255).astype(np.uint8)).save(tmp_path / "astronaut.png")
    Image.new("RGB", (300, 200), "white").save(tmp_path / "wall.jpg")
    return tmp_path


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """One small size, and no quality that takes seconds."""
    monkeypatch.setattr(cutout, "SIZES", (Extent(width=128, height=96), Extent(width=256, height=256)))
    monkeypatch.setattr(cutout, "QUALITIES", ("fast", "standard"))


class TestFolders:
    def test_pairs(self, pairs: Path) -> None:
        assert find_labelled_photos(pairs) == [
            LabelledPhoto(photo=pairs / "astronaut.jpg", mask=pairs / "astronaut.png"),
            LabelledPhoto(photo=pairs / "wall.jpg", mask=None),
        ]

    def test_two_folders(self, pairs: Path) -> None:
        for folder in ("images", "masks"):
            (pairs / folder).mkdir()
        for name, folder in (("astronaut.jpg", "images"), ("wall.jpg", "images"), ("astronaut.png", "masks")):
            (pairs / name).rename(pairs / folder / name)
        assert find_labelled_photos(pairs) == [
            LabelledPhoto(photo=pairs / "images/astronaut.jpg", mask=pairs / "masks/astronaut.png"),
            LabelledPhoto(photo=pairs / "images/wall.jpg", mask=None),
        ]

    @pytest.mark.parametrize(
        ("manifest", "with_mask"),
        [
            ("name,mask\nastronaut.jpg,astronaut.png\nwall.jpg,\n", [True, False]),
            ("name,has_mask\nastronaut.jpg,binary(hand)\nwall.jpg,no\n", [True, False]),
            ("name,mask\nwall.jpg,\n", [False]),
        ],
    )
    def test_a_manifest_says_what_is_meant(self, manifest: str, with_mask: list[bool], pairs: Path) -> None:
        (pairs / "manifest.csv").write_text(manifest)
        assert [photo.mask is not None for photo in find_labelled_photos(pairs)] == with_mask

    def test_what_is_refused(self, pairs: Path) -> None:
        (pairs / "manifest.csv").write_text("name,mask\nastronaut.jpg,other.png\n")
        with pytest.raises(UserInputError, match=r"names other.png, which is not in"):
            find_labelled_photos(pairs)
        with pytest.raises(UserInputError, match=r"There is no photo in .*nowhere"):
            find_labelled_photos(pairs / "nowhere")


@pytest.mark.usefixtures("quick")
class TestMeasuring:
    def test_quality(self, pairs: Path) -> None:
        said: list[str] = []
        result = measure_quality(find_labelled_photos(pairs), LIMITS, said.append)
        assert (result.with_person, result.without_person) == (1, 1)
        assert (result.none_said, result.good, result.good_doubted) == (1, 1, 0)
        assert result.scores is not None
        assert result.scores["standard"].iou == 1
        assert result.scores["standard"].mae < 0.002  # the mask was rounded to 8 bit
        assert 0.8 < result.scores["bare"].iou < result.scores["fast"].iou < 1
        assert said == ["1 of 2: astronaut.jpg", "2 of 2: wall.jpg"]

    def test_without_any_mask(self, pairs: Path) -> None:
        (pairs / "astronaut.png").unlink()
        result = measure_quality(find_labelled_photos(pairs), LIMITS, lambda _: None)
        assert result.scores is None
        assert result.none_said == 0.5
        assert result.good_doubted is None

    def test_speed(self) -> None:
        times = measure_speed(2, lambda _: None)
        assert list(times) == ["128 × 96", "256 × 256"]
        assert all(set(row) == {"bare", "fast", "standard"} for row in times.values())
        assert all(value is not None and value > 0 for row in times.values() for value in row.values())

    @pytest.mark.slow
    def test_the_command(self, pairs: Path) -> None:
        result = CliRunner().invoke(app, ["--what", "cutout", "--photos", str(pairs), "--json"], catch_exceptions=False)
        document = json.loads(result.stdout)
        assert set(document) == {"milliseconds", "quality", "machine"}
        assert document["quality"]["scores"]["standard"]["iou"] == 1
        table = CliRunner().invoke(app, ["--what", "cutout", "--photos", str(pairs)], catch_exceptions=False).stdout
        assert "| 256 × 256 |" in table
        assert "| standard | 1.000 |" in table
        assert '1 photos without a person, "no person" said on 100%' in table


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--what", "soup"], "--what soup is not known: allowed are engine, sweep, cutout"),
        (["--what", "cutout", "--shape", "sd15"], "--shape belongs to --what engine"),
        (["--photos", "."], "--photos belongs to --what cutout"),
    ],
)
def test_options_that_do_not_fit(arguments: list[str], said: str) -> None:
    with pytest.raises(UserInputError, match=said):
        CliRunner().invoke(app, arguments, catch_exceptions=False)
