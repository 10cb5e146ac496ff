"""The examination's batched sampler against diffusers' own pipeline."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from diffusers import DDIMScheduler, StableDiffusionInpaintPipeline, UniPCMultistepScheduler
from PIL import Image
from transformers import CLIPTokenizer

from training.config import Config, TextConfig, UnetConfig, VaeConfig
from training.contact_sheet import save_sheet
from training.evaluate import strength_of_edges
from training.judge import SIDE, loss_of_known, shrink, to_luminance
from training.sampling import Setting, Subject, sample
from training.text import build_text_encoder
from training.unet import build_scheduler, build_unet
from training.vae import build_vae


@pytest.fixture(scope="module")
def pipeline() -> StableDiffusionInpaintPipeline:
    """Networks of a few thousand random weights."""
    text = TextConfig(width=16, layers=1, heads=2)
    tokenizer = CLIPTokenizer.from_pretrained(Config().tokenizer)
    made = StableDiffusionInpaintPipeline(
        vae=build_vae(
            VaeConfig(encoder_channels=8, decoder_channels=8, encoder_blocks=(0, 1, 1), decoder_blocks=(1, 1, 1))
        ),
        text_encoder=build_text_encoder(tokenizer, text).eval(),
        tokenizer=tokenizer,
        unet=build_unet(UnetConfig(channels=(8, 16), layers_per_block=(1, 1), heads=2, groups=4), text).eval(),
        scheduler=build_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    made.set_progress_bar_config(disable=True)
    return made


@pytest.mark.parametrize(
    ("guidance", "sampler", "scheduler"),
    [(1.0, "ddim", DDIMScheduler), (3.0, "ddim", DDIMScheduler), (3.0, "unipc", UniPCMultistepScheduler)],
)
def test_batched_sampling_equals_the_pipeline_one_at_a_time(
    pipeline: StableDiffusionInpaintPipeline,
    guidance: float,
    sampler: str,
    scheduler: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pipeline, "scheduler", scheduler.from_config(pipeline.scheduler.config))
    rng = np.random.default_rng(0)
    subject = Subject(rng.integers(0, 256, (256, 256, 3), np.uint8), (rng.random((256, 256)) < 0.5).astype(np.float32))
    prompts, seeds = ["a beach", "a city at night"], [3, 4]
    setting = Setting(steps=3, guidance=guidance, sampler=sampler)
    ours = sample(pipeline, prompts, seeds, [subject, subject], setting)
    for i, (prompt, seed) in enumerate(zip(prompts, seeds, strict=True)):
        theirs = pipeline(
            prompt=prompt,
            image=Image.fromarray(subject.picture),
            mask_image=Image.fromarray((subject.mask * 255).astype(np.uint8)),
            height=256,
            width=256,
            num_inference_steps=3,
            guidance_scale=guidance,
            latents=torch.randn(1, 4, 64, 64, generator=torch.Generator().manual_seed(seed)),
            output_type="np",
        ).images[0]
        # Float32 in another order of additions; a step of an 8-bit picture is 4e-3.
        assert np.abs(ours[i].permute(1, 2, 0).numpy() - theirs).max() < 1e-3


def test_luminance_hides_colour_and_exposure() -> None:
    generator = torch.Generator().manual_seed(0)
    grey = torch.rand(1, 1, SIDE, SIDE, generator=generator).expand(-1, 3, -1, -1)
    darker = grey * 0.5
    # The floor under the contrast, 0.05, leaves a difference below a tenth of the contrast of 0.22.
    assert (to_luminance(grey) - to_luminance(darker)).abs().mean() < 0.022
    red = torch.zeros(1, 3, SIDE, SIDE)
    red[:, 0] = 1
    assert to_luminance(red).std() < 1e-5


def test_what_a_scene_says_nothing_about_teaches_the_judge_nothing() -> None:
    scores = torch.randn(4, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    some, none = torch.tensor([-1, 2, 0, -1]), torch.full((4,), -1)
    assert torch.allclose(loss_of_known(scores, some), F.cross_entropy(scores[1:3], some[1:3]))
    nothing = loss_of_known(scores, none)
    nothing.backward()
    assert nothing.item() == 0
    assert torch.equal(scores.grad, torch.zeros_like(scores))


def test_the_judge_sees_the_same_from_bytes_and_from_floats() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (1, 256, 256, 3), np.uint8)
    floats = torch.from_numpy(picture).permute(0, 3, 1, 2).float() / 255
    assert torch.allclose(shrink(picture), shrink(floats))
    assert shrink(picture).shape == (1, 3, SIDE, SIDE)


def test_exported_folder_is_small_and_knows_its_world() -> None:
    folder: Path = Config().export
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= 40e6


def test_a_sheet_shows_every_picture_beside_the_others_of_its_name(tmp_path: Path) -> None:
    shades = torch.linspace(0, 1, 6)
    pictures = shades.view(6, 1, 1, 1).expand(6, 3, 32, 32)
    save_sheet(tmp_path / "made" / "sheet.png", pictures, ["first", "second", "third"], names_in_a_row=2)
    with Image.open(tmp_path / "made" / "sheet.png") as sheet:
        flat = np.asarray(sheet)
    levels = (shades.numpy() * 255).round().astype(int)
    order = [flat[y, x] for y in (80, 230) for x in (60, 190, 330, 460)]
    assert [tuple(pixel) for pixel in order[:6]] == [(level,) * 3 for level in levels]
    assert tuple(order[6]) == tuple(order[7]) == (255, 255, 255), "no fourth name"


def test_edges_are_counted_in_both_directions() -> None:
    stripes = torch.zeros(1, 3, 8, 8)
    stripes[..., ::2] = 1
    assert strength_of_edges(stripes) == pytest.approx(1.0)
    assert strength_of_edges(stripes.transpose(2, 3)) == pytest.approx(1.0)
    assert strength_of_edges(torch.full((1, 3, 8, 8), 0.3)) == 0.0
