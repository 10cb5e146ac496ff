"""IC-Light on small random checkpoints: the same numbers as diffusers' own pipeline, in half precision too."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.models.steering.light_model import LightModel, find_light_model, light_model_for
from bgen_core.settings import load_settings
from bgen_core.sweep.steering import ic_light
from bgen_core.sweep.steering.ic_light import IcLight, _loaded, _on_grey, _scheduler
from tests.made_up import picture
from tests.tiny_ic_light import save_ic_light
from tests.tiny_models import tiny_pipeline

EXTENT = Extent(width=64, height=64)
PHOTO, BEHIND = picture(1, EXTENT), picture(2, Extent(width=40, height=40))
ALPHA = np.zeros((64, 64), np.float32)
ALPHA[20:, 16:48] = 1
DRAWN = {8: 0.9, 12: 1.0}  # channels -> how much of the way begins with noise


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_ic_light(tmp_path_factory.mktemp("light"))


@pytest.fixture
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what every step shows alike; the whole of them is held against diffusers' own pipeline."""
    for sees in ic_light._STEPS:
        monkeypatch.setitem(ic_light._STEPS, sees, 5)


def model_of(folder: Path, channels: int) -> LightModel:
    found = find_light_model(str(folder), str(folder / f"{channels}.safetensors"))
    assert found is not None
    assert found.channels == channels
    return found


def relit(light: IcLight, *pictures: np.ndarray) -> np.ndarray:
    relighting = light.relight(*pictures)
    while True:
        try:
            next(relighting)
        except StopIteration as end:
            return end.value


def by_diffusers(model: LightModel) -> np.ndarray:
    """As IC-Light's own demonstrations do it: a pipeline of diffusers whose UNet is shown more than it knows of."""
    from diffusers import StableDiffusionImg2ImgPipeline, StableDiffusionPipeline

    parts, drawn = _loaded(model), DRAWN[model.channels]
    unet, vae, own = parts["unet"], parts["vae"], parts["unet"].forward

    def encoded(image: np.ndarray) -> torch.Tensor:
        pixels = torch.from_numpy(image.astype(np.float32) / 127 - 1).permute(2, 0, 1)[None]
        return vae.encode(pixels).latent_dist.mode() * vae.config.scaling_factor

    import cv2

    # The size that the small UNet was made for: 16 latents of 2 pixels to a side
    small = [cv2.resize(each, (32, 32), interpolation=cv2.INTER_AREA) for each in (PHOTO, ALPHA, BEHIND)]
    subject = 127 + (small[0].astype(np.float32) - 127) * small[1][..., None]
    with torch.no_grad():
        seen = [encoded(subject), encoded(small[2])]
        shown = torch.cat(seen[: model.channels // 4 - 1], dim=1)
        noise = torch.randn(seen[0].shape, generator=torch.Generator().manual_seed(0))

    def hooked(sample: Any, *given: Any, **named: Any) -> Any:
        return own(torch.cat([sample, torch.cat([shown] * len(sample))], dim=1), *given, **named)

    unet.forward = hooked
    unet.register_to_config(in_channels=4)  # what the pipeline draws
    kind = StableDiffusionPipeline if drawn == 1 else StableDiffusionImg2ImgPipeline
    pipeline = kind(
        vae=vae, unet=unet, text_encoder=parts["text_encoder"], tokenizer=parts["tokenizer"],
        scheduler=_scheduler(), safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    begin = (
        {"latents": noise, "height": 32, "width": 32}
        if drawn == 1
        else {"image": seen[1], "strength": drawn, "generator": torch.Generator().manual_seed(0)}
    )
    made = pipeline(
        "best quality",
        negative_prompt="lowres, bad anatomy, bad hands, cropped, worst quality",
        guidance_scale=7.0 if drawn == 1 else 2.0,
        num_inference_steps=20 if drawn == 1 else 28,
        output_type="np",
        **begin,
    ).images[0]
    return np.rint(made * 255).astype(np.uint8)


@pytest.mark.parametrize("channels", DRAWN)
def test_it_paints_what_diffusers_own_pipeline_paints(folder: Path, channels: int) -> None:
    model = model_of(folder, channels)
    painted = relit(IcLight(model), PHOTO, ALPHA, BEHIND)
    assert painted.shape == (32, 32, 3)
    assert painted.std() > 5
    # Sums in another order: half a level at most, which rounding makes one.
    assert np.abs(painted.astype(int) - by_diffusers(model)).max() <= 1


@pytest.mark.usefixtures("few_steps")
def test_it_sees_subject_and_background_and_paints_the_same_twice(folder: Path) -> None:
    light = IcLight(model_of(folder, 12))
    one, again = (relit(light, PHOTO, ALPHA, BEHIND) for _ in range(2))
    assert np.array_equal(one, again)
    hidden = np.where(ALPHA[..., None] > 0, PHOTO, 255 - PHOTO)
    assert np.array_equal(relit(light, hidden, ALPHA, BEHIND), one), "what is behind the subject is no part of it"
    assert not np.array_equal(relit(light, PHOTO, ALPHA, 255 - BEHIND), one)
    assert not np.array_equal(relit(light, 255 - PHOTO, ALPHA, BEHIND), one)


@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize("channels", DRAWN)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_paints_nearly_the_same(folder: Path, channels: int, dtype: str) -> None:
    model = model_of(folder, channels)
    whole = relit(IcLight(model), PHOTO, ALPHA, BEHIND).astype(int)
    half = relit(IcLight(replace(model, dtype=dtype)), PHOTO, ALPHA, BEHIND)
    assert np.abs(half - whole).mean() < (2 if dtype == "float16" else 12)


@pytest.mark.usefixtures("few_steps")
def test_a_wide_photo_keeps_its_shape_and_grey_is_behind_the_subject(folder: Path) -> None:
    wide = Extent(width=90, height=40)
    alpha = np.zeros((40, 90), np.float32)
    alpha[10:, 30:60] = 1
    assert relit(IcLight(model_of(folder, 8)), picture(1, wide), alpha, BEHIND).shape == (20, 48, 3)
    shown = _on_grey(picture(1, wide), alpha, wide)
    assert np.array_equal(shown[alpha == 1], picture(1, wide)[alpha == 1])
    assert (shown[alpha == 0] == 127).all()


def test_a_model_that_cannot_be_it_is_a_sentence(folder: Path, tmp_path: Path) -> None:
    offsets = str(folder / "12.safetensors")
    assert find_light_model("") is None
    assert light_model_for([0.0], load_settings(light_model="no/where"), device_kind="cpu", dtype_name="int8") is None
    with pytest.raises(UserInputError, match="BGEN_LIGHT_OFFSETS is added to a model that BGEN_LIGHT_MODEL names"):
        find_light_model("", offsets)
    for name in ("owner/not-downloaded", str(tmp_path / "nowhere")):
        with pytest.raises(UserInputError, match=r"not on this machine, or lacks model_index\.json") as refusal:
            find_light_model(name, offsets)
        assert str(tmp_path) not in str(refusal.value)  # a visitor reads it
    with pytest.raises(UserInputError, match=r"UNet with 4 input channels, and IC-Light's have 8 or 12.*BGEN_LIGHT_O"):
        find_light_model(str(folder))
    for missing in ("lllyasviel/ic-light/iclight_sd15_fc.safetensors", str(tmp_path / "no"), "one-word"):
        with pytest.raises(UserInputError, match=r"BGEN_LIGHT_OFFSETS.* such as lllyasviel/ic-light"):
            find_light_model(str(folder), missing)
    with pytest.raises(UserInputError, match="for a UNet with no input channels"):
        find_light_model(str(folder), str(folder / "vae" / "diffusion_pytorch_model.safetensors"))
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"")
    with pytest.raises(UserInputError, match=r"BGEN_LIGHT_OFFSETS cannot be read: its broken\.safetensors is empty"):
        find_light_model(str(folder), str(broken))

    other = shutil.copytree(folder, tmp_path / "other")
    config = json.loads((other / "unet" / "config.json").read_text())
    (other / "unet" / "config.json").write_text(json.dumps(config | {"in_channels": 9}))
    with pytest.raises(UserInputError, match=r"has 4 input channels, where its config\.json says 9"):
        find_light_model(str(other), offsets)
    (other / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(UserInputError, match=r"no \.safetensors weights of its part unet"):
        find_light_model(str(other), offsets)


@pytest.mark.usefixtures("few_steps")
def test_what_only_turns_out_when_it_is_loaded_is_a_sentence_too(folder: Path, tmp_path: Path) -> None:
    few = load_file(folder / "12.safetensors")
    few.pop("conv_out.bias")
    save_file(few, tmp_path / "few.safetensors")
    with pytest.raises(UserInputError, match="belongs to another UNet"):
        relit(IcLight(replace(model_of(folder, 12), offsets=tmp_path / "few.safetensors")), PHOTO, ALPHA, BEHIND)
    cut = shutil.copytree(folder, tmp_path / "cut")
    text = load_file(cut / "text_encoder" / "model.safetensors")
    text.popitem()
    save_file(text, cut / "text_encoder" / "model.safetensors", {"format": "pt"})
    with pytest.raises(UserInputError, match="lacks some weights of its part text_encoder"):
        relit(IcLight(model_of(cut, 12)), PHOTO, ALPHA, BEHIND)
    nan = load_file(folder / "12.safetensors")
    nan["conv_out.bias"] += torch.nan
    save_file(nan, tmp_path / "nan.safetensors")
    with pytest.raises(UserInputError, match="gives no numbers in float32"):
        relit(IcLight(replace(model_of(folder, 12), offsets=tmp_path / "nan.safetensors")), PHOTO, ALPHA, BEHIND)


@pytest.mark.usefixtures("few_steps")
def test_the_same_weights_are_the_same_model_wherever_they_lie(folder: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(folder, tmp_path / "copied")
    assert model_of(copied, 8).in_address == model_of(folder, 8).in_address
    assert len({model_of(folder, channels).told[-12:] for channels in DRAWN}) == 2
    pipeline = tiny_pipeline("sd-4")
    pipeline.unet.save_pretrained(copied / "unet", variant="fp16")
    (copied / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    for name in ("vae", "text_encoder"):
        assert not list((copied / name).glob("*.fp16.*"))
    assert model_of(copied, 8).variant == "fp16"
    relit(IcLight(model_of(copied, 8)), PHOTO, ALPHA, BEHIND)


@pytest.mark.usefixtures("few_steps")
def test_a_folder_that_holds_an_ic_light_already_needs_no_offsets(folder: Path, tmp_path: Path) -> None:
    model = model_of(folder, 12)
    merged = shutil.copytree(folder, tmp_path / "merged")
    _loaded(model)["unet"].save_pretrained(merged / "unet")
    found = find_light_model(str(merged))
    assert found is not None
    assert (found.channels, found.offsets) == (12, None)
    assert np.array_equal(relit(IcLight(found), PHOTO, ALPHA, BEHIND), relit(IcLight(model), PHOTO, ALPHA, BEHIND))
    with pytest.raises(UserInputError, match=r"is added to one with 4: .*, or leave BGEN_LIGHT_OFFSETS empty"):
        find_light_model(str(merged), str(folder / "12.safetensors"))
