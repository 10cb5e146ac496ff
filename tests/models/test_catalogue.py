"""The tables of models and schedulers, exact revisions, and what a model that cannot be used says."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from bgen_core.errors import ModelLoadError, UserInputError
from bgen_core.models.catalogue import DEMO_FOLDER, MODELS, describe_model
from bgen_core.models.devices import find_device
from bgen_core.models.loading import load_pipeline
from bgen_core.models.revision import find_local_model, find_model
from bgen_core.models.schedulers import SCHEDULERS, SchedulerEntry, get_scheduler, scheduler_named
from bgen_core.sweep.build import default_params
from tests.tiny_models import tiny_pipeline


@pytest.mark.parametrize("entry", MODELS, ids=lambda entry: entry.name)
def test_every_model_starts_with_settings_that_are_allowed(entry):
    params = default_params(entry)
    assert params.effective_steps == entry.steps
    assert entry.examples
    assert get_scheduler(entry.scheduler).name == entry.scheduler
    assert entry.side % 64 == 0
    assert describe_model(entry.name) == entry == describe_model(entry.source)


def test_names_are_unique():
    for table in (MODELS, SCHEDULERS):
        names = [entry.name for entry in table]
        assert len(names) == len(set(names))


def test_an_unknown_scheduler_names_those_that_are_known():
    with pytest.raises(UserInputError, match="'dimm' is not known: choose default, ddim"):
        get_scheduler("dimm")


def test_the_demo_model_is_here_and_small():
    source = find_model("demo")
    assert source.folder == DEMO_FOLDER.resolve()
    assert source.pipeline_class == "StableDiffusionInpaintPipeline"
    assert sum(file.stat().st_size for file in DEMO_FOLDER.rglob("*") if file.is_file()) <= 40e6


def test_a_revision_changes_with_any_weight_and_not_with_the_folder(tmp_path: Path):
    copy = tmp_path / "copy"
    shutil.copytree(DEMO_FOLDER, copy)
    assert find_model(str(copy)).revision == find_model("demo").revision
    weights = copy / "unet" / "diffusion_pytorch_model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert find_model(str(copy)).revision != find_model("demo").revision


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems take no such name")
def test_a_file_in_a_models_folder_may_have_any_name(tmp_path: Path):
    shutil.copytree(DEMO_FOLDER, tmp_path / "copy")
    (tmp_path / "copy" / os.fsdecode(b"caf\xe9.txt")).write_text("notes")
    assert find_model(str(tmp_path / "copy")).revision != find_model("demo").revision


def test_a_local_folder_paints_at_its_own_size(tmp_path: Path):
    tiny_pipeline("sd-9").save_pretrained(tmp_path / "tiny")
    assert find_model(str(tmp_path / "tiny")).entry.side == 32


def _empty(folder: Path) -> str:
    folder.mkdir()
    return "no model_index.json"


def _damaged_index(folder: Path) -> str:
    folder.mkdir()
    (folder / "model_index.json").write_text("{")
    return "damaged"


def _missing(folder: Path) -> str:
    return "is not there"


@pytest.mark.parametrize("make", [_empty, _damaged_index, _missing])
def test_a_folder_that_is_no_model_says_which_and_why(make, tmp_path: Path):
    words = make(tmp_path / "model")
    with pytest.raises(ModelLoadError, match=words) as refusal:
        find_model(str(tmp_path / "model"))
    assert str(tmp_path / "model") in str(refusal.value)


def _without_weights(folder: Path) -> None:
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()


def _with_cut_weights(folder: Path) -> None:
    (folder / "vae" / "diffusion_pytorch_model.safetensors").write_bytes(b"cut")


def _of_unknown_class(folder: Path) -> None:
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | {"_class_name": "NothingPipeline"}))


@pytest.mark.parametrize("damage", [_without_weights, _with_cut_weights, _of_unknown_class])
def test_a_damaged_model_says_which_why_and_what_to_do(damage, tmp_path: Path):
    folder = tmp_path / "model"
    shutil.copytree(DEMO_FOLDER, folder)
    damage(folder)
    with pytest.raises(ModelLoadError) as refusal:
        load_pipeline(find_model(str(folder)), find_device("cpu"))
    assert str(folder) in str(refusal.value)
    assert "choose the model 'demo'" in str(refusal.value)


def test_a_hub_model_that_is_not_here_is_not_local():
    assert find_local_model("nobody/nothing") is None


def test_a_device_that_is_not_here_says_what_to_choose():
    with pytest.raises(UserInputError, match="BGEN_DEVICE=cpu"):
        find_device("cuda:99")


@pytest.mark.parametrize(
    ("name", "schedule", "meant"),
    [
        ("Euler a", "", "euler_a"),
        ("euler ancestral", "", "euler_a"),
        ("k_euler_a", "", "euler_a"),
        ("sample_euler", "", "euler"),
        ("EulerAncestralDiscreteScheduler", "", "euler_a"),
        ("DPM++ 2M Karras", "", "dpmpp_2m_karras"),
        ("DPM++ 2M", "Karras", "dpmpp_2m_karras"),
        ("DPM++ 2M Karras", "karras", "dpmpp_2m_karras"),
        ("DPM++ 2M", "Automatic", "dpmpp_2m_karras"),
        ("dpmpp_2m_k", "", "dpmpp_2m_karras"),
        ("dpmpp_2m", "normal", "dpmpp_2m"),
        ("dpm_2_ancestral", "", "dpm2_a"),
        ("uni_pc", "", "unipc"),
        ("PLMS", "", "pndm"),
        ("DPM++ 2S a", "", None),  # ancestral, which the one here is not
        ("Euler", "Karras", None),
        ("karras", "", None),
        ("", "", None),
    ],
)
def test_schedulers_are_known_by_what_people_and_other_programs_call_them(
    name: str, schedule: str, meant: str | None
) -> None:
    assert scheduler_named(name, schedule) == meant


@pytest.mark.parametrize("entry", SCHEDULERS, ids=lambda entry: entry.name)
def test_a_scheduler_is_known_by_its_name_and_label(entry: SchedulerEntry) -> None:
    assert {scheduler_named(name) for name in (entry.name, entry.label, *entry.also)} == {entry.name}
