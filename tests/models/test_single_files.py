"""Models in one file: told from their headers, and loaded to the very weights of the folder that they were made of."""

import json
import shutil
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
import torch
from diffusers.loaders import single_file_model
from safetensors.torch import save_file

from bgen_core.errors import ModelLoadError
from bgen_core.models.devices import Device
from bgen_core.models.loading import load_pipeline
from bgen_core.models.revision import find_entry, find_local_model, find_model
from tests.single_files import (
    clip_weights,
    flux_weights,
    unet_weights,
    vae_weights,
    without_weights,
    write_single_file,
)
from tests.tiny_families import tiny_family
from tests.tiny_models import tiny_pipeline

CPU = Device(kind="cpu", name="cpu", dtype_name="float32")


def written(name: str, folder: Path) -> tuple[Any, Path]:
    """A pipeline, and the file beside its configuration that holds it."""
    match name:
        case "sd-9" | "sd-4":
            pipeline = tiny_pipeline(name, middle=True)
            encoder = clip_weights(pipeline.text_encoder)
            weights, held = (
                (unet_weights(pipeline.unet), vae_weights(pipeline.vae), encoder),
                ("text_encoder", "unet", "vae"),
            )
        case "sdxl-9":
            pipeline = tiny_pipeline(name, middle=True)
            weights, held = (unet_weights(pipeline.unet), vae_weights(pipeline.vae)), ("unet", "vae")
        case _:
            pipeline = tiny_family(name)
            weights, held = (flux_weights(pipeline.transformer),), ("transformer",)
    pipeline.save_pretrained(folder / "my model")
    without_weights(folder / "my model", *held)
    return pipeline, write_single_file(folder / "my model.safetensors", *weights)


@pytest.fixture
def flux_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """diffusers 0.42.1 converts Flux in its published width of 3072 alone: the same code, at the small one's 32."""
    classes = single_file_model.SINGLE_FILE_LOADABLE_CLASSES["FluxTransformer2DModel"]
    convert: Any = classes["checkpoint_mapping_fn"]
    code = convert.__code__
    small = code.replace(co_consts=tuple(32 if each == 3072 else each for each in code.co_consts))
    monkeypatch.setitem(classes, "checkpoint_mapping_fn", FunctionType(small, convert.__globals__))


@pytest.mark.usefixtures("flux_of_any_size")
@pytest.mark.parametrize("name", ["sd-9", "sd-4", "sdxl-9", "flux-dev", "flux-schnell", "flux-fill"])
def test_a_single_file_is_the_pipeline_that_it_was_made_of(name: str, tmp_path: Path) -> None:
    pipeline, file = written(name, tmp_path)
    source = find_model(str(file))
    loaded = load_pipeline(source, CPU)
    assert type(loaded).__name__ == source.family.loads_as
    for part, network in pipeline.components.items():
        if isinstance(network, torch.nn.Module):
            theirs = getattr(loaded, part).state_dict()
            assert all(torch.equal(tensor, theirs[key]) for key, tensor in network.state_dict().items()), part
    assert source.entry == find_entry(str(file))
    assert find_local_model(str(file)) == source


def test_half_precision_is_loaded_as_such(tmp_path: Path) -> None:
    _, file = written("sd-4", tmp_path)
    loaded = load_pipeline(find_model(str(file)), Device(kind="cpu", name="cpu", dtype_name="bfloat16"))
    assert loaded.unet.dtype == torch.bfloat16


def test_a_files_revision_is_its_content_and_its_configuration(tmp_path: Path) -> None:
    _, file = written("sd-4", tmp_path)
    first = find_model(str(file)).revision
    moved = shutil.copytree(tmp_path, tmp_path / "moved") / file.name
    assert find_model(str(moved)).revision == first
    config = moved.with_suffix("") / "vae" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"scaling_factor": 0.5}))
    assert find_model(str(moved)).revision != first
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    assert find_model(str(file)).revision != first


def test_the_configuration_may_be_the_folder_in_which_the_file_lies(tmp_path: Path) -> None:
    _, file = written("sd-4", tmp_path)
    inside = shutil.move(file, tmp_path / "my model" / "v1-5.safetensors")
    assert find_model(str(inside)).family.title == "Stable Diffusion"


def test_without_a_configuration_it_is_said_which_is_needed(tmp_path: Path) -> None:
    _, file = written("sd-9", tmp_path)
    shutil.rmtree(tmp_path / "my model")
    assert find_local_model(str(file)) is None
    with pytest.raises(ModelLoadError, match="stable-diffusion-v1-5/stable-diffusion-inpainting, which cannot") as said:
        find_model(str(file))
    assert str(tmp_path / "my model") in str(said.value)
    assert "HF_HUB_OFFLINE" in str(said.value)


def test_the_configuration_of_another_model_is_refused(tmp_path: Path) -> None:
    _, file = written("sd-4", tmp_path)
    tiny_pipeline("sd-9").save_pretrained(tmp_path / "my model")
    with pytest.raises(
        ModelLoadError, match=r"of another model .*9 input channels\): give that of stable-diffusion-v1"
    ):
        find_model(str(file))


def test_a_part_that_neither_file_nor_configuration_has_is_named(tmp_path: Path) -> None:
    _, file = written("sdxl-9", tmp_path)
    without_weights(tmp_path / "my model", "text_encoder_2")
    with pytest.raises(ModelLoadError, match=r"its part text_encoder_2 .* has no weights"):
        find_model(str(file))


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"lora_unet_down_blocks_0.lora_down.weight": (4, 4)}, "is a LoRA"),
        ({"unet.down_blocks.0.attn1.to_k.lora_A.weight": (4, 4)}, "is a LoRA"),
        ({"lycoris_unet_x.lokr_w1": (4, 4)}, "is a LoRA"),
        ({"control_model.input_blocks.0.0.weight": (4, 4, 3, 3)}, "is a ControlNet"),
        ({"controlnet_cond_embedding.conv_in.weight": (4, 4), "down_blocks.0.x": (1,)}, "is a ControlNet"),
        ({"image_proj.proj.weight": (4, 4), "ip_adapter.1.to_k_ip.weight": (4, 4)}, "is an IP-Adapter"),
        ({"emb_params": (2, 4)}, "is a textual inversion"),
        ({"clip_g": (2, 4), "clip_l": (2, 4)}, "is a textual inversion"),
        ({"decoder.conv_in.weight": (4, 4), "encoder.conv_in.weight": (4, 4)}, "a VAE"),
        ({"first_stage_model.decoder.conv_in.weight": (4, 4)}, "a VAE"),
        ({"text_model.embeddings.position_embedding.weight": (4, 4)}, "a text encoder"),
        ({"down_blocks.0.x": (4, 4), "mid_block.x": (4, 4)}, "a UNet or transformer as diffusers saves it"),
        ({"model.diffusion_model.input_blocks.0.0.weight": (4, 8, 3, 3)}, "needs another picture"),
        ({"distilled_guidance_layer.in_proj.weight": (4, 4)}, "Chroma .* cannot be repainted with"),
        ({"layers.0.x": (4, 4), "cap_embedder.0.weight": (4, 4)}, "Z-Image .* as a folder alone"),
        ({"nothing.that.is.known": (4, 4)}, "of no known kind"),
        ({}, "without weights"),
    ],
)
def test_what_is_no_model_says_what_it_is(names: dict[str, tuple[int, ...]], words: str, tmp_path: Path) -> None:
    file = tmp_path / "thing.safetensors"
    save_file({name: torch.zeros(shape) for name, shape in names.items()}, file)
    with pytest.raises(ModelLoadError, match=words) as said:
        find_model(str(file))
    assert str(said.value).count("\n") == 0
    assert len(str(said.value)) < 400


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "is empty"), (b"nothing", "cut off"), (b"\0" * 64, "safetensors")]
)
def test_a_damaged_file_is_one_sentence(content: bytes, words: str, tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(content)
    with pytest.raises(ModelLoadError, match=words):
        find_model(str(file))
