"""Train text encoder and UNet together on cached latents."""

import copy
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextModel

from training.batches import Batch, Samples, choose_window
from training.budget import Budget
from training.checkpoints import load_checkpoint, save_checkpoint
from training.config import Config, UnetConfig
from training.device import calling, choose_device, step_numbers
from training.unet import build_scheduler, build_unet
from training.workers import Team

_REPORT_EVERY = 50
_LAST_TIMESTEP = 999


def learning_rate(settings: UnetConfig, share: float, step: int, switched: int | None) -> float:
    """Warm-up, plateau, half cosine: both resolutions share the curve.

    Parameters
    ----------
    share
        Share of the budget that is used.
    step, switched
        Steps done, and how many of them at the lower resolution, None while that lasts.
    """
    warm = min(1.0, (step - (switched or 0) + 1) / settings.warmup_steps)
    left = min(1.0, (1 - share) / settings.decay_share)
    return float(settings.learning_rate * warm * (0.5 * (1 - np.cos(np.pi * left)) * 0.98 + 0.02))


def low_steps(settings: UnetConfig) -> int:
    """Steps at the lower resolution that the budget of samples buys."""
    return settings.low_samples // settings.low_batch


def steps(settings: UnetConfig) -> int:
    """All steps that the budgets of samples buy."""
    return low_steps(settings) + settings.samples // settings.batch


def _low_share(settings: UnetConfig) -> float:
    return settings.low_share if settings.seconds is not None else low_steps(settings) / steps(settings)


def _sees_larger(settings: UnetConfig, step: int) -> bool:
    """Whether all workers see larger pictures in this step: on different sizes they would wait for each other."""
    return bool(np.random.default_rng([settings.seed, step]).random() < settings.larger_share)


class Student:
    """The networks that learn, their running averages, and the optimiser.

    State is all that a run needs to go on as if it had never stopped.
    """

    def __init__(self, config: Config, device: torch.device) -> None:
        self._settings = config.unet
        self.device = device
        unet = build_unet(config.unet, config.text)
        self.unet: UNet2DConditionModel = unet.to(device, memory_format=torch.channels_last)
        self.text: CLIPTextModel = CLIPTextModel.from_pretrained(config.work / "text_encoder", dtype=torch.float32).to(
            device
        )
        self.text.train()
        self.average_unet = copy.deepcopy(self.unet).requires_grad_(False)
        self.average_text = copy.deepcopy(self.text).requires_grad_(False)
        groups = [
            {"params": list(self.unet.parameters()), "factor": 1.0},
            {"params": list(self.text.parameters()), "factor": config.unet.text_learning_rate_factor},
        ]
        # Not fused: on the CPU that updates wrong elements of channels_last weights (torch 2.13).
        self._optimizer = torch.optim.AdamW(
            groups, lr=config.unet.learning_rate, betas=(0.9, 0.99), weight_decay=0.01, foreach=True
        )
        self.step = 0

    @property
    def parameters(self) -> list[torch.nn.Parameter]:
        """Everything that learns."""
        return [*self.unet.parameters(), *self.text.parameters()]

    def learn(self, loss: Tensor, rate: float, team: Team) -> None:
        """One optimiser step, and the averages after it."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self._optimizer.step()
        self.step += 1
        if self.step % self._settings.steps_between_agreements == 0:
            team.average_weights(self.parameters)
        keep = min(self._settings.ema, (self.step + 1) / (self.step + 15))
        averages = [*self.average_unet.parameters(), *self.average_text.parameters()]
        with torch.no_grad():
            torch._foreach_lerp_(averages, self.parameters, 1 - keep)

    def state(self) -> dict[str, Any]:
        """Everything, for a checkpoint."""
        networks = {name: getattr(self, name).state_dict() for name in ("unet", "text", "average_unet", "average_text")}
        return {**networks, "optimizer": self._optimizer.state_dict(), "step": self.step}

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a checkpoint."""
        for name in ("unet", "text", "average_unet", "average_text"):
            getattr(self, name).load_state_dict(state[name])
        if state["optimizer"] is not None:
            self._optimizer.load_state_dict(state["optimizer"])
        self.step = int(state["step"])


def diffusion_loss(student: Student, batch: Batch, alphas: Tensor, config: Config, numbers: torch.Generator) -> Tensor:
    """Weighted squared error of the predicted velocity (Salimans and Ho, 2022) at random timesteps.

    Everything lies on the student's device, the random numbers too.
    """
    count, device, settings = len(batch.target), student.device, config.unet
    timesteps = torch.randint(0, _LAST_TIMESTEP + 1, (count,), generator=numbers, device=device)
    last = torch.rand(count, generator=numbers, device=device) < settings.pure_noise_share
    timesteps = torch.where(last, _LAST_TIMESTEP, timesteps)
    noise = torch.randn(batch.target.shape, generator=numbers, device=device)
    alpha = alphas[timesteps][:, None, None, None]
    noisy = alpha.sqrt() * batch.target + (1 - alpha).sqrt() * noise
    velocity = alpha.sqrt() * noise - (1 - alpha).sqrt() * batch.target
    inputs = torch.cat([noisy, batch.mask, batch.subject], 1).contiguous(memory_format=torch.channels_last)
    with calling(config, device):
        words = student.text(batch.ids).last_hidden_state
        predicted = student.unet(inputs, timesteps, words).sample
    weight = batch.painted + settings.kept_weight * (1 - batch.painted)
    return ((predicted.float() - velocity) ** 2 * weight).mean() / weight.mean()


def checkpoint_path(work: Path) -> Path:
    """Where the training state lies."""
    return work / "unet.pt"


def is_trained(config: Config) -> bool:
    """Whether the budget is used up."""
    state = load_checkpoint(checkpoint_path(config.work))
    if state is None:
        return False
    if config.unet.seconds is not None:
        return float(state.get("spent", 0.0)) >= config.unet.seconds
    return int(state["step"]) >= steps(config.unet)


def train_unet(
    team: Team, config: Config, report: Callable[[str], None] = print, stop_after: int | None = None
) -> None:
    """Train from the last checkpoint to the end of the budget.

    Parameters
    ----------
    team : Team
        This process' place; each takes an equal part of a batch.
    config : Config
        The run.
    report : callable
        Where progress goes.
    stop_after : int, optional
        Step at which to leave early, with a checkpoint.
    """
    device = choose_device(config.device)
    settings, samples, student = config.unet, Samples(config, device), Student(config, device)
    larger = Samples(config.of_larger, device) if config.of_larger else None
    spent, switched = 0.0, None
    if state := load_checkpoint(checkpoint_path(config.work)):
        student.restore(state)
        spent, switched = state.get("spent", 0.0), state.get("switched")
    budget = Budget(steps=steps(settings), seconds=settings.seconds, step=student.step, spent=spent)
    alphas = build_scheduler().alphas_cumprod.to(device)
    saved, recent = time.monotonic(), []
    if team.leads:
        report(f"unet: step {student.step} on {device}")

    def save() -> None:
        state = {**student.state(), "spent": budget.seconds_spent, "switched": switched}
        save_checkpoint(checkpoint_path(config.work), state)

    while (share := budget.share(team)) < 1 and student.step != stop_after:
        low = share < _low_share(settings)
        if not low and switched is None:
            switched = student.step
        numbers = step_numbers(device, settings.seed, student.step, team.rank)
        if larger and not low and _sees_larger(settings, student.step):
            batch = larger.batch(numbers, settings.larger_batch // team.size)
        else:
            batch = samples.batch(numbers, (settings.low_batch if low else settings.batch) // team.size)
            batch = batch.pooled() if low else batch
        batch = batch.window(choose_window(settings, batch.target.shape[-1], student.step, team.rank))
        loss = diffusion_loss(student, batch, alphas, config, numbers)
        student.learn(loss, learning_rate(settings, share, student.step, switched), team)
        budget.step = student.step
        if not team.leads:
            continue
        recent.append(loss.detach())  # read at the report: until then the device need not be waited for
        if student.step % _REPORT_EVERY == 0:
            side, mean = max(batch.target.shape[-2:]), torch.stack(recent).mean().item()
            left = budget.minutes_left(share)
            report(f"unet: step {student.step}, {share:.0%}, at {side} x {side}, loss {mean:.4f}, {left:.0f} min left")
            recent.clear()
        if time.monotonic() - saved > settings.checkpoint_seconds:
            save()
            saved = time.monotonic()
    if team.leads:
        save()
