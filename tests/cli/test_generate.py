"""`generate`, and what all commands that paint refuse alike."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from bgen_core.cli.doctor import _disk
from bgen_core.jobs.background_faults import BackgroundFaults
from bgen_core.jobs.watching.findings import examine
from bgen_core.settings import load_settings
from tests.cli.calling import PHOTO, Call, pixels
from tests.made_up import flip_a_bit


@pytest.mark.slow
def test_generate_twice_gives_the_same_pixels_and_another_seed_others(call: Call, tmp_path: Path, alpha_file: Path):
    pictures, documents = [], []
    for number, (seed, home) in enumerate((("1", "a"), ("1", "b"), ("2", "a"))):
        out = tmp_path / f"{number}.png"
        done = call(
            "generate", PHOTO, "--prompt", "a beach", "--steps", "4", "--seed", seed, "--alpha", alpha_file,
            "--scheduler", "DDIM", "--out", out, "--json", home=tmp_path / home,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        pictures.append(pixels(out))
        documents.append(json.loads(done.stdout))
    assert np.array_equal(pictures[0], pictures[1])  # in another store, so really computed again
    assert not np.array_equal(pictures[0], pictures[2])
    half = pictures[0].shape[1] // 2
    photo = pixels(PHOTO)
    assert np.array_equal(pictures[0][:, :half], photo[:, :half])
    assert documents[0]["run"] == documents[1]["run"] != documents[2]["run"]
    assert documents[0]["params"]["num_inference_steps"] == 4
    with Image.open(tmp_path / "0.png") as picture:
        assert "Steps: 4, Sampler: DDIM, CFG scale: 3, Seed: 1" in picture.info["parameters"]
        assert json.loads(picture.info["bgen"])["id"] == documents[0]["run"]


@pytest.mark.slow
def test_sweep_reuses_what_it_made(call: Call, tmp_path: Path, alpha_file: Path):
    common = ["--prompt", "a beach", "--alpha", alpha_file, "--json"]
    first = call("sweep", PHOTO, *common, "--steps", "2,3", "--seed", "1-2", "--out-dir", tmp_path / "grid")
    assert first.returncode == 0, first.stderr
    document = json.loads(first.stdout)
    assert (document["made"], document["reused"], document["failed"]) == (4, 0, 0)
    assert [cell["params"]["num_inference_steps"] for cell in document["cells"]] == [2, 2, 3, 3]
    assert all(Path(cell["image"]).is_file() for cell in document["cells"])
    again = call("sweep", PHOTO, *common, "--steps", "2,3,4", "--seed", "1-2")
    document = json.loads(again.stdout)
    assert (document["made"], document["reused"]) == (2, 4)
    assert "6 cells: 4 known, 2 to make" in again.stderr
    resumed = json.loads(call("sweep", "--resume", document["sweep"], "--json").stdout)
    assert (resumed["made"], resumed["reused"]) == (0, 6)
    rest = tmp_path / "rest"
    damaged = resumed["cells"][1]
    flip_a_bit(Path(damaged["image"]))
    without = call("sweep", "--resume", document["sweep"], "--json", "--out-dir", rest)
    cells = json.loads(without.stdout)["cells"]
    assert [cell["image"] is None for cell in cells] == [False, True, False, False, False, False]
    assert "is damaged" in cells[1]["error"]
    assert cells[1]["error"] in without.stderr
    assert without.returncode == 2
    assert len(list(rest.iterdir())) == 5


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["generate", PHOTO, "--prompt", "a", "--out", "x.png", "--steps", "0"], "steps 0"),
        (["generate", PHOTO, "--prompt", "a", "--out", "x.png", "--steps", "many"], "--steps"),
        (["generate", PHOTO, "--prompt", "a", "--out", "x.png", "--scheduler", "dimm"], "dimm"),
        (["generate", PHOTO, "--prompt", "a", "--out", "x.png", "--strength", "2"], "strength 2"),
        (["generate", PHOTO, "--prompt", "a", "--out", "x.png", "--model", "./nowhere"], "nowhere"),
        (["generate", PHOTO, "--prompt", "a", "--out", "x.jpg"], ".png"),
        (["generate", PHOTO, "--prompt", "a", "--out", "missing/x.png"], "folder must exist"),
        (["generate", "missing.jpg", "--prompt", "a", "--out", "x.png"], "missing.jpg"),
        (["generate", PHOTO, "--out", "x.png"], "--prompt"),
        (["generate", PHOTO, "--prompt", "a", "--out", "x.png", "--colour", "1"], "--colour"),
        (["sweep", PHOTO, "--prompt", "a", "--steps", "10..30:0"], "step 0"),
        (["sweep", PHOTO, "--prompt", "a", "--seed", "1-9999", "--steps", "1-999"], "9,989,001 cells"),
        (["generate", PHOTO, "--prompt", " ", "--out", "x.png"], "prompt is empty"),
        (["generate", PHOTO, "--prompt", "a", "--out", "x.png", "--scheduler", "lcm", "--steps", "60"], "at most 50"),
        (["generate", PHOTO, "--prompt", "a", "--out", "x.png", "--scheduler", ""], "scheduler ''"),
        (["generate", PHOTO, "--prompt", "a", "--out", "x.png", "--strength", "0.000000001"], "0 effective steps"),
        (["generate", PHOTO, "--prompt", "a", "--out", "/proc/x.png"], "/proc/x.png cannot be written"),
        (["sweep"], "--prompt"),
        (["sweep", "--resume", "nothing", "--dry-run"], "give it alone"),
        (["sweep", PHOTO, "--resume", "nothing"], "give it alone"),
        (["sweep", "--resume", "nothing"], "'nothing'"),
        (["paint"], "paint"),
    ],
)
def test_what_can_be_mended_is_one_sentence_and_exit_2(
    call: Call, words: list[str | Path], sentence: str, tmp_path: Path
):
    done = call(*words, home=tmp_path / "home")
    assert done.returncode == 2
    assert done.stdout == ""
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.rglob("*.png"))


def test_models_and_doctor_print_json(call: Call):
    models = json.loads(call("models", "--json").stdout)
    assert models["models"][0] | {"name": "demo", "here": True} == models["models"][0]
    doctor = call("doctor", "--json")
    findings = json.loads(doctor.stdout)
    assert doctor.returncode == 0
    assert [finding["what"] for finding in findings] == [
        "device",
        "dtype",
        "folders",
        "visitors",
        "disk",
        "segmentation",
        "model",
        "allowed",
        "memory",
        "compiler",
        "background",
    ]
    assert all(finding["ok"] for finding in findings)


def test_a_narrow_terminal_shows_the_names_that_are_typed(call: Call, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")
    listed = call("models").stdout
    models = json.loads(call("models", "--json").stdout)["models"]
    assert all(model[field] in listed for model in models for field in ("name", "scheduler"))
    assert "FLUX.1 [dev]" in listed  # not taken for a colour
    assert "light_agreement" in call("metrics", "list").stdout


def test_a_missing_model_is_doctored(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("BGEN_MODEL", str(tmp_path / "empty"))
    done = call("doctor")
    assert done.returncode == 2
    assert "no model_index.json" in done.stdout


def test_what_is_behind_is_doctored(call: Call):
    BackgroundFaults(Path(os.environ["BGEN_HOME"])).note("MLflow", "Runs are not copied to http://server: it is away.")
    done = call("doctor")
    assert done.returncode == 2
    assert "--  background   MLflow: Runs are not copied to http://server: it is away." in done.stdout


def test_a_disk_that_keeps_its_reserve_is_doctored(monkeypatch: pytest.MonkeyPatch):
    settings, free = load_settings(), [5 * 10**9]
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(total=10**12, used=0, free=free[-1]))
    said = examine("disk", _disk, settings)
    assert (said.ok, said.text) == (
        True,
        f"5,000 MB are free on the disk of {settings.home}, of which 1,000 MB stay free",
    )
    free.append(10**8)
    finding = examine("disk", _disk, settings)
    assert not finding.ok
    assert finding.text.startswith(f"The disk of {settings.home / 'blobs'} has 100 MB free, and 1,000 MB stay free")


def test_an_output_never_destroys_what_it_is_made_from(call: Call, tmp_path: Path, alpha_file: Path):
    photo = tmp_path / "photo.png"
    with Image.open(PHOTO) as picture:
        picture.save(photo)
    before = photo.read_bytes()
    (tmp_path / "link.png").symlink_to(photo)
    (tmp_path / "loop.png").symlink_to("loop.png")
    for other, told in (
        (photo, "is the file that is read"),
        (tmp_path / "." / "photo.png", "is the file that is read"),
        (tmp_path / "link.png", "is the file that is read"),
        (tmp_path / "loop.png", "cannot be written (Too many levels of symbolic links)"),
    ):
        done = call("generate", photo, "--alpha", alpha_file, "--prompt", "a", "--steps", "1", "--out", other)
        assert done.returncode == 2
        assert told in done.stderr
    done = call(
        "generate", PHOTO, "--alpha", alpha_file, "--model", "own-picture", "--background", photo, "--out", photo
    )
    assert "is the file that is read" in done.stderr
    assert photo.read_bytes() == before


@pytest.mark.slow
def test_a_mask_that_grows_over_everything_says_so(call: Call, tmp_path: Path):
    thin = tmp_path / "thin.png"
    with Image.open(PHOTO) as picture:
        mask = np.zeros((picture.height, picture.width), np.uint8)
    mask[:, 100:104] = 255
    Image.fromarray(mask).save(thin)
    done = call(
        "generate", PHOTO, "--alpha", thin, "--prompt", "a", "--steps", "1", "--mask-grow", "25",
        "--out", tmp_path / "x.png",
    )  # fmt: skip
    assert done.returncode == 2
    assert "nothing to keep: mark the subject with the brush, give an alpha, lower mask grow, or raise" in done.stderr


def test_refused_input_leaves_nothing_in_the_store(call: Call, tmp_path: Path):
    white = tmp_path / "white.png"
    with Image.open(PHOTO) as picture:
        Image.new("L", picture.size, 255).save(white)
    home = tmp_path / "home"
    done = call("generate", PHOTO, "--alpha", white, "--prompt", "a", "--out", tmp_path / "x.png", home=home)
    assert done.returncode == 2
    assert "nothing to repaint" in done.stderr
    assert not list(home.rglob("*.png"))
    assert not list(home.rglob("*.lock"))
