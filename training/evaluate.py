"""Examine a demo model: are the prompted things there, in structure and in colour, and is the subject kept?"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import DDIMScheduler, StableDiffusionInpaintPipeline
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from training.config import Config
from training.contact_sheet import save_sheet
from training.exam import OBEDIENCE, PARAPHRASES, PLAIN, SHARED_KINDS, Question
from training.judge import Jury
from training.people import draw_foreground
from training.scenes.registry import KINDS

_BATCH = 16


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How pictures are sampled."""

    steps: int = 20
    guidance: float = 3.0


@dataclass(frozen=True)
class Subject:
    """A picture (256, 256, 3), 8 bits, and a mask (256, 256), 1 where it is repainted."""

    picture: NDArray[np.uint8]
    mask: NDArray[np.float32]


def nobody() -> Subject:
    """Nothing to keep."""
    return Subject(np.full((256, 256, 3), 127, np.uint8), np.ones((256, 256), np.float32))


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
        (n, 3, 256, 256), 0 to 1, before any compositing.
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
    vae, scale = pipeline.vae, pipeline.vae.config.scaling_factor
    masks = torch.from_numpy(np.stack([s.mask for s in subjects]))[:, None]
    pictures = torch.from_numpy(np.stack([s.picture for s in subjects])).permute(0, 3, 1, 2).float() / 127.5 - 1
    kept = vae.encode(pictures * (masks < 0.5)).latents * scale
    conditions = torch.cat([masks[:, :, ::8, ::8], kept], 1)
    scheduler = DDIMScheduler.from_config(pipeline.scheduler.config)
    scheduler.set_timesteps(setting.steps)
    latents = torch.stack([torch.randn(4, 32, 32, generator=torch.Generator().manual_seed(seed)) for seed in seeds])
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


class Examination:
    """Asks one model everything and keeps the figures."""

    def __init__(self, pipeline: StableDiffusionInpaintPipeline, config: Config, kinds: Sequence[str] = KINDS) -> None:
        self._pipeline, self._kinds = pipeline, tuple(kinds)
        self._jury = Jury(config)

    def _shares(self, questions: Sequence[Question], seeds: int, setting: Setting) -> dict[str, float]:
        asked = [(q, seed) for q in questions for seed in range(seeds)]
        subjects = [nobody() if seed % 2 == 0 else somebody(seed) for _, seed in asked]
        pictures = sample(self._pipeline, [q.prompt for q, _ in asked], [seed for _, seed in asked], subjects, setting)
        seen = self._jury.look(pictures, self._kinds)
        right = {
            "kind": [name == q.kind for name, (q, _) in zip(seen.kinds, asked, strict=True)],
            "luminance": [name == q.kind for name, (q, _) in zip(seen.kinds_by_luminance, asked, strict=True)],
            "word": [
                (q.time is None or q.time == hour) and (q.colour is None or q.colour == colour)
                for hour, colour, (q, _) in zip(seen.times, seen.colours, asked, strict=True)
                if q.time or q.colour
            ],
        }
        self.misses = [f"{q.prompt}: {name}" for name, (q, _) in zip(seen.kinds, asked, strict=True) if name != q.kind]
        self.disobedient = [
            f"{q.prompt}: {hour}, {colour}"
            for hour, colour, (q, _) in zip(seen.times, seen.colours, asked, strict=True)
            if (q.time and q.time != hour) or (q.colour and q.colour != colour)
        ]
        return {name: float(np.mean(values)) for name, values in right.items() if values}

    def plain(self, seeds: int = 12, setting: Setting | None = None) -> dict[str, float]:
        """Plain prompts of every kind."""
        return self._shares([Question(PLAIN[kind], kind) for kind in self._kinds], seeds, setting or Setting())

    def paraphrases(self, seeds: int = 4, setting: Setting | None = None) -> dict[str, float]:
        """Prompts in other people's words."""
        return self._shares([q for q in PARAPHRASES if q.kind in self._kinds], seeds, setting or Setting())

    def obedience(self, seeds: int = 4, setting: Setting | None = None) -> dict[str, float]:
        """Prompts with a colour or a time of day."""
        return self._shares([q for q in OBEDIENCE if q.kind in self._kinds], seeds, setting or Setting())

    def diversity(self, seeds: int = 6) -> float:
        """Mean absolute pixel distance (0 to 1) between seeds of the same prompt."""
        prompts = [PLAIN[kind] for kind in self._kinds]
        distances = []
        for prompt in prompts:
            pictures = sample(self._pipeline, [prompt] * seeds, range(seeds), [nobody()] * seeds, Setting())
            pairs = [(i, j) for i in range(seeds) for j in range(i)]
            distances.append(np.mean([float((pictures[i] - pictures[j]).abs().mean()) for i, j in pairs]))
        return float(np.mean(distances))

    def kept_region(self, photos: Path, masks: Path, count: int = 16) -> float:
        """Mean PSNR in dB of the subject's pixels in the raw output, over photos with masks (white = subject)."""
        values = []
        for path in sorted(photos.glob("*"))[:count]:
            mask_path = next(iter(masks.glob(f"{path.stem}.*")), None)
            if mask_path is None:
                continue
            picture = np.asarray(Image.open(path).convert("RGB").resize((256, 256), Image.Resampling.LANCZOS))
            person = np.asarray(Image.open(mask_path).convert("L").resize((256, 256), Image.Resampling.NEAREST)) > 127
            subject = Subject(picture, (~person).astype(np.float32))
            out = sample(self._pipeline, ["a beach"], [0], [subject], Setting())[0].permute(1, 2, 0).numpy()
            # A ring as wide as one latent cell belongs to both, so the inner part is what must be kept.
            inner = _shrunk(person, 9)
            if inner.sum() > 200:
                error = np.mean((out[inner] - picture[inner] / 255) ** 2)
                values.append(-10 * np.log10(error))
        return float(np.mean(values))

    def seconds_per_picture(self) -> float:
        """Wall time of one picture through the pipeline itself at 20 steps with guidance, best of three."""
        times = []
        blank, mask = Image.new("RGB", (256, 256), "gray"), Image.new("L", (256, 256), 255)
        for seed in range(3):
            began = time.perf_counter()
            self._pipeline(
                prompt="a beach",
                image=blank,
                mask_image=mask,
                height=256,
                width=256,
                num_inference_steps=20,
                guidance_scale=3.0,
                generator=torch.Generator().manual_seed(seed),
            )
            times.append(time.perf_counter() - began)
        return min(times)

    def sheet(self, path: Path, setting: Setting | None = None, columns: int = 6) -> None:
        """Save a contact sheet: a row for each kind, every other picture with a figure to keep."""
        prompts = [PLAIN[kind] for kind in self._kinds for _ in range(columns)]
        seeds = [column for _ in self._kinds for column in range(columns)]
        subjects = [nobody() if seed % 2 == 0 else somebody(seed) for seed in seeds]
        pictures = sample(self._pipeline, prompts, seeds, subjects, setting or Setting())
        save_sheet(path, list((pictures.permute(0, 2, 3, 1).numpy() * 255).astype(np.uint8)), columns, 192)


def _shrunk(mask: NDArray[np.bool_], pixels: int) -> NDArray[np.bool_]:
    grown = torch.nn.functional.max_pool2d(torch.from_numpy(~mask)[None, None].float(), 2 * pixels + 1, 1, pixels)
    return grown[0, 0].numpy() < 0.5


def examine(
    folder: Path, config: Config, kinds: Sequence[str] = KINDS, photos: Path | None = None
) -> dict[str, object]:
    """Everything that `docs/demo-model.md` quotes, also written to ``work/figures.json``."""
    exam = Examination(load_pipeline(folder), config, kinds)
    shared = [kind for kind in SHARED_KINDS if kind in kinds]
    figures: dict[str, object] = {"plain": exam.plain(), "plain_misses": exam.misses}
    figures |= {"paraphrases": exam.paraphrases(), "paraphrase_misses": exam.misses}
    figures |= {"obedience": exam.obedience(), "disobedient": exam.disobedient}
    sixteen = Examination(load_pipeline(folder), config, shared)
    figures |= {"shared_plain": sixteen.plain(), "shared_paraphrases": sixteen.paraphrases()}
    figures |= {f"plain_{steps}_steps": exam.plain(4, Setting(steps=steps)) for steps in (4, 30)}
    figures |= {"plain_guidance_1": exam.plain(4, Setting(guidance=1.0)), "diversity": exam.diversity()}
    if photos is not None:
        figures["kept_region_db"] = exam.kept_region(photos / "images", photos / "masks")
    figures["seconds"] = exam.seconds_per_picture()
    (config.work / "figures.json").write_text(json.dumps(figures, indent=1))
    return figures
