"""Where networks learn, how exactly they count there, and the random numbers of one step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from training.config import Config

_SLOW_IN_BFLOAT16: tuple[Callable[..., Tensor], ...] = (F.group_norm, F.scaled_dot_product_attention)


def choose_device(name: str) -> torch.device:
    """A device from its name; "auto" takes a GPU if there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def is_mixed(config: Config, device: torch.device) -> bool:
    """Whether networks are called in bfloat16: as the run says, or where the device computes it faster."""
    if config.mixed is not None:
        return config.mixed
    return device.type == "cuda" or bool(torch.cpu.get_capabilities().get("avx512_bf16"))


@contextmanager
def calling(config: Config, device: torch.device) -> Iterator[None]:
    """Networks called inside count in bfloat16 where the run is mixed; their weights stay in float32."""
    mixed = is_mixed(config, device)
    with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
        if mixed and device.type == "cpu":
            with _SlowOnesInFloat32():
                yield
        else:
            yield


class _SlowOnesInFloat32(TorchFunctionMode):
    """Group norm and attention in float32: on a processor their gradients take seven and three times as long in
    bfloat16, which costs all that convolutions win."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func not in _SLOW_IN_BFLOAT16:
            return func(*args, **kwargs)
        with torch.autocast("cpu", enabled=False):
            result = func(*(_in_float32(each) for each in args), **{k: _in_float32(v) for k, v in kwargs.items()})
        return result.to(args[0].dtype)


def _in_float32(value: Any) -> Any:
    return value.float() if isinstance(value, Tensor) and value.is_floating_point() else value


def step_numbers(device: torch.device, seed: int, step: int, rank: int) -> torch.Generator:
    """The random numbers of one worker's step, drawn on the device: a resumed run draws the same ones."""
    return torch.Generator(device).manual_seed(seed * 1_000_003 + step * 64 + rank)
