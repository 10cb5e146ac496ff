"""Train the autoencoder on crops of scenes and of leaf piles."""

import copy
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny
from numpy.typing import NDArray
from torch import Tensor

from training.checkpoints import load_checkpoint, save_checkpoint
from training.config import Config, VaeConfig
from training.textures import leaf_pile
from training.vae import build_vae
from training.workers import Team

_REPORT_EVERY = 100
_SAVE_EVERY = 200


class Crops:
    """Random crops from all chunks that exist, and from a pool of leaf piles."""

    def __init__(self, folder: Path, config: VaeConfig) -> None:
        self._chunks = [np.load(path, mmap_mode="r") for path in sorted(folder.glob("scenes_*.npy"))]
        pool = np.random.default_rng([config.seed, 99])
        self._piles = [leaf_pile(pool, 256) for _ in range(300)]
        self._pile_share = config.photo_like_share

    def _source(self, rng: np.random.Generator) -> NDArray[np.uint8]:
        if rng.random() < self._pile_share:
            return self._piles[int(rng.integers(len(self._piles)))]
        chunk = self._chunks[int(rng.integers(len(self._chunks)))]
        return chunk[int(rng.integers(len(chunk)))]

    def batch(self, rng: np.random.Generator, count: int, side: int) -> Tensor:
        """Crops of shape (count, 3, side, side), -1 to 1, some with a grey area as in masked pictures."""
        crops = []
        for _ in range(count):
            picture = self._source(rng)
            y, x = rng.integers(0, 257 - side, 2)
            crop = picture[y : y + side, x : x + side]
            crop = crop[:, ::-1] if rng.random() < 0.5 else crop
            crops.append(crop[..., rng.permutation(3)] if rng.random() < 0.08 else crop)
        batch = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 127.5 - 1
        rows = torch.arange(side)
        for i in range(count):
            if rng.random() < 0.18:
                cy, cx, radius = (int(v) for v in rng.integers(side // 6, side, 3))
                disc = (rows[:, None] - cy) ** 2 + (rows[None] - cx) ** 2 < radius**2
                batch[i] = torch.where(disc == (rng.random() < 0.5), 0.0, batch[i])
        return batch.contiguous(memory_format=torch.channels_last)


def _differences(x: Tensor) -> tuple[Tensor, Tensor]:
    return x[..., 1:] - x[..., :-1], x[..., 1:, :] - x[..., :-1, :]


def reconstruction_loss(result: Tensor, target: Tensor) -> Tensor:
    """Squared and absolute error of the colours, and squared error of their differences (edges)."""
    edges = sum(F.mse_loss(a, b) for a, b in zip(_differences(result), _differences(target), strict=True))
    return 4 * F.mse_loss(result, target) + 0.3 * F.l1_loss(result, target) + 4 * edges


def psnr(a: Tensor, b: Tensor) -> float:
    """Peak signal to noise ratio of pictures in -1 to 1, in dB."""
    return float(-10 * torch.log10(((a.clamp(-1, 1) - b) / 2).pow(2).mean()))


@torch.no_grad()
def measure(vae: AutoencoderTiny, pictures: Tensor) -> float:
    """PSNR of pictures after encoding and decoding."""
    return psnr(vae.decode(vae.encode(pictures).latents).sample, pictures)


def _step_loss(vae: AutoencoderTiny, batch: Tensor, share: float, rng: np.random.Generator) -> Tensor:
    latents = vae.encode(batch).latents
    # Neither scale nor mean may run away, since diffusion adds noise of strength one.
    spread = (latents.mean((0, 2, 3)).pow(2) + (latents.pow(2).mean((0, 2, 3)) - 1).clamp(min=0)).mean()
    noisy = latents + (0.05 if share < 0.3 else 0.1) * torch.randn_like(latents)
    target = batch
    if 0.15 < share < 0.9 and rng.random() < 0.2:
        # Latents that can be averaged make the UNet's 16 x 16 stage meaningful (EQ-VAE, 2025).
        noisy, target = F.avg_pool2d(noisy, 2), F.avg_pool2d(batch, 2)
    return reconstruction_loss(vae.decode(noisy).sample, target) + 1e-2 * spread


def train_vae(team: Team, config: Config, report: Callable[[str], None] = print) -> None:
    """Train from the last checkpoint to the end and save the averaged weights to ``work/vae``."""
    settings, checkpoint = config.vae, config.work / "vae.pt"
    vae = build_vae(settings).to(memory_format=torch.channels_last)
    average = copy.deepcopy(vae).requires_grad_(False)
    optimizer = torch.optim.AdamW(
        vae.parameters(), lr=settings.learning_rate, betas=(0.9, 0.98), weight_decay=1e-3, foreach=True
    )
    first, state = 0, load_checkpoint(checkpoint)
    if state:
        vae.load_state_dict(state["vae"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        first = int(state["step"])
    crops = Crops(config.work / "scenes", settings)
    held_out = crops.batch(np.random.default_rng(5), 16, 160)
    if team.leads:
        report(f"autoencoder: from step {first}, {measure(average, held_out):.1f} dB")
    began = time.monotonic()
    for step in range(first, settings.steps):
        share = step / settings.steps
        side, count = next((s, c) for until, s, c in settings.batches if share < until)
        rng = np.random.default_rng([settings.seed, step, team.rank])
        torch.manual_seed(settings.seed * 1_000_003 + step * 16 + team.rank)
        rate = settings.learning_rate * min(1, (step + 1) / 60) * (0.485 * (1 + np.cos(np.pi * share)) + 0.03)
        for group in optimizer.param_groups:
            group["lr"] = float(rate)
        loss = _step_loss(vae, crops.batch(rng, count, side), share, rng)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        team.average_gradients(vae.parameters())
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimizer.step()
        decay = min(0.995, (step + 1) / (step + 11))
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(vae.parameters()), 1 - decay)
        done = step + 1
        if team.leads and done % _REPORT_EVERY == 0:
            left = (time.monotonic() - began) / (done - first) * (settings.steps - done) / 60
            quality = measure(average, held_out)
            report(f"autoencoder: step {done} of {settings.steps}, {quality:.2f} dB, {left:.0f} min left")
        if team.leads and done % _SAVE_EVERY == 0 and done < settings.steps:
            save_checkpoint(
                checkpoint,
                {
                    "vae": vae.state_dict(),
                    "average": average.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "step": done,
                },
            )
    if team.leads:
        average.save_pretrained(config.work / "vae")
