"""Sample many pictures at once with a demo model, exactly as its pipeline samples one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import diffusers
import numpy as np
import torch
from diffusers import StableDiffusionInpaintPipeline
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from bgen_core.models.schedulers import get_scheduler
from training.people import draw_foreground
from training.scenes.canvas import USUAL_SIDE

_BATCH = 16


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How pictures are sampled."""

    steps: int = 20
    guidance: float = 3.0
    sampler: str = "ddim"
    """As the program names it."""
    side: int = USUAL_SIDE

    @property
    def named(self) -> str:
        """In words."""
        larger = f", {self.side} x {self.side}" if self.side != USUAL_SIDE else ""
        return f"{self.steps} steps of {self.sampler}, guidance {self.guidance}{larger}"


@dataclass(frozen=True)
class Subject:
    """A picture (side, side, 3), 8 bits, and a mask (side, side), 1 where it is repainted."""

    picture: NDArray[np.uint8]
    mask: NDArray[np.float32]

    def at(self, side: int) -> "Subject":
        """The same with another side."""
        if self.mask.shape[0] == side:
            return self
        picture = Image.fromarray(self.picture).resize((side, side), Image.Resampling.LANCZOS)
        mask = Image.fromarray(self.mask).resize((side, side), Image.Resampling.NEAREST)
        return Subject(np.asarray(picture), np.asarray(mask))


def nobody() -> Subject:
    """Nothing to keep."""
    return Subject(np.full((USUAL_SIDE, USUAL_SIDE, 3), 127, np.uint8), np.ones((USUAL_SIDE, USUAL_SIDE), np.float32))


def somebody(seed: int) -> Subject:
    """A procedural figure that training has not seen."""
    drawn = draw_foreground(np.random.default_rng([31_337, seed]))
    return Subject(drawn.picture, drawn.mask)


@torch.no_grad()
def sample(
    pipeline: StableDiffusionInpaintPipeline,
    prompts: Sequence[str],
    seeds: Sequence[int],
    subjects: Sequence[Subject],
    setting: Setting,
) -> Tensor:
    """Paint one picture for each prompt, as the pipeline itself would one at a time.

    Returns
    -------
    Tensor
        (n, 3, side, side) of the subjects' side, 0 to 1, before any compositing.
    """
    parts = [
        _sample_batch(pipeline, prompts[i : i + _BATCH], seeds[i : i + _BATCH], subjects[i : i + _BATCH], setting)
        for i in range(0, len(prompts), _BATCH)
    ]
    return torch.cat(parts)


def _sample_batch(
    pipeline: StableDiffusionInpaintPipeline,
    prompts: Sequence[str],
    seeds: Sequence[int],
    subjects: Sequence[Subject],
    setting: Setting,
) -> Tensor:
    vae, scale, factor = pipeline.vae, pipeline.vae.config.scaling_factor, pipeline.vae_scale_factor
    masks = torch.from_numpy(np.stack([s.mask for s in subjects]))[:, None]
    pictures = torch.from_numpy(np.stack([s.picture for s in subjects])).permute(0, 3, 1, 2).float() / 127.5 - 1
    kept = vae.encode(pictures * (masks < 0.5)).latents * scale
    conditions = torch.cat([masks[:, :, ::factor, ::factor], kept], 1)
    scheduler = getattr(diffusers, get_scheduler(setting.sampler).class_name).from_config(pipeline.scheduler.config)
    scheduler.set_timesteps(setting.steps)
    latents = torch.stack(
        [torch.randn(kept.shape[1:], generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    )
    guided = setting.guidance > 1
    texts = [*([""] * len(prompts) if guided else []), *prompts]
    ids = pipeline.tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids
    words = pipeline.text_encoder(ids).last_hidden_state
    for timestep in scheduler.timesteps:
        rows = torch.cat([latents, conditions], 1)
        predicted = pipeline.unet(torch.cat([rows, rows]) if guided else rows, timestep, words).sample
        if guided:
            free, prompted = predicted.chunk(2)
            predicted = free + setting.guidance * (prompted - free)
        latents = scheduler.step(predicted, timestep, latents).prev_sample
    return (
        torch.cat([vae.decode(latents[i : i + 1] / scale).sample for i in range(len(latents))])
        .div(2)
        .add(0.5)
        .clamp(0, 1)
    )


def load_pipeline(folder: Path) -> StableDiffusionInpaintPipeline:
    """A demo model's folder as a quiet float32 pipeline on the CPU."""
    pipeline = StableDiffusionInpaintPipeline.from_pretrained(folder, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    pipeline.unet.to(memory_format=torch.channels_last)
    pipeline.vae.to(memory_format=torch.channels_last)
    return pipeline
