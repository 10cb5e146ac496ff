"""`sweep` with several photos and replacements, and its two passes."""

import json
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from bgen_core.settings import load_settings
from tests.cli.calling import PHOTO, Call
from tests.subject.malformed_files import FILES
from tests.tiny_ip_adapters import save_headers


@pytest.mark.slow
def test_photos_and_replacements_are_axes(call: Call, tmp_path: Path):
    with Image.open(PHOTO) as photo:
        ImageOps.mirror(photo).save(tmp_path / "mirrored.png")
    photos = [str(PHOTO), str(tmp_path / "mirrored.png")]
    done = call("sweep", *photos, "--prompt", "a red barn", "--replace", "red, blue", "--steps", "2", "--json")
    document = json.loads(done.stdout)
    assert (document["made"], document["failed"]) == (4, 0)
    params = [cell["params"] for cell in document["cells"]]
    assert [each["prompt"] for each in params] == ["a red barn", "a blue barn"] * 2
    assert len({each["subject"] for each in params}) == 2
    again = call("sweep", *photos, "--prompt", "a red barn", "--edge-softness", "0,1", "--steps", "2", "--dry-run")
    assert "4 cells: 2 known, 2 to make, without the diffusion model" in again.stderr


def test_a_plan_has_the_number_that_was_drawn_for_a_seed(call: Call, alpha_file: Path):
    common = ("--prompt", "a beach", "--alpha", alpha_file, "--scheduler", "Euler a, DPM++ 2M Karras,")
    document = json.loads(call("sweep", PHOTO, *common, "--seed", "-1,-1,5", "--dry-run", "--json").stdout)
    first, second, last = document["axes"]["seed"]
    assert (len({first, second, -1, 5}), last) == (4, 5)
    assert document["axes"]["scheduler"] == ["euler_a", "dpmpp_2m_karras"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--seed", "7", "--seed", "8"], "--seed is given 2 times: give it once, with commas between its values."),
        (["--alpha", "a.png", "--alpha", "a.png"], "--alpha is given 2 times: give it once."),
    ],
)
def test_an_option_of_one_value_is_not_overwritten_by_a_second(call: Call, words: list[str], sentence: str) -> None:
    ended = call("sweep", PHOTO, "--prompt", "a beach", "--prompt", "a forest", *words, "--dry-run")
    assert (ended.returncode, ended.stderr.strip()) == (2, f"bgen: {sentence}")


def test_reference_pictures_are_files_or_addresses_and_a_dry_run_keeps_none(
    call: Call, alpha_file: Path, tmp_path: Path
) -> None:
    common = (PHOTO, "--prompt", "a beach", "--alpha", alpha_file, "--dry-run", "--json")
    refused = call("sweep", *common, "--reference", tmp_path / "gone.png", "--ip-adapter", "style")
    assert "gone.png" in refused.stderr
    refused = call("sweep", *common, "--reference", PHOTO)
    assert (refused.returncode, "name an IP-Adapter" in refused.stderr) == (2, True)
    save_headers(load_settings().ip_adapter_folder)
    Image.new("RGB", (80, 80), "red").save(tmp_path / "red.png")
    spec = tmp_path / "plan.yaml"
    spec.write_text(f"reference: [red.png, {'a' * 64}]\nip-adapter: style\n")
    document = json.loads(call("sweep", *common, "--spec", spec).stdout)
    first, second = document["axes"]["reference"]
    assert (len(first), second) == (64, "a" * 64)
    assert not list(load_settings().home.rglob(f"{first}.png"))


@pytest.mark.parametrize("name", ["a gigapixel.png", "profile bomb.png", "two billion wide.png"])
def test_a_background_that_is_a_bomb_is_refused_as_a_photo_is(
    name: str, call: Call, alpha_file: Path, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(FILES[name]())
    words = (PHOTO, "--alpha", alpha_file, "--model", "own-picture", "--background", tmp_path / name, "--dry-run")
    refused = call("sweep", *words)
    assert refused.returncode == 2
    assert name in refused.stderr
    assert refused.stderr.count("\n") <= 2


def test_backgrounds_without_a_model_need_no_prompt(call: Call, alpha_file: Path) -> None:
    common = (PHOTO, "--alpha", alpha_file, "--dry-run", "--json")
    document = json.loads(call("sweep", *common, "--model", "plain-colour", "--model", "blurred-photo").stdout)
    assert (document["cells"], document["to_make"]) == (2, 2)
    refused = call("sweep", *common, "--model", "plain-colour", "--model", "demo")
    assert "--prompt TEXT" in refused.stderr


@pytest.mark.slow
def test_a_cut_out_is_written_as_a_transparent_png(call: Call, alpha_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    done = call("generate", PHOTO, "--alpha", alpha_file, "--model", "cut-out", "--out", out)
    assert done.returncode == 0, done.stderr
    with Image.open(out) as picture:
        assert picture.mode == "RGBA"
    again = call("reproduce", out)
    assert "equal" in again.stdout


@pytest.mark.slow
def test_two_passes_finish_the_best_by_a_metric(call: Call, tmp_path: Path):
    common = ("--prompt", "a beach", "--seed", "1-3", "--steps", "3", "--guidance", "1")
    passes = ("--explore-steps", "1", "--keep", "2", "--by", "seam")
    document = json.loads(call("sweep", PHOTO, *common, *passes, "--json").stdout)
    explored = document["explored"]
    assert (explored["steps"], explored["by"], len(explored["kept"])) == (1, "seam", 2)
    values = [kept["value"] for kept in explored["kept"]]
    assert values == sorted(values)  # lower is better
    assert [cell["params"]["num_inference_steps"] for cell in document["cells"]] == [3, 3]
    assert len({cell["params"]["seed"] for cell in document["cells"]}) == 2


@pytest.mark.slow
def test_a_race_adds_seeds_until_it_is_decided_or_the_budget_is_spent(call: Call):
    axes = ("--prompt", "a beach", "--steps", "1", "--guidance", "1,9", "--seed", "3")
    document = json.loads(
        call("sweep", PHOTO, *axes, "--race", "guidance", "--by", "seam", "--budget", "14", "--json").stdout
    )
    race = document["race"]
    assert race["state"] in ("won", "spent", "alike")
    kinds = [step["kind"] for step in race["steps"]]
    assert (kinds[0], kinds[-1]) == ("start", race["state"])
    assert "round" in kinds
    assert 8 < len(document["cells"]) <= 14
    again = json.loads(call("sweep", "--resume", document["sweep"], "--json").stdout)
    assert again["race"] == race
    refused = call("sweep", "--race-from", document["sweep"], "--race", "guidance", "--by", "seam", "--budget", "9")
    assert f"is a race already: --resume {document['sweep']} goes on with it." in refused.stderr


@pytest.mark.slow
def test_a_race_from_a_sweep_has_what_that_one_made(call: Call):
    axes = ("--prompt", "a beach", "--steps", "1", "--guidance", "1,9", "--seed", "3,4")
    before = json.loads(call("sweep", PHOTO, *axes, "--json").stdout)
    options = ("--race-from", before["sweep"], "--race", "guidance", "--by", "seam", "--budget", "4", "--json")
    planned = json.loads(call("sweep", *options, "--dry-run").stdout)
    assert (planned["cells"], planned["known"], planned["axes"]["seed"]) == (8, 4, [3, 4, 5, 6])
    raced = json.loads(call("sweep", *options).stdout)
    assert (raced["made"], raced["reused"]) == (4, 4)
    assert {cell["run"] for cell in before["cells"]} < {cell["run"] for cell in raced["cells"]}
    assert raced["race"]["steps"][0]["kind"] == "start"
    assert raced["sweep"] != before["sweep"]


@pytest.mark.slow
def test_a_cell_is_drawn_again_until_it_does_not_grow(call: Call, tmp_path: Path) -> None:
    spec = tmp_path / "plan.yaml"
    spec.write_text("prompt: a beach\nsteps: 2\nseed: 7\nmax-expansion: 0\nattempts: 3\n")
    done = call("sweep", PHOTO, "--spec", spec, "--json")
    assert done.returncode == 0, done.stderr
    assert "up to 3 seeds for each" in done.stderr
    (cell,) = json.loads(done.stdout)["cells"]
    grew = [each["expansion"] for each in cell["attempts"]]
    assert all(value > 0 for value in grew[:-1])
    assert len(grew) == 3 or grew[-1] == 0
    kept = [each["run"] for each in cell["attempts"]].index(cell["run"])
    assert grew[kept] == min(grew)
    assert cell["params"]["seed"] == 7 + kept * 1_000_000
    out = tmp_path / "one.png"
    again = ("--prompt", "a beach", "--steps", "2", "--seed", "7", "--max-expansion", "0", "--attempts", "3")
    one = call("generate", PHOTO, *again, "--out", out, "--json")
    assert json.loads(one.stdout)["run"] == cell["run"] and json.loads(one.stdout)["attempts"] == cell["attempts"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--explore-steps", "2"], "belong together"),
        (["--explore-steps", "2", "--keep", "0", "--by", "expansion"], "--keep 0 is not allowed"),
        (["--explore-steps", "9", "--steps", "4,8", "--keep", "1", "--by", "seam"], "at most the 8 steps that cells"),
        (["--explore-steps", "2", "--keep", "1", "--by", "beauty"], "metric 'beauty' is not known"),
        (["--explore-steps", "2", "--keep", "1", "--by", "clip_score"], "No CLIP model is set: BGEN_CLIP_MODEL"),
        (["--explore-steps", "2", "--keep", "1", "--by", "seam", "--scheduler", "lcm", "--steps", "60"], "at most 50"),
        (["--race", "guidance", "--guidance", "1,9"], "--race AXIS, --by METRIC and --budget N belong together"),
        (["--race", "guidance", "--guidance", "1,9", "--by", "seam", "--budget", "7"], "the first round takes 8"),
        (["--race", "seed", "--seed", "1,9", "--by", "seam", "--budget", "9"], "'seed' is no axis that can be raced"),
        (["--race", "guidance", "--guidance", "1,9", "--by", "votes", "--budget", "9"], "on the Sweep page"),
        (["--race", "steps", "--by", "seam", "--budget", "9", "--explore-steps", "2"], "do not go together"),
        (["--race-from", "sweep-1"], "--race-from takes the plan of that sweep"),
        (["--attempts", "3"], "attempts need a largest expansion"),
        (["--max-expansion", "nan"], "A largest expansion of nan is not allowed: choose 0 to 100 %"),
        (["--max-expansion", "3", "--attempts", "17"], "17 attempts are not allowed: choose 2 to 16"),
        (["--max-expansion", "3", "--race", "steps", "--by", "seam", "--budget", "9"], "at the same seeds"),
        (["--out-dir", "/proc"], "--out-dir /proc cannot be used"),
        (["--replace", "night, day"], "in no prompt"),
        (["--replace", "beach"], "nothing to put in its place"),
        (["--model", "demo", "--model", "nowhere/at-all-1"], "nowhere/at-all-1"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_runs(call: Call, options: list[str], words: str):
    refused = call("sweep", PHOTO, "--prompt", "a beach", *options)
    assert refused.returncode == 2
    assert words in refused.stderr
    assert "exploring" not in refused.stderr


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--guidance", "3,5", "Flux schnell was distilled to do without guidance: choose the guidance 0, not 3"),
        (
            "--scheduler",
            "euler",
            "Flux schnell is painted by flow matching: choose the scheduler default or lcm, not 'euler'",
        ),
    ],
)
def test_what_a_models_family_ignores_is_refused_with_the_reason(
    call: Call, alpha_file: Path, tmp_path: Path, option: str, value: str, words: str
):
    (tmp_path / "model_index.json").write_text('{"_class_name": "FluxPipeline"}')
    common = (PHOTO, "--alpha", alpha_file, "--prompt", "a beach", "--model", tmp_path)
    refused = call("sweep", *common, option, value, "--dry-run")
    assert refused.returncode == 2
    assert words in refused.stderr
    planned = json.loads(call("sweep", *common, "--dry-run", "--json").stdout)
    assert (planned["base"]["num_inference_steps"], planned["base"]["guidance_scale"]) == (4, 0)
