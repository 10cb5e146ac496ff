"""Where networks learn, how exactly they count there, and the random numbers of one step."""

from contextlib import AbstractContextManager

import torch

from training.config import Config


def choose_device(name: str) -> torch.device:
    """A device from its name; "auto" takes a GPU if there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def calling(config: Config, device: torch.device) -> AbstractContextManager[None]:
    """Networks called inside count in bfloat16 where the run is mixed; their weights stay in float32."""
    mixed = device.type == "cuda" if config.mixed is None else config.mixed
    return torch.autocast(device.type, torch.bfloat16, enabled=mixed)


def step_numbers(device: torch.device, seed: int, step: int, rank: int) -> torch.Generator:
    """The random numbers of one worker's step, drawn on the device: a resumed run draws the same ones."""
    return torch.Generator(device).manual_seed(seed * 1_000_003 + step * 64 + rank)
