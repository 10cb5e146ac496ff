"""Train the autoencoder on crops of scenes and of leaf piles, then its decoder alone."""

import copy
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny
from torch import Tensor

from training.budget import Budget
from training.checkpoints import load_checkpoint, save_checkpoint, save_folder
from training.config import Config, CropsConfig
from training.device import calling, choose_device, step_numbers
from training.render import render_numbered
from training.textures import leaf_pile
from training.vae import build_vae, deepen
from training.workers import Team

_REPORT_EVERY = 100
_REPORTED_ON = 8  # of the held-out scenes: all of them take as long as fifty steps
_SAVE_EVERY = 200
KNOWN = "known"  # folder in the work folder


class Crops:
    """Random crops of all scenes that exist and of a pool of leaf piles, cut out on one device."""

    def __init__(self, folder: Path, config: CropsConfig, device: torch.device) -> None:
        chunks = [np.load(path) for path in sorted(folder.glob("scenes_*.npy"))]
        self._scenes = torch.from_numpy(np.concatenate(chunks)).to(device)
        pool = np.random.default_rng([config.seed, 99])
        self._piles = torch.from_numpy(np.stack([leaf_pile(pool, 256) for _ in range(config.piles)])).to(device)
        self._pile_share = config.photo_like_share
        self._device = device

    def batch(self, numbers: torch.Generator, count: int, side: int) -> Tensor:
        """Crops of shape (count, 3, side, side), -1 to 1, some with a grey area as in masked pictures.

        A function of the generator's state alone; the generator is the device's.
        """
        sources = torch.where(
            self._chosen(numbers, count, self._pile_share)[:, None, None, None],
            self._piles[self._below(numbers, len(self._piles), count)],
            self._scenes[self._below(numbers, len(self._scenes), count)],
        )
        rows = torch.arange(side, device=self._device)
        y, x = (self._below(numbers, 257 - side, count) for _ in range(2))
        place = torch.arange(count, device=self._device)[:, None, None]
        crops = sources[place, (y[:, None] + rows)[:, :, None], (x[:, None] + rows)[:, None, :]]
        crops = torch.where(self._chosen(numbers, count, 0.5)[:, None, None, None], crops.flip(2), crops)
        order = torch.rand(count, 3, generator=numbers, device=self._device).argsort(1)
        swapped = crops.gather(3, order[:, None, None, :].expand(-1, side, side, -1))
        crops = torch.where(self._chosen(numbers, count, 0.08)[:, None, None, None], swapped, crops)
        batch = crops.permute(0, 3, 1, 2).float() / 127.5 - 1
        cy, cx, radius = (self._below(numbers, side - side // 6, count) + side // 6 for _ in range(3))
        away = (rows[:, None] - cy[:, None, None]) ** 2 + (rows[None] - cx[:, None, None]) ** 2
        disc = (away < radius[:, None, None] ** 2) == self._chosen(numbers, count, 0.5)[:, None, None]
        grey = disc & self._chosen(numbers, count, 0.18)[:, None, None]
        return torch.where(grey[:, None], 0.0, batch).contiguous(memory_format=torch.channels_last)

    def _below(self, numbers: torch.Generator, end: int, count: int) -> Tensor:
        return torch.randint(end, (count,), generator=numbers, device=self._device)

    def _chosen(self, numbers: torch.Generator, count: int, share: float) -> Tensor:
        return torch.rand(count, generator=numbers, device=self._device) < share


def _differences(x: Tensor) -> tuple[Tensor, Tensor]:
    return x[..., 1:] - x[..., :-1], x[..., 1:, :] - x[..., :-1, :]


def reconstruction_loss(result: Tensor, target: Tensor) -> Tensor:
    """Squared and absolute error of the colours, and squared error of their differences (edges)."""
    edges = sum(F.mse_loss(a, b) for a, b in zip(_differences(result), _differences(target), strict=True))
    return 4 * F.mse_loss(result, target) + 0.3 * F.l1_loss(result, target) + 4 * edges


def contrast_loss(result: Tensor, target: Tensor) -> Tensor:
    """How far the strength of edges and grain in each 8 x 8 window is from the target's, wherever in it they lie.

    Squared error alone blurs whatever it cannot place to the pixel; this asks for as much of it as there was.
    """
    return sum(
        (_strength(a) - _strength(b)).abs().mean()
        for a, b in zip(_differences(result), _differences(target), strict=True)
    )


def _strength(differences: Tensor) -> Tensor:
    return (F.avg_pool2d(differences.pow(2), 8, 4) + 1e-4).sqrt()


def psnr(a: Tensor, b: Tensor) -> float:
    """Peak signal to noise ratio of pictures in -1 to 1, in dB."""
    return float(-10 * torch.log10(((a.clamp(-1, 1) - b) / 2).pow(2).mean()))


@torch.no_grad()
def measure(vae: AutoencoderTiny, pictures: Tensor) -> float:
    """PSNR of pictures after encoding and decoding."""
    parts = [vae.decode(vae.encode(part).latents).sample for part in pictures.split(8)]
    return psnr(torch.cat(parts), pictures)


def held_out_scenes(config: Config) -> Tensor:
    """Scenes that no stage learns from, -1 to 1, of shape (n, 3, 256, 256)."""
    render = config.render
    scenes = np.stack([render_numbered(render.held_out_seed, number)[0] for number in range(render.held_out)])
    return torch.from_numpy(scenes).permute(0, 3, 1, 2).float() / 127.5 - 1


@dataclass(frozen=True)
class Lesson:
    """What a stage teaches an autoencoder.

    Parameters
    ----------
    name : str
        Of the result in the work folder; the checkpoint lies beside it.
    settings : CropsConfig
        Budget, crops and rate.
    vae : AutoencoderTiny
        As it starts.
    learners : list of Parameter
        What of it learns.
    loss : callable
        Of the autoencoder, a batch, the share of the budget that is used, the step's numbers, and the run.
    """

    name: str
    settings: CropsConfig
    vae: AutoencoderTiny
    learners: list[torch.nn.Parameter]
    loss: Callable[[AutoencoderTiny, Tensor, float, torch.Generator, Config], Tensor]


def _vae_loss(
    vae: AutoencoderTiny,
    batch: Tensor,
    share: float,
    numbers: torch.Generator,
    config: Config,
    known: AutoencoderTiny | None,
) -> Tensor:
    device, settings = batch.device, config.vae
    with calling(config, device):
        latents = vae.encode(batch).latents
    latents = latents.float()
    # Neither scale nor mean may run away, since diffusion adds noise of strength one.
    spread = (latents.mean((0, 2, 3)).pow(2) + (latents.pow(2).mean((0, 2, 3)) - 1).clamp(min=0)).mean()
    penalty = 1e-2 * spread
    if known is not None:
        with calling(config, device), torch.no_grad():
            there = known.encode(batch).latents.float()
        penalty = penalty + settings.known_weight * F.mse_loss(latents, there)
    noisy, target = _with_noise(latents, settings.noise, numbers), batch
    # Drawn on the processor, so that a GPU need not be waited for.
    is_pooled = np.random.default_rng(numbers.initial_seed()).random() < 0.2
    if 0.15 < share < 0.9 and is_pooled:
        # Latents that can be averaged make the UNet's stage at half the side meaningful (EQ-VAE, 2025).
        noisy, target = F.avg_pool2d(noisy, 2), F.avg_pool2d(batch, 2)
    with calling(config, device):
        result = vae.decode(noisy).sample
    return reconstruction_loss(result.float(), target) + penalty


def _with_noise(latents: Tensor, strongest: float, numbers: torch.Generator) -> Tensor:
    strength = strongest * torch.rand(len(latents), 1, 1, 1, generator=numbers, device=latents.device)
    return latents + strength * torch.randn(latents.shape, generator=numbers, device=latents.device)


def _decoder_loss(
    vae: AutoencoderTiny, batch: Tensor, share: float, numbers: torch.Generator, config: Config
) -> Tensor:
    device = batch.device
    with calling(config, device), torch.no_grad():
        latents = vae.encode(batch).latents.float()
    noisy = _with_noise(latents, config.decoder.noise, numbers)
    with calling(config, device):
        result = vae.decode(noisy).sample
    result = result.float()
    return reconstruction_loss(result, batch) + config.decoder.contrast_weight * contrast_loss(result, batch)


def train_vae(team: Team, config: Config, report: Callable[[str], None] = print, stop_after: int | None = None) -> None:
    """Train the autoencoder to the end of its budget, and save the averaged weights to ``work/vae``; see `teach`.

    Where ``work/known`` holds one whose latents a UNet knows already, that one learns on, near its latents.
    """
    settings, folder, known = config.vae, config.work / KNOWN, None
    if folder.exists():
        known = AutoencoderTiny.from_pretrained(folder).requires_grad_(False)
        vae = deepen(
            known,
            seed=settings.seed,
            encoder_blocks=settings.encoder_blocks,
            decoder_blocks=settings.decoder_blocks,
        )
        known.to(choose_device(config.device), memory_format=torch.channels_last)
    else:
        vae = build_vae(settings)
    loss = functools.partial(_vae_loss, known=known)
    teach(team, config, Lesson("vae", settings, vae, list(vae.parameters()), loss), report, stop_after)


def train_decoder(
    team: Team, config: Config, report: Callable[[str], None] = print, stop_after: int | None = None
) -> None:
    """Deepen the decoder of ``work/vae`` and train it alone, to ``work/decoder``, encoder included; see `teach`."""
    settings = config.decoder
    first = AutoencoderTiny.from_pretrained(config.work / "vae")
    vae = deepen(first, seed=settings.seed, decoder_blocks=settings.blocks)
    vae.encoder.requires_grad_(False)
    lesson = Lesson("decoder", settings, vae, list(vae.decoder.parameters()), _decoder_loss)
    teach(team, config, lesson, report, stop_after)


def teach(
    team: Team, config: Config, lesson: Lesson, report: Callable[[str], None] = print, stop_after: int | None = None
) -> None:
    """Train from the last checkpoint to the end of the budget, and save the autoencoder with averaged weights.

    Parameters
    ----------
    stop_after
        Step at which to leave early, with a checkpoint.
    """
    settings, checkpoint, device = lesson.settings, config.work / f"{lesson.name}.pt", choose_device(config.device)
    vae, learners = lesson.vae.to(device, memory_format=torch.channels_last), lesson.learners
    average = copy.deepcopy(vae).requires_grad_(False)
    optimizer = torch.optim.AdamW(
        learners, lr=settings.learning_rate, betas=(0.9, 0.98), weight_decay=1e-3, foreach=True
    )
    crops = Crops(config.work / "scenes", settings, device)
    held_out = held_out_scenes(config).to(device, memory_format=torch.channels_last) if team.leads else None
    step, spent = 0, 0.0
    if state := load_checkpoint(checkpoint):
        vae.load_state_dict(state["vae"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        step, spent = int(state["step"]), state.get("spent", 0.0)
    # Only now, since its time runs: what was prepared before is no learning.
    budget = Budget(steps=settings.steps, seconds=settings.seconds, step=step, spent=spent)

    def save() -> None:
        networks = {"vae": vae.state_dict(), "average": average.state_dict(), "optimizer": optimizer.state_dict()}
        save_checkpoint(checkpoint, {**networks, "step": budget.step, "spent": budget.seconds_spent})

    while (share := budget.share(team)) < 1:
        if budget.step == stop_after:
            save()
            return
        side, count = next((s, c) for until, s, c in settings.batches if share < until)
        numbers = step_numbers(device, settings.seed, budget.step, team.rank)
        warm = min(1, (budget.step + 1) / 60)
        for group in optimizer.param_groups:
            group["lr"] = float(settings.learning_rate * warm * (0.485 * (1 + np.cos(np.pi * share)) + 0.03))
        loss = lesson.loss(vae, crops.batch(numbers, count, side), share, numbers, config)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        team.average_gradients(learners)
        torch.nn.utils.clip_grad_norm_(learners, 1.0)
        optimizer.step()
        decay = min(0.995, (budget.step + 1) / (budget.step + 11))
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(vae.parameters()), 1 - decay)
        budget.step += 1
        if held_out is not None and budget.step % _REPORT_EVERY == 0:
            quality, left = measure(average, held_out[:_REPORTED_ON]), budget.minutes_left(share)
            report(f"{lesson.name}: step {budget.step}, {share:.0%}, {quality:.2f} dB, {left:.0f} min left")
        if team.leads and budget.step % _SAVE_EVERY == 0:
            save()
    if held_out is not None:
        report(f"{lesson.name}: {measure(average, held_out):.2f} dB on scenes that it has not seen")
        save_folder(config.work / lesson.name, average.to("cpu"))
        # With a checkpoint at the end of its budget, a stage whose result is deleted would end at once.
        checkpoint.unlink(missing_ok=True)
