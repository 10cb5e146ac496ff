"""Train text encoder and UNet together on cached latents."""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextModel

from training.batches import Batch, Samples
from training.checkpoints import load_checkpoint, save_checkpoint
from training.config import Config, UnetConfig
from training.unet import build_scheduler, build_unet
from training.workers import Team

_REPORT_EVERY = 50
_LAST_TIMESTEP = 999


@dataclass(frozen=True)
class Plan:
    """How many steps of which batch a run has."""

    low_steps: int
    high_steps: int
    low_batch: int
    high_batch: int

    @classmethod
    def of(cls, settings: UnetConfig, cuda: bool) -> "Plan":
        """Turn sample budgets into steps."""
        low, high = (settings.cuda_batch,) * 2 if cuda else (settings.low_batch, settings.batch)
        return cls(settings.low_samples // low, settings.samples // high, low, high)

    @property
    def steps(self) -> int:
        """Steps in all."""
        return self.low_steps + self.high_steps

    def batch(self, step: int) -> int:
        """Batch of a step over all workers."""
        return self.low_batch if step < self.low_steps else self.high_batch


def learning_rate(settings: UnetConfig, plan: Plan, step: int) -> float:
    """Warm-up, plateau, half cosine: both resolutions share the curve."""
    warm = min(1.0, (step + 1) / settings.warmup_steps)
    if plan.low_steps <= step < plan.low_steps + settings.warmup_steps:
        warm = (step - plan.low_steps + 1) / settings.warmup_steps
    left = min(1.0, (1 - step / plan.steps) / settings.decay_share)
    return float(settings.learning_rate * warm * (0.5 * (1 - np.cos(np.pi * left)) * 0.98 + 0.02))


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
        self._optimizer.load_state_dict(state["optimizer"])
        self.step = int(state["step"])


def diffusion_loss(
    student: Student, batch: Batch, alphas: Tensor, settings: UnetConfig, generator: torch.Generator
) -> Tensor:
    """Weighted squared error of the predicted velocity (Salimans and Ho, 2022) at random timesteps.

    Random numbers are drawn on the CPU, so that a run on a GPU sees the same ones.
    """
    count = len(batch.target)
    timesteps = torch.randint(0, _LAST_TIMESTEP + 1, (count,), generator=generator)
    last = torch.rand(count, generator=generator) < settings.pure_noise_share
    timesteps = torch.where(last, _LAST_TIMESTEP, timesteps)
    noise = torch.randn(batch.target.shape, generator=generator)
    alpha = alphas[timesteps][:, None, None, None]
    batch, noise, alpha, timesteps = (
        batch.to(student.device),
        noise.to(student.device),
        alpha.to(student.device),
        timesteps.to(student.device),
    )
    noisy = alpha.sqrt() * batch.target + (1 - alpha).sqrt() * noise
    velocity = alpha.sqrt() * noise - (1 - alpha).sqrt() * batch.target
    inputs = torch.cat([noisy, batch.mask, batch.subject], 1).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cuda", torch.bfloat16, enabled=student.device.type == "cuda"):
        words = student.text(batch.ids).last_hidden_state
        predicted = student.unet(inputs, timesteps, words).sample
    weight = batch.painted + settings.kept_weight * (1 - batch.painted)
    return ((predicted.float() - velocity) ** 2 * weight).mean() / weight.mean()


def choose_device(name: str) -> torch.device:
    """A device from its name; "auto" takes a GPU if there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def checkpoint_path(work: Path) -> Path:
    """Where the training state lies."""
    return work / "unet.pt"


def train_unet(
    team: Team, config: Config, report: Callable[[str], None] = print, stop_after: int | None = None
) -> None:
    """Train from the last checkpoint to the end of the sample budget.

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
    settings, samples, student = config.unet, Samples(config), Student(config, device)
    plan = Plan.of(settings, device.type == "cuda")
    state = load_checkpoint(checkpoint_path(config.work))
    if state:
        student.restore(state)
    alphas = build_scheduler().alphas_cumprod
    end = min(plan.steps, stop_after or plan.steps)
    began, saved, recent = time.monotonic(), time.monotonic(), []
    if team.leads:
        report(f"unet: step {student.step} of {plan.steps} on {device}")
    while student.step < end:
        step = student.step
        low = step < plan.low_steps
        seed = (settings.seed, step, team.rank)
        batch = samples.batch(seed, plan.batch(step) // team.size)
        generator = torch.Generator().manual_seed(settings.seed * 1_000_003 + step * 64 + team.rank)
        loss = diffusion_loss(student, batch.pooled() if low else batch, alphas, settings, generator)
        student.learn(loss, learning_rate(settings, plan, step), team)
        if not team.leads:
            continue
        recent.append(loss.item())
        if student.step % _REPORT_EVERY == 0 or student.step in (10, plan.low_steps + 10):
            seconds = time.monotonic() - began
            report(
                _progress(student.step, plan, float(np.mean(recent)), seconds, first=int(state["step"]) if state else 0)
            )
            recent.clear()
        if time.monotonic() - saved > settings.checkpoint_seconds:
            save_checkpoint(checkpoint_path(config.work), student.state())
            saved = time.monotonic()
    if team.leads:
        save_checkpoint(checkpoint_path(config.work), student.state())


def _progress(step: int, plan: Plan, loss: float, seconds: float, first: int) -> str:
    """Progress line; a step at 32 x 32 takes about as long as two at 16 x 16 with their larger batch."""

    def cost(count: int) -> float:
        return min(count, plan.low_steps) + 2.0 * max(0, count - plan.low_steps)

    left = seconds / max(1e-9, cost(step) - cost(first)) * (cost(plan.steps) - cost(step)) / 60
    side = 16 if step <= plan.low_steps else 32
    return f"unet: step {step} of {plan.steps} at {side} x {side}, loss {loss:.4f}, {left:.0f} min left"
